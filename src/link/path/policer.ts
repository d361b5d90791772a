// A policer: a bucket of `burstBytes` that fills at a rate; a packet that finds too little in it is lost. It delays nobody.

import { aboveZero } from './rate.ts'

export interface PolicerOptions {
  readonly rateBitsPerSecond: number
  readonly burstBytes: number
}

export class Policer {
  #tokens: number
  #at = 0
  readonly #bytesPerMs: number
  readonly #burst: number

  /** Throws ERR_OUT_OF_RANGE for options that make no sense. */
  constructor(options: PolicerOptions) {
    this.#bytesPerMs = aboveZero('policer.rateBitsPerSecond', options.rateBitsPerSecond) / 8000
    this.#burst = aboveZero('policer.burstBytes', options.burstBytes)
    this.#tokens = this.#burst
  }

  passes(bytes: number, now: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#bytesPerMs)
    this.#at = now
    if (bytes > this.#tokens) return false
    this.#tokens -= bytes
    return true
  }
}
