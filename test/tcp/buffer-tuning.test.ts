// Buffers that nobody has fixed: how they begin, what makes them grow, and to what, number by number. That they fill a path is seen in
// test/sim/tuning.test.ts.

import t from 'tap'
import { RX_LENGTH, RX_SEGMENT, RxBatch } from '../../src/link/link.ts'
import type { Connection } from '../../src/stack/connection.ts'
import type { StackOptions } from '../../src/stack/stack.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'
import { type Fields, knock, PEER_PORT, Peer } from '../support/peer.ts'

const KIB = 1024
const MIB = 1024 * KIB
const MSS = 1460
/** What the reader is held for before anybody has looked, bytes a round trip. */
const FIRST_PACE = 10 * MSS
/** Text that wakes the tuning. */
const ENOUGH = 64 * KIB

interface Wanted {
  readonly sockets?: SocketOptions
  readonly stack?: Omit<StackOptions, 'link' | 'host'>
  readonly timestamps?: boolean
  readonly mtu?: number
  /** From our SYN-ACK to the peer's ACK. */
  readonly handshakeMs?: number
}

/** The peer of a connection whose buffers tune themselves. It was opened at 0 ms. */
class Tuned {
  readonly peer: Peer
  readonly shift: number
  readonly #echoOfZero: number | undefined
  #next = 1

  constructor({ sockets = {}, stack = {}, timestamps = true, mtu = 1500, handshakeMs = 0 }: Wanted = {}) {
    this.peer = new Peer({ stack, sockets: { receiveBuffer: 0, sendBuffer: 0, ...sockets } }).listen()
    this.peer.link.mtu = mtu
    const ts: Partial<Fields> = timestamps ? { ts: [1, 0] } : {}
    const synAck = knock(this.peer, PEER_PORT, { windowScale: 14, mss: mtu - 40, ...ts })
    if (synAck === undefined) throw new Error('no SYN-ACK')
    this.shift = synAck.windowScale
    this.#echoOfZero = timestamps ? synAck.tsVal : undefined
    this.peer.wait(handshakeMs)
    this.peer.arrive({ flags: '.', seq: 1, ack: 1, ...this.#echo(handshakeMs) })
  }

  get connection(): Connection {
    return this.peer.connection as Connection
  }

  get buffer(): number {
    return this.connection.info().rcvBuf
  }

  get sendBuffer(): number {
    return this.connection.info().sndBuf
  }

  get rttMs(): number {
    return this.connection.info().rcvRttMs
  }

  get now(): number {
    return this.peer.clock.now()
  }

  #echo(ms: number): Partial<Fields> {
    if (this.#echoOfZero === undefined) return {}
    return { ts: [1 + this.now, (this.#echoOfZero + ms) | 0] }
  }

  /** Time passes up to `ms`. */
  until(ms: number): this {
    this.peer.wait(ms - this.now)
    return this
  }

  /** Text comes; the last segment of it was let out by what we sent at `echoMs`. */
  arrive(bytes: number, echoMs: number, fields: Partial<Fields> = {}): this {
    for (let left = bytes; left > 0; left -= 30_000) {
      const text = new Uint8Array(Math.min(left, 30_000))
      this.peer.arrive({ flags: '.', seq: this.#next, ack: 1, text, ...this.#echo(echoMs), ...fields })
      this.#next += text.length
    }
    return this
  }

  /** As a driver hands it over that has joined segments of so many bytes. */
  arriveJoined(bytes: number, segment: number, echoMs: number): this {
    const text = new Uint8Array(bytes)
    const packet = this.peer.packet({ flags: '.', seq: this.#next, ack: 1, text, ...this.#echo(echoMs) })
    const batch = new RxBatch(packet, 1)
    batch.table[RX_LENGTH] = packet.length
    batch.table[RX_SEGMENT] = segment
    batch.count = 1
    this.peer.link.receiver?.packetsArrived(batch)
    this.peer.settle()
    this.#next += bytes
    return this
  }

  /** 64 KiB have come and gone, and a round trip is known: a full segment now that answers what we sent at 0 ms. */
  awake(atMs: number): this {
    this.until(atMs).arrive(ENOUGH - MSS, 0)
    this.connection.discard()
    this.arrive(MSS, 0)
    this.connection.discard()
    return this
  }

  /** The window that is known to the peer, bytes. */
  get window(): number {
    return this.connection.info().rcvWnd
  }

  /** More than the buffer takes is written, so that the writer waits; then the peer acknowledges all that was sent but `less`, and offers `window`. */
  acknowledge(window: number, less = 0): this {
    this.peer.link.sent = []
    while (this.connection.write(new Uint8Array(64 * KIB)) === 64 * KIB);
    this.peer.settle()
    const ack = 1 + this.connection.info().bytesSent - less
    const fields = { flags: '.', seq: 1, ack, window: window >> 14, ...this.#echo(this.now) }
    this.peer.link.deliver(this.peer.packet(fields))
    return this
  }
}

/** What the buffer should be after the reader has taken `pace` bytes in a round trip, `before` at most until then. */
const sized = (pace: number, before: number): number =>
  Math.floor((2 * pace + 16 * MSS) * (1 + Math.min(1, (pace - before) / before)))

t.test('how large buffers are at first, and what the window scale is chosen for', async t => {
  for (const { sockets, first, shift } of [
    { sockets: {}, first: 512 * KIB, shift: 9 },
    { sockets: { maximumReceiveBuffer: MIB }, first: 512 * KIB, shift: 5 },
    { sockets: { maximumReceiveBuffer: 100_000 }, first: 100_000, shift: 1 },
    { sockets: { receiveBuffer: 100_000 }, first: 100_000, shift: 1 },
    { sockets: { receiveBuffer: 100_000, maximumReceiveBuffer: 4 * MIB }, first: 100_000, shift: 7 },
    { sockets: { receiveBuffer: MIB, maximumReceiveBuffer: 100_000 }, first: MIB, shift: 5 }
  ]) {
    const tuned = new Tuned({ sockets })
    t.equal(tuned.buffer, first, JSON.stringify(sockets))
    t.equal(tuned.shift, shift, JSON.stringify(sockets))
  }
  t.equal(new Tuned().sendBuffer, 512 * KIB)
  t.equal(new Tuned({ sockets: { maximumSendBuffer: 100_000 } }).sendBuffer, 100_000)
  t.equal(new Tuned({ sockets: { sendBuffer: 3000 } }).sendBuffer, 3000)
})

t.test('who has received less than 64 KiB is not measured, nor whose buffer is set', async t => {
  t.equal(
    new Tuned()
      .until(100)
      .arrive(ENOUGH - MSS - 1, 0)
      .arrive(MSS, 0).rttMs,
    0
  )
  t.equal(
    new Tuned()
      .until(100)
      .arrive(ENOUGH - MSS, 0)
      .arrive(MSS, 0).rttMs,
    100
  )
  t.equal(new Tuned({ sockets: { receiveBuffer: MIB } }).until(100).arrive(ENOUGH, 0).arrive(MSS, 0).rttMs, 0)
})

t.test('timestamps on full segments tell the round trip, the shortest of late', async t => {
  const tuned = new Tuned().awake(100)
  t.equal(tuned.rttMs, 100)
  t.equal(tuned.until(200).arrive(MSS - 1, 199).rttMs, 100, 'less than a segment may have waited for its writer')
  t.equal(tuned.arriveJoined(4 * (MSS - 1), MSS - 1, 198).rttMs, 100, 'and so may several that were joined')
  t.equal(tuned.arriveJoined(4 * MSS, MSS, 140).rttMs, 60, 'full segments that were joined')
  t.equal(tuned.arrive(MSS, 120).rttMs, 60, 'a longer one')
  t.equal(tuned.arrive(MSS, 150).rttMs, 50)
  t.equal(tuned.until(300).arrive(MSS, 300).rttMs, 1, 'within the same millisecond')
})

t.test('a round trip holds for ten seconds, then a longer one is believed', async t => {
  const tuned = new Tuned().awake(100)
  t.equal(tuned.until(10_099).arrive(MSS, 9999 - 50).rttMs, 100, 'not yet')
  t.equal(
    tuned.until(10_100).arrive(MSS, 9999 - 50).rttMs,
    100,
    'the same echo again tells only how long the peer was silent'
  )
  t.equal(tuned.arrive(MSS, 9999 - 49).rttMs, 150)
  t.equal(tuned.until(10_200).arrive(MSS, 10_000).rttMs, 150)
})

t.test('one that is measured again holds from then on', async t => {
  const tuned = new Tuned().awake(100).until(5000).arrive(MSS, 4900)
  t.equal(tuned.until(14_999).arrive(MSS, 14_800).rttMs, 100)
  t.equal(tuned.until(15_000).arrive(MSS, 14_801).rttMs, 199)
})

t.test('a timestamp tells nothing where they were not agreed', async t => {
  const tuned = new Tuned({ timestamps: false }).until(100).arrive(ENOUGH, 0)
  t.equal(tuned.arrive(MSS, 0, { ts: [1, 1] }).rttMs, 0)
})

t.test('a segment without a timestamp tells nothing, where the others have one', async t => {
  const tuned = new Tuned().awake(100)
  t.equal(tuned.until(10_200).arrive(MSS, 0, { ts: undefined as never }).rttMs, 100)
})

t.test('without timestamps it is how long a whole window takes', async t => {
  const tuned = new Tuned({ timestamps: false })
  const untilEdge = (less = 0): number => tuned.window - less
  tuned.until(100).arrive(ENOUGH - MSS, 0)
  // From here on: up to the edge that is offered now.
  const first = untilEdge(MSS)
  tuned.arrive(MSS, 0)
  tuned.connection.discard()
  tuned.until(180).arrive(first - 1, 0)
  t.equal(tuned.rttMs, 0, 'one byte is missing')
  const second = untilEdge(1)
  t.equal(tuned.arrive(1, 0).rttMs, 80)
  tuned.connection.discard()
  const third = tuned.arrive(second, 0).window
  t.equal(tuned.rttMs, 80, 'a window within the same instant tells nothing')
  tuned.connection.discard()
  t.equal(tuned.until(210).arrive(third, 0).rttMs, 30)
})

t.test('what was read before the round trip was known counts once it is', async t => {
  const tuned = new Tuned({ timestamps: false })
  tuned.until(100).arrive(ENOUGH - MSS, 0)
  const window = tuned.window - MSS
  tuned.arrive(MSS, 0)
  t.equal(tuned.connection.discard(), ENOUGH)
  tuned.until(150).arrive(window - 1, 0)
  tuned.connection.discard()
  t.equal(tuned.rttMs, 0)
  tuned.until(180).arrive(1, 0)
  tuned.connection.discard()
  t.equal(tuned.rttMs, 80)
  t.equal(tuned.buffer, sized(ENOUGH + window, FIRST_PACE))
})

t.test('at first the reader is held for as fast as a first window', async t => {
  for (const { initialWindow, size } of [
    { initialWindow: 200, size: sized(400_000 + MSS, 200 * MSS) },
    { initialWindow: 300, size: 512 * KIB }
  ]) {
    const tuned = new Tuned({ sockets: { initialWindow } }).awake(100)
    tuned.until(200).arrive(400_000, 100)
    tuned.connection.discard()
    t.equal(tuned.buffer, size)
  }
})

t.test('the buffer is twice what the reader takes in a round trip, and more while that grows', async t => {
  const tuned = new Tuned().awake(100)
  tuned.until(150).arrive(400_000, 100 - 50)
  t.equal(tuned.connection.discard(), 400_000)
  t.equal(tuned.buffer, 512 * KIB, 'less than a round trip has passed')
  tuned.until(200).arrive(MSS - 1, 100)
  tuned.connection.discard()
  const pace = 400_000 + MSS - 1 + MSS
  t.equal(tuned.buffer, sized(pace, FIRST_PACE), 'what was unread when it began counts as read since')

  tuned.until(300).arrive(700_000, 200)
  tuned.connection.discard()
  t.equal(tuned.buffer, sized(700_000, pace))

  tuned.until(500).arrive(1_000_000, 400)
  tuned.connection.discard()
  t.equal(tuned.buffer, sized(700_000, pace), 'a million in two round trips is no faster')
  tuned.until(700).arrive(2_000_000, 600)
  tuned.connection.discard()
  t.equal(tuned.buffer, sized(1_000_000, 700_000))
})

t.test('text that nobody has read does not count', async t => {
  const tuned = new Tuned().awake(100)
  tuned.until(200).arrive(300_000, 100)
  tuned.connection.read(1000)
  t.equal(tuned.buffer, 512 * KIB)
  tuned.until(300)
  tuned.connection.discard()
  t.equal(tuned.buffer, sized(299_000, FIRST_PACE))
})

t.test('who reads into memory of his own, or without looking, counts as any reader does', async t => {
  for (const read of [
    (connection: Connection) => connection.readInto(new Uint8Array(400_000)),
    (connection: Connection) => connection.discard()
  ]) {
    const tuned = new Tuned().awake(100)
    tuned.until(200).arrive(400_000, 100)
    t.equal(read(tuned.connection), 400_000)
    t.equal(tuned.buffer, sized(400_000 + MSS, FIRST_PACE))
  }
})

t.test('it never shrinks, and never grows beyond its largest', async t => {
  const tuned = new Tuned({ sockets: { maximumReceiveBuffer: 600_001 } }).awake(100)
  tuned.until(200).arrive(400_000, 100)
  tuned.connection.discard()
  t.equal(tuned.buffer, 600_001)
  tuned.until(300).arrive(1000, 100)
  tuned.connection.discard()
  t.equal(tuned.buffer, 600_001)
  tuned.connection.setOptions({ receiveBuffer: 550_000 })
  tuned.until(400).arrive(500_000, 100)
  tuned.connection.discard()
  t.equal(tuned.buffer, 550_000, 'one that is set from here on stays')
})

t.test('nothing grows while more than half of what all may leave unread is unread', async t => {
  for (const { unread, grows } of [
    { unread: 100_000, grows: true },
    { unread: 100_001, grows: false }
  ]) {
    const tuned = new Tuned({ stack: { unreadLimit: 200_000 } }).awake(100)
    const { connection } = tuned.until(150).arrive(190_000, 50)
    connection.discard()
    tuned.arrive(190_000, 50)
    while (connection.readableBytes > unread + 1) connection.read(connection.readableBytes - unread - 1)
    tuned.until(200)
    t.equal(tuned.buffer, 512 * KIB)
    connection.read(1)
    t.equal(connection.readableBytes, unread)
    t.equal(tuned.buffer > 512 * KIB, grows)
  }
})

/** A sender whose congestion window is large enough to leave the rest to the peer's. */
const sender = (sockets: SocketOptions = {}, stack: Wanted['stack'] = {}): Tuned =>
  new Tuned({ sockets: { congestionControl: 'none', initialWindow: 1000, ...sockets }, stack })

t.test('the send buffer is twice what the windows let out, once it is less than one and a half of it', async t => {
  const tuned = sender().acknowledge(349_504 & ~16_383)
  t.equal(tuned.sendBuffer, 512 * KIB)
  tuned.acknowledge(393_216)
  tuned.acknowledge(393_216)
  t.equal(tuned.sendBuffer, 786_432)
  tuned.acknowledge(524_288)
  t.equal(tuned.sendBuffer, 786_432, 'one and a half of it is just enough')
  tuned.acknowledge(540_672)
  t.equal(tuned.sendBuffer, 1_081_344)
  tuned.acknowledge(16_384)
  t.equal(tuned.sendBuffer, 1_081_344, 'it never shrinks')
})

t.test('the congestion window bounds what is let out as well', async t => {
  t.equal(sender({ initialWindow: 300 }).acknowledge(MIB - 16_384).sendBuffer, 2 * 300 * (MSS - 12))
})

t.test('the send buffer stays within its largest, and within what 25 Gbit/s need for the round trip', async t => {
  t.equal(sender({ maximumSendBuffer: 600_001 }).acknowledge(MIB - 16_384).sendBuffer, 600_001)
  const set = sender({ maximumSendBuffer: MIB })
  set.connection.setOptions({ sendBuffer: 1_500_000 })
  t.equal(set.acknowledge(MIB - 16_384).sendBuffer, 1_500_000, 'one that is set stays')
  set.connection.setOptions({ sendBuffer: 0 })
  set.acknowledge(MIB + 16_384)
  t.equal(set.sendBuffer, 1_500_000, 'and does not shrink when it may tune itself')
})

t.test('for a burst of large segments it is bounded by the round trip, of a millisecond at least', async t => {
  const large = { mtu: 65_535, sockets: { congestionControl: 'none', initialWindow: 32 } } as const
  t.equal(new Tuned(large).acknowledge(8 * MIB).sendBuffer, 3 * MIB)
  const far = new Tuned({ ...large, handshakeMs: 2 }).acknowledge(8 * MIB)
  t.equal(far.sendBuffer, 2 * far.connection.info().sndCwnd)
  t.ok(far.sendBuffer > 3 * MIB)
})

t.test('the send buffer stays as it is while more than half of the memory is in use', async t => {
  for (const { hole, grows } of [
    { hole: false, grows: true },
    { hole: true, grows: false }
  ]) {
    const tuned = sender({}, { memoryLimit: MIB })
    if (hole) tuned.peer.arrive({ flags: '.', seq: 3, ack: 1, text: '?', ts: [1, 0] })
    tuned.acknowledge(MIB, 1)
    t.equal(tuned.sendBuffer > 512 * KIB, grows)
  }
})
