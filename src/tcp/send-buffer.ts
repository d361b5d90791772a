// What the user has written and the peer has not yet acknowledged: a ring in the slab, in which the byte with sequence
// number s lies at s modulo the capacity, counted from where the ring began. So a retransmission needs nothing but sequence numbers, and a segment is at
// most two pieces. The ring grows by doubling up to the limit and goes back to the slab when it is empty.

import type { Segment } from '../wire/segment.ts'
import type { Block, Slab } from '../wire/slab.ts'
import { add, ahead, type Seq, toSeq } from './seq.ts'

/** Where blocks go when a buffer lets go of them: the stack must not reuse one that an unsent packet points at. */
export interface BlockKeeper {
  readonly slab: Slab
  release(block: Block): void
}

export class SendBuffer {
  /** First byte kept: all before it are acknowledged. */
  start: Seq = toSeq(0)
  /** Where the next byte written goes. */
  end: Seq = toSeq(0)
  /** Zeros leave in place of what is written, which is only counted, and there is no ring. To be set while nothing is kept. */
  sendsZeros = false
  #block: Block | undefined = undefined
  /** What lies at the beginning of the ring: who writes into an empty one need not go round its end. */
  #base: Seq = toSeq(0)
  /** Bytes that the ring held at most since it was taken; without one, that it is to begin with. */
  #most = 0

  constructor(
    /** The most that is kept, bytes. */
    public limit: number
  ) {}

  get length(): number {
    return ahead(this.end, this.start)
  }

  get space(): number {
    return this.limit - this.length
  }

  /** Where the first byte of the stream goes: one past our SYN. */
  beginAt(seq: Seq): void {
    this.start = seq
    this.end = seq
  }

  /** Takes as many of the bytes as there is room for and says how many: fewer when the limit, or the slab's, is reached. */
  write(bytes: Uint8Array, keeper: BlockKeeper): number {
    const wanted = Math.min(bytes.length, this.space)
    if (wanted <= 0) return 0
    if (this.sendsZeros) return this.#writeZeros(wanted, keeper.slab)
    const length = Math.min(wanted, this.#reserve(this.length + wanted, keeper) - this.length)
    if (length <= 0) return 0
    this.#copy(bytes, length, keeper.slab)
    this.end = add(this.end, length)
    this.#most = Math.max(this.#most, this.length)
    return length
  }

  #writeZeros(length: number, slab: Slab): number {
    if (slab.zeros() === undefined) return 0
    this.end = add(this.end, length)
    this.#most = Math.max(this.#most, this.length)
    return length
  }

  #copy(bytes: Uint8Array, length: number, slab: Slab): void {
    const block = this.#block as Block
    const ring = slab.regions[block.region]
    const at = ahead(this.end, this.#base) & (block.size - 1)
    const first = Math.min(length, block.size - at)
    ring.set(first === bytes.length ? bytes : bytes.subarray(0, first), block.offset + at)
    if (first < length) ring.set(bytes.subarray(first, length), block.offset)
  }

  /** Forgets what is acknowledged, up to `seq`. */
  acknowledge(seq: Seq, keeper: BlockKeeper): void {
    this.start = seq
    if (seq === this.end) this.free(keeper)
  }

  /** Points the segment's payload at [seq, seq + length). */
  locate(segment: Segment, seq: Seq, length: number, slab: Slab): void {
    const block = (this.#block ?? slab.zeros()) as Block
    const at = this.#block === undefined ? 0 : ahead(seq, this.#base) & (block.size - 1)
    const first = Math.min(length, block.size - at)
    segment.region = block.region
    segment.bytes = slab.regions[block.region]
    segment.payloadOffset = block.offset + at
    segment.payloadLength = length
    segment.wrappedOffset = block.offset
    segment.wrappedLength = length - first
  }

  free(keeper: BlockKeeper): void {
    if (this.#block === undefined) return
    keeper.release(this.#block)
    this.#block = undefined
  }

  /** Makes the ring large enough for `bytes`, or as large as can be; answers how large it is. */
  #reserve(bytes: number, keeper: BlockKeeper): number {
    const old = this.#block
    const size = old === undefined ? 0 : old.size
    if (size >= bytes) return size
    // A writer who keeps it busy would else let it grow from nothing after each ACK of all, copying what it holds again and again.
    const wanted = old === undefined ? Math.max(bytes, Math.min(this.#most, this.limit)) : bytes
    const block = allocate(keeper.slab, wanted, size)
    if (block === undefined) return size
    if (old === undefined) {
      this.#base = this.start
      this.#most = 0
    } else {
      copyRing(keeper.slab, old, block, toSeq(ahead(this.start, this.#base)), this.length)
      keeper.release(old)
    }
    this.#block = block
    return block.size
  }
}

/** Where memory is short, a smaller block, as long as it is larger than `least`. */
function allocate(slab: Slab, bytes: number, least: number): Block | undefined {
  for (let size = bytes; size > least; size >>= 1) {
    const block = slab.allocate(size)
    if (block !== undefined) return block
  }
  return undefined
}

/** Copies [start, start + length) from one ring to another in which each byte keeps its sequence number. */
export function copyRing(slab: Slab, from: Block, to: Block, start: Seq, length: number): void {
  const source = slab.regions[from.region]
  const target = slab.regions[to.region]
  let seq = start
  let left = length
  while (left > 0) {
    const out = seq & (from.size - 1)
    const into = seq & (to.size - 1)
    const n = Math.min(left, from.size - out, to.size - into)
    target.set(source.subarray(from.offset + out, from.offset + out + n), to.offset + into)
    seq = add(seq, n)
    left -= n
  }
}
