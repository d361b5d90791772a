// Which packets a line loses: by a coin for each, in bursts (Gilbert and Elliott), or as somebody has recorded it.

import { rangeError, typeError } from '../../errors.ts'
import type { Random } from '../../random.ts'

export interface GilbertElliottOptions {
  readonly model: 'gilbert-elliott'
  /** Probability that a good line turns bad before a packet, and that a bad one turns good. */
  readonly toBad: number
  readonly toGood: number
  /** What a line loses that is good, and bad: 0 and 1 unless given, which is Gilbert's simple model. */
  readonly lossWhenGood?: number
  readonly lossWhenBad?: number
}

export interface BernoulliOptions {
  readonly model: 'bernoulli'
  readonly probability: number
}

export interface LossTraceOptions {
  readonly model: 'trace'
  /** A digit a packet, 1 for lost; anything else in the text is skipped. It begins anew at its end. */
  readonly trace: string
}

/** A number is the probability of Bernoulli's model. */
export type LossOptions = number | BernoulliOptions | GilbertElliottOptions | LossTraceOptions

export interface Loss {
  /** Whether the next packet is lost. */
  next(): boolean
}

export const NO_LOSS: Loss = { next: () => false }

/** Throws ERR_OUT_OF_RANGE or ERR_INVALID_ARG_VALUE for options that make no sense. */
export function createLoss(options: LossOptions, random: Random): Loss {
  if (options === 0) return NO_LOSS
  if (typeof options === 'number') return new Bernoulli(probability('loss', options), random)
  switch (options?.model) {
    case 'bernoulli':
      return new Bernoulli(probability('loss.probability', options.probability), random)
    case 'gilbert-elliott':
      return new GilbertElliott(options, random)
    case 'trace':
      return new LossTrace(options.trace)
    default:
      throw typeError(
        'ERR_INVALID_ARG_VALUE',
        'The option "loss" must be a probability, or an object whose "model" is bernoulli, gilbert-elliott or trace'
      )
  }
}

class Bernoulli implements Loss {
  readonly #probability: number
  readonly #random: Random

  constructor(probability: number, random: Random) {
    this.#probability = probability
    this.#random = random
  }

  next(): boolean {
    return this.#random.chance(this.#probability)
  }
}

class GilbertElliott implements Loss {
  #isBad = false
  readonly #toBad: number
  readonly #toGood: number
  readonly #whenGood: number
  readonly #whenBad: number
  readonly #random: Random

  constructor(options: GilbertElliottOptions, random: Random) {
    this.#toBad = probability('loss.toBad', options.toBad)
    this.#toGood = probability('loss.toGood', options.toGood)
    this.#whenGood = probability('loss.lossWhenGood', options.lossWhenGood ?? 0)
    this.#whenBad = probability('loss.lossWhenBad', options.lossWhenBad ?? 1)
    this.#random = random
  }

  next(): boolean {
    if (this.#random.chance(this.#isBad ? this.#toGood : this.#toBad)) this.#isBad = !this.#isBad
    return this.#random.chance(this.#isBad ? this.#whenBad : this.#whenGood)
  }
}

class LossTrace implements Loss {
  readonly #lost: Uint8Array
  #at = 0

  constructor(trace: string) {
    if (typeof trace !== 'string' || !/[01]/.test(trace)) {
      throw typeError('ERR_INVALID_ARG_VALUE', 'The option "loss.trace" must be a text of the digits 0 and 1')
    }
    this.#lost = Uint8Array.from(trace.replace(/[^01]/g, ''), Number)
  }

  next(): boolean {
    const lost = this.#lost[this.#at] === 1
    this.#at = this.#at + 1 === this.#lost.length ? 0 : this.#at + 1
    return lost
  }
}

function probability(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value
  throw rangeError(
    'ERR_OUT_OF_RANGE',
    `The value of "${name}" is out of range. It must be a probability, 0 to 1. Received ${String(value)}`
  )
}
