// A virtual clock of a process that is sometimes stopped: time goes on meanwhile, and what came due fires when the process
// goes on, in any order.

import type { Host, HostTimer } from '../../src/host.ts'
import type { Random } from '../../src/random.ts'
import type { VirtualClock } from '../../src/sim/clock.ts'

export class StallingClock implements Host {
  /** When the process last went on after a stop. */
  onTimeSince = 0
  #isStopped = false
  readonly #late: (() => void)[] = []

  constructor(
    readonly clock: VirtualClock,
    readonly order: Random
  ) {}

  now(): number {
    return this.clock.now()
  }

  at(at: number, callback: () => void): HostTimer {
    let isArmed = true
    const fire = (): void => {
      if (!isArmed) return
      if (this.#isStopped) this.#late.push(fire)
      else callback()
    }
    const timer = this.clock.at(at, fire)
    return {
      cancel: () => {
        isArmed = false
        timer.cancel()
      }
    }
  }

  defer(callback: () => void): void {
    this.clock.defer(callback)
  }

  random(bytes: Uint8Array): void {
    this.clock.random(bytes)
  }

  stall(ms: number): void {
    this.#isStopped = true
    this.clock.advance(ms)
    this.#isStopped = false
    this.onTimeSince = this.now()
    for (const fire of this.order.shuffle(this.#late.splice(0))) fire()
  }
}
