// Where text in order is kept for its readers. While a batch of packets is at hand, it is only borrowed: it stays where the
// link has put it. Who reads at once gets that memory itself, where the link can do without and the text fills it, else memory of
// his own, filled by one copy. What nobody has read when the batch goes is copied into chunks that all connections of a stack
// share, and is handed out as views of them.

import type { Host } from '../host.ts'

const SMALL_CHUNK = 8 * 1024
const LARGE_CHUNK = 64 * 1024
/** One read gives so much of what is borrowed: above 128 KiB malloc asks the kernel for each. */
const LARGE_READ = 64 * 1024
/** Less text than that is copied rather than given away with the memory that it lies in, and so is what fills less than half of it. */
const LEAST_GIVEN = 16 * 1024
const FIRST_SPANS = 16
/** Region, offset and length. */
const SPAN = 3

type CopySpans = NonNullable<Host['copySpans']>

/** Whose memory text lies in. */
export interface Lender {
  readonly regions: readonly Uint8Array[]
  /** Puts other memory in the place of a region's, which is the caller's from then on. */
  readonly surrender?: ((region: number) => void) | undefined
}

/** Text of one connection in the batch at hand. */
export class Loan {
  /** Bytes that are not read. */
  length = 0
  lender = NO_LENDER
  /** Region, offset and length in turn: those from #first to #end are not read. */
  #spans = new Int32Array(SPAN * FIRST_SPANS)
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
    const region = this.arena.lentRegion
    // Of a segment that was taken apart, the next part.
    if (end > this.#first && spans[end - 3] === region && spans[end - 2] + spans[end - 1] === offset) {
      spans[end - 1] += length
      return
    }
    if (end === spans.length) this.#grow()
    this.#spans[end] = region
    this.#spans[end + 1] = offset
    this.#spans[end + 2] = length
    this.#end = end + SPAN
  }

  /** Whether what is left comes to as much that it is worth memory of its own. */
  isWorthOwnMemory(most: number): boolean {
    return this.length >= SMALL_CHUNK && most >= SMALL_CHUNK
  }

  /** The oldest bytes, at most `most`, in memory of their own. */
  read(most: number): Uint8Array {
    const at = this.#first
    if (this.#fillsItsMemory(at) && this.#spans[at + 2] <= most) return this.#give(most)
    const bytes = this.arena.allocate(Math.min(most, this.#bytesToCopy(), LARGE_READ))
    this.copyTo(bytes, 0, bytes.length)
    return bytes
  }

  /** And nothing else is in it. A view of a few bytes would keep all of the memory alive. */
  #fillsItsMemory(at: number): boolean {
    const { regions, surrender } = this.lender
    if (surrender === undefined) return false
    const spans = this.#spans
    const length = spans[at + 2]
    const next = at + SPAN
    return (
      length >= LEAST_GIVEN &&
      2 * length >= regions[spans[at]].length &&
      (next === this.#end || spans[next] !== spans[at])
    )
  }

  #give(most: number): Uint8Array {
    const at = this.#first
    const spans = this.#spans
    const memory = this.lender.regions[spans[at]]
    const start = spans[at + 1]
    const end = start + spans[at + 2]
    this.lender.surrender?.(spans[at])
    this.length -= end - start
    this.#first += SPAN
    const more = this.#bytesThatFit(Math.min(most - (end - start), memory.length - end))
    if (more > 0) this.copyTo(memory, end, end + more)
    return new Uint8Array(memory.buffer, memory.byteOffset + start, end + more - start)
  }

  /** Of the oldest pieces as many whole ones as fit in `room` and have to be copied anyway: the rest of a write, behind full segments, say. */
  #bytesThatFit(room: number): number {
    const spans = this.#spans
    let bytes = 0
    for (let at = this.#first; at < this.#end && bytes + spans[at + 2] <= room; at += SPAN) bytes += spans[at + 2]
    return bytes
  }

  /** The oldest piece, and those that follow before one that need not be copied. */
  #bytesToCopy(): number {
    let bytes = 0
    let at = this.#first
    do {
      bytes += this.#spans[at + 2]
      at += SPAN
    } while (at < this.#end && bytes < LARGE_READ && !this.#fillsItsMemory(at))
    return bytes
  }

  /** Fills `bytes` from `start` to `end` with the oldest; there are as many. */
  copyTo(bytes: Uint8Array, start: number, end: number): void {
    const spans = this.#spans
    let done = start
    while (done < end) {
      const at = this.#first
      if (spans[at + 2] <= end - done && this.arena.copySpans !== undefined) {
        done = this.#copyWhole(bytes, done, end, this.arena.copySpans)
        continue
      }
      const n = Math.min(spans[at + 2], end - done)
      bytes.set(this.lender.regions[spans[at]].subarray(spans[at + 1], spans[at + 1] + n), done)
      done += n
      spans[at + 1] += n
      spans[at + 2] -= n
      if (spans[at + 2] === 0) this.#first += SPAN
    }
    this.length -= end - start
  }

  /** Fills `bytes` from `done` on with as many whole spans as fit before `end`; answers where they end. */
  #copyWhole(bytes: Uint8Array, done: number, end: number, copySpans: CopySpans): number {
    const first = this.#first
    const start = done
    while (this.#first < this.#end && done + this.#spans[this.#first + 2] <= end) {
      done += this.#spans[this.#first + 2]
      this.#first += SPAN
    }
    copySpans(bytes, start, this.lender.regions, this.#spans, first, this.#first)
    return done
  }

  /** Hands over each span that is left. */
  settle(): void {
    for (let at = this.#first; at < this.#end; at += SPAN) {
      this.debtor.copy(this.arena, this.lender.regions[this.#spans[at]], this.#spans[at + 1], this.#spans[at + 2])
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
const NO_LENDER: Lender = { regions: [NO_BYTES] }
const NOBODY: Debtor = { copy() {}, loanIsOver() {} }

/** Memory for text in order: chunks that are filled from the front and belong to whoever still holds a view. */
export class Arena {
  #chunk = NO_BYTES
  #cursor = 0
  #longestPiece = 0
  /** Text of all connections that is in order and not read, bytes. */
  unread = 0
  /** Of the batch at hand: where the packet lies that arrives now. */
  lentRegion = 0
  #lender = NO_LENDER
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

  /** Text in the lender's regions need not be copied before `endLoans`. */
  lend(lender: Lender): void {
    this.#lender = lender
    this.lentRegion = 0
  }

  isLent(bytes: Uint8Array): boolean {
    return bytes === this.#lender.regions[this.lentRegion]
  }

  openLoan(debtor: Debtor): Loan {
    const at = this.#loanCount++
    if (at === this.#loans.length) this.#loans.push(new Loan(this, debtor))
    const loan = this.#loans[at]
    loan.debtor = debtor
    loan.lender = this.#lender
    return loan
  }

  /** The batch's memory goes back to the link. */
  endLoans(): void {
    this.#lender = NO_LENDER
    this.lentRegion = 0
    for (let i = 0; i < this.#loanCount; i++) {
      const loan = this.#loans[i]
      loan.settle()
      loan.debtor.loanIsOver()
      loan.debtor = NOBODY
      loan.lender = NO_LENDER
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
