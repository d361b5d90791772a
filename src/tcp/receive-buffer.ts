// What the peer has sent and the user has not read. Text in order is copied once, from the link's slab into memory of the
// reader's or an arena that all connections of a stack share (arena.ts). Text out of order waits in a ring of
// the slab, where the byte with sequence number s lies at s modulo the capacity, until the hole before it is filled.

import type { Block } from '../wire/slab.ts'
import type { Arena, Debtor, Loan, Piece } from './arena.ts'
import { Ranges } from './ranges.ts'
import { type BlockKeeper, copyRing } from './send-buffer.ts'
import { add, ahead, later, lt, type Seq } from './seq.ts'

export class ReceiveBuffer implements Debtor {
  /** Text in order that the user has not read, bytes. */
  readable = 0
  /** Text in order is counted and not kept: its user wants no more of it than `discard`. */
  keepsNothing = false
  /** Text that waits behind a hole. */
  readonly waiting = new Ranges()
  #pieces: Piece[] = NO_PIECES
  /** What is borrowed: it comes after the pieces. */
  #loan: Loan | undefined = undefined
  /** Bytes in the pieces and the loan. */
  #kept = 0
  /** Where what is readable counts; undefined where nothing is, or where it counts no more. */
  #arena: Arena | undefined = undefined
  #ring: Block | undefined = undefined

  constructor(
    /** Bytes: the window that we offer never exceeds it. */
    public limit: number
  ) {}

  /** Text that lies in one piece, or so many bytes of it at a time, with `stride` bytes from one to the next. */
  append(arena: Arena, bytes: Uint8Array, offset: number, length: number, piece = length, stride = length): void {
    this.readable += length
    if (this.keepsNothing) return
    if (arena.isLent(bytes)) {
      this.#loan ??= arena.openLoan(this)
      const loan = this.#loan
      for (let at = 0; at < length; at += piece, offset += stride) loan.add(offset, Math.min(piece, length - at))
    } else {
      this.#loan?.settle()
      for (let at = 0; at < length; at += piece, offset += stride) {
        this.copy(arena, bytes, offset, Math.min(piece, length - at))
      }
    }
    this.#kept += length
    arena.unread += length
    this.#arena = arena
  }

  copy(arena: Arena, bytes: Uint8Array, offset: number, length: number): void {
    if (this.#pieces.length === 0) this.#pieces = []
    let done = 0
    while (done < length) {
      const last = this.#pieces.at(-1)
      const before = last === undefined ? 0 : last.end
      const piece = arena.append(last, bytes, offset + done, length - done)
      if (piece !== last) this.#pieces.push(piece)
      done += piece.end - (piece === last ? before : piece.start)
    }
  }

  loanIsOver(): void {
    this.#loan = undefined
  }

  /** The oldest unread bytes, at most `most`; they are the caller's. Undefined when there are none. */
  read(most: number): Uint8Array | undefined {
    if (this.#kept === 0 || most <= 0) return undefined
    if (this.#pieces.length === 0) {
      const loan = this.#loan as Loan
      if (loan.isWorthOwnMemory(most)) {
        const bytes = loan.read(most)
        this.#count(bytes.length)
        return bytes
      }
      loan.settle()
    }
    const piece = this.#pieces[0]
    const n = Math.min(most, piece.end - piece.start)
    const bytes = piece.chunk.subarray(piece.start, piece.start + n)
    piece.start += n
    // An empty last piece goes too: the arena may still stand at its end, but an idle connection owns nothing.
    if (piece.start === piece.end) this.#pieces.shift()
    if (this.#pieces.length === 0) this.#pieces = NO_PIECES
    this.#count(n)
    return bytes
  }

  /** Fills `target` with the oldest unread bytes, as many as there are, and answers how many. */
  readInto(target: Uint8Array): number {
    const wanted = Math.min(target.length, this.#kept)
    let done = 0
    while (done < wanted && this.#pieces.length > 0) {
      const piece = this.read(wanted - done) as Uint8Array
      target.set(piece, done)
      done += piece.length
    }
    if (done < wanted) {
      ;(this.#loan as Loan).copyTo(target, done, wanted)
      this.#count(wanted - done)
    }
    return wanted
  }

  /** So many have been read. */
  #count(bytes: number): void {
    this.readable -= bytes
    this.#kept -= bytes
    if (this.#arena !== undefined) this.#arena.unread -= bytes
  }

  /** Drops all that is readable, and answers how many bytes that was. */
  discard(arena: Arena): number {
    const bytes = this.readable
    if (bytes === 0) return 0
    this.#loan?.forgive()
    // The last first: then the one before it stands at the end.
    for (let i = this.#pieces.length - 1; i >= 0; i--) arena.takeBack(this.#pieces[i])
    if (this.#arena !== undefined) this.#arena.unread -= this.#kept
    this.#kept = 0
    this.#pieces = NO_PIECES
    this.readable = 0
    return bytes
  }

  /** Keeps text that lies behind a hole. False where memory is short, and then nothing is kept. */
  keep(keeper: BlockKeeper, rcvNxt: Seq, seq: Seq, bytes: Uint8Array, offset: number, length: number): boolean {
    const end = add(seq, length)
    const kept = this.waiting.count
    const reach = kept === 0 ? end : later(end, this.waiting.right(kept - 1))
    if (!this.#reserve(keeper, ahead(reach, rcvNxt))) return false
    const ring = this.#ring as Block
    const region = keeper.slab.regions[ring.region]
    const at = seq & (ring.size - 1)
    const first = Math.min(length, ring.size - at)
    region.set(bytes.subarray(offset, offset + first), ring.offset + at)
    if (first < length) region.set(bytes.subarray(offset + first, offset + length), ring.offset)
    this.waiting.insert(seq, end)
    return true
  }

  /** Moves what is in order now to the reader and answers the new RCV.NXT. */
  advance(keeper: BlockKeeper, arena: Arena, rcvNxt: Seq): Seq {
    this.waiting.removeBelow(rcvNxt)
    if (this.waiting.count > 0 && this.waiting.left(0) === rcvNxt) {
      const end = this.waiting.right(0)
      const ring = this.#ring as Block
      const region = keeper.slab.regions[ring.region]
      while (lt(rcvNxt, end)) {
        const at = rcvNxt & (ring.size - 1)
        const n = Math.min(ahead(end, rcvNxt), ring.size - at)
        this.append(arena, region, ring.offset + at, n)
        rcvNxt = add(rcvNxt, n)
      }
      this.waiting.removeBelow(rcvNxt)
    }
    if (this.waiting.count === 0) this.forgetWaiting(keeper)
    return rcvNxt
  }

  /** The connection is over: what is unread stays readable, but is its user's and no more the stack's. */
  disown(): void {
    if (this.#arena !== undefined) this.#arena.unread -= this.#kept
    this.#arena = undefined
  }

  forgetWaiting(keeper: BlockKeeper): void {
    this.waiting.clear()
    if (this.#ring === undefined) return
    keeper.release(this.#ring)
    this.#ring = undefined
  }

  #reserve(keeper: BlockKeeper, bytes: number): boolean {
    const old = this.#ring
    if (old !== undefined && old.size >= bytes) return true
    const ring = keeper.slab.allocate(bytes)
    if (ring === undefined) return false
    if (old !== undefined) {
      for (let i = 0; i < this.waiting.count; i++) {
        const left = this.waiting.left(i)
        copyRing(keeper.slab, old, ring, left, ahead(this.waiting.right(i), left))
      }
      keeper.release(old)
    }
    this.#ring = ring
    return true
  }
}

const NO_PIECES: Piece[] = []
