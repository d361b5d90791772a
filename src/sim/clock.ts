// A clock that stands still until it is told to go on: a Host for simulations and tests. Everything happens in order of
// (time, order of arming), what was deferred before time moves on, and entropy comes from a seed: a run repeats exactly.

import type { Host, HostTimer } from '../host.ts'
import { Random } from '../random.ts'
import { Agenda } from './agenda.ts'

export interface VirtualClockOptions {
  /** Decides the entropy, and the order of simultaneous events where that is random. */
  readonly seed?: number
  readonly startMs?: number
  /** Timers due at the same time fire in random order: for tests that must not depend on it. */
  readonly shuffleSimultaneous?: boolean
}

/** Whom the clock calls when a time has come. */
export interface Ringing {
  ring(): void
}

/** So many calls while time stands still are a loop, not a simulation. */
const MAX_CALLS_AT_ONE_TIME = 10_000_000

export class VirtualClock implements Host {
  #now: number
  #armed = 0
  #callsAtThisTime = 0
  #deferred: (() => void)[] = []
  #deferredDone = 0
  readonly #agenda = new Agenda()
  /** By slot of the agenda. Methods of objects: V8 puts the few that there are in line, closures it would have to call. */
  readonly #ringing: Ringing[] = []
  readonly #entropy: Random
  readonly #order: Random | undefined

  constructor(options: VirtualClockOptions = {}) {
    const seeds = new Random(options.seed ?? 1)
    this.#now = options.startMs ?? 0
    this.#entropy = seeds.fork()
    this.#order = options.shuffleSimultaneous === true ? seeds.fork() : undefined
  }

  now(): number {
    return this.#now
  }

  at(at: number, callback: () => void): HostTimer {
    if (at === Infinity) return NEVER
    const timer = new Timer(this.#agenda, callback)
    this.#ringing[timer.slot] = timer
    this.arm(timer.slot, at)
    return timer
  }

  /** A timer that is set anew again and again, for whoever it rings: no object is made for that. */
  alarm(owner: Ringing): Alarm {
    const slot = this.#agenda.newSlot()
    this.#ringing[slot] = owner
    return new Alarm(this, slot)
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback)
  }

  random(bytes: Uint8Array): void {
    this.#entropy.fill(bytes)
  }

  /** Timers armed, plus calls deferred. */
  get pending(): number {
    return this.#agenda.size + this.#deferred.length - this.#deferredDone
  }

  /** When the next timer fires; Infinity for none. */
  get nextDeadline(): number {
    return this.#agenda.firstTime
  }

  /** All that happens until then, that moment included. Then it is `untilMs`. */
  run(untilMs: number): void {
    while (this.step(untilMs));
    if (untilMs > this.#now) this.#moveTo(untilMs)
  }

  advance(ms: number): void {
    this.run(this.#now + ms)
  }

  /** Runs until nothing is left to happen. False where something still waits after `limitMs` of virtual time. */
  runUntilIdle(limitMs = Infinity): boolean {
    const end = this.#now + limitMs
    while (this.step(end));
    return this.pending === 0
  }

  /**
   * The next thing to happen, unless it lies after `untilMs`: all that is deferred, or one timer. False where there was
   * nothing. For callers who let promises settle in between.
   */
  step(untilMs = Infinity): boolean {
    if (this.#deferred.length > 0) {
      this.#runDeferred()
      return true
    }
    const time = this.#agenda.firstTime
    if (time === Infinity || time > untilMs) return false
    this.#moveTo(time)
    this.#countCall()
    this.#ringing[this.#agenda.takeFirst()].ring()
    return true
  }

  /** For alarms: the slot's time, Infinity for none. */
  arm(slot: number, at: number): void {
    if (at === Infinity) {
      this.#agenda.disarm(slot)
      return
    }
    // Chance decides, if it is to, else the order of arming.
    const rank = this.#order === undefined ? this.#armed++ : this.#order.uint32()
    this.#agenda.arm(slot, at > this.#now ? at : this.#now, rank)
  }

  #runDeferred(): void {
    // What these calls defer in their turn joins the same round.
    try {
      while (this.#deferredDone < this.#deferred.length) {
        this.#countCall()
        this.#deferred[this.#deferredDone++]()
      }
    } finally {
      this.#deferred.splice(0, this.#deferredDone)
      this.#deferredDone = 0
    }
  }

  #moveTo(time: number): void {
    if (time > this.#now) this.#callsAtThisTime = 0
    this.#now = time
  }

  #countCall(): void {
    this.#callsAtThisTime++
    if (this.#callsAtThisTime > MAX_CALLS_AT_ONE_TIME) throw new Error(`Time stands still at ${this.#now} ms`)
  }
}

const NEVER: HostTimer = { cancel() {} }

export class Alarm {
  readonly #clock: VirtualClock
  readonly #slot: number

  constructor(clock: VirtualClock, slot: number) {
    this.#clock = clock
    this.#slot = slot
  }

  /** The one time it rings next, in place of any before; Infinity for not at all. */
  set(at: number): void {
    this.#clock.arm(this.#slot, at)
  }
}

/** Has a slot of the agenda until it fires or is cancelled. */
class Timer implements HostTimer, Ringing {
  readonly slot: number
  readonly #agenda: Agenda
  readonly #callback: () => void
  #isOver = false

  constructor(agenda: Agenda, callback: () => void) {
    this.#agenda = agenda
    this.#callback = callback
    this.slot = agenda.newSlot()
  }

  ring(): void {
    this.cancel()
    this.#callback()
  }

  cancel(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#agenda.freeSlot(this.slot)
  }
}
