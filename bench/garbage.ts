// How many bytes of V8's heap does a segment cost, when text flows in bulk?
//
// Both ends in memory, with the addon's checksums. The engine should make no garbage for a segment: all that a batch or a call of
// the user costs, over the segments in it, is less than a byte. What the reader takes is his: views of 64 KiB.

import { type Allocated, type AllocationInput, allocated, HEAP_ARGUMENTS } from './support/allocation.ts'
import type { Context, Row } from './support/bench.ts'

export const parts = { allocated }

const SEGMENTS = 10_000_000
const QUICKLY = 1_000_000
/** An ACK stands for hundreds of segments: V8 compiles late what is done for each. */
const WARMUP = 3_000_000

export default async function garbage(context: Context): Promise<Row[]> {
  const start = context.partsOf<typeof parts>(import.meta.url)
  const segments = context.measureMs < 1000 ? QUICKLY : SEGMENTS
  const run = (input: Partial<AllocationInput>): Promise<Allocated> =>
    start(
      'allocated',
      { segmentText: 1448, reads: false, superSegments: false, warmup: WARMUP, segments, ...input },
      { node: HEAP_ARGUMENTS }
    ).result
  const single = await run({})
  const small = await run({ segmentText: 64 })
  const whole = await run({ superSegments: true })
  const reader = await run({ reads: true, finds: true, segments: QUICKLY })
  const [first, ...others] = reader.places
  context.remark(`garbage: a reader's views are ${Math.round(reader.perView)} bytes long`)
  for (const [place, bytes] of [first, ...others].slice(0, 6))
    context.remark(`garbage: with a reader, ${bytes.toFixed(2)} bytes a segment in ${place}`)
  return [
    { name: 'a segment of 1448 bytes, both ends', unit: 'bytes', values: [single.perSegment] },
    { name: 'a segment of 64 bytes, both ends', unit: 'bytes', values: [small.perSegment] },
    { name: 'a segment of 1448 bytes in super-segments, both ends', unit: 'bytes', values: [whole.perSegment] }
  ]
}
