// The addon's way with a batch, in one call: putting it together, for `assemble` of a pair of links and for drivers that
// need packets in one piece, and looking at its checksums, for `verify` of a pair.

import { loadAddon } from '../native/addon.ts'
import { TxBatches } from '../native/tx-batches.ts'
import type { Verify } from './direction.ts'
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

export function nativeVerify(): Verify {
  const addon = loadAddon()
  return batch => addon.verify(batch.bytes, batch.table, batch.count)
}
