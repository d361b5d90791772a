// The stretch of a run that counts: it begins when the warm-up is over, and ends a fixed time later.

import type { Timing } from './bench.ts'
import { METER_VARIABLE, type Meter, meterOf } from './meter.ts'

type Figures<K extends string> = Readonly<Record<K, number>>

export class Window<K extends string> {
  readonly #timing: Timing
  readonly #read: () => Figures<K>
  #startedAt = -1
  #fromAt = -1
  readonly #meter: Meter = meterOf(process.env[METER_VARIABLE])
  #spent = 0
  #from: Figures<K> | undefined
  #to: Figures<K> | undefined

  /** `read` answers figures that grow. */
  constructor(timing: Timing, read: () => Figures<K>) {
    this.#timing = timing
    this.#read = read
  }

  /** To be called whenever something has happened; the first call starts the warm-up. True once the stretch is over. */
  tick(): boolean {
    const now = performance.now()
    if (this.#startedAt < 0) this.#startedAt = now
    if (this.#from === undefined) {
      if (now - this.#startedAt < this.#timing.warmupMs) return false
      this.#meter.start()
      this.#from = this.#read()
      this.#fromAt = performance.now()
    } else if (this.#to === undefined) {
      if (now - this.#fromAt < this.#timing.measureMs) return false
      this.#spent = this.#meter.stop()
      this.#to = this.#read()
    }
    return this.#to !== undefined
  }

  growth(name: K): number {
    if (this.#from === undefined || this.#to === undefined) throw new Error('The run was shorter than what is measured')
    return this.#to[name] - this.#from[name]
  }

  /** Of time, or of what else the meter measures. */
  perSecond(name: K): number {
    return this.growth(name) / this.#spent
  }
}

/** Microseconds that this process has had of all CPUs, in its own code and in the kernel for it. */
export function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
