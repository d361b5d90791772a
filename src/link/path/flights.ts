// Packets on the way from one end of a line to the other.

/** Packets that arrive in the order in which they left. */
export class FlightRing {
  count = 0
  /** When the first arrives. */
  firstAt = Infinity
  #ids = new Int32Array(16)
  #arrivals = new Float64Array(16)
  #head = 0

  push(id: number, arrival: number): void {
    if (this.count === this.#ids.length) this.#widen()
    const at = (this.#head + this.count) & (this.#ids.length - 1)
    this.#ids[at] = id
    this.#arrivals[at] = arrival
    if (this.count === 0) this.firstAt = arrival
    this.count++
  }

  shift(): number {
    const id = this.#ids[this.#head]
    this.#head = (this.#head + 1) & (this.#ids.length - 1)
    this.count--
    this.firstAt = this.count === 0 ? Infinity : this.#arrivals[this.#head]
    return id
  }

  #widen(): void {
    const size = this.#ids.length
    const ids = new Int32Array(2 * size)
    const arrivals = new Float64Array(2 * size)
    for (let i = 0; i < size; i++) {
      ids[i] = this.#ids[(this.#head + i) & (size - 1)]
      arrivals[i] = this.#arrivals[(this.#head + i) & (size - 1)]
    }
    this.#ids = ids
    this.#arrivals = arrivals
    this.#head = 0
  }
}
