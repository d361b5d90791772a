// Sets of ranges against a set of single numbers, at bases that put the wrap anywhere.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { Ranges } from '../../src/tcp/ranges.ts'
import { add, ahead, toSeq } from '../../src/tcp/seq.ts'

const BASES = [0, 1000, 0x7fffff80, 0xffffff80]

/** The runs of a set of numbers, as `left-right` pairs. */
function runsOf(numbers: ReadonlySet<number>): [number, number][] {
  const runs: [number, number][] = []
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last !== undefined && last[1] === n) last[1] = n + 1
    else runs.push([n, n + 1])
  }
  return runs
}

for (const base of BASES) {
  const at = (offset: number) => add(toSeq(base), offset)
  const runs = (ranges: Ranges): [number, number][] =>
    Array.from({ length: ranges.count }, (_, i) => [ahead(ranges.left(i), at(0)), ahead(ranges.right(i), at(0))])

  t.test(`random insertions and removals at base ${base} leave the runs that a plain set has`, async t => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed)
      const ranges = new Ranges()
      const model = new Set<number>()
      const longest = [3, 12, 80][seed % 3]
      for (let step = 0; step < 120; step++) {
        const left = random.int(256)
        const right = left + 1 + random.int(longest)
        const expectedCount = runsOf(new Set([...model, ...span(left, right)])).length
        const count = ranges.countAfter(at(left), at(right))
        // Ranges never shrink to nothing in between: what is asked is what an insertion gives.
        if (count !== expectedCount) t.fail(`seed ${seed} step ${step}: countAfter ${count}, not ${expectedCount}`)
        if (random.chance(0.8)) {
          ranges.insert(at(left), at(right))
          for (const n of span(left, right)) model.add(n)
        } else {
          ranges.removeBelow(at(left))
          for (const n of model) if (n < left) model.delete(n)
        }
        const expected = runsOf(model)
        if (JSON.stringify(runs(ranges)) !== JSON.stringify(expected)) {
          t.same(runs(ranges), expected, `seed ${seed} step ${step}`)
          return
        }
        if (ranges.bytes !== model.size) t.fail(`seed ${seed}: ${ranges.bytes} bytes, not ${model.size}`)
        for (let n = -2; n < 340; n += 1 + random.int(9)) {
          const holder = expected.findIndex(([from, to]) => from <= n && n < to)
          if (ranges.indexOf(at(n)) !== holder) t.fail(`seed ${seed}: ${n} is in ${holder}`)
          const to = n + 1 + random.int(20)
          const covered = expected.some(([from, end]) => from <= n && to <= end)
          if (ranges.covers(at(n), at(to)) !== covered) t.fail(`seed ${seed}: [${n}, ${to}) covered is ${covered}`)
        }
      }
    }
    t.pass('all steps agree')
  })

  t.test(`ranges that touch are one, at base ${base}`, async t => {
    const ranges = new Ranges()
    ranges.insert(at(0), at(10))
    ranges.insert(at(20), at(30))
    ranges.insert(at(10), at(20))
    t.same(runs(ranges), [[0, 30]])
    ranges.clear()
    t.equal(ranges.count, 0)
    t.equal(ranges.bytes, 0)
    t.equal(ranges.indexOf(at(0)), -1)
  })

  t.test(`two thousand holes are kept in order, whichever way they come, at base ${base}`, async t => {
    const random = new Random(2)
    const ranges = new Ranges()
    for (const i of random.shuffle([...span(0, 2000)])) ranges.insert(at(3 * i), at(3 * i + 2))
    t.equal(ranges.count, 2000)
    t.same(
      runs(ranges),
      [...span(0, 2000)].map(i => [3 * i, 3 * i + 2])
    )
    ranges.insert(at(1), at(6000))
    t.same(runs(ranges), [[0, 6000]])
  })
}

function* span(from: number, to: number): Generator<number> {
  for (let n = from; n < to; n++) yield n
}
