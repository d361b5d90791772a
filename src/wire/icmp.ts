// ICMP (RFC 792, RFC 1191, RFC 4884): messages to fields, and the header of an echo. An error quotes the datagram that
// it is about, at least its header and eight bytes more: with TCP, the ports and the sequence number.

import { fold, sum } from './checksum.ts'
import { IPV4_HEADER_LENGTH, PROTOCOL_TCP } from './ipv4.ts'

export const ICMP_HEADER_LENGTH = 8

export const ICMP_ECHO_REPLY = 0
export const ICMP_UNREACHABLE = 3
export const ICMP_SOURCE_QUENCH = 4
export const ICMP_REDIRECT = 5
export const ICMP_ECHO_REQUEST = 8
export const ICMP_TIME_EXCEEDED = 11
export const ICMP_PARAMETER_PROBLEM = 12

// Codes of ICMP_UNREACHABLE (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1).
export const UNREACHABLE_NET = 0
export const UNREACHABLE_PROTOCOL = 2
export const UNREACHABLE_PORT = 3
export const UNREACHABLE_FRAGMENTATION_NEEDED = 4
export const UNREACHABLE_NET_UNKNOWN = 6
export const UNREACHABLE_NET_PROHIBITED = 9
export const UNREACHABLE_NET_FOR_SERVICE = 11

// What parseIcmp answers.
export const ICMP_OK = 0
export const ICMP_TOO_SHORT = 1
export const ICMP_BAD_CHECKSUM = 2
/** An error whose quote is no IPv4 header, or is cut off before eight bytes of what follows it. */
export const ICMP_BAD_QUOTE = 3

export class IcmpMessage {
  type = 0
  code = 0
  /** The second word: identifier and sequence number of an echo, next-hop MTU in the low half of "fragmentation needed". */
  rest = 0
  /** Next-hop MTU (RFC 1191 §4); 0 where the router did not say, or for other messages. */
  mtu = 0
  /** An error that quotes a datagram: then the fields below hold. */
  isError = false
  quotedSource = 0
  quotedDestination = 0
  quotedProtocol = 0
  /** Length of the whole datagram as its header has it, in most stacks of the order of the path's MTU. */
  quotedTotalLength = 0
  /** The quote is the first fragment of a TCP segment: then ports and sequence number hold. */
  quotesTcp = false
  quotedSourcePort = 0
  quotedDestinationPort = 0
  quotedSeq = 0
}

/** Reads the message of `length` bytes at `offset`, checksum verified. Answers ICMP_OK or a reason to drop it. */
export function parseIcmp(view: DataView, offset: number, length: number, out: IcmpMessage): number {
  if (length < ICMP_HEADER_LENGTH) return ICMP_TOO_SHORT
  if (fold(sum(view, offset, length, 0)) !== 0xffff) return ICMP_BAD_CHECKSUM
  out.type = view.getUint8(offset)
  out.code = view.getUint8(offset + 1)
  out.rest = view.getInt32(offset + 4)
  out.isError = isIcmpError(out.type)
  out.quotesTcp = false
  const tooBig = out.type === ICMP_UNREACHABLE && out.code === UNREACHABLE_FRAGMENTATION_NEEDED
  out.mtu = tooBig ? out.rest & 0xffff : 0
  if (!out.isError) return ICMP_OK
  return parseQuote(view, offset + ICMP_HEADER_LENGTH, length - ICMP_HEADER_LENGTH, out)
}

/** Errors are never answered by errors, and only they carry a quote (RFC 1122 §3.2.2). */
export function isIcmpError(type: number): boolean {
  return (
    type === ICMP_UNREACHABLE ||
    type === ICMP_SOURCE_QUENCH ||
    type === ICMP_REDIRECT ||
    type === ICMP_TIME_EXCEEDED ||
    type === ICMP_PARAMETER_PROBLEM
  )
}

/**
 * Writes the header of an echo request or reply; the text follows it as the payload. The checksum stays zero: who puts
 * the packet together fills it in. `rest` is the identifier and the sequence number, which a reply gives back.
 */
export function writeIcmpEcho(view: DataView, offset: number, type: number, rest: number): number {
  view.setInt32(offset, type << 24)
  view.setInt32(offset + 4, rest)
  return ICMP_HEADER_LENGTH
}

/** The quoted header's checksum and length are not tested: routers change the one and cut the other off. */
function parseQuote(view: DataView, offset: number, length: number, out: IcmpMessage): number {
  if (length < IPV4_HEADER_LENGTH) return ICMP_BAD_QUOTE
  const first = view.getInt32(offset)
  const headerLength = (first >>> 22) & 0x3c
  if (first >>> 28 !== 4 || headerLength < IPV4_HEADER_LENGTH) return ICMP_BAD_QUOTE
  if (headerLength + 8 > length) return ICMP_BAD_QUOTE
  out.quotedTotalLength = first & 0xffff
  out.quotedProtocol = view.getUint8(offset + 9)
  out.quotedSource = view.getInt32(offset + 12)
  out.quotedDestination = view.getInt32(offset + 16)
  const isFirstFragment = (view.getUint16(offset + 6) & 0x1fff) === 0
  if (out.quotedProtocol !== PROTOCOL_TCP || !isFirstFragment) return ICMP_OK
  const ports = view.getInt32(offset + headerLength)
  out.quotesTcp = true
  out.quotedSourcePort = ports >>> 16
  out.quotedDestinationPort = ports & 0xffff
  out.quotedSeq = view.getInt32(offset + headerLength + 4)
  return ICMP_OK
}
