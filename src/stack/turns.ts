// Work comes in turns: a batch of packets, a deadline, or calls of the user. At the end of a turn the users are told what
// happened, what may be sent is sent, the packets leave together, and the one host timer is set.

import type { Host, HostTimer } from '../host.ts'
import { empty } from '../lists.ts'
import { Event, type Tcb } from '../tcp/tcb.ts'
import type { Connection } from './connection.ts'

/** What a turn asks of the stack. */
export interface TurnWork {
  /** The link's queue is full: nobody makes new packets until it is writable. */
  readonly isHeldBack: boolean
  /** Sends what the connection may send now. */
  run(tcb: Tcb): void
  /** Packets that were made leave. */
  flush(): void
  /** Packets that must leave before a user may write: they repeat text that is acknowledged by now. */
  flushRepeats(): void
  /** ms, Infinity for never. */
  nextDeadline(): number
  /** Those up to `heardUntil`: what is due later may be met by what waits to be heard. */
  deadlineComes(heardUntil: number): void
  /** All of the turn is done. */
  tidy(): void
  /** The last turn is over. */
  end(): void
}

export class Turns {
  /** ms: read at the start of a turn and again before output. */
  now: number
  readonly #host: Host
  readonly #work: TurnWork
  #scheduled: Tcb[] = []
  #running: Tcb[] = []
  #told: Tcb[] = []
  #telling: Tcb[] = []
  #inTurn = false
  #isComing = false
  #timer: HostTimer | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #isLast = false
  #isOver = false

  constructor(host: Host, work: TurnWork) {
    this.#host = host
    this.#work = work
    this.now = host.now()
  }

  get clock(): number {
    return this.#host.now()
  }

  /** No turn follows any more. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** `run` comes for this connection at the end of the turn. */
  schedule(tcb: Tcb): void {
    if (tcb.scheduled) return
    tcb.scheduled = true
    this.#scheduled.push(tcb)
  }

  /** Its user is told of `tcb.events` at the end of the turn. */
  notify(tcb: Tcb): void {
    if (tcb.told) return
    tcb.told = true
    this.#told.push(tcb)
  }

  /** A call of the user, from a handler or from outside: what it leads to happens when this turn of the program ends. */
  call<T>(work: () => T): T {
    this.beginCall()
    const result = work()
    this.endCall()
    return result
  }

  /** The same in two halves, for calls that come so often that a closure would be garbage. */
  beginCall(): void {
    if (!this.#inTurn) this.now = this.#host.now()
  }

  endCall(): void {
    if (this.#inTurn || this.#isComing || this.#isOver) return
    this.#isComing = true
    this.#host.defer(this.#endComes)
  }

  readonly #endComes = (): void => {
    this.#isComing = false
    if (this.#isOver) return
    this.begin()
    this.end()
  }

  begin(): void {
    this.#inTurn = true
    this.now = this.#host.now()
    this.#work.flush()
  }

  end(): void {
    do {
      this.#tellUsers()
      this.#runScheduled()
    } while (this.#told.length > 0)
    this.#work.flush()
    this.#work.tidy()
    this.#inTurn = false
    if (this.#isLast) this.#finish()
    else this.#setTimer()
  }

  #tellUsers(): void {
    if (this.#told.length === 0) return
    this.#work.flushRepeats()
    const telling = this.#told
    this.#told = this.#telling
    this.#telling = telling
    for (const tcb of telling) {
      tcb.told = false
      const events = tcb.events
      tcb.events = 0
      this.#tellUser(tcb.user as Connection, events)
    }
    empty(telling)
  }

  #tellUser(connection: Connection, events: number): void {
    // A connection that is over has no room.
    if ((events & Event.CLOSED) !== 0) events &= ~Event.WRITABLE
    // From the lowest bit on: in the order of `Event`.
    for (let left = events; left !== 0; left &= left - 1) {
      try {
        connection.deliver(left & -left)
      } catch (error) {
        // A handler's mistake is its program's to deal with; what else there is to tell, here and elsewhere, is told.
        this.#host.defer(() => {
          throw error
        })
      }
    }
  }

  #runScheduled(): void {
    if (this.#scheduled.length === 0 || this.#work.isHeldBack) return
    this.now = this.#host.now()
    const running = this.#scheduled
    this.#scheduled = this.#running
    this.#running = running
    for (const tcb of running) {
      tcb.scheduled = false
      this.#work.run(tcb)
    }
    empty(running)
  }

  #setTimer(): void {
    const at = this.#work.nextDeadline()
    // A timer that fires too early only finds nothing to do; one that is too late is replaced.
    if (at >= this.#timerAt) return
    this.#timer?.cancel()
    this.#timerAt = at
    this.#timer = this.#host.at(at, this.#timeComes)
  }

  readonly #timeComes = (heardUntil = this.#host.now()): void => {
    this.#timerAt = Number.POSITIVE_INFINITY
    if (this.#isOver) return
    this.begin()
    this.#work.deadlineComes(heardUntil)
    this.end()
  }

  /** The last turn tells the users and sends what they are owed. From within a turn, that turn is the last. */
  close(): void {
    if (this.#isLast) return
    this.#isLast = true
    if (this.#inTurn) return
    this.begin()
    this.end()
  }

  #finish(): void {
    this.#isOver = true
    this.#timer?.cancel()
    this.#work.end()
  }
}
