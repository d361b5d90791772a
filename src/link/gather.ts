// Puts packets together as a driver must: headers and text joined in one place, the two checksums filled in. This is the
// version in JavaScript; the addon has one that does the same for a whole batch in one call.

import { finish, pseudoHeaderSum, sum } from '../wire/checksum.ts'
import { ipv4HeaderSum, PROTOCOL_ICMP, PROTOCOL_TCP } from '../wire/ipv4.ts'
import {
  CHECKSUM_UNKNOWN,
  RX_CHECKSUM,
  RX_LENGTH,
  RX_OFFSET,
  RX_SEGMENT,
  RX_STRIDE,
  type RxBatch,
  regionView,
  TX_HEADER_LENGTH,
  TX_HEADER_OFFSET,
  TX_PAYLOAD_LENGTH,
  TX_PAYLOAD_OFFSET,
  TX_REGION,
  TX_SEGMENT,
  TX_STRIDE,
  TX_WRAPPED_LENGTH,
  TX_WRAPPED_OFFSET,
  type TxBatch
} from './link.ts'

/**
 * Appends all packets of a batch to `into`, the first one at byte `at`, with their descriptors; answers where the next
 * packet may begin. The caller has seen to the room: `gatheredLength` bytes each.
 */
export type Gather = (batch: TxBatch, into: RxBatch, at: number) => number

/** Length of a packet that is to be sent. */
export function packetLength(table: Int32Array, index: number): number {
  const row = index * TX_STRIDE
  return table[row + TX_HEADER_LENGTH] + table[row + TX_PAYLOAD_LENGTH] + table[row + TX_WRAPPED_LENGTH]
}

/** Segments that a packet is to become. */
export function countPieces(table: Int32Array, index: number): number {
  const row = index * TX_STRIDE
  const segment = table[row + TX_SEGMENT]
  if (segment === 0) return 1
  return Math.max(1, Math.ceil((table[row + TX_PAYLOAD_LENGTH] + table[row + TX_WRAPPED_LENGTH]) / segment))
}

/** What a packet takes in the batch that it is gathered into: each begins at a multiple of 8. */
export function gatheredLength(length: number): number {
  return (length + 7) & ~7
}

export function gather(batch: TxBatch, into: RxBatch, at: number): number {
  for (let i = 0; i < batch.count; i++) {
    const length = copyPacket(batch, i, into, at)
    fillChecksums(into.view, at, length)
    const row = into.count * RX_STRIDE
    into.table[row + RX_OFFSET] = at
    into.table[row + RX_LENGTH] = length
    into.table[row + RX_CHECKSUM] = CHECKSUM_UNKNOWN
    into.table[row + RX_SEGMENT] = 0
    into.count++
    at += gatheredLength(length)
  }
  return at
}

/** Copies one packet to byte `at`, its two checksums at zero; answers its length. */
export function copyPacket(batch: TxBatch, index: number, into: RxBatch, at: number): number {
  const { table } = batch
  const row = index * TX_STRIDE
  const start = at
  at += copyHeaders(batch, index, into, at)
  if (table[row + TX_PAYLOAD_LENGTH] === 0) return at - start
  const region = table[row + TX_REGION]
  at = copy(batch, region, table[row + TX_PAYLOAD_OFFSET], table[row + TX_PAYLOAD_LENGTH], into, at)
  at = copy(batch, region, table[row + TX_WRAPPED_OFFSET], table[row + TX_WRAPPED_LENGTH], into, at)
  return at - start
}

/** The headers of a packet alone; answers their length. */
export function copyHeaders(batch: TxBatch, index: number, into: RxBatch, at: number): number {
  const row = index * TX_STRIDE
  const headers = batch.table[row + TX_HEADER_OFFSET]
  const length = batch.table[row + TX_HEADER_LENGTH]
  // Headers are whole words.
  const { view } = into
  for (let i = 0; i < length; i += 4) view.setInt32(at + i, batch.headerView.getInt32(headers + i))
  return length
}

/** Below this many bytes a loop is faster than a subarray and a call. */
const COPY_BY_HAND = 128

function copy(batch: TxBatch, region: number, offset: number, length: number, to: RxBatch, at: number): number {
  if (length > COPY_BY_HAND) to.bytes.set(batch.regions[region].subarray(offset, offset + length), at)
  else if (length > 0) copyWords(regionView(batch, region), offset, length, to.view, at)
  return at + length
}

function copyWords(from: DataView, offset: number, length: number, to: DataView, at: number): void {
  const end = offset + length
  for (; offset + 4 <= end; offset += 4, at += 4) to.setInt32(at, from.getInt32(offset))
  for (; offset < end; offset++, at++) to.setUint8(at, from.getUint8(offset))
}

/** The packet's IPv4 header checksum, and that of the TCP segment or ICMP message in it. Both fields stand at zero. */
export function fillChecksums(view: DataView, offset: number, length: number): void {
  const headerLength = (view.getUint8(offset) & 0x0f) << 2
  view.setUint16(offset + 10, finish(ipv4HeaderSum(view, offset, headerLength)))
  const protocol = view.getUint8(offset + 9)
  const transport = offset + headerLength
  const transportLength = length - headerLength
  if (protocol === PROTOCOL_TCP) {
    const source = view.getInt32(offset + 12)
    const destination = view.getInt32(offset + 16)
    const pseudo = pseudoHeaderSum(source, destination, PROTOCOL_TCP, transportLength)
    view.setUint16(transport + 16, finish(sum(view, transport, transportLength, pseudo)))
  } else if (protocol === PROTOCOL_ICMP) {
    view.setUint16(transport + 2, finish(sum(view, transport, transportLength, 0)))
  }
}
