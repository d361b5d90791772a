// Consecutive segments joined in the addon: what is joined and how, each reason not to, and that no byte changes.

import t from 'tap'
import {
  CHECKSUM_BAD,
  CHECKSUM_GOOD,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNKNOWN,
  RX_CHECKSUM,
  RX_LENGTH,
  RX_OFFSET,
  RX_SEGMENT,
  RX_STRIDE
} from '../../src/link/link.ts'
import { loadAddon } from '../../src/native/addon.ts'
import { Random } from '../../src/random.ts'
import { finish, fold, pseudoHeaderSum, sum } from '../../src/wire/checksum.ts'
import { PROTOCOL_TCP } from '../../src/wire/ipv4.ts'
import { ACK, FIN, PSH, Segment } from '../../src/wire/segment.ts'
import { parsed, tcpPacket } from '../support/peer.ts'

const addon = loadAddon()

const ROOM = 65_536
const SOURCE = 0x0a000002
const DESTINATION = 0x0a000001

interface Row {
  readonly packet: Buffer
  readonly checksum: number
  readonly segment: number
}

interface Given {
  seq: number
  /** Length, or the text itself. */
  text: number | Uint8Array
  flags?: number
  ack?: number
  window?: number
  ts?: [number, number] | undefined
  port?: number
  source?: number
  urgentPointer?: number
  /** Works on the bytes of the IP packet; its header's checksum is right again afterwards. */
  change?(packet: Uint8Array): void
  /** As the driver has judged it. */
  checksum?: number
  /** As the kernel has said it of a super-segment. */
  segment?: number
}

const textAt = (seq: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (seq + i) * 7)

function row(given: Given): Row {
  const seg = new Segment()
  seg.sourcePort = given.port ?? 5000
  seg.destinationPort = 80
  seg.seq = given.seq | 0
  seg.ack = given.ack ?? 77
  seg.flags = given.flags ?? ACK
  seg.window = given.window ?? 1000
  seg.urgentPointer = given.urgentPointer ?? 0
  if (given.ts !== undefined) {
    seg.hasTimestamps = true
    ;[seg.tsVal, seg.tsEcr] = given.ts
  }
  const text = typeof given.text === 'number' ? textAt(given.seq, given.text) : given.text
  const packet = tcpPacket(seg, text, given.source ?? SOURCE, DESTINATION)
  if (given.change !== undefined) {
    given.change(packet)
    const view = new DataView(packet.buffer)
    view.setUint16(10, 0)
    view.setUint16(10, finish(sum(view, 0, (packet[0] & 15) * 4, 0)))
  }
  return { packet: Buffer.from(packet), checksum: given.checksum ?? CHECKSUM_GOOD, segment: given.segment ?? 0 }
}

function joinRows(rows: readonly Row[], room = ROOM): Row[] {
  const bytes = new Uint8Array(rows.length * room)
  const table = new Int32Array(rows.length * RX_STRIDE)
  for (const [i, { packet, checksum, segment }] of rows.entries()) {
    bytes.set(packet, i * room)
    table.set([i * room, packet.length, checksum, segment], i * RX_STRIDE)
  }
  const count = addon.join(bytes, room, table, rows.length)
  return Array.from({ length: count }, (_, i) => {
    const [offset, length] = [table[i * RX_STRIDE + RX_OFFSET], table[i * RX_STRIDE + RX_LENGTH]]
    return {
      packet: Buffer.from(bytes.slice(offset, offset + length)),
      checksum: table[i * RX_STRIDE + RX_CHECKSUM],
      segment: table[i * RX_STRIDE + RX_SEGMENT]
    }
  })
}

const join = (...given: readonly Given[]): Row[] => joinRows(given.map(row))

/** Both checksums, summed here. */
function isSound(packet: Buffer): boolean {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length)
  const length = packet.length - 20
  const pseudo = pseudoHeaderSum(view.getInt32(12), view.getInt32(16), PROTOCOL_TCP, length)
  return fold(sum(view, 0, 20, 0)) === 0xffff && fold(sum(view, 20, length, pseudo)) === 0xffff
}

function textOf(packet: Buffer): Buffer {
  const { payloadOffset, payloadLength } = parsed(packet)
  return packet.subarray(payloadOffset, payloadOffset + payloadLength)
}

const TS: [number, number] = [500, 600]

t.test('three segments become one, with the headers of the first and checksums that hold', async t => {
  for (const seq of [1, 0x7fffff00, 0xffffff00]) {
    const given = [0, 1448, 2896].map(at => ({ seq: seq + at, text: 1448, ts: TS }))
    const before = parsed(row(given[0]).packet)
    const [joined, ...others] = join(...given)
    t.same(others, [])
    t.equal(joined.packet.length, 52 + 3 * 1448)
    t.equal(joined.packet.readUInt16BE(2), joined.packet.length)
    t.ok(isSound(joined.packet))
    t.equal(joined.checksum, CHECKSUM_GOOD)
    t.equal(joined.segment, 1448)
    t.ok(textOf(joined.packet).equals(textAt(seq, 3 * 1448)))
    const after = parsed(joined.packet)
    for (const field of ['seq', 'ack', 'flags', 'window', 'tsVal', 'tsEcr', 'sourcePort', 'destinationPort'] as const) {
      t.equal(after[field], before[field], field)
    }
  }
})

t.test('texts of odd lengths: the sum of what follows is turned round', async t => {
  const random = new Random(3)
  for (let i = 0; i < 200; i++) {
    const size = 1 + random.int(40)
    const texts = [size, size, size, 1 + random.int(size)].map(length =>
      Uint8Array.from({ length }, () => random.int(256))
    )
    const rows = join(...texts.map((text, at) => ({ seq: 1 + at * size, text })))
    t.equal(rows.length, 1)
    t.ok(isSound(rows[0].packet), `${texts.map(text => text.length)}`)
    t.ok(textOf(rows[0].packet).equals(Buffer.concat(texts)))
  }
})

t.test('an unfinished checksum stays one: the sum of the pseudo-header, of the new length', async t => {
  const [joined] = join(
    { seq: 1, text: 100, checksum: CHECKSUM_PARTIAL },
    { seq: 101, text: 100, checksum: CHECKSUM_PARTIAL }
  )
  t.equal(joined.checksum, CHECKSUM_PARTIAL)
  t.equal(joined.packet.readUInt16BE(36), fold(pseudoHeaderSum(SOURCE, DESTINATION, PROTOCOL_TCP, 220)))
})

t.test('PSH ends a joined segment and is kept', async t => {
  const rows = join(
    { seq: 1, text: 10 },
    { seq: 11, text: 10, flags: ACK | PSH },
    { seq: 21, text: 10 },
    { seq: 31, text: 10 }
  )
  t.same(
    rows.map(({ packet }) => parsed(packet)).map(({ seq, payloadLength, flags }) => [seq, payloadLength, flags]),
    [
      [1, 20, ACK | PSH],
      [21, 20, ACK]
    ]
  )
  t.ok(rows.every(({ packet }) => isSound(packet)))
})

t.test('what is padded is joined without the padding', async t => {
  const rows = [row({ seq: 1, text: 2 }), row({ seq: 3, text: 2 })].map(it => ({
    ...it,
    packet: Buffer.concat([it.packet, Buffer.alloc(4, 0xee)])
  }))
  const joined = joinRows(rows)
  t.equal(joined.length, 1)
  t.ok(textOf(joined[0].packet).equals(textAt(1, 4)))
  t.ok(isSound(joined[0].packet))
})

t.test('a joined segment fills a packet of 65535 bytes and no more', async t => {
  const segments = Array.from({ length: 46 }, (_, i) => ({ seq: 1 + i * 1448, text: 1448, ts: TS }))
  const lengths = join(...segments).map(({ packet }) => packet.length)
  t.same(lengths, [52 + 45 * 1448, 52 + 1448])
  const exact = Array.from({ length: 32 }, (_, i) => ({ seq: 1 + i * 2047, text: i < 31 ? 2047 : 65_495 - 31 * 2047 }))
  t.same(
    join(...exact).map(({ packet }) => packet.length),
    [65_535]
  )
  const beyond = exact.map((it, i) => (i < 31 ? it : { ...it, text: it.text + 1 }))
  t.equal(join(...beyond).length, 2)
})

t.test('it keeps to the room that there is', async t => {
  const given = [1, 101, 201].map(seq => row({ seq, text: 100 }))
  t.same(
    joinRows(given, 340).map(({ packet }) => packet.length),
    [340]
  )
  t.same(
    joinRows(given, 339).map(({ packet }) => packet.length),
    [240, 140]
  )
  t.throws(() => joinRows(given, 139), { name: 'RangeError' })
})

// Each second one differs from what could be joined in one thing.
const reasons: Record<string, Partial<Given>> = {
  'a hole before it': { seq: 102 },
  'text that has come already': { seq: 100 },
  'no text': { text: 0 },
  'more text than the first': { text: 101 },
  'another source port': { port: 5001 },
  'another address': { source: 0x0a000003 },
  'another acknowledgment': { ack: 78 },
  'another window': { window: 1001 },
  'another urgent pointer': { urgentPointer: 1 },
  FIN: { flags: ACK | FIN },
  SYN: { flags: ACK | 2 },
  RST: { flags: ACK | 4 },
  'no ACK': { flags: 0 },
  URG: { flags: ACK | 0x20 },
  ECE: { flags: ACK | 0x40 },
  CWR: { flags: ACK | 0x80 },
  AE: { flags: ACK | 0x100 },
  'another TSval': { ts: [501, 600] },
  'another TSecr': { ts: [500, 601] },
  'no timestamps': { ts: undefined },
  'a bit of the header that is reserved': { change: packet => (packet[32] |= 2) },
  'another codepoint of ECN': { change: packet => (packet[1] = 3) },
  'another DSCP': { change: packet => (packet[1] = 0x10) },
  'another TTL': { change: packet => packet[8]-- },
  'no DF': { change: packet => (packet[6] &= ~0x40) },
  'more fragments': { change: packet => (packet[6] |= 0x20) },
  'an offset as a fragment': { change: packet => (packet[7] = 1) },
  'another protocol': { change: packet => (packet[9] = 17) },
  'another version': { change: packet => (packet[0] = 0x65) },
  'an IP header with options': { change: packet => (packet[0] = 0x46) },
  'an IP header that is too short': { change: packet => (packet[0] = 0x44) },
  'a total length beyond the packet': { change: packet => packet[3]++ },
  'a total length without a TCP header': { change: packet => (packet[3] = 51) },
  'a TCP header that is too short': { change: packet => (packet[32] = 0x40) },
  'a TCP header beyond the packet': { change: packet => (packet[32] = 0xf0), text: 1 },
  'a bad checksum': { checksum: CHECKSUM_BAD },
  'a checksum that nobody has looked at': { checksum: CHECKSUM_UNKNOWN },
  'an unfinished checksum behind a good one': { checksum: CHECKSUM_PARTIAL },
  'a super-segment of the kernel': { segment: 50 }
}
for (const [name, change] of Object.entries(reasons)) {
  t.test(`not joined, neither to the one before nor with the one behind: ${name}`, async t => {
    const plain = { seq: 1, text: 100, ts: TS }
    t.equal(join(plain, { ...plain, seq: 101 }).length, 1, 'without that it would')
    const second = row({ ...plain, seq: 101, ...change })
    // Behind it comes what would continue the first.
    const rows = [row(plain), second, row({ ...plain, seq: 101 })]
    const joined = joinRows(rows)
    const isOfAnotherFlow = change.port !== undefined || change.source !== undefined
    t.equal(joined.length, isOfAnotherFlow ? 2 : 3)
    t.same(joined[1], second, 'as it was')
    if (!isOfAnotherFlow) t.same(joined, rows)
  })
}

/** What sets one apart from others, and not from its like. All else is never joined. */
const joinedWithItsLike = [
  'a hole before it',
  'text that has come already',
  'more text than the first',
  'another source port',
  'another address',
  'another acknowledgment',
  'another window',
  'another urgent pointer',
  'another TSval',
  'another TSecr',
  'no timestamps',
  'another codepoint of ECN',
  'another DSCP',
  'another TTL',
  'no DF',
  'an unfinished checksum behind a good one'
]
t.test('two in a row of the same kind', async t => {
  for (const [name, change] of Object.entries(reasons)) {
    const first: Given = { seq: 101, text: 100, ts: TS, ...change }
    const next = { ...first, seq: first.seq + (first.text as number) }
    t.equal(join(first, next).length, joinedWithItsLike.includes(name) ? 1 : 2, name)
  }
})

t.test('not joined: a header whose own checksum is bad, which would become a good one', async t => {
  const [first, second] = [row({ seq: 1, text: 100 }), row({ seq: 101, text: 100 })]
  for (const i of [0, 1]) {
    const rows = [first, second].map(it => ({ ...it, packet: Buffer.from(it.packet) }))
    rows[i].packet[10] ^= 1
    t.same(joinRows(rows), rows)
  }
})

t.test(
  'nothing is joined to a PSH, nor to one that was shorter than the first, nor above 16384 bytes of text',
  async t => {
    t.equal(join({ seq: 1, text: 10, flags: ACK | PSH }, { seq: 11, text: 10 }).length, 2)
    t.same(
      join({ seq: 1, text: 10 }, { seq: 11, text: 9 }, { seq: 20, text: 9 }).map(({ packet }) => packet.length),
      [59, 49]
    )
    t.equal(join({ seq: 1, text: 16384 }, { seq: 16385, text: 16384 }).length, 1)
    t.equal(join({ seq: 1, text: 16385 }, { seq: 16386, text: 16385 }).length, 2)
  }
)

t.test('flows that alternate are joined each for itself, eight of them', async t => {
  const alternating = (flows: number): Given[] =>
    Array.from({ length: 3 * flows }, (_, i) => ({
      port: 5000 + (i % flows),
      seq: 1 + Math.floor(i / flows) * 100,
      text: 100
    }))
  const eight = join(...alternating(8))
  t.same(
    eight.map(({ packet }) => [parsed(packet).sourcePort, packet.length]),
    Array.from({ length: 8 }, (_, i) => [5000 + i, 340])
  )
  t.ok(eight.every(({ packet }) => isSound(packet)))
  t.ok(join(...alternating(9)).length > 9)
})

t.test('of what belongs to no flow each keeps its place: all that came before is finished', async t => {
  const fragment = row({ seq: 9000, text: 10, checksum: CHECKSUM_UNKNOWN })
  const [one, two] = [row({ seq: 1, text: 10 }), row({ seq: 11, text: 10 })]
  t.same(joinRows([one, fragment, two]), [one, fragment, two])
})

t.test('random batches: the same text of each flow, and all that is not joined in its order', async t => {
  const random = new Random(11)
  let joinedInAll = 0
  for (let run = 0; run < 600; run++) {
    const next = Array.from({ length: 1 + random.int(11) }, () => random.int(2 ** 32))
    const rows = Array.from({ length: 1 + random.int(64) }, () => {
      const flow = random.int(next.length)
      if (random.int(20) === 0) next[flow] += random.int(3000)
      const seq = next[flow]
      const length = random.int(12) === 0 ? random.int(300) : 300
      next[flow] = (seq + length) >>> 0
      const checksum = random.int(40) === 0 ? random.int(4) : CHECKSUM_GOOD
      const flags = random.int(15) === 0 ? ACK | random.int(0x200) : ACK
      const ts: [number, number] = [random.int(30) === 0 ? 2 : 1, 1]
      return row({ port: 5000 + flow, seq, text: length, flags, ts, checksum })
    })
    const joined = joinRows(rows)
    joinedInAll += rows.length - joined.length
    for (const it of joined) {
      if (it.checksum === CHECKSUM_GOOD && !isSound(it.packet)) t.fail(`run ${run}: a bad checksum`)
    }
    t.same(takenApart(joined), takenApart(rows), `run ${run}`)
  }
  t.ok(joinedInAll > 2000, `${joinedInAll} joined`)
})

/** Of each flow: what the stack gets to see of its segments, one after another; consecutive plain ones as a stream. */
function takenApart(rows: readonly Row[]): Record<string, string[]> {
  const flows: Record<string, string[]> = {}
  for (const { packet, checksum, segment } of rows) {
    const seg = parsed(packet)
    const text = textOf(packet)
    const seen = (flows[seg.sourcePort] ??= [])
    const size = segment || Math.max(1, text.length)
    for (let at = 0; at < Math.max(1, text.length); at += size) {
      const isLast = at + size >= text.length
      const flags = isLast ? seg.flags : seg.flags & ~PSH
      const part = text.subarray(at, at + size)
      const fields = [(seg.seq + at) >>> 0, seg.ack, flags, seg.window, seg.tsVal, seg.tsEcr, checksum]
      seen.push(`${fields.join(' ')} ${part.toString('latin1')}`)
    }
  }
  return flows
}

t.test(
  'joinGathered: neighbours become one where there is no room between packets, and all else stays as it is',
  async t => {
    const random = new Random(11)
    let joined = 0
    for (let round = 0; round < 300; round++) {
      const next = [1, 100_001]
      const rows = Array.from({ length: 2 + random.int(20) }, () => {
        const flow = random.chance(0.2) ? 1 : 0
        const length = random.chance(0.2) ? random.int(3) : [8, 100, 1448][round % 3]
        const seq = next[flow]
        next[flow] += length
        const flags = random.chance(0.05) ? ACK | PSH : random.chance(0.03) ? ACK | FIN : ACK
        return row({ seq, text: length, port: 5000 + flow, flags, ts: TS })
      })
      const room = rows.reduce((sum, { packet }) => sum + ((packet.length + 7) & ~7), 0)
      const bytes = new Uint8Array(room)
      const table = new Int32Array(rows.length * RX_STRIDE)
      let at = 0
      for (const [i, { packet, checksum }] of rows.entries()) {
        bytes.set(packet, at)
        table.set([at, packet.length, checksum, 0], i * RX_STRIDE)
        at += (packet.length + 7) & ~7
      }
      const count = addon.joinGathered(bytes, table, rows.length)
      joined += rows.length - count
      const streams = [5000, 5001].map(port => ({
        before: rows.map(({ packet }) => packet).filter(packet => parsed(packet).sourcePort === port),
        after: Array.from({ length: count }, (_, i) => {
          const [offset, length] = [table[i * RX_STRIDE + RX_OFFSET], table[i * RX_STRIDE + RX_LENGTH]]
          return Buffer.from(bytes.slice(offset, offset + length))
        }).filter(packet => parsed(packet).sourcePort === port)
      }))
      for (const { before, after } of streams) {
        if (!after.every(isSound)) t.fail(`round ${round}: a checksum is wrong`)
        if (!Buffer.concat(after.map(textOf)).equals(Buffer.concat(before.map(textOf)))) t.fail(`round ${round}: text`)
        const flags = (packets: Buffer[]): number => packets.reduce((all, packet) => all | parsed(packet).flags, 0)
        t.equal(flags(after), flags(before))
      }
    }
    t.ok(joined > 500, `${joined} were joined`)
    const table = Int32Array.of(100, 40, CHECKSUM_GOOD, 0, 0, 0, 40, CHECKSUM_GOOD, 0, 0)
    t.throws(() => addon.joinGathered(new Uint8Array(200), table, 2), RangeError, 'one behind the other')
    const elsewhere = Int32Array.of(0, 40, CHECKSUM_GOOD, 0, 1)
    t.throws(() => addon.joinGathered(new Uint8Array(200), elsewhere, 1), RangeError, 'in one region')
    t.throws(() => addon.join(new Uint8Array(200), 40, elsewhere, 1), RangeError, 'in one region')
  }
)
