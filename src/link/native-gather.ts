// The addon's way with a batch, in one call: putting it together, for `assemble` of a pair of links and for drivers that
// need packets in one piece, and looking at its checksums, for `verify` of a pair.

import { loadAddon } from '../native/addon.ts'
import { TxBatches } from '../native/tx-batches.ts'
import type { Verify } from './direction.ts'
import { countPieces, type Gather } from './gather.ts'

export function nativeGather(): Gather {
  const addon = loadAddon()
  const batches = new TxBatches(addon)
  return (batch, into, at) => {
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
    addon.verify(batch.bytes, batch.table, batch.count)
    if (joins) batch.count = addon.joinGathered(batch.bytes, batch.table, batch.count)
  }
}
