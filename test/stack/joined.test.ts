// Segments that the driver has joined: the stack does with one of them what it does with the segments it was joined from.

import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { gatheredLength } from '../../src/link/gather.ts'
import { RX_LENGTH, RX_OFFSET, RX_SEGMENT, RX_STRIDE, RxBatch } from '../../src/link/link.ts'
import { loadAddon } from '../../src/native/addon.ts'
import { Random } from '../../src/random.ts'
import { Run } from '../../src/stack/run.ts'
import { flagsOfPart } from '../../src/tcp/joined.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'
import { ACK, CWR, ECE, FIN, PSH } from '../../src/wire/segment.ts'
import { established, type Fields, type Peer } from '../support/peer.ts'

const addon = loadAddon()
const ROOM = 16_384

interface Counted {
  joined: number
}

/** Hands over batches as the drivers of the addon do. */
function joinOn(peer: Peer): Counted {
  const counted = { joined: 0 }
  const link = peer.link
  const batch = new RxBatch(new Uint8Array(64 * ROOM), 64)
  link.deliver = (...packets) => {
    for (const [i, packet] of packets.entries()) {
      batch.bytes.set(packet, i * ROOM)
      batch.table[i * RX_STRIDE + RX_OFFSET] = i * ROOM
      batch.table[i * RX_STRIDE + RX_LENGTH] = packet.length
      batch.table[i * RX_STRIDE + RX_SEGMENT] = 0
    }
    addon.verify(batch.bytes, batch.table, packets.length)
    batch.count = addon.join(batch.bytes, ROOM, batch.table, packets.length)
    counted.joined += packets.length - batch.count
    link.receiver?.packetsArrived(batch)
  }
  return counted
}

/** Hands over batches as a pair does whose checksums the addon looks at: the stack finds by itself what goes together. */
function lineUpOn(peer: Peer): Counted {
  const counted = { joined: 0 }
  const link = peer.link
  const batch = new RxBatch(new Uint8Array(64 * ROOM), 64)
  const run = new Run()
  link.deliver = (...packets) => {
    let at = 0
    for (const [i, packet] of packets.entries()) {
      batch.bytes.set(packet, at)
      batch.table[i * RX_STRIDE + RX_OFFSET] = at
      batch.table[i * RX_STRIDE + RX_LENGTH] = packet.length
      at += gatheredLength(packet.length)
    }
    batch.count = packets.length
    addon.verify(batch.bytes, batch.table, packets.length)
    for (let i = 0; i < packets.length; i += run.count) {
      run.begin(batch, i * RX_STRIDE)
      counted.joined += run.count - 1
    }
    link.receiver?.packetsArrived(batch)
  }
  return counted
}

/** A segment of `length` bytes that says of itself that it was several of `segment` bytes. */
function deliverJoined(peer: Peer, fields: Fields, segment: number): string[] {
  const packet = peer.packet(fields)
  const batch = new RxBatch(packet, 1)
  batch.table[RX_LENGTH] = packet.length
  batch.table[RX_SEGMENT] = segment
  batch.count = 1
  peer.link.sent = []
  peer.link.receiver?.packetsArrived(batch)
  peer.settle()
  return peer.replies()
}

const text = (length: number): string => 'x'.repeat(length)

t.test('in order: one ACK, and an MSS that is that of the segments', async t => {
  const peer = established()
  t.same(deliverJoined(peer, { flags: '.', seq: 1, ack: 1, text: text(3000) }, 1000), ['. 1 ack 3001'])
  t.equal(peer.connection?.info().rcvMss, 1000)
  t.equal(peer.connection?.info().segsIn, 5)
  t.equal(peer.stack.statistics().tcp.InSegs, 5)
  t.equal(peer.read().length, 3000)
})

t.test('less than two full segments wait for the delayed ACK, however many came', async t => {
  const peer = established()
  t.same(deliverJoined(peer, { flags: '.', seq: 1, ack: 1, text: text(1000) }, 100), [])
  t.same(peer.wait(100), ['40 . 1 ack 1001'])
})

t.test('behind a hole: an ACK for each, as a peer without SACK counts them', async t => {
  const peer = established()
  t.same(deliverJoined(peer, { flags: '.', seq: 101, ack: 1, text: text(400) }, 100), new Array(4).fill('. 1 ack 1'))
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1, text: text(100) }), ['. 1 ack 501'])
})

t.test('a FIN and PSH are with the last segment', async t => {
  const peer = established()
  t.same(deliverJoined(peer, { flags: 'FP.', seq: 1, ack: 1, text: text(250) }, 100), ['. 1 ack 252'])
  t.equal(peer.state, 'CLOSE-WAIT')
  t.equal(peer.read().length, 250)
})

interface Trouble {
  readonly name: string
  readonly before?: (peer: Peer) => unknown
  readonly joined: Fields
  readonly after?: Fields
}

const troubles: Trouble[] = [
  {
    name: 'a FIN is known that is before its end',
    before: peer => peer.arrive({ flags: 'F.', seq: 301, ack: 1 }),
    joined: { flags: '.', seq: 1, ack: 1, text: text(500) }
  },
  {
    name: 'it reports a duplicate',
    before: peer => peer.call(c => c.write(Buffer.alloc(1000))),
    joined: { flags: '.', seq: 1, ack: 1001, sack: [[1, 101]], text: text(500) }
  },
  {
    name: 'its ACK is too old',
    joined: { flags: '.', seq: 1, ack: -200_000, text: text(500) }
  },
  {
    name: 'a loss is being repaired',
    before: peer => {
      peer.call(c => c.write(Buffer.alloc(20_000)))
      for (let right = 2921; right < 8000; right += 1460) {
        peer.arrive({ flags: '.', seq: 1, ack: 1, sack: [[1461, right]] })
      }
    },
    joined: { flags: '.', seq: 1, ack: 1461, text: text(500) }
  },
  { name: 'it has no ACK', joined: { flags: 'P', seq: 1, text: text(500) } },
  { name: 'it has a SYN', joined: { flags: 'S.', seq: 1, ack: 1, text: text(500) } },
  {
    name: 'an older window comes after it',
    joined: { flags: '.', seq: 1, ack: 1, window: 5000, text: text(500) },
    after: { flags: '.', seq: 351, ack: 1, window: 7000, text: text(250) }
  }
]
for (const { name, before = () => {}, joined, after } of troubles) {
  t.test(`${name}: the same is done as for one segment after another`, async t => {
    const [whole, apart] = [0, 1].map(() => established({ syn: { sackPermitted: true } }))
    t.same(before(whole), before(apart))
    const pieces = [0, 1, 2, 3, 4].map(i => ({ ...joined, seq: 1 + i * 100, text: text(100) }))
    t.same(deliverJoined(whole, joined, 100), apart.arrive(...pieces))
    if (after !== undefined) t.same(whole.arrive(after), apart.arrive(after))
    t.same(whole.connection?.info(), apart.connection?.info())
    const [{ tcp, tcpExt, dropped }, expected] = [whole.stack.statistics(), apart.stack.statistics()]
    t.same([tcp, tcpExt, dropped.tcp], [expected.tcp, expected.tcpExt, expected.dropped.tcp])
  })
}

t.test('a reduction is told with the first of them, the end of the text with the last', async t => {
  const flags = ACK | PSH | FIN | ECE | CWR
  t.equal(flagsOfPart(flags, true, false), ACK | ECE | CWR)
  t.equal(flagsOfPart(flags, false, false), ACK | ECE)
  t.equal(flagsOfPart(flags, false, true), ACK | PSH | FIN | ECE)
  t.equal(flagsOfPart(flags, true, true), flags)
})

t.test('a segment that is no longer than it says is one', async t => {
  const peer = established()
  deliverJoined(peer, { flags: '.', seq: 1, ack: 1, text: text(100) }, 100)
  t.equal(peer.connection?.info().segsIn, 3)
})

// What a random peer does. All in the same words to two stacks, of which one gets segments joined.

interface Situation {
  readonly name: string
  readonly sockets?: SocketOptions
  readonly syn?: Partial<Fields>
  readonly tos?: readonly number[]
}

const situations: Situation[] = [
  { name: 'no options' },
  { name: 'SACK', syn: { sackPermitted: true } },
  { name: 'SACK and timestamps', syn: { sackPermitted: true, ts: [1000, 0] } },
  { name: 'ECN', syn: { flags: 'SEC', sackPermitted: true }, tos: [2, 2, 2, 3] },
  { name: 'DCTCP', syn: { flags: 'SEC' }, sockets: { congestionControl: 'dctcp' }, tos: [2, 2, 3] },
  { name: 'accurate ECN', syn: { flags: 'SECA' }, sockets: { ecn: 'accurate' }, tos: [2, 2, 3] },
  { name: 'a small receive buffer', sockets: { receiveBuffer: 4096 } },
  { name: 'quick ACKs', sockets: { quickAcks: 16 }, syn: { sackPermitted: true } }
]

// The last two: a repair under way to which every segment is news.
const seeds = [...Array(40).keys(), 150, 171]
const BASES = [1000, 0x7ffff000, 0xfffff000]

const ways = [
  { way: 'joined', begin: joinOn },
  { way: 'in line', begin: lineUpOn }
]
const cases = ways.flatMap(way => situations.map(situation => ({ ...way, ...situation })))

for (const { way, begin, name, sockets = {}, syn = {}, tos = [0] } of cases) {
  t.test(`${name}: ${way} or not, the same is sent, told, counted and read`, async t => {
    let joinedInAll = 0
    for (const seed of seeds) {
      const random = new Random(seed)
      const [plain, joined] = [0, 1].map(() => established({ isn: BASES[seed % 3], seed, sockets, syn }))
      const counted = begin(joined)
      let isSame = true
      const both = <T>(what: (peer: Peer) => T): T => {
        const [a, b] = [what(plain), what(joined)]
        isSame &&= isDeepStrictEqual(a, b)
        if (!isSame) t.same(b, a, `seed ${seed}`)
        return a
      }
      const conversation = new Conversation(random, syn.ts !== undefined, syn.sackPermitted === true, tos)
      for (let step = 0; step < 25 && isSame && plain.state !== 'CLOSED'; step++) {
        const batch = conversation.batch()
        for (const line of both(peer => peer.arrive(...batch))) conversation.hear(line)
        both(peer => peer.told)
        both(peer => peer.connection?.info())
        if (random.int(3) > 0) both(peer => peer.read())
        if (random.int(4) === 0 && (plain.state === 'ESTABLISHED' || plain.state === 'CLOSE-WAIT')) {
          const length = 1 + random.int(4000)
          for (const line of both(peer => peer.call(c => c.write(Buffer.alloc(length, 'w'))))) conversation.hear(line)
        }
        if (random.int(60) === 0) for (const line of both(peer => peer.call(c => c.shutdown()))) conversation.hear(line)
        if (random.int(60) === 0) for (const line of both(peer => peer.call(c => c.close()))) conversation.hear(line)
        const ms = random.int(3) === 0 ? random.int(300) : 0
        for (const line of both(peer => peer.wait(ms))) conversation.hear(line.slice(line.indexOf(' ') + 1))
      }
      both(peer => peer.read())
      both(({ stack }) => {
        const { ipExt, tcp, tcpExt, dropped } = stack.statistics()
        // What the driver has joined is one packet.
        return { tcp, tcpExt, dropped: dropped.tcp, ipExt: begin === lineUpOn && ipExt }
      })
      joinedInAll += counted.joined
    }
    t.ok(joinedInAll > 500, `${joinedInAll} joined`)
  })
}

/** A peer's text, mostly in order, with all that may happen to it. */
class Conversation {
  /** What comes next of the peer's, and of ours as far as it was seen. */
  #next = 1
  #ours = 1
  #acked = 1
  #clock = 1001
  readonly #random: Random
  readonly #timestamps: boolean
  readonly #sack: boolean
  readonly #tos: readonly number[]

  constructor(random: Random, timestamps: boolean, sack: boolean, tos: readonly number[]) {
    this.#random = random
    this.#timestamps = timestamps
    this.#sack = sack
    this.#tos = tos
  }

  /** `P. 1+5 ack 1`. */
  hear(line: string): void {
    const [, seq, length] = /^\S+ (-?\d+)(?:\+(\d+))?/.exec(line) ?? []
    this.#ours = Math.max(this.#ours, Number(seq) + Number(length ?? 0))
  }

  batch(): Fields[] {
    const random = this.#random
    const segments: Fields[] = []
    for (let run = 1 + random.int(3); run > 0; run--) {
      const size = 50 + random.int(400)
      const fields: Fields = {
        flags: '.',
        ack: this.#acknowledge(),
        window: random.int(10) === 0 ? random.int(65_536) : 60_000,
        tos: this.#tos[random.int(this.#tos.length)]
      }
      this.#clock += random.int(3)
      if (this.#timestamps) fields.ts = [this.#clock - (random.int(30) === 0 ? 500 : 0), 0]
      if (random.int(8) === 0) fields.flags = ['P.', 'E.', 'C.', 'EA.', ''][random.int(5)]
      if (this.#sack && random.int(12) === 0 && this.#ours - this.#acked > 100) {
        fields.sack = [[this.#acked + 50, this.#ours - 20]]
      }
      let seq = this.#next
      // A hole, text again, or beyond the window.
      if (random.int(5) === 0) seq += random.int(3000) - 1000
      if (random.int(50) === 0) seq += 1 << (10 + random.int(20))
      const count = 1 + random.int(20)
      const flags = fields.flags
      for (let i = 0; i < count; i++) {
        if (random.int(40) === 0) continue
        const length = i === count - 1 ? random.int(size) : size
        const last = i === count - 1 && random.int(4) === 0
        segments.push({
          ...fields,
          seq: seq + i * size,
          text: contents(seq + i * size, length),
          flags: last ? `P${flags}` : flags
        })
        if (seq + i * size <= this.#next) this.#next = Math.max(this.#next, seq + i * size + length)
      }
    }
    if (random.int(80) === 0) segments.push({ flags: 'F.', seq: this.#next, ack: this.#acked })
    if (random.int(150) === 0) segments.push({ flags: 'R', seq: this.#next })
    return segments
  }

  #acknowledge(): number {
    const random = this.#random
    if (random.int(60) === 0) return this.#ours + 1000
    if (random.int(20) === 0) return this.#acked - random.int(2000)
    if (random.int(3) === 0) this.#acked += random.int(this.#ours - this.#acked + 1)
    return this.#acked
  }
}

const contents = (seq: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (seq + i) % 251)
