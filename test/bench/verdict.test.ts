// Which of two versions is the faster one: what pairs of runs show, and what they do not.

import t from 'tap'
import { compare, FEWEST_PAIRS, intervalOfMedian } from '../../bench/support/verdict.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

// The k-th of n values from either end, k as tables of the sign test have it.
const intervals = [
  { n: 7, confidence: 0.99, interval: { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY } },
  { n: 8, confidence: 0.99, interval: { low: 1, high: 8 } },
  { n: 12, confidence: 0.99, interval: { low: 2, high: 11 } },
  { n: 20, confidence: 0.99, interval: { low: 4, high: 17 } },
  { n: 20, confidence: 0.95, interval: { low: 6, high: 15 } }
]
for (const { n, confidence, interval } of intervals) {
  t.test(`the median of ${n} values at ${confidence}`, async t => {
    t.same(intervalOfMedian(numbers(n), confidence), interval)
    t.same(intervalOfMedian(numbers(n).reverse(), confidence), interval, 'whatever their order')
  })
}

const before = numbers(8).map(i => 100 + i)
const rows = [
  { what: 'all pairs grow', unit: 'segments/s', after: before.map(it => it * 1.02), verdict: 'faster', median: 1.02 },
  { what: 'all pairs shrink', unit: 'MB/s', after: before.map(it => it / 1.25), verdict: 'slower', median: 0.8 },
  { what: 'all pairs grow, of times', unit: 'ns', after: before.map(it => it * 1.25), verdict: 'slower', median: 0.8 },
  { what: 'all pairs shrink, of times', unit: 'µs', after: before.map(it => it / 2), verdict: 'faster', median: 2 },
  {
    what: 'one pair of eight differs, however much the others do',
    unit: 'segments/s',
    after: before.map((it, i) => (i === 3 ? it / 1.01 : it * 3)),
    verdict: 'no difference shown',
    median: 3
  }
]
for (const { what, unit, after, verdict, median } of rows) {
  t.test(`${what}: ${verdict}`, async t => {
    const found = compare(unit, before, after)
    t.equal(found.verdict, verdict)
    t.equal(found.median.toFixed(6), median.toFixed(6))
  })
}

t.test('a drift that both versions share shows nothing of them', async t => {
  const drifting = numbers(FEWEST_PAIRS).map(i => 1000 / i)
  const after = drifting.map((value, i) => value * (i % 2 === 0 ? 1.03 : 0.97))
  t.equal(compare('segments/s', drifting, after).verdict, 'no difference shown')
  t.equal(
    compare(
      'segments/s',
      drifting,
      drifting.map(it => it * 1.001)
    ).verdict,
    'faster',
    'and hides nothing of them'
  )
})

t.test('fewer pairs than the fewest never show anything', async t => {
  const few = before.slice(0, FEWEST_PAIRS - 1)
  t.equal(
    compare(
      'segments/s',
      few,
      few.map(it => it * 9)
    ).verdict,
    'no difference shown'
  )
})
