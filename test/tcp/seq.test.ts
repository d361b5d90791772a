// Sequence arithmetic (RFC 9293 §3.4) against BigInt.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { add, ahead, earlier, later, leq, lt, toSeq, within } from '../../src/tcp/seq.ts'

const SPACE = 2n ** 32n
const signed = (n: bigint): number => Number(BigInt.asIntN(32, n))
const distance = (a: number, b: number): number => signed(BigInt(a) - BigInt(b))

const EDGES = [0, 1, -1, 2, 0x7ffffffe, 0x7fffffff, -0x80000000, -0x7fffffff, 1000, -1000, 0x40000000, -0x40000000]

t.test('any number becomes the int32 of the same value modulo 2^32', async t => {
  for (const n of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 2 ** 32, 2 ** 32 + 5, -1, -(2 ** 31) - 1]) {
    t.equal(toSeq(n), signed(BigInt(n)), String(n))
  }
})

t.test('all pairs of edges: addition, distance and comparison are modulo 2^32', async t => {
  const random = new Random(1)
  const numbers = [...EDGES, ...Array.from({ length: 40 }, () => random.uint32() | 0)]
  let faults = 0
  for (const a of numbers.map(toSeq)) {
    for (const b of numbers.map(toSeq)) {
      const d = distance(a, b)
      if (ahead(a, b) !== d || lt(a, b) !== d < 0 || leq(a, b) !== d <= 0) faults++
      if (later(a, b) !== (d > 0 ? a : b) || earlier(a, b) !== (d < 0 ? a : b)) faults++
      if (add(a, b) !== signed(BigInt(a) + BigInt(b))) faults++
      if (ahead(add(b, d), b) !== d) faults++
    }
  }
  t.equal(faults, 0)
})

const sizes = [0, 1, 2, 1000, 65_535, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32]
for (const size of sizes) {
  t.test(`within a window of ${size} bytes: lo =< a < lo + ${size}, wherever it lies`, async t => {
    for (const lo of EDGES.map(toSeq)) {
      for (const offset of [0, 1, size - 1, size, size + 1, 2 ** 31, -1, -2]) {
        const expected = BigInt.asUintN(32, BigInt(offset)) < BigInt(size) && BigInt(size) <= SPACE
        t.equal(within(add(lo, offset), lo, size), expected, `${offset} from ${lo}`)
      }
    }
  })
}
