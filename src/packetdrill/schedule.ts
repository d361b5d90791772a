// Times of a script, and how far from them what the stack does may lie. Milliseconds, as the clock has them.

import type { When } from './ast.ts'
import { ScriptError } from './verdict.ts'

/** Between these what happens is in time; already widened by the tolerance. */
export interface Allowed {
  readonly from: number
  readonly to: number
  /** As the script has it. */
  readonly text: string
}

/** How long something that does not come is waited for beyond the latest time allowed. */
export const PATIENCE_MS = 2000
/** And where any time is allowed: a day, in which every timer of TCP has fired or given up. */
const ANY_TIME_MS = 86_400_000

/** A share of the distance to the previous event: the longer the wait, the less exact. */
const TOLERANCE_SHARE = 0.125

/** Virtual clocks do not jitter, but sums of decimal fractions do. */
const ROUNDING_MS = 1e-6

export class Schedule {
  readonly #toleranceMs: number
  /** When the last event was over: what `+` counts from. */
  base = 0
  /** When the last event was to begin: absolute times never go back. */
  #last = 0

  constructor(toleranceUsecs: number) {
    this.#toleranceMs = toleranceUsecs / 1000
  }

  /** When an event begins that the script makes happen. */
  start(when: When): number {
    switch (when.kind) {
      case 'absolute':
        return this.#forward(1000 * when.at)
      case 'relative':
        return this.#forward(this.base + 1000 * when.at)
      case 'blocking':
        return this.#forward((when.relative ? this.base : 0) + 1000 * when.from)
      default:
        throw new ScriptError('a range or * tells when a packet may come, not when something is to be done')
    }
  }

  #forward(time: number): number {
    if (time < this.#last - ROUNDING_MS)
      throw new ScriptError(`time goes back, from ${seconds(this.#last)} s to ${seconds(time)} s`)
    this.#last = time
    return Math.max(time, this.base)
  }

  /** When a packet may come. */
  allowed(when: When): Allowed {
    const base = this.base
    switch (when.kind) {
      case 'any':
        return { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, text: 'at any time' }
      case 'absolute':
        return this.#around(1000 * when.at, 1000 * when.at)
      case 'relative':
        return this.#around(base + 1000 * when.at, base + 1000 * when.at)
      case 'range': {
        const origin = when.relative ? base : 0
        return this.#around(origin + 1000 * when.from, origin + 1000 * when.to)
      }
      default:
        throw new ScriptError('only a call can block')
    }
  }

  /** When a blocking call may return. Asked before it starts. */
  returns(when: When): Allowed {
    if (when.kind !== 'blocking') throw new ScriptError('only a blocking call has a time to return at')
    const at = (when.relative ? this.base : 0) + 1000 * when.to
    return this.#around(at, at)
  }

  #around(from: number, to: number): Allowed {
    const tolerance = (at: number): number => Math.max(this.#toleranceMs, TOLERANCE_SHARE * Math.abs(at - this.base))
    const text = from === to ? `at ${seconds(from)} s` : `from ${seconds(from)} to ${seconds(to)} s`
    return { from: from - tolerance(from) - ROUNDING_MS, to: to + tolerance(to) + ROUNDING_MS, text }
  }
}

/** Until when something that is due is waited for. */
export function deadline(allowed: Allowed, now: number): number {
  return allowed.to === Number.POSITIVE_INFINITY ? now + ANY_TIME_MS : Math.max(now, allowed.to + PATIENCE_MS)
}

/** What is wrong with a time; undefined for nothing. */
export function mistimed(time: number, allowed: Allowed): string | undefined {
  if (time < allowed.from) return `too early: at ${seconds(time)} s, expected ${allowed.text}`
  if (time > allowed.to) return `too late: at ${seconds(time)} s, expected ${allowed.text}`
  return undefined
}

export const seconds = (ms: number): string => (ms / 1000).toFixed(6).replace(/\.?0+$/, '')
