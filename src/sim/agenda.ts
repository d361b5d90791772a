// What is to happen when: a heap of slots by time, and among equals by rank. A slot is a small number that stays its owner's,
// and its time may be moved or taken back at any time. All in typed arrays: arming makes no object.

const NONE = -1
/** Four below each. */
const ARITY_LOG2 = 2

export class Agenda {
  /** Slots that are armed. */
  size = 0
  // By place in the heap: the slot, and its time, which is what most comparisons need.
  #heap = new Int32Array(64)
  #time = new Float64Array(64)
  // By slot.
  #rank = new Float64Array(64)
  /** Its place in the heap. */
  #place = new Int32Array(64).fill(NONE)
  #slots = 0
  /** The top of the heap is vacant: its slot was taken, and nobody has been armed since. */
  #isOpen = false
  readonly #free: number[] = []

  newSlot(): number {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#slots === this.#rank.length) this.#widen()
    return this.#slots++
  }

  /** Gives a slot back, armed or not. */
  freeSlot(slot: number): void {
    this.disarm(slot)
    this.#free.push(slot)
  }

  isArmed(slot: number): boolean {
    return this.#place[slot] !== NONE
  }

  get firstTime(): number {
    if (this.#isOpen) this.#close()
    return this.size === 0 ? Infinity : this.#time[0]
  }

  /** The slot that comes first, which is armed no more; -1 for none. */
  takeFirst(): number {
    if (this.#isOpen) this.#close()
    if (this.size === 0) return NONE
    const slot = this.#heap[0]
    this.#place[slot] = NONE
    this.size--
    // Most events arm another, for which this place is kept: that saves one of two ways through the heap.
    this.#isOpen = true
    return slot
  }

  arm(slot: number, time: number, rank: number): void {
    let place = this.#place[slot]
    if (place === NONE) {
      place = this.#isOpen ? 0 : this.size
      this.#isOpen = false
      this.size++
    } else if (this.#isOpen) {
      this.#close()
      place = this.#place[slot]
    }
    this.#rank[slot] = rank
    this.#sink(slot, time, this.#rise(slot, time, place))
  }

  disarm(slot: number): void {
    if (this.#isOpen) this.#close()
    const place = this.#place[slot]
    if (place === NONE) return
    this.#place[slot] = NONE
    const last = this.#heap[--this.size]
    const time = this.#time[this.size]
    if (last !== slot) this.#sink(last, time, this.#rise(last, time, place))
  }

  /** The last one of the heap takes the vacant place. */
  #close(): void {
    this.#isOpen = false
    if (this.size > 0) this.#sink(this.#heap[this.size], this.#time[this.size], 0)
  }

  /** Moves what is above `place` and comes later down; answers where the slot belongs as far as these are concerned. */
  #rise(slot: number, time: number, place: number): number {
    const heap = this.#heap
    const times = this.#time
    const rank = this.#rank
    while (place > 0) {
      const parent = (place - 1) >> ARITY_LOG2
      const above = heap[parent]
      const its = times[parent]
      if (time > its || (time === its && rank[slot] >= rank[above])) break
      heap[place] = above
      times[place] = its
      this.#place[above] = place
      place = parent
    }
    return place
  }

  #sink(slot: number, time: number, place: number): void {
    const heap = this.#heap
    const times = this.#time
    const rank = this.#rank
    const size = this.size
    for (;;) {
      const from = (place << ARITY_LOG2) + 1
      if (from >= size) break
      let child = from
      let first = times[from]
      const to = Math.min(from + (1 << ARITY_LOG2), size)
      for (let each = from + 1; each < to; each++) {
        const its = times[each]
        if (its < first || (its === first && rank[heap[each]] < rank[heap[child]])) {
          child = each
          first = its
        }
      }
      const below = heap[child]
      if (time < first || (time === first && rank[slot] <= rank[below])) break
      heap[place] = below
      times[place] = first
      this.#place[below] = place
      place = child
    }
    heap[place] = slot
    times[place] = time
    this.#place[slot] = place
  }

  #widen(): void {
    const size = 2 * this.#rank.length
    const [heap, time, rank, place] = [this.#heap, this.#time, this.#rank, this.#place]
    this.#heap = new Int32Array(size)
    this.#time = new Float64Array(size)
    this.#rank = new Float64Array(size)
    this.#place = new Int32Array(size).fill(NONE)
    this.#heap.set(heap)
    this.#time.set(time)
    this.#rank.set(rank)
    this.#place.set(place)
  }
}
