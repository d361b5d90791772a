// A sum over every packet of a run, each bit of it and its time: two runs with the same digest were the same.

import type { PacketPool } from '../link/path/packets.ts'

export class Digest {
  #a = 0x9e3779b9 | 0
  #b = 0x85ebca6b | 0
  readonly #time = new Float64Array(1)
  readonly #timeWords = new Int32Array(this.#time.buffer)

  packet(pool: PacketPool, id: number, now: number): void {
    const { view } = pool.regions[pool.region[id]]
    const start = pool.offset[id]
    const end = start + pool.length[id]
    this.#time[0] = now
    this.#word(this.#timeWords[0])
    this.#word(this.#timeWords[1])
    let at = start
    for (; at + 4 <= end; at += 4) this.#word(view.getInt32(at))
    for (; at < end; at++) this.#word(view.getUint8(at))
    this.#word(end - start)
  }

  get text(): string {
    return (this.#a >>> 0).toString(16).padStart(8, '0') + (this.#b >>> 0).toString(16).padStart(8, '0')
  }

  #word(word: number): void {
    const a = Math.imul(this.#a ^ word, 0x01000193)
    this.#a = a ^ (a >>> 15)
    this.#b = (Math.imul(this.#b, 0x5bd1e995) + (a ^ (this.#b >>> 13))) | 0
  }
}
