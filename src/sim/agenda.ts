// What is to happen when: a heap of slots by time, and among equals by rank. A slot is a small number that stays its owner's,
// and its time may be moved or taken back at any time. All in typed arrays: arming makes no object.

const NONE = -1
const ARITY = 4

export class Agenda {
  /** Slots that are armed. */
  size = 0
  #heap = new Int32Array(64)
  // By slot.
  #time = new Float64Array(64)
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
    if (this.#slots === this.#time.length) this.#widen()
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
    return this.size === 0 ? Infinity : this.#time[this.#heap[0]]
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
    this.#time[slot] = time
    this.#rank[slot] = rank
    this.#sink(slot, this.#rise(slot, place))
  }

  disarm(slot: number): void {
    if (this.#isOpen) this.#close()
    const place = this.#place[slot]
    if (place === NONE) return
    this.#place[slot] = NONE
    const last = this.#heap[--this.size]
    if (last !== slot) this.#sink(last, this.#rise(last, place))
  }

  /** The last one of the heap takes the vacant place. */
  #close(): void {
    this.#isOpen = false
    if (this.size > 0) this.#sink(this.#heap[this.size], 0)
  }

  #comesBefore(a: number, b: number): boolean {
    const difference = this.#time[a] - this.#time[b]
    return difference < 0 || (difference === 0 && this.#rank[a] < this.#rank[b])
  }

  /** Moves what is above `place` and comes later down; answers where the slot belongs as far as these are concerned. */
  #rise(slot: number, place: number): number {
    const heap = this.#heap
    while (place > 0) {
      const parent = ((place - 1) / ARITY) | 0
      const above = heap[parent]
      if (!this.#comesBefore(slot, above)) break
      heap[place] = above
      this.#place[above] = place
      place = parent
    }
    return place
  }

  #sink(slot: number, place: number): void {
    const heap = this.#heap
    const size = this.size
    for (;;) {
      const from = place * ARITY + 1
      if (from >= size) break
      let child = from
      const to = Math.min(from + ARITY, size)
      for (let each = from + 1; each < to; each++) if (this.#comesBefore(heap[each], heap[child])) child = each
      const below = heap[child]
      if (!this.#comesBefore(below, slot)) break
      heap[place] = below
      this.#place[below] = place
      place = child
    }
    heap[place] = slot
    this.#place[slot] = place
  }

  #widen(): void {
    const size = 2 * this.#time.length
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
