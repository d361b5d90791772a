// Packets on their way to a receiver: a queue of RxBatches that are filled in order and handed over all at once. While
// they are handed over, new packets go to other batches, so a receiver may answer at once.

import { empty } from '../lists.ts'
import type { Gather } from './gather.ts'
import { gatheredLength } from './gather.ts'
import { RX_CHECKSUM, RX_LENGTH, RX_OFFSET, RX_STRIDE, RxBatch, type TxBatch } from './link.ts'

/** Small enough that the bytes are still in a cache when they are read. */
const BATCH_BYTES = 1024 * 1024
const BATCH_PACKETS = 1024

export class BatchQueue {
  /** Packets that wait, and the room that they take. */
  packets = 0
  bytes = 0
  #filling: RxBatch[] = []
  #delivering: RxBatch[] = []
  readonly #spare: RxBatch[] = []
  /** Where the next packet goes in the last batch. */
  #end = 0

  /** Gathers a batch to be sent, as so many packets, those longer than `limit` left out. `bytes` is the sum of the `gatheredLength`. */
  gather(batch: TxBatch, packets: number, bytes: number, limit: number, assemble: Gather): void {
    const into = this.#withRoom(packets, bytes)
    const first = into.count
    const start = this.#end
    this.#end = assemble(batch, into, start)
    if (limit !== Infinity) leaveOut(into, first, limit)
    this.packets += into.count - first
    this.bytes += this.#end - start
  }

  add(packet: Uint8Array, checksum: number): void {
    const into = this.#withRoom(1, packet.length)
    const row = into.count * RX_STRIDE
    into.bytes.set(packet, this.#end)
    into.table[row + RX_OFFSET] = this.#end
    into.table[row + RX_LENGTH] = packet.length
    into.table[row + RX_CHECKSUM] = checksum
    into.count++
    this.packets++
    this.bytes += gatheredLength(packet.length)
    this.#end += gatheredLength(packet.length)
  }

  /** Hands over all that waits now. */
  deliver(receive: (batch: RxBatch) => void): void {
    const batches = this.#filling
    this.#filling = this.#delivering
    this.#delivering = batches
    this.#forgetAll()
    for (const batch of batches) {
      if (batch.count > 0) receive(batch)
      this.#recycle(batch)
    }
    empty(batches)
  }

  clear(): void {
    for (const batch of this.#filling) this.#recycle(batch)
    empty(this.#filling)
    this.#forgetAll()
  }

  #withRoom(packets: number, bytes: number): RxBatch {
    const last = this.#filling.at(-1)
    if (last !== undefined && last.count + packets <= last.capacity && this.#end + bytes <= last.bytes.length)
      return last
    const isOrdinary = packets <= BATCH_PACKETS && bytes <= BATCH_BYTES
    const batch = isOrdinary
      ? (this.#spare.pop() ?? new RxBatch(new Uint8Array(BATCH_BYTES), BATCH_PACKETS))
      : new RxBatch(new Uint8Array(Math.max(bytes, BATCH_BYTES)), Math.max(packets, BATCH_PACKETS))
    this.#filling.push(batch)
    this.#end = 0
    return batch
  }

  #recycle(batch: RxBatch): void {
    batch.count = 0
    if (batch.capacity === BATCH_PACKETS && batch.bytes.length === BATCH_BYTES) this.#spare.push(batch)
  }

  #forgetAll(): void {
    this.packets = 0
    this.bytes = 0
    this.#end = 0
  }
}

/** Closes the table's ranks where packets are longer than `limit`. */
function leaveOut(batch: RxBatch, first: number, limit: number): void {
  let kept = first
  for (let i = first; i < batch.count; i++) {
    const row = i * RX_STRIDE
    if (batch.table[row + RX_LENGTH] > limit) continue
    batch.table.copyWithin(kept * RX_STRIDE, row, row + RX_STRIDE)
    kept++
  }
  batch.count = kept
}
