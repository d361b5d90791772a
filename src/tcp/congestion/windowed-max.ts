// The largest value of a window of time, by the three candidates for it, each later and smaller than the one before (as Linux's minmax).

export class WindowedMax {
  readonly #values = [0, 0, 0]
  readonly #times = [0, 0, 0]

  get best(): number {
    return this.#values[0]
  }

  update(value: number, time: number, length: number): void {
    const values = this.#values
    const times = this.#times
    if (value >= values[0] || time - times[2] > length) return this.#fill(0, value, time)
    if (value >= values[1]) this.#fill(1, value, time)
    else if (value >= values[2]) this.#fill(2, value, time)
    const age = time - times[0]
    if (age > length) {
      this.#dropFirst(value, time)
      if (time - times[0] > length) this.#dropFirst(value, time)
    } else if (times[1] === times[0] && age > length / 4) this.#fill(1, value, time)
    else if (times[2] === times[1] && age > length / 2) this.#fill(2, value, time)
  }

  #dropFirst(value: number, time: number): void {
    this.#values.shift()
    this.#values.push(value)
    this.#times.shift()
    this.#times.push(time)
  }

  #fill(from: number, value: number, time: number): void {
    this.#values.fill(value, from)
    this.#times.fill(time, from)
  }
}
