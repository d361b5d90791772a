// The addon's way with a batch, in one call: putting it together, for `assemble` of a pair of links and for drivers that
// need packets in one piece, and looking at its checksums, for `verify` of a pair. A short packet that is alone costs less in
// JavaScript than the call does.

import { loadAddon } from '../native/addon.ts'
import { TxBatches } from '../native/tx-batches.ts'
import { IPV4_HEADER_LENGTH, PROTOCOL_TCP } from '../wire/ipv4.ts'
import { TCP_HEADER_LENGTH, verifyTcpChecksum } from '../wire/tcp.ts'
import type { Verify } from './direction.ts'
import { countPieces, type Gather, gather, packetLength } from './gather.ts'
import { CHECKSUM_GOOD, RX_CHECKSUM, RX_LENGTH, RX_OFFSET, type RxBatch } from './link.ts'

/** A call costs as much as JavaScript takes for so many bytes. */
const SHORT_BYTES = 256

/** The first word of a packet: version 4 and no options, type of service, length. */
const PLAIN = 0x45000000
const TOS_BITS = 0x00ff0000
/** More fragments, and the offset. */
const FRAGMENT_BITS = 0x3fff

export function nativeGather(): Gather {
  const addon = loadAddon()
  const batches = new TxBatches(addon)
  return (batch, into, at) => {
    if (batch.count === 1 && packetLength(batch.table, 0) <= SHORT_BYTES) return gather(batch, into, at)
    const end = addon.gather(batches.nativeOf(batch), batch.count, into.bytes, at, into.table, into.count)
    into.count += batch.count
    return end
  }
}

/** Cuts super-segments, as a driver does whose device takes none: for pairs with `superSegments: 'cut'`. */
export function nativeCut(): Gather {
  const addon = loadAddon()
  const batches = new TxBatches(addon)
  return (batch, into, at) => {
    const end = addon.gatherCut(batches.nativeOf(batch), batch.count, into.bytes, at, into.table, into.count)
    for (let i = 0; i < batch.count; i++) into.count += countPieces(batch.table, i)
    return end
  }
}

/** `joins`: consecutive segments become one once their checksums are known to be good, as with a driver. */
export function nativeVerify({ joins = false } = {}): Verify {
  const addon = loadAddon()
  return batch => {
    if (batch.count === 1 && batch.table[RX_LENGTH] <= SHORT_BYTES && isGoodSegment(batch)) {
      batch.table[RX_CHECKSUM] = CHECKSUM_GOOD
      return
    }
    addon.verify(batch.bytes, batch.table, batch.count)
    if (joins) batch.count = addon.joinGathered(batch.bytes, batch.table, batch.count)
  }
}

/** The first packet is a plain one of TCP with a right checksum. Of all others the addon says what is the matter. */
function isGoodSegment({ view, table }: RxBatch): boolean {
  const offset = table[RX_OFFSET]
  const length = table[RX_LENGTH]
  if (length < IPV4_HEADER_LENGTH + TCP_HEADER_LENGTH) return false
  // Version, no options, and all of the packet; not a fragment; TCP.
  if ((view.getInt32(offset) & ~TOS_BITS) !== (PLAIN | length)) return false
  if ((view.getUint16(offset + 6) & FRAGMENT_BITS) !== 0 || view.getUint8(offset + 9) !== PROTOCOL_TCP) return false
  const source = view.getInt32(offset + 12)
  const destination = view.getInt32(offset + 16)
  return verifyTcpChecksum(view, offset + IPV4_HEADER_LENGTH, length - IPV4_HEADER_LENGTH, source, destination)
}
