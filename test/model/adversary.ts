// A peer that knows all numbers of a connection and plays every card: politely, so that connections reach every state,
// and otherwise with any flags, numbers at every edge, options good and bad, ICMP errors, packets twice or late. Its
// bytes follow from their sequence numbers, in any order and any incarnation, so that the reader can tell what is wrong.

import type { Random } from '../../src/random.ts'
import { finish, pseudoHeaderSum, sum } from '../../src/wire/checksum.ts'
import { PROTOCOL_ICMP, PROTOCOL_TCP, writeIpv4Header } from '../../src/wire/ipv4.ts'
import { ACK, FIN, PSH, RST, Segment, SYN, URG } from '../../src/wire/segment.ts'
import { type HandLink, OUR_ADDRESS, PEER_ADDRESS, tcpPacket } from '../support/peer.ts'
import { type ConnectionModel, distance } from './connection-model.ts'
import { bytesOf } from './streams.ts'
import type { Watch, Watched } from './watch.ts'

export const PEER_PORTS = [5000, 5001, 5002] as const
export const LISTEN_PORT = 80

/** One incarnation of the peer's side: where its stream ends, and what it said in its SYN. */
interface Side {
  readonly isn: number
  /** The FIN's offset. */
  readonly streamLength: number
  readonly timestamps: boolean
}

const BASES = [1000, 0x7fff_fff0, 0xffff_fff0 | 0]
const QUOTED_CODES = [0, 1, 2, 3, 5, 6, 9, 10, 13]
const MTUS = [0, 68, 296, 576, 1006, 1400, 1500, 65_535]

export class Adversary {
  sent = 0
  readonly #segment = new Segment()
  readonly #sides = new Map<string, Side>()
  readonly #kept: Uint8Array[] = []

  constructor(
    readonly link: HandLink,
    readonly watch: Watch,
    readonly random: Random,
    readonly now: () => number,
    readonly streamKey: number,
    /** How much of what it sends is what an honest peer would send, 0 to 1. */
    readonly honesty: number
  ) {}

  /** Plays one card, perhaps several in one batch. */
  step(): void {
    const { random } = this
    const watched = [...this.watch.connections.values()]
    if (watched.length > 0 && random.chance(0.06)) {
      this.link.deliver(this.#icmp(watched[random.int(watched.length)]))
      return
    }
    const batch: Uint8Array[] = []
    do batch.push(this.#card())
    while (random.chance(0.3))
    this.sent += batch.length
    for (const packet of batch) if (random.chance(0.2)) this.#kept.push(packet)
    if (this.#kept.length > 20) this.#kept.shift()
    this.link.deliver(...batch)
  }

  /** What an honest peer would send now, for each connection. */
  behave(): void {
    for (const watched of [...this.watch.connections.values()]) this.link.deliver(this.#polite(watched))
  }

  #card(): Uint8Array {
    const { random } = this
    const all = [...this.watch.connections.values()]
    const lot = random.float()
    if (this.#kept.length > 0 && lot < 0.05) return this.#kept[random.int(this.#kept.length)]
    if (all.length === 0 || lot < 0.1) return this.#syn()
    const watched = all[random.int(all.length)]
    if (lot < 0.13) return this.#stray()
    if (random.chance(this.honesty)) return this.#polite(watched)
    return this.#forged(watched)
  }

  #side(watched: Watched): Side {
    const known = this.#sides.get(watched.name)
    const { model } = watched
    const isAnybodys = model.state === 'SYN-SENT'
    if (known !== undefined && (isAnybodys || known.isn === model.irs)) return known
    const side = this.#newSide(isAnybodys ? undefined : model.irs)
    this.#sides.set(watched.name, side)
    return side
  }

  #newSide(isn?: number): Side {
    const { random } = this
    const base = isn ?? BASES[random.int(BASES.length)] + random.int(2000)
    return {
      isn: base | 0,
      streamLength: random.int(random.chance(0.5) ? 300 : 12_000),
      timestamps: random.chance(0.5)
    }
  }

  #begin(watched: Watched | undefined, flags: number): Segment {
    const segment = this.#segment
    segment.reset()
    const [local, remote] = watched === undefined ? [LISTEN_PORT, this.#port()] : watched.name.split('/').map(Number)
    segment.sourcePort = remote
    segment.destinationPort = local
    segment.flags = flags
    segment.window = this.#window()
    return segment
  }

  #port(): number {
    return PEER_PORTS[this.random.int(PEER_PORTS.length)]
  }

  #window(): number {
    const { random } = this
    const lot = random.float()
    return lot < 0.1 ? 0 : lot < 0.2 ? random.int(300) : lot < 0.9 ? 8192 + random.int(50_000) : 65_535
  }

  /** A SYN to the listener, perhaps into a connection or a TIME-WAIT. */
  #syn(): Uint8Array {
    const segment = this.#begin(undefined, SYN)
    const name = `${LISTEN_PORT}/${segment.sourcePort}`
    const side = this.#newSide()
    if (!this.watch.connections.has(name)) this.#sides.set(name, side)
    segment.seq = side.isn
    this.#synOptions(segment, side)
    return this.#packet(segment, 0)
  }

  #synOptions(segment: Segment, side: Side): void {
    const { random } = this
    if (random.chance(0.8)) segment.mss = [0, 1, 64, 536, 1460, 65_535][random.int(6)]
    if (random.chance(0.6)) segment.windowScale = random.chance(0.9) ? random.int(9) : random.int(256)
    segment.sackPermitted = random.chance(0.6)
    if (side.timestamps) this.#stamp(segment)
  }

  #stamp(segment: Segment, past = 0): void {
    segment.hasTimestamps = true
    segment.tsVal = (Math.floor(this.now()) - past) | 0
  }

  /** For no connection that there is. */
  #stray(): Uint8Array {
    const { random } = this
    const segment = this.#begin(undefined, random.int(256))
    segment.sourcePort = 6000 + random.int(3)
    if (random.chance(0.5)) segment.destinationPort = 81
    // A SYN that nobody follows up would only stand in the way.
    if (segment.destinationPort === LISTEN_PORT) segment.flags &= ~SYN
    segment.seq = random.uint32() | 0
    segment.ack = random.uint32() | 0
    return this.#packet(segment, random.chance(0.3) ? random.int(100) : 0)
  }

  #polite(watched: Watched): Uint8Array {
    const { model } = watched
    const { random } = this
    const side = this.#side(watched)
    const segment = this.#begin(watched, ACK)
    if (model.state === 'SYN-SENT') {
      segment.flags = random.chance(0.8) ? SYN | ACK : SYN
      segment.seq = side.isn
      segment.ack = model.nxt
      this.#synOptions(segment, side)
      return this.#packet(segment, 0)
    }
    segment.seq = model.rcvNxt
    // What crosses a segment of the stack's on its way does not acknowledge it: so two FINs meet (CLOSING).
    segment.ack = random.chance(0.15) ? model.una : model.nxt
    if (side.timestamps) this.#stamp(segment)
    const offset = distance(model.rcvNxt, model.irs) - 1
    const room = Math.max(0, Math.min(distance(model.rcvAdv, model.rcvNxt), side.streamLength - offset, 1400))
    const length = random.chance(0.6) ? random.int(room + 1) : 0
    if (offset + length === side.streamLength && random.chance(0.7)) segment.flags |= FIN
    return this.#packet(segment, length)
  }

  /** Anything, near enough to matter. */
  #forged(watched: Watched): Uint8Array {
    const { model } = watched
    const { random } = this
    const side = this.#side(watched)
    let flags = random.chance(0.9) ? ACK : 0
    if (random.chance(0.03)) flags |= RST
    if (random.chance(0.06)) flags |= SYN
    if (random.chance(0.2)) flags |= PSH
    if (random.chance(0.05)) flags |= URG
    const segment = this.#begin(watched, flags)
    segment.seq = near(random, this.#receiveEdges(model))
    if (model.state === 'SYN-SENT') segment.seq = side.isn // where its stream begins, if this is its SYN
    segment.ack = near(random, [model.iss, model.una, model.una - model.maxSndWnd, model.nxt, model.nxt])
    segment.urgentPointer = random.int(3000)
    if (side.timestamps !== random.chance(0.05)) this.#stamp(segment, random.chance(0.1) ? random.int(5000) : 0)
    if ((flags & SYN) !== 0) this.#synOptions(segment, side)
    if (random.chance(0.2)) this.#sacks(segment, model)
    const offset = distance(segment.seq, side.isn) - 1
    const most = random.chance(0.03) ? 1400 : Math.max(0, Math.min(1400, side.streamLength - offset))
    const length = offset >= 0 && random.chance(0.6) ? random.int(most + 1) : 0
    if (offset + length === side.streamLength || random.chance(0.01)) segment.flags |= FIN
    if (random.chance(0.1)) return this.#withJunkOptions(segment, length)
    return this.#packet(segment, length)
  }

  #receiveEdges(model: ConnectionModel): number[] {
    return [model.rcvNxt, model.rcvNxt, model.rcvAdv, model.irs, model.rcvNxt + 1000, model.rcvNxt - 1000]
  }

  #sacks(segment: Segment, model: ConnectionModel): void {
    const { random } = this
    segment.sackBlocks = 1 + random.int(4)
    for (let i = 0; i < 2 * segment.sackBlocks; i++) segment.sack[i] = near(random, [model.una, model.nxt, model.iss])
  }

  #packet(segment: Segment, length: number): Uint8Array {
    const first = (segment.flags & SYN) !== 0 ? segment.seq + 1 : segment.seq
    return tcpPacket(segment, bytesOf(this.streamKey, first, length))
  }

  /** Options that make no sense, or end in the middle. Now and then the checksum is wrong too. */
  #withJunkOptions(segment: Segment, length: number): Uint8Array {
    const { random } = this
    segment.hasTimestamps = false
    segment.sackBlocks = 0
    segment.mss = -1
    segment.windowScale = -1
    segment.sackPermitted = false
    const plain = this.#packet(segment, length)
    const junk = new Uint8Array(4 * (1 + random.int(10)))
    random.fill(junk)
    if (random.chance(0.5)) junk[0] = random.int(9)
    if (random.chance(0.5)) junk[1] = random.int(12)
    const packet = new Uint8Array(plain.length + junk.length)
    packet.set(plain.subarray(0, 40))
    packet.set(junk, 40)
    packet.set(plain.subarray(40), 40 + junk.length)
    packet[32] = (((20 + junk.length) >> 2) << 4) | random.int(16)
    return seal(packet, PROTOCOL_TCP, random.chance(0.1) ? 1 : 0)
  }

  /** An error about a segment in flight, or about one that is not. */
  #icmp(watched: Watched): Uint8Array {
    const { model } = watched
    const { random } = this
    const [local, remote] = watched.name.split('/').map(Number)
    const quotedSeq = near(random, [model.una, model.nxt, model.iss])
    const isTooBig = random.chance(0.4)
    const type = isTooBig ? 3 : [3, 3, 11, 12, 4, 5][random.int(6)]
    const code = isTooBig ? 4 : QUOTED_CODES[random.int(QUOTED_CODES.length)]
    const packet = new Uint8Array(20 + 8 + 20 + 8)
    const view = new DataView(packet.buffer)
    writeIpv4Header(view, 0, packet.length, 0, 1, false, 64, PROTOCOL_ICMP, PEER_ADDRESS, OUR_ADDRESS)
    view.setUint8(20, type)
    view.setUint8(21, code)
    if (isTooBig) view.setUint16(26, MTUS[random.int(MTUS.length)])
    writeIpv4Header(view, 28, 40 + random.int(1460), 0, 1, true, 64, PROTOCOL_TCP, OUR_ADDRESS, PEER_ADDRESS)
    view.setUint16(48, local)
    view.setUint16(50, remote)
    view.setInt32(52, quotedSeq)
    this.watch.icmpArrives(watched, quotedSeq, `${type}/${code} about ${distance(quotedSeq, model.iss)}`)
    return seal(packet, PROTOCOL_ICMP, 0)
  }
}

/** One of the numbers, or a little beside it, or anywhere. */
function near(random: Random, edges: readonly number[]): number {
  const lot = random.float()
  const edge = edges[random.int(edges.length)]
  if (lot < 0.55) return edge | 0
  if (lot < 0.8) return (edge + random.int(5) - 2) | 0
  if (lot < 0.97) return (edge + random.int(4000) - 2000) | 0
  return random.uint32() | 0
}

/** Length and checksums as they should be, `off` by so much. */
function seal(packet: Uint8Array, protocol: number, off: number): Uint8Array {
  const view = new DataView(packet.buffer)
  view.setUint16(2, packet.length)
  view.setUint16(10, 0)
  view.setUint16(10, finish(sum(view, 0, 20, 0)))
  const length = packet.length - 20
  const isTcp = protocol === PROTOCOL_TCP
  const field = isTcp ? 36 : 22
  view.setUint16(field, 0)
  const pseudo = isTcp ? pseudoHeaderSum(PEER_ADDRESS, OUR_ADDRESS, PROTOCOL_TCP, length) : 0
  view.setUint16(field, (finish(sum(view, 20, length, pseudo)) + off) & 0xffff)
  return packet
}
