// TIME-WAIT for the stack as a whole: how many there may be, what a segment does to one, and when it is over (RFC 9293 §3.6.1).

import { State } from '../tcp/state.ts'
import type { Tcb } from '../tcp/tcb.ts'
import { arrivesInTimeWait, refuseInTimeWait, TimeWait } from '../tcp/time-wait.ts'
import type { Segment } from '../wire/segment.ts'
import type { Engine } from './engine.ts'

export class TimeWaits {
  readonly #engine: Engine
  #count = 0

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** In the place of the connection. */
  enter(tcb: Tcb, now: number): void {
    const { counters, stackCounters, options, table } = this.#engine
    if (this.#count >= options.timeWaitLimit) {
      stackCounters.timeWaitOverflow++
      table.leave(tcb)
      return
    }
    counters.timeWaits++
    this.#count++
    const record = new TimeWait(tcb, now)
    table.replace(tcb, record)
    table.arm(record, record.expiresAt)
  }

  arrives(record: TimeWait, seg: Segment): void {
    const engine = this.#engine
    const listener = engine.ports.listenerFor(seg.destinationAddress, seg.destinationPort)
    switch (arrivesInTimeWait(record, seg, listener?.options.timestamps === true, engine.now, engine)) {
      case 'waiting':
        return
      case 'restarted':
        engine.table.arm(record, record.expiresAt)
        return
      case 'reopen':
        if (listener === undefined) {
          refuseInTimeWait(record, seg, engine.now, engine)
          return
        }
        engine.counters.timeWaitsReused++
        this.#end(record, 'new SYN')
        // A fast connection outruns the clock of the ISN: the new one begins above all that the old one used (RFC 9293 §3.6.1).
        engine.passive.arrivesUnconnected(seg, record.sndNxt)
    }
  }

  /** The end may have moved away since the timer was armed. */
  timeIsUp(record: TimeWait): void {
    const { table, now } = this.#engine
    if (record.expiresAt > now) table.arm(record, record.expiresAt)
    else this.#end(record, '2MSL timeout')
  }

  #end(record: TimeWait, why: string): void {
    const { tracer, table, now } = this.#engine
    this.#count--
    tracer?.state?.(record, State.TIME_WAIT, State.CLOSED, why, now)
    table.leave(record)
  }
}
