// What a router says by ICMP of a packet that it does not pass on (RFC 792, RFC 1191 §4): an error with the packet's header and the
// eight bytes behind it. None is about an error (RFC 1122 §3.2.2).

import type { PacketPool } from '../link/path/packets.ts'
import { finish, sum, sumPlainHeader } from '../wire/checksum.ts'
import { ICMP_HEADER_LENGTH, isIcmpError } from '../wire/icmp.ts'
import { IPV4_HEADER_LENGTH, PROTOCOL_ICMP, writeIpv4Header } from '../wire/ipv4.ts'

const QUOTE = IPV4_HEADER_LENGTH + 8
const LENGTH = IPV4_HEADER_LENGTH + ICMP_HEADER_LENGTH + QUOTE
const TIME_TO_LIVE = 64

/** The packet that it is about stays its owner's. Answers the id of the error, for the sender of the packet; -1 where there is none to send. */
export function makeRouterError(
  pool: PacketPool,
  about: number,
  type: number,
  code: number,
  mtu: number,
  router: number
): number {
  const packet = pool.bytesOf(about)
  const quoted = new DataView(packet.buffer, packet.byteOffset, packet.length)
  if (packet[9] === PROTOCOL_ICMP && isIcmpError(packet[IPV4_HEADER_LENGTH])) return -1
  const id = pool.allocate(LENGTH)
  if (id < 0) return -1
  pool.noteWritten(id)
  const bytes = pool.bytesOf(id)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  writeIpv4Header(view, 0, LENGTH, 0, 0, true, TIME_TO_LIVE, PROTOCOL_ICMP, router, quoted.getInt32(12))
  view.setUint16(10, finish(sumPlainHeader(view, 0)))
  const icmp = IPV4_HEADER_LENGTH
  view.setInt32(icmp, (type << 24) | (code << 16))
  view.setInt32(icmp + 4, mtu)
  bytes.set(packet.subarray(0, QUOTE), icmp + ICMP_HEADER_LENGTH)
  view.setUint16(icmp + 2, finish(sum(view, icmp, LENGTH - icmp, 0)))
  return id
}
