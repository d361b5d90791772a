// Handles of the addon on batches to send: one for each batch that a stack uses, made when it is first seen, and told
// of new regions as the slab grows. So neither side makes an object a packet, nor a batch.

import type { Addon, NativeTxBatch } from './addon.ts'

/** As link/link.ts has it. */
export interface TxMemory {
  readonly headers: Uint8Array
  readonly table: Int32Array
  readonly regions: readonly Uint8Array[]
}

interface Known {
  readonly native: NativeTxBatch
  regions: number
}

export class TxBatches {
  readonly #addon: Addon
  readonly #known = new WeakMap<TxMemory, Known>()

  constructor(addon: Addon) {
    this.#addon = addon
  }

  nativeOf(batch: TxMemory): NativeTxBatch {
    let known = this.#known.get(batch)
    if (known === undefined) {
      known = { native: new this.#addon.TxBatch(batch.headers, batch.table), regions: 0 }
      this.#known.set(batch, known)
    }
    while (known.regions < batch.regions.length) known.native.addRegion(batch.regions[known.regions++])
    return known.native
  }
}
