// A clock that stands still until it is told to go on: a Host for simulations and tests. Everything happens in order of
// (time, order of arming), what was deferred before time moves on, and entropy comes from a seed: a run repeats exactly.

import { Heap } from '../heap.ts'
import type { Host, HostTimer } from '../host.ts'
import { Random } from '../random.ts'

export interface VirtualClockOptions {
  /** Decides the entropy, and the order of simultaneous events where that is random. */
  readonly seed?: number
  readonly startMs?: number
  /** Timers due at the same time fire in random order: for tests that must not depend on it. */
  readonly shuffleSimultaneous?: boolean
}

/** So many calls while time stands still are a loop, not a simulation. */
const MAX_CALLS_AT_ONE_TIME = 10_000_000

export class VirtualClock implements Host {
  #now: number
  #armed = 0
  #cancelled = 0
  #callsAtThisTime = 0
  #deferred: (() => void)[] = []
  #deferredDone = 0
  readonly #timers = new Heap<Timer>(firesBefore)
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
    const timer = new Timer(Math.max(at, this.#now), this.#order?.uint32() ?? 0, this.#armed++, callback, this)
    if (at !== Infinity) this.#timers.push(timer)
    return timer
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback)
  }

  random(bytes: Uint8Array): void {
    this.#entropy.fill(bytes)
  }

  /** Timers armed, plus calls deferred. */
  get pending(): number {
    return this.#timers.size - this.#cancelled + this.#deferred.length - this.#deferredDone
  }

  /** When the next timer fires; Infinity for none. */
  get nextDeadline(): number {
    this.#dropCancelled()
    return this.#timers.peek()?.time ?? Infinity
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
    const time = this.nextDeadline
    if (time === Infinity || time > untilMs) return false
    this.#moveTo(time)
    this.#countCall()
    this.#timers.pop()!.fire()
    return true
  }

  /** A timer was cancelled. They stay in the heap, but not so many that they fill it. */
  timerCancelled(): void {
    this.#cancelled++
    if (this.#cancelled < 1000 || this.#cancelled < this.#timers.size / 2) return
    this.#timers.retain(timer => timer.isArmed)
    this.#cancelled = 0
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

  #dropCancelled(): void {
    let timer = this.#timers.peek()
    while (timer !== undefined && !timer.isArmed) {
      this.#timers.pop()
      this.#cancelled--
      timer = this.#timers.peek()
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

class Timer implements HostTimer {
  #callback: (() => void) | undefined
  readonly #clock: VirtualClock

  constructor(
    readonly time: number,
    /** Chance first, if it is to decide, then the order of arming. */
    readonly lot: number,
    readonly order: number,
    callback: () => void,
    clock: VirtualClock
  ) {
    this.#callback = callback
    this.#clock = clock
  }

  get isArmed(): boolean {
    return this.#callback !== undefined
  }

  cancel(): void {
    if (this.#callback === undefined) return
    this.#callback = undefined
    if (this.time !== Infinity) this.#clock.timerCancelled()
  }

  fire(): void {
    const callback = this.#callback!
    this.#callback = undefined
    callback()
  }
}

function firesBefore(a: Timer, b: Timer): boolean {
  if (a.time !== b.time) return a.time < b.time
  return a.lot === b.lot ? a.order < b.order : a.lot < b.lot
}
