// Packets as the addon puts them together and reads them, against the JavaScript of src/wire and src/link/gather.ts.

import t from 'tap'
import { gather } from '../../src/link/gather.ts'
import * as link from '../../src/link/link.ts'
import { nativeGather, nativeVerify } from '../../src/link/native-gather.ts'
import { loadAddon } from '../../src/native/addon.ts'
import { TxBatches } from '../../src/native/tx-batches.ts'
import { Random } from '../../src/random.ts'
import { fold, pseudoHeaderSum } from '../../src/wire/checksum.ts'
import { PROTOCOL_ICMP, writeIpv4Header } from '../../src/wire/ipv4.ts'
import { verifyTcpChecksum } from '../../src/wire/tcp.ts'
import { addSegment, newBatch } from './packets.ts'

const addon = loadAddon()
const batches = new TxBatches(addon)

/** By the addon, however short. */
function nativeAssemble(batch: link.TxBatch, into: link.RxBatch, at: number): number {
  const end = addon.gather(batches.nativeOf(batch), batch.count, into.bytes, at, into.table, into.count)
  into.count += batch.count
  return end
}

function randomRegion(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.int(256))
}

function packetsOf(batch: link.RxBatch): Buffer[] {
  return Array.from({ length: batch.count }, (_, i) => {
    const row = i * link.RX_STRIDE
    const offset = batch.table[row + link.RX_OFFSET]
    return Buffer.from(batch.bytes.slice(offset, offset + batch.table[row + link.RX_LENGTH]))
  })
}

/** A batch with one packet whose checksums are right. */
function received(text: readonly [number, number, number?, number?]): link.RxBatch {
  const batch = newBatch(randomRegion(new Random(5), 4096))
  addSegment(batch, { source: 0x0a000001, destination: 0x0a000002, sourcePort: 1000, destinationPort: 80, text })
  const into = new link.RxBatch(new Uint8Array(65536), 4)
  nativeAssemble(batch, into, 0)
  return into
}

function verdict(batch: link.RxBatch): number {
  addon.verify(batch.bytes, batch.table, batch.count)
  return batch.table[link.RX_CHECKSUM]
}

t.test('the addon has the columns of link.ts', async t => {
  const columns = Object.entries(link).filter(([name]) => name in addon.layout)
  t.equal(columns.length, Object.keys(addon.layout).length)
  for (const [name, value] of columns) t.equal(addon.layout[name], value, name)
})

t.test('a batch gathers to the same bytes in C++ and in JavaScript, whatever the lengths of its pieces', async t => {
  const random = new Random(7)
  const batch = newBatch(randomRegion(random, 65536))
  for (let i = 0; i < 256; i++) {
    const length = i % 3 === 0 ? 0 : random.int(1400)
    const wrapped = length > 0 && i % 2 === 0 ? random.int(700) : 0
    const text = [random.int(60000), length, random.int(60000), wrapped] as const
    addSegment(batch, { sourcePort: i, destinationPort: 80, seq: i * 1_000_003, text })
  }
  const [ours, theirs] = [
    new link.RxBatch(new Uint8Array(1 << 20), 256),
    new link.RxBatch(new Uint8Array(1 << 20), 256)
  ]
  const theirEnd = gather(batch, theirs, 24)
  t.equal(nativeAssemble(batch, ours, 24), theirEnd)
  t.equal(ours.count, 256)
  t.same(packetsOf(ours), packetsOf(theirs))
})

t.test(
  'a packet that is alone gathers to the same bytes on either side of the length up to which JavaScript does it',
  async t => {
    const random = new Random(17)
    const gatherAny = nativeGather()
    const batch = newBatch(randomRegion(random, 4096))
    for (let length = 0; length < 600; length++) {
      batch.count = 0
      const wrapped = length > 0 ? random.int(length) : 0
      addSegment(batch, {
        sourcePort: 1,
        destinationPort: 2,
        text: [random.int(2000), length - wrapped, 3000, wrapped]
      })
      const [ours, theirs] = [new link.RxBatch(new Uint8Array(1024), 1), new link.RxBatch(new Uint8Array(1024), 1)]
      t.equal(gatherAny(batch, ours, 8), nativeAssemble(batch, theirs, 8))
      t.same(packetsOf(ours), packetsOf(theirs))
    }
  }
)

t.test('what is said of a packet that is alone is what the addon says, whichever byte of it has changed', async t => {
  const verify = nativeVerify()
  for (const length of [0, 1, 64, 216, 217, 400]) {
    const batch = received([0, length])
    verify(batch)
    t.equal(batch.table[link.RX_CHECKSUM], link.CHECKSUM_GOOD, `${length} bytes of text`)
    for (let at = 0; at < 40 + length; at++) {
      batch.bytes[at] ^= 1 << (at % 8)
      verify(batch)
      const said = batch.table[link.RX_CHECKSUM]
      t.equal(said, verdict(batch), `byte ${at} of ${40 + length}`)
      batch.bytes[at] ^= 1 << (at % 8)
    }
  }
})

t.test('checksums of an earlier time in the header slot do no harm', async t => {
  const batch = newBatch(randomRegion(new Random(9), 100))
  addSegment(batch, { sourcePort: 1, destinationPort: 2, text: [0, 99] })
  batch.headers.fill(0xee, 10, 12)
  batch.headers.fill(0xee, 36, 38)
  const into = new link.RxBatch(new Uint8Array(4096), 1)
  nativeAssemble(batch, into, 0)
  t.equal(verdict(into), link.CHECKSUM_GOOD)
})

t.test('regions added later are seen', async t => {
  const regions = [new Uint8Array(16).fill(1)]
  const batch = new link.TxBatch(4, regions)
  const into = new link.RxBatch(new Uint8Array(4096), 4)
  addSegment(batch, { sourcePort: 1, destinationPort: 2, text: [0, 16] })
  nativeAssemble(batch, into, 0)
  regions.push(new Uint8Array(32).fill(2))
  batch.count = 0
  addSegment(batch, { sourcePort: 1, destinationPort: 2, text: [16, 16] })
  batch.table[link.TX_REGION] = 1
  into.count = 0
  nativeAssemble(batch, into, 0)
  t.same(into.bytes.slice(40, 56), new Uint8Array(16).fill(2))
})

t.test('an ICMP message is summed without a pseudo-header', async t => {
  const batch = newBatch(Uint8Array.of(1, 2, 3, 4, 5))
  writeIpv4Header(batch.headerView, 0, 33, 0, 1, false, 64, PROTOCOL_ICMP, 0x0a000001, 0x0a000002)
  batch.headers.set([3, 1, 0, 0, 9, 9, 9, 9], 20)
  batch.table.set([0, 28, 0, 0, 5, 0, 0])
  batch.count = 1
  const into = new link.RxBatch(new Uint8Array(64), 1)
  nativeAssemble(batch, into, 0)
  t.equal(verdict(into), link.CHECKSUM_GOOD)
  into.bytes[30] ^= 4
  t.equal(verdict(into), link.CHECKSUM_BAD)
})

t.test('a descriptor that points outside its memory becomes a packet of no bytes', async t => {
  const rows = {
    'header offset below zero': [-1, 40, 0, 0, 0, 0, 0],
    'header beyond the end': [256 * 128 - 39, 40, 0, 0, 0, 0, 0],
    'header shorter than IPv4 has it': [0, 19, 0, 0, 0, 0, 0],
    'no such region': [0, 40, 1, 0, 4, 0, 0],
    'region below zero': [0, 40, -1, 0, 4, 0, 0],
    'payload beyond the region': [0, 40, 0, 98, 3, 0, 0],
    'payload of negative length': [0, 40, 0, 0, -1, 0, 0],
    'wrapped payload beyond the region': [0, 40, 0, 0, 4, 97, 4],
    'sum of offset and length beyond int32': [0, 40, 0, 0x7fffffff, 0x7fffffff, 0, 0]
  }
  for (const [name, row] of Object.entries(rows)) {
    const batch = newBatch(new Uint8Array(100))
    addSegment(batch, { sourcePort: 1, destinationPort: 2 })
    batch.table.set(row)
    const into = new link.RxBatch(new Uint8Array(4096), 1)
    nativeAssemble(batch, into, 0)
    t.equal(into.table[link.RX_LENGTH], 0, name)
  }
})

t.test('a batch that does not fit is refused, and nothing is written behind the end', async t => {
  const batch = newBatch(new Uint8Array(2000))
  addSegment(batch, { sourcePort: 1, destinationPort: 2, text: [0, 1000] })
  const memory = new Uint8Array(2048)
  t.throws(() => nativeAssemble(batch, new link.RxBatch(memory.subarray(0, 1039), 1), 0), RangeError)
  t.throws(() => nativeAssemble(batch, new link.RxBatch(memory, 0), 0), RangeError)
  t.same(memory.subarray(1039), new Uint8Array(2048 - 1039))
})

t.test('verify: a whole segment is GOOD, at odd and even lengths, in one piece and in two', async t => {
  for (const text of [
    [0, 0],
    [1, 1],
    [3, 999],
    [0, 1001, 2000, 333],
    [7, 1000, 1, 1]
  ] as const) {
    t.equal(verdict(received(text)), link.CHECKSUM_GOOD, text.join())
  }
})

t.test('verify: any flipped bit of the segment makes it BAD', async t => {
  for (const at of [20, 23, 24, 36, 37, 40, 1038]) {
    const batch = received([0, 999])
    batch.bytes[at] ^= 0x10
    t.equal(verdict(batch), link.CHECKSUM_BAD, `byte ${at}`)
  }
})

t.test('verify: the pseudo-header sum alone is PARTIAL, its complement is BAD', async t => {
  const batch = received([0, 500])
  const pseudo = fold(pseudoHeaderSum(0x0a000001, 0x0a000002, 6, 520))
  batch.view.setUint16(36, pseudo)
  t.equal(verdict(batch), link.CHECKSUM_PARTIAL)
  batch.view.setUint16(36, ~pseudo & 0xffff)
  t.equal(verdict(batch), link.CHECKSUM_BAD)
})

t.test('verify: a good checksum that is the pseudo-header sum by chance is GOOD', async t => {
  const batch = received([0, 500])
  const pseudo = fold(pseudoHeaderSum(0x0a000001, 0x0a000002, 6, 520))
  // Two bytes of the text take up what the field has lost.
  const was = batch.view.getUint16(36)
  batch.view.setUint16(40, fold(batch.view.getUint16(40) + was + (~pseudo & 0xffff)))
  batch.view.setUint16(36, pseudo)
  t.ok(verifyTcpChecksum(batch.view, 20, 520, 0x0a000001, 0x0a000002))
  t.equal(verdict(batch), link.CHECKSUM_GOOD)
})

t.test('verify: what is no whole segment is UNKNOWN', async t => {
  const changes: Record<string, (batch: link.RxBatch) => void> = {
    'a fragment with more to come': batch => batch.view.setUint16(6, 0x2000),
    'a later fragment': batch => batch.view.setUint16(6, 0x0001),
    'another protocol': batch => batch.view.setUint8(9, 17),
    'version 6': batch => batch.view.setUint8(0, 0x65),
    'a header of 16 bytes': batch => batch.view.setUint8(0, 0x44),
    'a total length beyond the packet': batch => batch.view.setUint16(2, 60000),
    'a total length inside the header': batch => batch.view.setUint16(2, 19),
    'a TCP header cut off': batch => batch.view.setUint16(2, 39),
    'a packet of 19 bytes': batch => batch.table.set([0, 19, 0]),
    'a descriptor outside the memory': batch => batch.table.set([65530, 40, 0]),
    'a negative offset': batch => batch.table.set([-1, 40, 0])
  }
  for (const [name, change] of Object.entries(changes)) {
    const batch = received([0, 100])
    change(batch)
    t.equal(verdict(batch), link.CHECKSUM_UNKNOWN, name)
  }
})

t.test('verify: bytes behind the packet are not summed', async t => {
  const batch = received([0, 10])
  batch.bytes.fill(0xff, 50)
  batch.table[link.RX_LENGTH] = 60
  t.equal(verdict(batch), link.CHECKSUM_GOOD)
})
