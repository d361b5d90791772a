// The seeded generator: repeatable, and even enough for what it is used for.

import t from 'tap'
import { Random } from '../../src/random.ts'

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.uint32())

t.test('a seed repeats a sequence, neighbours share nothing', async t => {
  t.same(draw(new Random(42), 100), draw(new Random(42), 100))
  for (const [a, b] of [
    [1, 2],
    [0, 1],
    [5, 5 + 2 ** 32],
    [1, -1]
  ]) {
    const seen = new Set(draw(new Random(a), 100))
    t.equal(draw(new Random(b), 100).filter(n => seen.has(n)).length, 0, `${a} and ${b}`)
  }
})

t.test('the sequence is part of what a seed means: it does not change between versions', async t => {
  t.same(draw(new Random(1), 4), [1779833415, 2026416846, 1661539736, 2729060721])
})

t.test('int stays below its bound and reaches each value, float stays below 1', async t => {
  const random = new Random(3)
  const counts = new Array(10).fill(0)
  for (let i = 0; i < 100_000; i++) counts[random.int(10)]++
  for (const count of counts) t.ok(count > 9500 && count < 10_500)
  for (let i = 0; i < 1000; i++) if (random.float() >= 1 || random.float() < 0) t.fail()
})

t.test('chance: never at 0, always at 1, about so often in between; 0 takes no number', async t => {
  const random = new Random(4)
  const times = (probability: number): number =>
    Array.from({ length: 10_000 }, () => random.chance(probability)).filter(Boolean).length
  t.equal(times(0), 0)
  t.equal(times(1), 10_000)
  const quarter = times(0.25)
  t.ok(quarter > 2300 && quarter < 2700, `${quarter}`)
  const [a, b] = [new Random(5), new Random(5)]
  a.chance(0)
  t.equal(a.uint32(), b.uint32())
})

t.test('each bit of fill is set half of the time', async t => {
  const bytes = new Uint8Array(20_000)
  new Random(6).fill(bytes)
  for (let bit = 0; bit < 8; bit++) {
    const set = bytes.filter(byte => (byte & (1 << bit)) !== 0).length
    t.ok(set > 9600 && set < 10_400, `bit ${bit}: ${set}`)
  }
})

t.test('shuffle keeps the elements, fork goes its own way', async t => {
  const random = new Random(7)
  const items = Array.from({ length: 50 }, (_, i) => i)
  const shuffled = random.shuffle([...items])
  t.notSame(shuffled, items)
  t.same(
    shuffled.sort((a, b) => a - b),
    items
  )
  const [fork, other] = [random.fork(), random.fork()]
  t.notSame(draw(fork, 5), draw(other, 5))
})
