// Bulk text makes no garbage for a segment, is read in large pieces, and what V8 has compiled for it stays.

import { spawnSync } from 'node:child_process'
import t from 'tap'
import { type Allocated, HEAP_ARGUMENTS } from '../../bench/support/allocation.ts'

const flow = { segmentText: 1448, reads: false, superSegments: false, warmup: 3_000_000, segments: 1_000_000 }

/** Answers what it prints. What the tests check after each event is garbage of its own. */
function child(what: 'allocated' | 'deoptimized', input: Partial<typeof flow>): string {
  const script = new URL('./steady.child.ts', import.meta.url).pathname
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...HEAP_ARGUMENTS, '--import=tsx', script, what, JSON.stringify({ ...flow, ...input })],
    { encoding: 'utf8', env: { ...process.env, RAWTCP_CHECKS: '0' }, timeout: 100_000 }
  )
  if (status !== 0) throw new Error(stderr)
  return stdout
}

const measure = (input: Partial<typeof flow>): Allocated => JSON.parse(child('allocated', input))

t.test('bulk: less than a byte of garbage for a segment', async t => {
  for (const [name, input] of [
    ['segments', {}],
    ['small segments', { segmentText: 64 }],
    ['super-segments', { superSegments: true }]
  ] as const) {
    const { perSegment } = measure(input)
    t.ok(perSegment >= 0 && perSegment < 1, `${name}: ${perSegment} bytes`)
  }
})

t.test('a reader of bulk text is given views of 64 KiB', async t => {
  const { perView } = measure({ reads: true, segments: 200_000 })
  t.ok(perView >= 65_536, `${perView} bytes in each`)
})

t.test('bulk: once it is warm, nothing is deoptimized', async t => {
  for (const superSegments of [false, true]) {
    const lines = child('deoptimized', { superSegments }).split('\n')
    t.same(
      lines.filter(line => line.includes('bailout')),
      [],
      superSegments ? 'super-segments' : 'segments'
    )
  }
})
