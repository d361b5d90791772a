// Packets under way, held once however many lines they cross: bytes in slots of a few regions, and columns of numbers by
// the packet's id. Queues and lines pass ids on; no object is made for a packet, and no byte moves.

import { fillChecksums } from '../gather.ts'
import { CHECKSUM_UNKNOWN, RxBatch } from '../link.ts'

/** Acknowledgements and the like get small slots. */
const SMALL_SLOT = 128
/** The first regions are small, for pools with little to hold. */
const REGION_BYTES = 1024 * 1024
const FIRST_REGION_BYTES = 32 * 1024
const FIRST_IDS = 256
/** What all packets under way may take, unless said otherwise. */
const LIMIT_BYTES = 2 ** 30
const NONE = -1

/** The sum of the transport header is not in it yet: nobody reads it unless a bit flips. */
export const CHECKSUM_UNWRITTEN = 4

export class PacketPool {
  /** Memory as a receiver gets it: a batch a region, whose table is free for whoever hands packets over. */
  readonly regions: RxBatch[] = []
  // By id.
  region = new Int32Array(FIRST_IDS)
  offset = new Int32Array(FIRST_IDS)
  length = new Int32Array(FIRST_IDS)
  /** One of CHECKSUM_*. */
  checksum = new Uint8Array(FIRST_IDS)
  /** The next in whatever list the packet is in. */
  next = new Int32Array(FIRST_IDS)
  /** When it joined the queue, ms. */
  since = new Float64Array(FIRST_IDS)
  /** So many bytes at the front of the slot may not be zero, and stay that way until `zeroText`. */
  written = new Int32Array(FIRST_IDS)
  /** Whom it is for, in numbers of the pool's user. */
  to = new Int32Array(FIRST_IDS)
  /** Packets under way. */
  used = 0

  readonly #slotBytes: number
  readonly #limit: number
  #ids = 0
  #reserved = 0
  #freeSmall = NONE
  #freeLarge = NONE

  /** `largest`: of the packets, bytes. */
  constructor(largest: number, limitBytes = LIMIT_BYTES) {
    this.#slotBytes = Math.max(SMALL_SLOT, (largest + 7) & ~7)
    this.#limit = limitBytes
  }

  /** The id of a packet with room for `length` bytes, -1 where the limit is reached. */
  allocate(length: number): number {
    const small = length <= SMALL_SLOT
    let id = small ? this.#freeSmall : this.#freeLarge
    if (id === NONE) {
      if (!this.#grow(small ? SMALL_SLOT : this.#slotBytes)) return NONE
      id = small ? this.#freeSmall : this.#freeLarge
    }
    if (small) this.#freeSmall = this.next[id]
    else this.#freeLarge = this.next[id]
    this.next[id] = NONE
    this.length[id] = length
    this.checksum[id] = CHECKSUM_UNKNOWN
    this.used++
    return id
  }

  release(id: number): void {
    this.used--
    if (this.length[id] <= SMALL_SLOT) {
      this.next[id] = this.#freeSmall
      this.#freeSmall = id
    } else {
      this.next[id] = this.#freeLarge
      this.#freeLarge = id
    }
  }

  /** Another packet with the same bytes, -1 where the limit is reached. */
  duplicate(id: number): number {
    const copy = this.allocate(this.length[id])
    if (copy !== NONE) {
      this.bytesOf(copy).set(this.bytesOf(id))
      this.noteWritten(copy)
      this.checksum[copy] = this.checksum[id]
      this.to[copy] = this.to[id]
    }
    return copy
  }

  /** Any byte of the packet may be written. */
  noteWritten(id: number): void {
    if (this.length[id] > this.written[id]) this.written[id] = this.length[id]
  }

  /** Puts zeros behind the first `headers` bytes, which were just written: all others of the slot are zero then. */
  zeroText(id: number, headers: number): void {
    const written = this.written[id]
    this.written[id] = headers
    // Where the packet before had text of zeros too, there is nothing to do.
    if (written <= headers) return
    const at = this.offset[id]
    this.regions[this.region[id]].bytes.fill(0, at + headers, at + written)
  }

  /** A view for whoever is not in a hurry. */
  bytesOf(id: number): Uint8Array {
    const { bytes } = this.regions[this.region[id]]
    return bytes.subarray(this.offset[id], this.offset[id] + this.length[id])
  }

  /** Writes checksums that were put off, for somebody who will look at them. */
  completeChecksums(id: number): void {
    if (this.checksum[id] !== CHECKSUM_UNWRITTEN) return
    const { view } = this.regions[this.region[id]]
    view.setUint16(this.offset[id] + 10, 0)
    fillChecksums(view, this.offset[id], this.length[id])
    this.checksum[id] = CHECKSUM_UNKNOWN
  }

  #grow(slotBytes: number): boolean {
    const regionBytes = Math.min(REGION_BYTES, FIRST_REGION_BYTES * 2 ** this.regions.length)
    const slots = Math.max(16, Math.floor(regionBytes / slotBytes))
    if (this.#reserved + slots * slotBytes > this.#limit) return false
    this.#reserved += slots * slotBytes
    const region = this.regions.length
    this.regions.push(new RxBatch(new Uint8Array(slots * slotBytes), slots))
    while (this.#ids + slots > this.next.length) this.#widen()
    // The first slot is the first to be used.
    for (let slot = slots - 1; slot >= 0; slot--) {
      const id = this.#ids + slot
      this.region[id] = region
      this.offset[id] = slot * slotBytes
      this.next[id] = slot === slots - 1 ? NONE : id + 1
    }
    if (slotBytes === SMALL_SLOT) this.#freeSmall = this.#ids
    else this.#freeLarge = this.#ids
    this.#ids += slots
    return true
  }

  #widen(): void {
    const ids = 2 * this.next.length
    this.region = into(new Int32Array(ids), this.region)
    this.offset = into(new Int32Array(ids), this.offset)
    this.length = into(new Int32Array(ids), this.length)
    this.checksum = into(new Uint8Array(ids), this.checksum)
    this.next = into(new Int32Array(ids), this.next)
    this.since = into(new Float64Array(ids), this.since)
    this.written = into(new Int32Array(ids), this.written)
    this.to = into(new Int32Array(ids), this.to)
  }
}

function into<T extends Int32Array | Uint8Array | Float64Array>(larger: T, old: T): T {
  larger.set(old)
  return larger
}
