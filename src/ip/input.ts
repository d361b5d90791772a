// The way in for IPv4 packets: headers are checked, addresses judged, fragments joined (RFC 791, RFC 1122 §3.2).
// What passes is described by one reused record, from which the stack goes on to TCP or ICMP.
//
// TTL: a host does not discard a packet for its TTL, be it 1 or 0 (RFC 1122 §3.2.1.7); it is for routers to count.
// Options, source routes among them, are stepped over: we never forward, and never send back along a recorded route.

import {
  ECN_CE,
  ECN_ECT_0,
  ECN_NOT_ECT,
  IPV4_BAD_CHECKSUM,
  IPV4_BAD_HEADER_LENGTH,
  IPV4_BAD_TOTAL_LENGTH,
  IPV4_BAD_VERSION,
  IPV4_OK,
  IPV4_TOO_SHORT,
  Ipv4Header,
  parseIpv4
} from '../wire/ipv4.ts'
import { IpCounters } from './counters.ts'
import { Reassembly, type ReassemblyOptions } from './reassembly.ts'

/** A datagram for us: valid until the next packet arrives. */
export class IpPacket {
  protocol = 0
  source = 0
  destination = 0
  tos = 0
  ttl = 0
  /** What the driver knows of the transport checksum (CHECKSUM_* of link/link.ts). */
  checksumState = 0
  /** Where the payload lies: in the slab of received packets, or where fragments were joined. */
  view: DataView = NO_VIEW
  bytes: Uint8Array = NO_BYTES
  offset = 0
  length = 0

  /** The congestion codepoint (RFC 3168 §5): ECN_* of wire/ipv4.ts. */
  get ecn(): number {
    return this.tos & 3
  }
}

/** CHECKSUM_UNKNOWN: no driver sees the segment that fragments add up to. */
const NOBODY_HAS_LOOKED = 0

const NO_BYTES = new Uint8Array(0)
const NO_VIEW = new DataView(NO_BYTES.buffer)

export interface IpInputOptions {
  /** Whether a unicast address is ours. */
  readonly accepts: (destination: number) => boolean
  readonly reassembly?: ReassemblyOptions
}

export class IpInput {
  readonly packet = new IpPacket()
  readonly counters = new IpCounters()
  readonly reassembly: Reassembly
  readonly #header = new Ipv4Header()
  readonly #accepts: (destination: number) => boolean

  constructor(options: IpInputOptions) {
    this.#accepts = options.accepts
    this.reassembly = new Reassembly(this.counters, options.reassembly)
  }

  /** True where a whole datagram for us is described by `packet`; all else is dropped or kept, and counted. */
  packetArrives(
    view: DataView,
    bytes: Uint8Array,
    offset: number,
    length: number,
    checksumState: number,
    now: number
  ): boolean {
    const header = this.#header
    this.counters.received++
    this.counters.receivedBytes += length
    const verdict = parseIpv4(view, offset, length, header)
    if (verdict !== IPV4_OK) {
      this.#countBadHeader(verdict)
      return false
    }
    if (!this.#hasGoodAddresses(header)) return false

    const packet = this.packet
    packet.protocol = header.protocol
    packet.source = header.source
    packet.destination = header.destination
    packet.ttl = header.ttl
    if (header.moreFragments || header.fragmentOffset !== 0) return this.#fragmentArrives(header, bytes, now)
    packet.tos = header.tos
    packet.checksumState = checksumState
    packet.view = view
    packet.bytes = bytes
    packet.offset = header.payloadOffset
    packet.length = header.payloadLength
    this.#countDelivered(packet.ecn)
    return true
  }

  #fragmentArrives(header: Ipv4Header, bytes: Uint8Array, now: number): boolean {
    const { packet, reassembly } = this
    reassembly.expire(now)
    if (!reassembly.fragmentArrives(header, bytes, now)) return false
    packet.tos = reassembly.tos
    packet.checksumState = NOBODY_HAS_LOOKED
    packet.view = reassembly.view
    packet.bytes = reassembly.bytes
    packet.offset = 0
    packet.length = reassembly.length
    this.#countDelivered(packet.ecn)
    return true
  }

  /** So many more, that nobody needs to look at: they are like the one that `packet` describes. */
  countMore(packets: number, bytes: number): void {
    this.counters.received += packets
    this.counters.receivedBytes += bytes
    this.#countDelivered(this.packet.ecn, packets)
  }

  #countDelivered(ecn: number, packets = 1): void {
    const { counters } = this
    counters.delivered += packets
    if (ecn === ECN_NOT_ECT) counters.notEct += packets
    else if (ecn === ECN_ECT_0) counters.ect0 += packets
    else if (ecn === ECN_CE) counters.ce += packets
    else counters.ect1 += packets
  }

  #hasGoodAddresses(header: Ipv4Header): boolean {
    // Nobody may send from these, and TCP must not answer them (RFC 1122 §3.2.1.3, §4.2.3.10).
    if (!namesHost(header.source)) {
      this.counters.martianSource++
      return false
    }
    // Connections are between two hosts (RFC 1122 §4.2.3.10), and echoes to a group are a means of attack (§3.2.2.6).
    if (!namesHost(header.destination)) {
      this.counters.notUnicast++
      return false
    }
    if (!this.#accepts(header.destination)) {
      this.counters.notOurs++
      return false
    }
    return true
  }

  #countBadHeader(verdict: number): void {
    switch (verdict) {
      case IPV4_TOO_SHORT:
        this.counters.tooShort++
        return
      case IPV4_BAD_VERSION:
        this.counters.badVersion++
        return
      case IPV4_BAD_HEADER_LENGTH:
        this.counters.badHeaderLength++
        return
      case IPV4_BAD_TOTAL_LENGTH:
        this.counters.badTotalLength++
        return
      case IPV4_BAD_CHECKSUM:
        this.counters.badHeaderChecksum++
    }
  }
}

/**
 * All but "this network" 0/8, multicast 224/4, reserved 240/4 and with it the limited broadcast (RFC 1122 §3.2.1.3).
 * Loopback passes: over a raw socket the host's own programs are our peers there.
 */
export function namesHost(address: number): boolean {
  const network = address >>> 24
  return network !== 0 && network < 224
}
