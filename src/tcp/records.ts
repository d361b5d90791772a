// Where the scoreboard keeps its records: a block of typed arrays for each connection that has something in flight, from a
// pool of the stack's, so that sending makes no garbage and an idle connection owns none.

/** A record's int32 fields. */
export const START = 0
/** One past its last sequence number. */
export const END = 1
export const FLAGS = 2
/** What it counts for, in segments of SMSS. */
export const SEGMENTS = 3
/** Neighbours in the list that the record is in: by time of sending, or of what is lost. NEXT also chains those that are free. */
export const NEXT = 4
export const PREVIOUS = 5
/** In flight when it left, itself included, bytes. */
export const TX_IN_FLIGHT = 6
export const INTS = 8

/** A record's doubles: when it was last sent, and, as they were then, the variables of delivery-rate.ts. */
export const SENT_AT = 0
export const DELIVERED = 1
export const DELIVERED_AT = 2
export const FIRST_SENT_AT = 3
export const LOST_THEN = 4
export const DOUBLES = 5

export interface RecordBlock {
  /** A power of two. */
  readonly capacity: number
  readonly ints: Int32Array
  readonly doubles: Float64Array
  /** A ring of record numbers, in the order of their sequence numbers. */
  readonly order: Int32Array
}

const make = (capacity: number): RecordBlock => ({
  capacity,
  ints: new Int32Array(capacity * INTS),
  doubles: new Float64Array(capacity * DOUBLES),
  order: new Int32Array(capacity)
})

export const NO_RECORDS: RecordBlock = make(0)
/** Enough for an initial window and a little more. */
const SMALLEST = 16
/** Records in blocks that nobody uses: what is beyond goes to the garbage collector. */
const MOST_FREE = 1 << 15

export class RecordPool {
  readonly #free: RecordBlock[][] = []
  #freeRecords = 0

  /** A block for at least `records`. */
  take(records: number): RecordBlock {
    const size = Math.max(SMALLEST, 1 << (32 - Math.clz32(records - 1)))
    const block = this.#free[Math.clz32(size)]?.pop()
    if (block === undefined) return make(size)
    this.#freeRecords -= size
    return block
  }

  release(block: RecordBlock): void {
    if (block.capacity === 0 || this.#freeRecords + block.capacity > MOST_FREE) return
    this.#freeRecords += block.capacity
    const size = Math.clz32(block.capacity)
    this.#free[size] ??= []
    this.#free[size].push(block)
  }
}
