// Which of two versions is the faster one, from pairs of runs that followed one another. Pure.

import { median } from './report.ts'

export interface Interval {
  readonly low: number
  readonly high: number
}

export type Verdict = 'faster' | 'slower' | 'no difference shown'

export interface Comparison {
  /** New by old of each pair, turned round where less is better: above 1 the new version is the better one. */
  readonly ratios: readonly number[]
  readonly median: number
  /** Of the median of all pairs there could be. */
  readonly interval: Interval
  readonly verdict: Verdict
}

/** Units of which less is better. */
const COSTS = new Set(['ns', 'µs', 'ms', 'MiB'])

/** One in a hundred comparisons of equal versions may find a difference. */
const CONFIDENCE = 0.99

/** So that there is an interval at all. */
export const FEWEST_PAIRS = 8

export function compare(unit: string, before: readonly number[], after: readonly number[]): Comparison {
  const ratios = after.map((value, i) => (COSTS.has(unit) ? before[i] / value : value / before[i]))
  const interval = intervalOfMedian(ratios, CONFIDENCE)
  const verdict = interval.low > 1 ? 'faster' : interval.high < 1 ? 'slower' : 'no difference shown'
  return { ratios, median: median(ratios), interval, verdict }
}

/**
 * The sign test turned round: the median is below the k-th smallest of n values as seldom as fewer than k of n coins fall on
 * one side. It asks nothing of how the values are spread. Unbounded where there are too few.
 */
export function intervalOfMedian(values: readonly number[], confidence: number): Interval {
  const sorted = [...values].sort((a, b) => a - b)
  const n = sorted.length
  let k = 0
  let tail = 0
  let chance = 0.5 ** n // of exactly k heads
  while (tail + chance <= (1 - confidence) / 2) {
    tail += chance
    chance *= (n - k) / (k + 1)
    k++
  }
  if (k === 0) return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }
  return { low: sorted[k - 1], high: sorted[n - k] }
}
