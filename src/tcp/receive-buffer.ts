// What the peer has sent and the user has not read. Text in order is copied once, from the link's slab into an arena
// that all connections of a stack share, and handed to the user as views of it. Text out of order waits in a ring of
// the slab, where the byte with sequence number s lies at s modulo the capacity, until the hole before it is filled.

import type { Block } from '../wire/slab.ts'
import { Ranges } from './ranges.ts'
import { type BlockKeeper, copyRing } from './send-buffer.ts'
import { add, ahead, later, lt, type Seq } from './seq.ts'

const SMALL_CHUNK = 8 * 1024
const LARGE_CHUNK = 64 * 1024

/** Memory for text in order: chunks that are filled from the front and belong to whoever still holds a view. */
export class Arena {
  #chunk = new Uint8Array(0)
  #cursor = 0
  #longestPiece = 0
  /** Text of all connections that is in order and not read, bytes. */
  unread = 0

  constructor(
    /** The most of it. */
    readonly limit = Number.POSITIVE_INFINITY
  ) {}

  hasRoomFor(length: number): boolean {
    return this.unread + length <= this.limit
  }

  /** Copies the bytes to the end of `piece` if that is where the arena stands, else into a new piece that is returned. */
  append(piece: Piece | undefined, bytes: Uint8Array, offset: number, length: number): Piece {
    const room = this.#chunk.length - this.#cursor
    let into = piece
    if (into === undefined || into.chunk !== this.#chunk || into.end !== this.#cursor || room === 0) {
      if (room < Math.min(length, SMALL_CHUNK / 8)) this.#nextChunk(length)
      into = new Piece(this.#chunk, this.#cursor)
    }
    const n = Math.min(length, this.#chunk.length - this.#cursor)
    this.#chunk.set(bytes.subarray(offset, offset + n), this.#cursor)
    this.#cursor += n
    into.end = this.#cursor
    this.#longestPiece = Math.max(this.#longestPiece, into.end - into.start)
    return into
  }

  /** Nobody will see what is in the piece: where it was appended last, the next text takes its place. */
  takeBack(piece: Piece): void {
    if (piece.chunk === this.#chunk && piece.end === this.#cursor) this.#cursor = piece.start
  }

  /** Chunks are large while one connection fills them by itself, small while many share them: a reader that keeps a few bytes pins little. */
  #nextChunk(length: number): void {
    const bulk = this.#longestPiece * 2 > this.#chunk.length || length > SMALL_CHUNK / 2
    const size = bulk ? Math.min(LARGE_CHUNK, Math.max(SMALL_CHUNK, 2 * this.#chunk.length)) : SMALL_CHUNK
    this.#chunk = new Uint8Array(size)
    this.#cursor = 0
    this.#longestPiece = 0
  }
}

class Piece {
  end: number
  constructor(
    readonly chunk: Uint8Array,
    public start: number
  ) {
    this.end = start
  }
}

export class ReceiveBuffer {
  /** Text in order that the user has not read, bytes. */
  readable = 0
  /** Text in order is counted and not kept: its user wants no more of it than `discard`. */
  keepsNothing = false
  /** Text that waits behind a hole. */
  readonly waiting = new Ranges()
  #pieces: Piece[] = NO_PIECES
  /** Bytes in the pieces. */
  #kept = 0
  /** Where what is readable counts; undefined where nothing is, or where it counts no more. */
  #arena: Arena | undefined = undefined
  #ring: Block | undefined = undefined

  constructor(
    /** Bytes: the window that we offer never exceeds it. */
    public limit: number
  ) {}

  append(arena: Arena, bytes: Uint8Array, offset: number, length: number): void {
    if (this.keepsNothing) {
      this.readable += length
      return
    }
    if (this.#pieces.length === 0) this.#pieces = []
    let done = 0
    while (done < length) {
      const last = this.#pieces[this.#pieces.length - 1] as Piece | undefined
      const before = last === undefined ? 0 : last.end
      const piece = arena.append(last, bytes, offset + done, length - done)
      if (piece !== last) this.#pieces.push(piece)
      done += piece.end - (piece === last ? before : piece.start)
    }
    this.readable += length
    this.#kept += length
    arena.unread += length
    this.#arena = arena
  }

  /** The oldest unread bytes, at most `most`; they are the caller's. Undefined when there are none. */
  read(most: number): Uint8Array | undefined {
    if (this.#pieces.length === 0 || most <= 0) return undefined
    const piece = this.#pieces[0]
    const n = Math.min(most, piece.end - piece.start)
    const bytes = piece.chunk.subarray(piece.start, piece.start + n)
    piece.start += n
    this.readable -= n
    this.#kept -= n
    if (this.#arena !== undefined) this.#arena.unread -= n
    // An empty last piece goes too: the arena may still stand at its end, but an idle connection owns nothing.
    if (piece.start === piece.end) this.#pieces.shift()
    if (this.#pieces.length === 0) this.#pieces = NO_PIECES
    return bytes
  }

  /** Drops all that is readable, and answers how many bytes that was. */
  discard(arena: Arena): number {
    const bytes = this.readable
    if (bytes === 0) return 0
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
