// Pieces of memory copied behind one another, in one call.

import t from 'tap'
import { loadAddon } from '../../src/native/addon.ts'

const { copySpans } = loadAddon()
const from = Uint8Array.from({ length: 100 }, (_, i) => i)

t.test('copySpans: the pieces from first to end, behind one another', async t => {
  const to = new Uint8Array(10)
  copySpans(to, 2, from, Int32Array.of(90, 1, 50, 3, 7, 0, 20, 2, 60, 4), 2, 8)
  t.same([...to], [0, 0, 50, 51, 52, 20, 21, 0, 0, 0])
})

t.test('copySpans: what lies outside is refused, and so is what is no memory', async t => {
  const to = new Uint8Array(10)
  for (const [offset, spans] of [
    [0, [95, 6]],
    [0, [-1, 2]],
    [0, [0, -1]],
    [9, [0, 2]],
    [11, [0, 0]],
    [0, [0, 6, 0, 6]]
  ] as const) {
    t.throws(() => copySpans(to, offset, from, Int32Array.from(spans), 0, spans.length), RangeError, `${spans}`)
  }
  t.throws(() => copySpans(to, 0, from, [0, 1] as unknown as Int32Array, 0, 2), TypeError)
})
