// Packets that a script injects, from fields to bytes. Made by hand and not with the engine's own writers, which could not
// make the wrong ones that a script may want.

import { fillChecksums } from '../link/gather.ts'
import { IPV4_HEADER_LENGTH, PROTOCOL_ICMP, PROTOCOL_TCP, writeIpv4Header } from '../wire/ipv4.ts'

const TCP_HEADER_LENGTH = 20
const ICMP_HEADER_LENGTH = 8
/** What an ICMP error quotes beyond the IP header (RFC 792). */
const QUOTED_TEXT = 8

export interface TcpFields {
  /** int32. */
  readonly source: number
  readonly destination: number
  readonly sourcePort: number
  readonly destinationPort: number
  /** Unsigned. */
  readonly seq: number
  readonly ack: number
  readonly flags: number
  readonly window: number
  readonly urgentPointer: number
  /** A multiple of 4 bytes. */
  readonly options: Uint8Array
  /** Bytes of text, all zero. */
  readonly payloadLength: number
  readonly tos: number
  readonly ttl: number
}

export function buildTcp(fields: TcpFields): Uint8Array {
  const headerLength = TCP_HEADER_LENGTH + fields.options.length
  const bytes = new Uint8Array(IPV4_HEADER_LENGTH + headerLength + fields.payloadLength)
  const view = new DataView(bytes.buffer)
  const { tos, ttl, source, destination } = fields
  writeIpv4Header(view, 0, bytes.length, tos, 0, true, ttl, PROTOCOL_TCP, source, destination)
  const at = IPV4_HEADER_LENGTH
  view.setUint16(at, fields.sourcePort)
  view.setUint16(at + 2, fields.destinationPort)
  view.setUint32(at + 4, fields.seq)
  view.setUint32(at + 8, fields.ack)
  view.setUint16(at + 12, ((headerLength >> 2) << 12) | fields.flags)
  view.setUint16(at + 14, fields.window)
  view.setUint16(at + 18, fields.urgentPointer)
  bytes.set(fields.options, at + TCP_HEADER_LENGTH)
  fillChecksums(view, 0, bytes.length)
  return bytes
}

export interface IcmpFields {
  /** Of the router or host that sends it. */
  readonly source: number
  readonly destination: number
  readonly type: number
  readonly code: number
  /** The second word of the message: next-hop MTU, gateway, identifier. */
  readonly rest: number
  /** What an error is about, or the text of an echo. */
  readonly body: Uint8Array
}

export function buildIcmp(fields: IcmpFields): Uint8Array {
  const bytes = new Uint8Array(IPV4_HEADER_LENGTH + ICMP_HEADER_LENGTH + fields.body.length)
  const view = new DataView(bytes.buffer)
  writeIpv4Header(view, 0, bytes.length, 0, 0, false, 255, PROTOCOL_ICMP, fields.source, fields.destination)
  view.setUint8(IPV4_HEADER_LENGTH, fields.type)
  view.setUint8(IPV4_HEADER_LENGTH + 1, fields.code)
  view.setUint32(IPV4_HEADER_LENGTH + 4, fields.rest)
  bytes.set(fields.body, IPV4_HEADER_LENGTH + ICMP_HEADER_LENGTH)
  fillChecksums(view, 0, bytes.length)
  return bytes
}

/** The beginning of a segment, as an ICMP error quotes it: the IP header and eight bytes. The length is that of the whole. */
export function quote(fields: TcpFields): Uint8Array {
  return buildTcp(fields).slice(0, IPV4_HEADER_LENGTH + QUOTED_TEXT)
}
