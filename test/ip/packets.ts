// IPv4 packets for tests: any field can be given, checksums are filled in.

import { finish, sum } from '../../src/wire/checksum.ts'
import { viewOf } from '../wire/bytes.ts'

export const HERE = 0x0a000001
export const THERE = 0x0a000002

export interface PacketFields {
  source?: number
  destination?: number
  protocol?: number
  id?: number
  ttl?: number
  tos?: number
  /** Bytes, a multiple of 8. */
  fragmentOffset?: number
  moreFragments?: boolean
  /** Whole words. */
  options?: Uint8Array
  payload?: Uint8Array
}

export function packetOf(fields: PacketFields = {}): Uint8Array {
  const options = fields.options ?? new Uint8Array(0)
  const payload = fields.payload ?? new Uint8Array(8)
  const headerLength = 20 + options.length
  const packet = new Uint8Array(headerLength + payload.length)
  const view = viewOf(packet)
  view.setUint8(0, 0x40 | (headerLength >> 2))
  view.setUint8(1, fields.tos ?? 0)
  view.setUint16(2, packet.length)
  view.setUint16(4, fields.id ?? 0)
  view.setUint16(6, (fields.moreFragments ? 0x2000 : 0) | ((fields.fragmentOffset ?? 0) >> 3))
  view.setUint8(8, fields.ttl ?? 64)
  view.setUint8(9, fields.protocol ?? 6)
  view.setInt32(12, fields.source ?? THERE)
  view.setInt32(16, fields.destination ?? HERE)
  packet.set(options, 20)
  packet.set(payload, headerLength)
  view.setUint16(10, finish(sum(view, 0, headerLength, 0)))
  return packet
}
