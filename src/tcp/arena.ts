// Where text in order is kept for its readers. While a batch of packets is at hand, it is only borrowed: it stays where the
// link has put it, and who reads at once gets memory of his own, filled by one copy. What nobody has read when the batch goes
// is copied into chunks that all connections of a stack share, and is handed out as views of them.

import type { Host } from '../host.ts'

const SMALL_CHUNK = 8 * 1024
const LARGE_CHUNK = 64 * 1024
/** One read gives so much of what is borrowed: above 128 KiB malloc asks the kernel for each. */
const LARGE_READ = 64 * 1024
const FIRST_SPANS = 16

type CopySpans = NonNullable<Host['copySpans']>

/** Text of one connection in the batch at hand. */
export class Loan {
  /** Bytes that are not read. */
  length = 0
  /** The link's memory. */
  source = NO_BYTES
  /** Offset and length in turn: those from #first to #end are not read. */
  #spans = new Int32Array(2 * FIRST_SPANS)
  #first = 0
  #end = 0

  constructor(
    readonly arena: Arena,
    public debtor: Debtor
  ) {}

  add(offset: number, length: number): void {
    this.length += length
    const end = this.#end
    const spans = this.#spans
    // Of a segment that was taken apart, the next part.
    if (end > this.#first && spans[end - 2] + spans[end - 1] === offset) {
      spans[end - 1] += length
      return
    }
    if (end === spans.length) this.#grow()
    this.#spans[end] = offset
    this.#spans[end + 1] = length
    this.#end = end + 2
  }

  /** Whether what is left comes to as much that it is worth memory of its own. */
  isWorthOwnMemory(most: number): boolean {
    return this.length >= SMALL_CHUNK && most >= SMALL_CHUNK
  }

  /** The oldest bytes, at most `most`, in memory of their own. */
  read(most: number): Uint8Array {
    const bytes = this.arena.allocate(Math.min(most, this.length, LARGE_READ))
    this.copyTo(bytes, 0, bytes.length)
    return bytes
  }

  /** Fills `bytes` from `start` to `end` with the oldest; there are as many. */
  copyTo(bytes: Uint8Array, start: number, end: number): void {
    const spans = this.#spans
    let done = start
    while (done < end) {
      const at = this.#first
      if (spans[at + 1] <= end - done && this.arena.copySpans !== undefined) {
        done = this.#copyWhole(bytes, done, end, this.arena.copySpans)
        continue
      }
      const n = Math.min(spans[at + 1], end - done)
      bytes.set(this.source.subarray(spans[at], spans[at] + n), done)
      done += n
      spans[at] += n
      spans[at + 1] -= n
      if (spans[at + 1] === 0) this.#first += 2
    }
    this.length -= end - start
  }

  /** Fills `bytes` from `done` on with as many whole spans as fit before `end`; answers where they end. */
  #copyWhole(bytes: Uint8Array, done: number, end: number, copySpans: CopySpans): number {
    const first = this.#first
    const start = done
    while (this.#first < this.#end && done + this.#spans[this.#first + 1] <= end) {
      done += this.#spans[this.#first + 1]
      this.#first += 2
    }
    copySpans(bytes, start, this.source, this.#spans, first, this.#first)
    return done
  }

  /** Hands over each span that is left. */
  settle(): void {
    for (let at = this.#first; at < this.#end; at += 2) {
      this.debtor.copy(this.arena, this.source, this.#spans[at], this.#spans[at + 1])
    }
    this.forgive()
  }

  /** Nobody wants what is left. */
  forgive(): void {
    this.length = 0
    this.#first = 0
    this.#end = 0
  }

  #grow(): void {
    const larger = new Int32Array(2 * this.#spans.length)
    larger.set(this.#spans)
    this.#spans = larger
  }
}

/** Who borrows: copies what he has not read when its time is over. */
export interface Debtor {
  copy(arena: Arena, bytes: Uint8Array, offset: number, length: number): void
  loanIsOver(): void
}

/** Part of a chunk. */
export class Piece {
  end: number
  constructor(
    readonly chunk: Uint8Array,
    public start: number
  ) {
    this.end = start
  }
}

const NO_BYTES: Uint8Array = new Uint8Array(0)
const NOBODY: Debtor = { copy() {}, loanIsOver() {} }

/** Memory for text in order: chunks that are filled from the front and belong to whoever still holds a view. */
export class Arena {
  #chunk = NO_BYTES
  #cursor = 0
  #longestPiece = 0
  /** Text of all connections that is in order and not read, bytes. */
  unread = 0
  /** The memory of the batch at hand. */
  #lent: Uint8Array = NO_BYTES
  readonly #loans: Loan[] = []
  #loanCount = 0

  constructor(
    /** The most of it. */
    readonly limit = Number.POSITIVE_INFINITY,
    /** Memory that is filled before anybody sees it. */
    readonly allocate: (bytes: number) => Uint8Array = bytes => new Uint8Array(bytes),
    readonly copySpans: CopySpans | undefined = undefined
  ) {}

  get isHalfFull(): boolean {
    return 2 * this.unread > this.limit
  }

  hasRoomFor(length: number): boolean {
    return this.unread + length <= this.limit
  }

  // --- The batch at hand ---

  /** Text in `bytes` need not be copied before `endLoans`. */
  lend(bytes: Uint8Array): void {
    this.#lent = bytes
  }

  isLent(bytes: Uint8Array): boolean {
    return bytes === this.#lent
  }

  openLoan(debtor: Debtor): Loan {
    const at = this.#loanCount++
    if (at === this.#loans.length) this.#loans.push(new Loan(this, debtor))
    const loan = this.#loans[at]
    loan.debtor = debtor
    loan.source = this.#lent
    return loan
  }

  /** The batch's memory goes back to the link. */
  endLoans(): void {
    this.#lent = NO_BYTES
    for (let i = 0; i < this.#loanCount; i++) {
      const loan = this.#loans[i]
      loan.settle()
      loan.debtor.loanIsOver()
      loan.debtor = NOBODY
      loan.source = NO_BYTES
    }
    this.#loanCount = 0
  }

  // --- Chunks ---

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
