// What is put off until its caller is done: a microtask for all of it, and one more for what that puts off in its turn, so that other
// microtasks of the process have theirs in between. Two stacks that are joined in memory could go on in there for ever, as each
// answers the other: so the timers and the I/O of the process have their turn once a millisecond.

import { empty } from '../lists.ts'

/** Once in so many rounds somebody looks at the clock, and asks the loop of the process for a sign of life. */
const ROUNDS_A_LOOK = 16
/** So long the loop may wait for its turn. */
const MOST_MS = 1

/** A microtask of a promise costs a third of `queueMicrotask`, and makes a third of its garbage. */
const RESOLVED = Promise.resolve()

export class Deferred {
  #next: (() => void)[] = []
  #running: (() => void)[] = []
  /** Somebody comes for those that wait. */
  #isComing = false
  #rounds = 0
  /** When the loop was asked for a sign of life that has not come yet; -1 for none. */
  #askedAt = -1
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  push(callback: () => void): void {
    this.#next.push(callback)
    if (this.#isComing) return
    this.#isComing = true
    void RESOLVED.then(this.#run)
  }

  /** Behind what waits, and behind what that puts off in its turn. */
  pushBehindAnswers(callback: () => void): void {
    this.push(() => this.push(callback))
  }

  readonly #run = (): void => {
    const running = this.#next
    this.#next = this.#running
    this.#running = running
    for (const callback of running) {
      try {
        callback()
      } catch (error) {
        // Its thrower's affair, and no promise's: an uncaught exception.
        queueMicrotask(() => {
          throw error
        })
      }
    }
    empty(running)
    this.#isComing = this.#next.length > 0
    this.#rounds++
    const isKept = this.#rounds % ROUNDS_A_LOOK === 0 && this.#isLoopKeptWaiting()
    // Else the sign of life goes on with them.
    if (this.#isComing && !isKept) void RESOLVED.then(this.#run)
  }

  #isLoopKeptWaiting(): boolean {
    const now = this.#now()
    if (this.#askedAt >= 0) return now - this.#askedAt >= MOST_MS
    this.#askedAt = now
    setImmediate(this.#loopTurns)
    return false
  }

  readonly #loopTurns = (): void => {
    this.#askedAt = -1
    if (this.#isComing) this.#run()
  }
}
