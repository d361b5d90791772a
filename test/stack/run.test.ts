// Which packets of a batch are so alike that the stack looks at the first of them only.

import t from 'tap'
import { gatheredLength } from '../../src/link/gather.ts'
import {
  CHECKSUM_GOOD,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNKNOWN,
  RX_CHECKSUM,
  RX_LENGTH,
  RX_OFFSET,
  RX_REGION,
  RX_SEGMENT,
  RX_STRIDE,
  RxBatch
} from '../../src/link/link.ts'
import { Run } from '../../src/stack/run.ts'
import { established, type Fields, type Peer } from '../support/peer.ts'

const TEXT = 100
const TIMESTAMPS: [number, number] = [1000, 2000]

function batchOf(packets: readonly Uint8Array[]): RxBatch {
  const batch = new RxBatch([new Uint8Array(65_536), new Uint8Array(65_536)], 16)
  let at = 0
  for (const packet of packets) {
    const row = batch.count++ * RX_STRIDE
    batch.bytes.set(packet, at)
    batch.table[row + RX_OFFSET] = at
    batch.table[row + RX_LENGTH] = packet.length
    batch.table[row + RX_CHECKSUM] = CHECKSUM_GOOD
    at += gatheredLength(packet.length)
  }
  return batch
}

function runFrom(batch: RxBatch, packet = 0): Run {
  const run = new Run()
  run.begin(batch, packet * RX_STRIDE)
  return run
}

function packetsOf(peer: Peer, ...changes: Partial<Fields>[]): Uint8Array[] {
  return changes.map((change, i) =>
    peer.packet({ flags: '.', seq: 1 + i * TEXT, ack: 1, ts: TIMESTAMPS, text: 'x'.repeat(TEXT), ...change })
  )
}

t.test('as many as follow one another, and a shorter one, are one run', async t => {
  const packets = packetsOf(established(), {}, {}, {}, { text: 'x'.repeat(7) })
  const { count, bytes, segmentText, textLength, stride, isPushed } = runFrom(batchOf(packets))
  t.same([count, segmentText, textLength, isPushed], [4, TEXT, 3 * TEXT + 7, false])
  t.equal(
    bytes,
    packets.reduce((sum, packet) => sum + packet.length, 0)
  )
  t.equal(stride, gatheredLength(packets[0].length))
})

t.test('PSH, or a shorter text, ends it', async t => {
  const pushed = runFrom(batchOf(packetsOf(established(), {}, { flags: 'P.' }, {})))
  t.same([pushed.count, pushed.isPushed], [2, true])
  t.equal(runFrom(batchOf(packetsOf(established(), {}, { text: 'short' }, { seq: 106 }))).count, 2)
  t.equal(runFrom(batchOf(packetsOf(established(), { flags: 'P.' }, {}))).count, 1)
})

t.test('the last packet is alone, and so is one that stands by itself', async t => {
  const batch = batchOf(packetsOf(established(), {}, {}))
  t.equal(runFrom(batch, 1).count, 1)
  t.equal(runFrom(batchOf(packetsOf(established(), {}))).bytes, 20 + 32 + TEXT)
})

/** Of the second packet, in which nothing else is amiss. */
const differences: [string, Partial<Fields>][] = [
  ['a gap', { seq: 1 + TEXT + 1 }],
  ['text again', { seq: 1 }],
  ['another acknowledgment', { ack: 2 }],
  ['another window', { window: 1 }],
  ['another timestamp', { ts: [1001, 2000] }],
  ['another echo', { ts: [1000, 2001] }],
  ['more options', { sack: [[1, 2]] }],
  ['FIN', { flags: 'F.' }],
  ['RST', { flags: 'R.' }],
  ['SYN', { flags: 'S.' }],
  ['no ACK', { flags: '' }],
  ['URG', { flags: 'U.', urgentPointer: 1 }],
  ['an urgent pointer', { urgentPointer: 1 }],
  ['ECE', { flags: 'E.' }],
  ['CWR', { flags: 'C.' }],
  ['AE', { flags: 'A.' }],
  ['a mark', { tos: 3 }],
  ['no text', { text: '' }],
  ['longer text', { text: 'x'.repeat(TEXT + 1) }]
]
for (const [name, change] of differences) {
  t.test(`${name}: the second is for itself`, async t => {
    t.equal(runFrom(batchOf(packetsOf(established(), {}, change, {}))).count, 1)
  })
}

for (const flags of ['F.', 'S.', 'R.', 'E.', 'C.', 'A.', '', 'U.']) {
  t.test(`flags "${flags}" on all of them: each is for itself`, async t => {
    t.equal(runFrom(batchOf(packetsOf(established(), { flags }, { flags }))).count, 1)
  })
}

/** Bytes of the second packet, from its beginning. The header checksum is that of what stood there before. */
const spoilt: [string, number][] = [
  ['version and header length', 0],
  ['length', 3],
  ['identification, not summed', 5],
  ['fragment', 6],
  ['fragment offset', 7],
  ['time to live', 8],
  ['protocol', 9],
  ['header checksum', 11],
  ['source', 15],
  ['destination', 19],
  ['source port', 21],
  ['destination port', 23],
  ['data offset', 32]
]
for (const [name, byte] of spoilt) {
  t.test(`another ${name}: the second is for itself`, async t => {
    const packets = packetsOf(established(), {}, {}, {})
    packets[1][byte] ^= 0x10
    t.equal(runFrom(batchOf(packets)).count, 1)
  })
}

t.test('another time to live with the right checksum', async t => {
  const packets = packetsOf(established(), {}, {})
  packets[1][8]--
  packets[1][10]++
  t.equal(runFrom(batchOf(packets)).count, 1)
})

t.test('identifications differ, with the right checksum', async t => {
  const packets = packetsOf(established(), {}, {})
  packets[1][5]++
  packets[1][11]--
  t.equal(runFrom(batchOf(packets)).count, 2)
})

/** Of the second packet's descriptor, or the first one's. */
const columns: [string, number, number][] = [
  ['nobody has summed', RX_CHECKSUM, CHECKSUM_UNKNOWN],
  ['has a partial checksum', RX_CHECKSUM, CHECKSUM_PARTIAL],
  ['was joined', RX_SEGMENT, 50],
  ['lies in another region', RX_REGION, 1]
]
for (const [name, column, value] of columns) {
  for (const packet of [0, 1]) {
    t.test(`packet ${packet} ${name}: each is for itself`, async t => {
      const batch = batchOf(packetsOf(established(), {}, {}))
      batch.table[packet * RX_STRIDE + column] = value
      t.equal(runFrom(batch).count, 1)
    })
  }
}

t.test('the second has no options', async t => {
  const peer = established()
  const bare = peer.packet({ flags: '.', seq: 1 + TEXT, ack: 1, text: 'x'.repeat(TEXT) })
  t.equal(runFrom(batchOf([...packetsOf(peer, {}), bare])).count, 1)
})

t.test('the third lies further away than the second', async t => {
  const batch = batchOf(packetsOf(established(), {}, {}, {}))
  const at = batch.table[2 * RX_STRIDE + RX_OFFSET]
  batch.bytes.copyWithin(at + 8, at, at + 200)
  batch.table[2 * RX_STRIDE + RX_OFFSET] += 8
  t.equal(runFrom(batch).count, 2)
})

t.test('a packet that is too short, or says to have more headers than it is long', async t => {
  const tooMany = packetsOf(established(), { text: 'x' }, { text: 'x', seq: 2 })
  for (const packet of tooMany) packet[32] = 0xf0
  t.equal(runFrom(batchOf(tooMany)).count, 1)
  const peer = established()
  const empty = [0, 0].map(() => peer.packet({ flags: '.', seq: 1, ack: 1 }))
  t.equal(runFrom(batchOf(empty)).count, 1)
  const headerless = packetsOf(established(), {}, {})
  for (const packet of headerless) packet[32] = 0x40
  t.equal(runFrom(batchOf(headerless)).count, 1)
})

t.test('sequence numbers go round', async t => {
  for (const isn of [0x7fffff9b, 0xffffff9b]) {
    const run = runFrom(batchOf(packetsOf(established({ isn: isn | 0 }), {}, {}, {})))
    t.equal(run.count, 3)
  }
})
