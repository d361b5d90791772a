// Pieces of memory copied behind one another, in one call.

import t from 'tap'
import { loadAddon } from '../../src/native/addon.ts'

const { copySpans } = loadAddon()
const from = [Uint8Array.from({ length: 100 }, (_, i) => i), Uint8Array.from({ length: 50 }, (_, i) => 100 + i)]

t.test('copySpans: the pieces from first to end, behind one another', async t => {
  const to = new Uint8Array(10)
  copySpans(to, 2, from, Int32Array.of(0, 90, 1, 0, 50, 3, 1, 7, 0, 1, 20, 2, 0, 20, 1, 0, 60, 4), 3, 15)
  t.same([...to], [0, 0, 50, 51, 52, 120, 121, 20, 0, 0])
})

t.test('copySpans: what lies outside is refused, and so is what is no memory', async t => {
  const to = new Uint8Array(10)
  for (const [offset, spans] of [
    [0, [0, 95, 6]],
    [0, [0, 0, 1, 1, 45, 6]],
    [0, [0, -1, 2]],
    [0, [0, 0, -1]],
    [9, [0, 0, 2]],
    [11, [0, 0, 0]],
    [0, [0, 0, 6, 0, 0, 6]]
  ] as const) {
    t.throws(() => copySpans(to, offset, from, Int32Array.from(spans), 0, spans.length), RangeError, `${spans}`)
  }
  t.throws(() => copySpans(to, 0, from, [0, 0, 1] as unknown as Int32Array, 0, 3), TypeError)
  t.throws(() => copySpans(to, 0, from[0] as unknown as Uint8Array[], Int32Array.of(0, 0, 1), 0, 3), TypeError)
  for (const region of [-1, 2]) t.throws(() => copySpans(to, 0, from, Int32Array.of(region, 0, 1), 0, 3), TypeError)
})
