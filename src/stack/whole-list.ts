// Which slots hold a whole connection, in the order in which they are next to be looked at: a doubly linked list in a typed array, as
// the timer wheel's buckets. With each stands how busy it had been when it joined, so that whoever looks sees whether it still is.

const NONE = -1

// Columns of a slot's row.
const NEXT = 0
const PREVIOUS = 1
/** Modulo 2^32. */
const SEGMENTS = 2
const STRIDE = 4

export class WholeList {
  count = 0
  /** The first to be looked at, -1 for none. */
  first = NONE
  #last = NONE
  #rows = new Int32Array(64 * STRIDE)

  /** At the end. `segments`: so many it has sent and received. */
  push(slot: number, segments: number): void {
    const at = slot * STRIDE
    if (at >= this.#rows.length) this.#grow(at + STRIDE)
    const rows = this.#rows
    rows[at + SEGMENTS] = segments
    rows[at + NEXT] = NONE
    rows[at + PREVIOUS] = this.#last
    if (this.#last === NONE) this.first = slot
    else rows[this.#last * STRIDE + NEXT] = slot
    this.#last = slot
    this.count++
  }

  /** It is in the list. */
  remove(slot: number): void {
    const rows = this.#rows
    const next = rows[slot * STRIDE + NEXT]
    const previous = rows[slot * STRIDE + PREVIOUS]
    if (next === NONE) this.#last = previous
    else rows[next * STRIDE + PREVIOUS] = previous
    if (previous === NONE) this.first = next
    else rows[previous * STRIDE + NEXT] = next
    this.count--
  }

  /** Segments since it joined the list; `segments` is what there have been by now. */
  segmentsSince(slot: number, segments: number): number {
    return (segments - this.#rows[slot * STRIDE + SEGMENTS]) | 0
  }

  /** Reads of what belongs to a slot, so that it is in the cache. */
  touch(slot: number): number {
    return slot * STRIDE < this.#rows.length ? this.#rows[slot * STRIDE] : NONE
  }

  #grow(length: number): void {
    const larger = new Int32Array(Math.max(length, 2 * this.#rows.length))
    larger.set(this.#rows)
    this.#rows = larger
  }
}
