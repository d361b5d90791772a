// The IPv4 header (RFC 791 §3.1): bytes to fields and back. Options are stepped over, not read. Whether a packet is
// welcome (addresses, fragments, protocol) is for src/ip to say.

import { fold, sum, sumPlainHeader } from './checksum.ts'

export const IPV4_HEADER_LENGTH = 20
/** A header with 40 bytes of options. */
export const IPV4_MAX_HEADER_LENGTH = 60
export const IPV4_MAX_PACKET = 65535

export const PROTOCOL_ICMP = 1
export const PROTOCOL_TCP = 6

// The two low bits of the type of service (RFC 3168 §5).
export const ECN_NOT_ECT = 0
export const ECN_ECT_1 = 1
export const ECN_ECT_0 = 2
export const ECN_CE = 3

// What parseIpv4 answers.
export const IPV4_OK = 0
/** Fewer than 20 bytes. */
export const IPV4_TOO_SHORT = 1
export const IPV4_BAD_VERSION = 2
/** Below 20 bytes, or beyond the packet. */
export const IPV4_BAD_HEADER_LENGTH = 3
/** Below the header's length, or beyond the packet. */
export const IPV4_BAD_TOTAL_LENGTH = 4
export const IPV4_BAD_CHECKSUM = 5

export class Ipv4Header {
  headerLength = 0
  totalLength = 0
  tos = 0
  id = 0
  dontFragment = false
  moreFragments = false
  /** In bytes. */
  fragmentOffset = 0
  ttl = 0
  protocol = 0
  source = 0
  destination = 0
  payloadOffset = 0
  payloadLength = 0
}

/** Reads the header at `offset`; `length` bytes are there, padding of the link below included. Answers IPV4_OK or a reason. */
export function parseIpv4(view: DataView, offset: number, length: number, out: Ipv4Header): number {
  if (length < IPV4_HEADER_LENGTH) return IPV4_TOO_SHORT
  const first = view.getInt32(offset)
  if (first >>> 28 !== 4) return IPV4_BAD_VERSION
  const headerLength = (first >>> 22) & 0x3c
  if (headerLength < IPV4_HEADER_LENGTH || headerLength > length) return IPV4_BAD_HEADER_LENGTH
  const totalLength = first & 0xffff
  if (totalLength < headerLength || totalLength > length) return IPV4_BAD_TOTAL_LENGTH
  if (fold(ipv4HeaderSum(view, offset, headerLength)) !== 0xffff) return IPV4_BAD_CHECKSUM

  const second = view.getInt32(offset + 4)
  const third = view.getInt32(offset + 8)
  out.headerLength = headerLength
  out.totalLength = totalLength
  out.tos = (first >>> 16) & 0xff
  out.id = second >>> 16
  out.dontFragment = (second & 0x4000) !== 0
  out.moreFragments = (second & 0x2000) !== 0
  out.fragmentOffset = (second & 0x1fff) << 3
  out.ttl = third >>> 24
  out.protocol = (third >>> 16) & 0xff
  out.source = view.getInt32(offset + 12)
  out.destination = view.getInt32(offset + 16)
  out.payloadOffset = offset + headerLength
  out.payloadLength = totalLength - headerLength
  return IPV4_OK
}

/** A header's sum, the checksum field included. */
export function ipv4HeaderSum(view: DataView, offset: number, headerLength: number): number {
  return headerLength === IPV4_HEADER_LENGTH ? sumPlainHeader(view, offset) : sum(view, offset, headerLength, 0)
}

/** Writes a header without options. The checksum stays zero: who puts the packet together fills it in (link/link.ts, TxBatch). */
export function writeIpv4Header(
  view: DataView,
  offset: number,
  totalLength: number,
  tos: number,
  id: number,
  dontFragment: boolean,
  ttl: number,
  protocol: number,
  source: number,
  destination: number
): void {
  view.setInt32(offset, 0x45000000 | (tos << 16) | totalLength)
  view.setInt32(offset + 4, (id << 16) | (dontFragment ? 0x4000 : 0))
  view.setInt32(offset + 8, (ttl << 24) | (protocol << 16))
  view.setInt32(offset + 12, source)
  view.setInt32(offset + 16, destination)
}
