// How many bytes a second are summed, and copied and summed, in the addon and in JavaScript, measured against a plain copy?
//
// The bytes are in a cache. 64 KiB a call shows the loops, 1460 bytes a call adds what it takes to get into the addon, a
// batch of packets is what a driver does. The plain copy is TypedArray.prototype.set, V8's memmove. The second reference of the
// long sums is a loop in C++ that only reads (bench/reading).

import { RX_LENGTH, RX_OFFSET, RX_STRIDE, RxBatch } from '../src/link/link.ts'
import { loadAddon } from '../src/native/addon.ts'
import { Random } from '../src/random.ts'
import { fold, sum } from '../src/wire/checksum.ts'
import { PROTOCOL_TCP, writeIpv4Header } from '../src/wire/ipv4.ts'
import type { Context, Row, Timing } from './support/bench.ts'
import { compiled, LineProgram } from './support/line-program.ts'
import { Window } from './support/window.ts'

const WAYS = ['copied', 'summed', 'copied and summed', 'summed in JavaScript'] as const
type Way = (typeof WAYS)[number]

const BATCH_PACKETS = 64
const PACKET_BYTES = 1500
/** Calls between two looks at the clock: some tens of microseconds. */
const BYTES_A_TURN = 1024 * 1024

export const parts = { pass, verify }

/** Bytes a second. */
async function pass({ way, length, ...timing }: Timing & { way: Way; length: number }): Promise<number> {
  const addon = loadAddon()
  const from = new Uint8Array(length)
  new Random(1).fill(from)
  const to = new Uint8Array(length)
  const view = new DataView(from.buffer)
  const once: Record<Way, () => number> = {
    copied: () => {
      to.set(from)
      return 0
    },
    summed: () => addon.checksum(from, 0, length, 0),
    'copied and summed': () => addon.copyChecksum(to, 0, from, 0, length, 0),
    'summed in JavaScript': () => fold(sum(view, 0, length, 0))
  }
  const expected = way === 'copied' ? 0 : once['summed in JavaScript']()
  const rate = repeat(timing, length, once[way], expected)
  if (way.startsWith('copied') && Buffer.compare(from, to) !== 0) throw new Error('The copy differs')
  return rate
}

/** Bytes a second of a batch of packets, whose checksums are good but for the first one's. */
async function verify(timing: Timing): Promise<number> {
  const addon = loadAddon()
  const batch = new RxBatch(new Uint8Array(BATCH_PACKETS * PACKET_BYTES), BATCH_PACKETS)
  new Random(1).fill(batch.bytes)
  for (let i = 0; i < BATCH_PACKETS; i++) {
    const offset = i * PACKET_BYTES
    writeIpv4Header(batch.view, offset, PACKET_BYTES, 0, i, true, 64, PROTOCOL_TCP, 0x0a000001, 0x0a000002)
    batch.table[i * RX_STRIDE + RX_OFFSET] = offset
    batch.table[i * RX_STRIDE + RX_LENGTH] = PACKET_BYTES
  }
  return repeat(
    timing,
    batch.bytes.length,
    () => {
      addon.verify(batch.bytes, batch.table, BATCH_PACKETS)
      return 0
    },
    0
  )
}

/** Bytes a second of a loop that only reads so many, again and again. */
async function readOnly(length: number, { warmupMs, measureMs }: Timing): Promise<number> {
  const program = new LineProgram('The reading loop', [
    compiled('reading'),
    ...[length, warmupMs, measureMs].map(String)
  ])
  const { bytesPerSecond } = (await program.ask()) as { bytesPerSecond: number }
  await program.end()
  return bytesPerSecond
}

function repeat(timing: Timing, length: number, once: () => number, expected: number): number {
  let bytes = 0
  const window = new Window(timing, () => ({ bytes }))
  const calls = Math.ceil(BYTES_A_TURN / length)
  while (!window.tick()) {
    for (let i = 0; i < calls; i++) if (once() !== expected) throw new Error('The sums differ')
    bytes += calls * length
  }
  return window.perSecond('bytes')
}

export default async function checksum(context: Context): Promise<Row[]> {
  const start = context.partsOf<typeof parts>(import.meta.url)
  // Nothing here depends on other processes, so it takes less time to know.
  const timing = { warmupMs: context.warmupMs / 4, measureMs: context.measureMs / 4 }
  const rows: Row[] = []
  for (const [length, size] of [
    [65536, '64 KiB'],
    [1460, '1460 bytes']
  ] as const) {
    const rates: Record<Way, number[]> = { copied: [], summed: [], 'copied and summed': [], 'summed in JavaScript': [] }
    const verified: number[] = []
    const read: number[] = []
    for (let i = 0; i < context.repeats; i++) {
      for (const way of WAYS) rates[way].push((await start('pass', { way, length, ...timing }).result) / 1e9)
      if (length === 1460) verified.push((await start('verify', timing).result) / 1e9)
      else read.push((await readOnly(length, timing)) / 1e9)
    }
    const reference = { name: `copied, ${size}`, values: rates.copied }
    const row = (name: string, values: number[]): Row => ({ name, unit: 'GB/s', values, reference })
    for (const way of WAYS.slice(1)) rows.push(row(`${way}, ${size} a call`, rates[way]))
    if (read.length > 0)
      rows.push({
        ...row(`summed, ${size} a call`, rates.summed),
        reference: { name: 'read only, in C++', values: read }
      })
    if (length === 1460) rows.push(row(`verified, ${BATCH_PACKETS} packets of ${PACKET_BYTES} bytes a call`, verified))
  }
  return rows
}
