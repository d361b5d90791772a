// One stack against a peer that the test plays by hand: segments are written out of thin air, and what the stack answers is
// read back as short lines. Sequence numbers on both sides are given relative to the two initial ones, so a test reads
// the same whatever they are. Time is virtual.

import type { SocketError } from '../../src/errors.ts'
import { gather } from '../../src/link/gather.ts'
import {
  type Link,
  type LinkReceiver,
  type Route,
  RX_LENGTH,
  RX_OFFSET,
  RX_STRIDE,
  RxBatch,
  type TxBatch
} from '../../src/link/link.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import type { Connection } from '../../src/stack/connection.ts'
import type { Listener } from '../../src/stack/listener.ts'
import { Stack, type StackOptions } from '../../src/stack/stack.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'
import { finish, pseudoHeaderSum, sum } from '../../src/wire/checksum.ts'
import { PROTOCOL_TCP, writeIpv4Header } from '../../src/wire/ipv4.ts'
import { ACK, AE, CWR, ECE, FIN, PSH, RST, Segment, SYN, URG } from '../../src/wire/segment.ts'
import { parseTcp, writeTcpHeader } from '../../src/wire/tcp.ts'

export const OUR_ADDRESS = 0x0a000001
export const PEER_ADDRESS = 0x0a000002
export const OUR_PORT = 80
export const PEER_PORT = 5000

/** Delivers what it is given, keeps what it is sent. */
export class HandLink implements Link {
  readonly name = 'hand'
  readonly addresses = [OUR_ADDRESS]
  readonly acceptsPartialChecksums = false
  congested = false
  mtu = 1500
  queueFill = 0
  sent: Uint8Array[] = []
  receiver: LinkReceiver | undefined
  readonly #out = new RxBatch(new Uint8Array(1 << 20), 1024)

  start(receiver: LinkReceiver): void {
    this.receiver = receiver
  }

  send(batch: TxBatch): void {
    this.#out.count = 0
    gather(batch, this.#out, 0)
    for (let i = 0; i < this.#out.count; i++) {
      const at = this.#out.table[i * RX_STRIDE + RX_OFFSET]
      this.sent.push(this.#out.bytes.slice(at, at + this.#out.table[i * RX_STRIDE + RX_LENGTH]))
    }
  }

  deliver(...packets: Uint8Array[]): void {
    const bytes = new Uint8Array(packets.reduce((n, packet) => n + packet.length, 0))
    const batch = new RxBatch(bytes, packets.length)
    batch.queueFill = this.queueFill
    let at = 0
    for (const packet of packets) {
      bytes.set(packet, at)
      batch.table[batch.count * RX_STRIDE + RX_OFFSET] = at
      batch.table[batch.count * RX_STRIDE + RX_LENGTH] = packet.length
      batch.count++
      at += packet.length
    }
    this.receiver?.packetsArrived(batch)
  }

  route(): Route {
    return { source: OUR_ADDRESS, mtu: this.mtu }
  }

  counters(): Record<string, number> {
    return {}
  }

  close(): void {
    this.receiver = undefined
  }
}

const FLAG_LETTERS: [string, number][] = [
  ['S', SYN],
  ['F', FIN],
  ['R', RST],
  ['P', PSH],
  ['.', ACK],
  ['U', URG],
  ['E', ECE],
  ['C', CWR],
  ['A', AE]
]

const CODEPOINTS = ['', 'ect1', 'ect0', 'ce']

export interface Fields {
  /** Letters: S F R P . U E C A. */
  flags: string
  /** Relative to the peer's ISN. */
  seq?: number
  /** Relative to ours. */
  ack?: number
  window?: number
  text?: string | Uint8Array
  mss?: number
  windowScale?: number
  sackPermitted?: boolean
  ts?: [number, number]
  /** Relative to ours: what the peer holds. */
  sack?: [number, number][]
  urgentPointer?: number
  /** The user timeout option as it is sent. */
  userTimeout?: number
  /** The AccECN option: bytes of ECT(0), CE and, if it is given, ECT(1). */
  accEcn?: [number, number, number?]
  /** Type of service: ECN in the two low bits. */
  tos?: number
}

export interface PeerOptions {
  /** The peer's initial sequence number. */
  readonly isn?: number
  readonly stack?: Omit<StackOptions, 'link' | 'host'>
  readonly sockets?: SocketOptions
  readonly seed?: number
}

/** What tests of everything else than that see is the delayed ACK, and buffers that stay as they are. */
const FIXED = { quickAcks: 0, receiveBuffer: 512 * 1024, sendBuffer: 512 * 1024 }

/** What the handlers were told, in order. */
export type Told = string

export class Peer {
  readonly clock: VirtualClock
  readonly link = new HandLink()
  readonly stack: Stack
  readonly told: Told[] = []
  connection: Connection | undefined
  listener: Listener | undefined
  error: SocketError | null = null
  /** The four-tuple's ports, from our side. */
  ourPort = OUR_PORT
  peerPort = PEER_PORT
  /** Initial sequence numbers. */
  readonly isn: number
  ourIsn = 0
  readonly #segment = new Segment()

  constructor(options: PeerOptions = {}) {
    this.isn = (options.isn ?? 1000) | 0
    this.clock = new VirtualClock({ seed: options.seed ?? 1 })
    this.stack = new Stack({ ...FIXED, ...options.stack, ...options.sockets, link: this.link, host: this.clock })
  }

  listen(): this {
    this.listener = this.stack.listen({ port: OUR_PORT }, connection => {
      this.told.push('accepted')
      this.#watch(connection)
    })
    return this
  }

  /** Our active open; the SYN is left in the link. */
  connect(sockets: SocketOptions = {}): this {
    this.#watch(this.stack.connect({ address: '10.0.0.2', port: PEER_PORT, ...sockets }))
    this.ourPort = this.connection?.localPort ?? 0
    this.settle()
    this.ourIsn = parsed(this.link.sent[0]).seq
    return this
  }

  #watch(connection: Connection): void {
    this.connection = connection
    connection.handlers = {
      connected: () => this.told.push('connected'),
      readable: () => this.told.push('readable'),
      writable: () => this.told.push('writable'),
      ended: () => this.told.push('ended'),
      closed: (_, error) => {
        this.error = error
        this.told.push(error === null ? 'closed' : `closed ${error.code}`)
      }
    }
  }

  get state(): string {
    return this.connection?.state ?? 'none'
  }

  /** A packet of the peer's. */
  packet(fields: Fields): Uint8Array {
    const seg = this.#segment
    seg.reset()
    seg.sourcePort = this.peerPort
    seg.destinationPort = this.ourPort
    seg.flags = FLAG_LETTERS.reduce((flags, [letter, bit]) => (fields.flags.includes(letter) ? flags | bit : flags), 0)
    seg.seq = (this.isn + (fields.seq ?? 0)) | 0
    seg.ack = fields.ack === undefined ? 0 : (this.ourIsn + fields.ack) | 0
    seg.window = fields.window ?? 65_535
    seg.mss = fields.mss ?? -1
    seg.windowScale = fields.windowScale ?? -1
    seg.sackPermitted = fields.sackPermitted ?? false
    seg.tos = fields.tos ?? 0
    seg.urgentPointer = fields.urgentPointer ?? 0
    seg.userTimeout = fields.userTimeout ?? -1
    if (fields.accEcn !== undefined) [seg.ect0Bytes, seg.ceBytes, seg.ect1Bytes = -1] = fields.accEcn
    if (fields.ts !== undefined) {
      seg.hasTimestamps = true
      ;[seg.tsVal, seg.tsEcr] = fields.ts
    }
    for (const [left, right] of fields.sack ?? []) {
      seg.sack[2 * seg.sackBlocks] = (this.ourIsn + left) | 0
      seg.sack[2 * seg.sackBlocks + 1] = (this.ourIsn + right) | 0
      seg.sackBlocks++
    }
    const text =
      typeof fields.text === 'string' ? new TextEncoder().encode(fields.text) : (fields.text ?? new Uint8Array(0))
    return tcpPacket(seg, text)
  }

  /** The segments arrive in one batch, and what the stack sends at once is answered. */
  arrive(...segments: Fields[]): string[] {
    return this.inject(...segments.map(fields => this.packet(fields)))
  }

  inject(...packets: Uint8Array[]): string[] {
    this.link.sent = []
    this.link.deliver(...packets)
    this.settle()
    return this.replies()
  }

  /** What the stack has sent since, as lines. */
  replies(): string[] {
    const lines = this.link.sent.map(packet => this.line(packet))
    this.link.sent = []
    return lines
  }

  /** Lets what was deferred run; time stands still. */
  settle(): void {
    this.clock.run(this.clock.now())
  }

  /** Time passes; what was sent meanwhile is answered, each line led by the ms since the call. */
  wait(ms: number): string[] {
    const start = this.clock.now()
    const lines: string[] = []
    this.link.sent = []
    const original = this.link.send.bind(this.link)
    this.link.send = batch => {
      original(batch)
      for (const line of this.replies()) lines.push(`${Math.round(this.clock.now() - start)} ${line}`)
    }
    this.clock.run(start + ms)
    this.link.send = original
    return lines
  }

  /** A call of the user, and what is sent for it. */
  call(work: (connection: Connection) => void): string[] {
    this.link.sent = []
    work(this.connection as Connection)
    this.settle()
    return this.replies()
  }

  read(): string {
    let text = ''
    for (let bytes = this.connection?.read(); bytes !== undefined; bytes = this.connection?.read()) {
      text += new TextDecoder().decode(bytes)
    }
    return text
  }

  /** `S. 0 ack 1`, `P. 1+5 ack 1`, `. 1 ack 6 sack 10-20`: flags, seq (+ length), ack, relative to the two ISNs; `ect0` and its like. */
  line(packet: Uint8Array): string {
    const seg = parsed(packet)
    const flags = FLAG_LETTERS.filter(([, bit]) => (seg.flags & bit) !== 0).map(([letter]) => letter)
    let line = flags.join('')
    line += ` ${(seg.seq - this.ourIsn) | 0}`
    if (seg.payloadLength > 0) line += `+${seg.payloadLength}`
    if ((seg.flags & ACK) !== 0) line += ` ack ${(seg.ack - this.isn) | 0}`
    const blocks: string[] = []
    for (let i = 0; i < seg.sackBlocks; i++) {
      blocks.push(`${(seg.sack[2 * i] - this.isn) | 0}-${(seg.sack[2 * i + 1] - this.isn) | 0}`)
    }
    if (blocks.length > 0) line += ` sack ${blocks.join(' ')}`
    if (seg.ceBytes >= 0)
      line += ` accecn ${seg.ect0Bytes} ${seg.ceBytes}${seg.ect1Bytes >= 0 ? ` ${seg.ect1Bytes}` : ''}`
    if ((packet[1] & 3) !== 0) line += ` ${CODEPOINTS[packet[1] & 3]}`
    return line
  }

  /** The last packet sent, parsed. */
  last(): Segment {
    return parsed(this.link.sent[this.link.sent.length - 1])
  }
}

export function parsed(packet: Uint8Array): Segment {
  const seg = new Segment()
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length)
  parseTcp(view, packet, 20, packet.length - 20, seg)
  return seg
}

export function tcpPacket(
  seg: Segment,
  text: Uint8Array,
  source = PEER_ADDRESS,
  destination = OUR_ADDRESS
): Uint8Array {
  const bytes = new Uint8Array(20 + 60 + text.length)
  const view = new DataView(bytes.buffer)
  const header = writeTcpHeader(view, 20, seg)
  bytes.set(text, 20 + header)
  const length = 20 + header + text.length
  writeIpv4Header(view, 0, length, seg.tos, 1, true, 64, PROTOCOL_TCP, source, destination)
  view.setUint16(10, finish(sum(view, 0, 20, 0)))
  view.setUint16(
    36,
    finish(sum(view, 20, length - 20, pseudoHeaderSum(source, destination, PROTOCOL_TCP, length - 20)))
  )
  return bytes.slice(0, length)
}

export interface Synchronized extends PeerOptions {
  /** Options on the peer's SYN. */
  readonly syn?: Partial<Fields>
  readonly window?: number
}

/** The peer's SYN has arrived, from `port`; its numbers are taken from our SYN-ACK, if there is one. */
export function knock(peer: Peer, port: number, syn: Partial<Fields> = {}): Segment | undefined {
  peer.peerPort = port
  peer.link.sent = []
  peer.link.deliver(peer.packet({ flags: 'S', mss: 1460, ...syn }))
  peer.settle()
  if (peer.link.sent.length === 0) return undefined
  const answer = peer.last()
  peer.ourIsn = answer.seq
  peer.link.sent = []
  return answer
}

/** A connection that the peer has opened to us: ESTABLISHED, 1 is next on both sides, no options but what `syn` says. */
export function established(options: Synchronized = {}): Peer {
  const peer = new Peer(options).listen()
  peer.link.deliver(peer.packet({ flags: 'S', mss: 1460, ...options.syn }))
  peer.settle()
  const synAck = peer.last()
  peer.ourIsn = synAck.seq
  const ts = options.syn?.ts
  const echo: Partial<Fields> = ts === undefined ? {} : { ts: [ts[0], synAck.tsVal] }
  peer.arrive({ flags: '.', seq: 1, ack: 1, window: options.window ?? 65_535, ...echo })
  peer.told.length = 0
  return peer
}
