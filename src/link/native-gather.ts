// The addon's way of putting a batch together, in one call: for `assemble` of a pair of links, and for drivers that need
// packets in one piece.

import { loadAddon } from '../native/addon.ts'
import { TxBatches } from '../native/tx-batches.ts'
import type { Gather } from './gather.ts'

export function nativeGather(): Gather {
  const addon = loadAddon()
  const batches = new TxBatches(addon)
  return (batch, into, at) => {
    const end = addon.gather(batches.nativeOf(batch), batch.count, into.bytes, at, into.table, into.count)
    into.count += batch.count
    return end
  }
}
