// A set of ranges of sequence numbers, sorted, disjoint and not touching: what has arrived out of order, or what the
// peer has selectively acknowledged. All ranges lie within 2^31 of each other, so the order is well defined.
// Two int32 a range in one array: thousands of holes cost no objects.

import { ahead, later, leq, lt, type Seq } from './seq.ts'

export class Ranges {
  #edges = NONE
  #count = 0
  #bytes = 0

  get count(): number {
    return this.#count
  }

  left(i: number): Seq {
    return this.#edges[2 * i] as Seq
  }

  /** One past the last sequence number of the range. */
  right(i: number): Seq {
    return this.#edges[2 * i + 1] as Seq
  }

  /** Bytes in all ranges. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds [left, right), joining what it meets. */
  insert(left: Seq, right: Seq): void {
    const first = this.#firstReaching(left)
    let last = first
    while (last < this.#count && leq(this.left(last), right)) last++
    if (first === last) {
      this.#open(first)
      this.#set(first, left, right)
      this.#bytes += ahead(right, left)
      return
    }
    const newLeft = lt(this.left(first), left) ? this.left(first) : left
    const newRight = later(this.right(last - 1), right)
    for (let i = first; i < last; i++) this.#bytes -= this.#length(i)
    this.#set(first, newLeft, newRight)
    this.#bytes += ahead(newRight, newLeft)
    this.#cut(first + 1, last)
  }

  /** Forgets all below `seq`. */
  removeBelow(seq: Seq): void {
    let gone = 0
    while (gone < this.#count && leq(this.right(gone), seq)) this.#bytes -= this.#length(gone++)
    this.#cut(0, gone)
    if (this.#count === 0 || !lt(this.left(0), seq)) return
    this.#bytes -= ahead(seq, this.left(0))
    this.#edges[0] = seq
  }

  clear(): void {
    this.#edges = NONE
    this.#count = 0
    this.#bytes = 0
  }

  /** The range that holds `seq`, or -1. */
  indexOf(seq: Seq): number {
    const i = this.#firstReaching(seq)
    if (i < this.#count && leq(this.left(i), seq) && lt(seq, this.right(i))) return i
    const next = i + 1
    return next < this.#count && leq(this.left(next), seq) && lt(seq, this.right(next)) ? next : -1
  }

  /** The first range that reaches past `seq`; `count` where there is none. */
  indexPast(seq: Seq): number {
    const i = this.#firstReaching(seq)
    return i < this.#count && this.right(i) === seq ? i + 1 : i
  }

  /** Whether [left, right) is in one of the ranges as a whole. */
  covers(left: Seq, right: Seq): boolean {
    const i = this.indexOf(left)
    return i >= 0 && leq(right, this.right(i))
  }

  /** How many ranges an insertion of [left, right) would leave. */
  countAfter(left: Seq, right: Seq): number {
    const first = this.#firstReaching(left)
    let last = first
    while (last < this.#count && leq(this.left(last), right)) last++
    return this.#count - (last - first) + 1
  }

  /** The first range whose right edge is at or past `seq`, by bisection. */
  #firstReaching(seq: Seq): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >> 1
      if (lt(this.right(middle), seq)) low = middle + 1
      else high = middle
    }
    return low
  }

  #length(i: number): number {
    return ahead(this.right(i), this.left(i))
  }

  #set(i: number, left: Seq, right: Seq): void {
    this.#edges[2 * i] = left
    this.#edges[2 * i + 1] = right
  }

  #open(at: number): void {
    if (2 * (this.#count + 1) > this.#edges.length) {
      const larger = new Int32Array(Math.max(8, 2 * this.#edges.length))
      larger.set(this.#edges)
      this.#edges = larger
    }
    this.#edges.copyWithin(2 * at + 2, 2 * at, 2 * this.#count)
    this.#count++
  }

  #cut(from: number, to: number): void {
    if (from === to) return
    this.#edges.copyWithin(2 * from, 2 * to, 2 * this.#count)
    this.#count -= to - from
    if (this.#count === 0) this.#edges = NONE
  }
}

const NONE = new Int32Array(0)
