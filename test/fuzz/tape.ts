// What a fuzzer writes, read as decisions: two bytes each. When the tape is over, the decisions come from a seed, so that
// every tape is a whole run.

import { Random } from '../../src/random.ts'

export class TapeRandom extends Random {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    super(bytes.length)
    this.#bytes = bytes
  }

  get isOver(): boolean {
    return this.#at + 1 >= this.#bytes.length
  }

  override uint32(): number {
    // The constructor of the base draws numbers before there is a tape.
    if (!(#bytes in this) || this.isOver) return super.uint32()
    const value = this.#bytes[this.#at] * 256 + this.#bytes[this.#at + 1]
    this.#at += 2
    // The high half decides what `float` and `int` make of it, the low half varies with it.
    return ((value << 16) | value) >>> 0
  }
}
