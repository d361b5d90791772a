// How fast a line is: always the same, in steps, or as a trace in the format of Mahimahi says (a line of text for each
// moment, in ms, at which 1500 bytes may leave). All answer one question: when does the last bit of a packet leave?

import { rangeError, typeError } from '../../errors.ts'

export interface RateSteps {
  /** From each time on, ms, the line has this speed. The first begins at 0. */
  readonly steps: readonly { readonly atMs: number; readonly rateBitsPerSecond: number }[]
  /** The steps begin anew after so many ms; never unless given. */
  readonly periodMs?: number
}

export interface RateTrace {
  /** Text in the format of Mahimahi, or its numbers. It begins anew at its end. */
  readonly mahimahi: string | readonly number[]
}

export type RateOptions = number | RateSteps | RateTrace

export interface Rate {
  /** The line takes no time: nothing ever waits. */
  readonly isInfinite: boolean
  /** bits a second, roughly: for estimates. */
  readonly nominal: number
  /** When the last bit has left of a packet of `bytes` whose first may leave at `start`, ms. Never called with an earlier start. */
  finish(start: number, bytes: number): number
}

/** Throws ERR_OUT_OF_RANGE or ERR_INVALID_ARG_VALUE for options that make no sense. */
export function createRate(options: RateOptions): Rate {
  if (typeof options === 'number') return new ConstantRate(aboveZero('rateBitsPerSecond', options))
  if (options !== null && 'steps' in options) return new SteppedRate(options)
  if (options !== null && 'mahimahi' in options) return new MahimahiRate(parseMahimahi(options.mahimahi))
  throw typeError(
    'ERR_INVALID_ARG_VALUE',
    'The option "rate" must be a number, or an object with "steps" or with "mahimahi"'
  )
}

class ConstantRate implements Rate {
  readonly isInfinite: boolean

  constructor(readonly nominal: number) {
    this.isInfinite = nominal === Infinity
  }

  finish(start: number, bytes: number): number {
    return start + (bytes * 8000) / this.nominal
  }
}

class SteppedRate implements Rate {
  readonly isInfinite = false
  readonly nominal: number
  readonly #at: Float64Array
  readonly #bitsPerMs: Float64Array
  readonly #periodMs: number
  /** The step that holds, and when its round of steps began. */
  #step = 0
  #began = 0

  constructor({ steps, periodMs = Infinity }: RateSteps) {
    const isOrdered = steps.every(({ atMs }, i) => (i === 0 ? atMs === 0 : atMs > steps[i - 1].atMs && atMs < periodMs))
    if (steps.length === 0 || !isOrdered) {
      throw rangeError(
        'ERR_OUT_OF_RANGE',
        'The steps of "rate" must begin at 0 ms, and each after the one before it, within the period'
      )
    }
    for (const { rateBitsPerSecond } of steps) {
      if (!(rateBitsPerSecond >= 0 && rateBitsPerSecond < Infinity)) {
        throw rangeError(
          'ERR_OUT_OF_RANGE',
          `A step of "rate" must be 0 or more bits a second. Received ${rateBitsPerSecond}`
        )
      }
    }
    if (steps[steps.length - 1].rateBitsPerSecond === 0 && periodMs === Infinity) {
      throw rangeError('ERR_OUT_OF_RANGE', 'The last step of "rate" must be above 0, or nothing would ever leave')
    }
    if (steps.every(({ rateBitsPerSecond }) => rateBitsPerSecond === 0)) {
      throw rangeError('ERR_OUT_OF_RANGE', 'A step of "rate" must be above 0, or nothing would ever leave')
    }
    this.#at = Float64Array.from(steps, step => step.atMs)
    this.#bitsPerMs = Float64Array.from(steps, step => step.rateBitsPerSecond / 1000)
    this.#periodMs = periodMs
    this.nominal = Math.max(...steps.map(step => step.rateBitsPerSecond))
  }

  finish(start: number, bytes: number): number {
    let bits = bytes * 8
    let time = start
    for (;;) {
      while (this.#stepEnd <= time) this.#nextStep()
      const end = this.#stepEnd
      const speed = this.#bitsPerMs[this.#step]
      if (speed * (end - time) >= bits) return time + bits / speed
      bits -= speed * (end - time)
      time = end
    }
  }

  get #stepEnd(): number {
    return this.#began + (this.#step + 1 < this.#at.length ? this.#at[this.#step + 1] : this.#periodMs)
  }

  #nextStep(): void {
    if (this.#step + 1 < this.#at.length) this.#step++
    else {
      this.#began += this.#periodMs
      this.#step = 0
    }
  }
}

/** What may leave at one moment of a trace. */
const OPPORTUNITY_BYTES = 1500

class MahimahiRate implements Rate {
  readonly isInfinite = false
  readonly nominal: number
  readonly #times: Float64Array
  readonly #periodMs: number
  #index = 0
  #began = 0
  /** Bytes that may still leave at the moment that is next. */
  #left = OPPORTUNITY_BYTES

  constructor(times: Float64Array) {
    this.#times = times
    this.#periodMs = times[times.length - 1]
    this.nominal = (times.length * OPPORTUNITY_BYTES * 8000) / this.#periodMs
  }

  finish(start: number, bytes: number): number {
    while (this.#time < start) this.#advance() // an opportunity that nobody used is gone
    while (bytes > this.#left) {
      bytes -= this.#left
      this.#advance()
    }
    this.#left -= bytes
    return this.#time
  }

  get #time(): number {
    return this.#began + this.#times[this.#index]
  }

  #advance(): void {
    this.#left = OPPORTUNITY_BYTES
    this.#index++
    if (this.#index < this.#times.length) return
    this.#index = 0
    this.#began += this.#periodMs
  }
}

/** The times of a trace, ms, in order; the last one is above 0. */
export function parseMahimahi(trace: string | readonly number[]): Float64Array {
  const words = typeof trace === 'string' ? trace.split(/\s+/).filter(word => word !== '') : trace
  const times = Float64Array.from(words, Number)
  for (let i = 0; i < times.length; i++) {
    if (Number.isInteger(times[i]) && times[i] >= (i === 0 ? 0 : times[i - 1])) continue
    throw typeError(
      'ERR_INVALID_ARG_VALUE',
      `A trace of Mahimahi has whole milliseconds, one a line, none below the one before it. Line ${i + 1} is ${words[i]}`
    )
  }
  if (times.length === 0 || times[times.length - 1] === 0) {
    throw typeError('ERR_INVALID_ARG_VALUE', 'A trace of Mahimahi must reach beyond 0 ms')
  }
  return times
}

export function aboveZero(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0) return value
  throw rangeError(
    'ERR_OUT_OF_RANGE',
    `The value of "${name}" is out of range. It must be above 0. Received ${String(value)}`
  )
}
