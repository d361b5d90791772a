// Batches as the stack makes them, for tests of the drivers.

import { TX_HEADER_OFFSET, TX_HEADER_ROOM, TX_STRIDE, TxBatch } from '../../src/link/link.ts'
import { PROTOCOL_TCP, writeIpv4Header } from '../../src/wire/ipv4.ts'
import { Segment } from '../../src/wire/segment.ts'
import { tcpHeaderLength, writeTcpHeader } from '../../src/wire/tcp.ts'

export const LOOPBACK = 0x7f000001

export interface Sent {
  source?: number
  destination?: number
  sourcePort: number
  destinationPort: number
  flags?: number
  seq?: number
  ack?: number
  window?: number
  /** In region 0, in one piece or two. */
  text?: readonly [offset: number, length: number, wrappedOffset?: number, wrappedLength?: number]
  /** Of a super-segment: bytes of text of each segment that it stands for. */
  segment?: number
}

export function newBatch(region: Uint8Array = new Uint8Array(0), capacity = 256): TxBatch {
  return new TxBatch(capacity, [region])
}

export function addSegment(batch: TxBatch, sent: Sent): void {
  const segment = new Segment()
  segment.sourcePort = sent.sourcePort
  segment.destinationPort = sent.destinationPort
  segment.flags = sent.flags ?? 0x10
  segment.seq = sent.seq ?? 0
  segment.ack = sent.ack ?? 0
  segment.window = sent.window ?? 65535
  const [offset, length, wrappedOffset, wrappedLength] = [0, 0, 0, 0].map((none, i) => sent.text?.[i] ?? none)
  const at = batch.count * TX_HEADER_ROOM
  const headers = 20 + tcpHeaderLength(segment)
  const source = sent.source ?? LOOPBACK
  const destination = sent.destination ?? LOOPBACK
  const total = headers + length + wrappedLength
  writeIpv4Header(batch.headerView, at, total, 0, batch.count + 1, true, 64, PROTOCOL_TCP, source, destination)
  writeTcpHeader(batch.headerView, at + 20, segment)
  const row = batch.count * TX_STRIDE
  batch.table.set(
    [at, headers, 0, offset, length, wrappedOffset, wrappedLength, sent.segment ?? 0],
    row + TX_HEADER_OFFSET
  )
  batch.count++
}
