// SipHash-2-4 (Aumasson and Bernstein, 2012) over words of 32 bits, for what nobody outside may predict: initial
// sequence numbers (RFC 6528), ephemeral ports (RFC 6056), Fast Open cookies (RFC 7413). JavaScript has no 64-bit integers
// that are fast, so each of the four state words is a pair of int32, high and low; a sum below one of its parts carries.

export class SipHash {
  readonly #k0h: number
  readonly #k0l: number
  readonly #k1h: number
  readonly #k1l: number
  #high = 0

  /** `key`: 16 bytes of entropy. */
  constructor(key: Uint8Array) {
    const view = new DataView(key.buffer, key.byteOffset, 16)
    this.#k0l = view.getInt32(0, true)
    this.#k0h = view.getInt32(4, true)
    this.#k1l = view.getInt32(8, true)
    this.#k1h = view.getInt32(12, true)
  }

  /** High half of the last hash, int32. */
  get high(): number {
    return this.#high
  }

  /** Low half of the hash of four words (16 bytes, each word in little-endian order), int32. */
  hash(a: number, b: number, c: number, d: number): number {
    return this.#run(2, a, b, c, d)
  }

  /** The same of two words. */
  hashPair(a: number, b: number): number {
    return this.#run(1, a, b, 0, 0)
  }

  #run(blocks: number, a: number, b: number, c: number, d: number): number {
    let v0h = 0x736f6d65 ^ this.#k0h
    let v0l = 0x70736575 ^ this.#k0l
    let v1h = 0x646f7261 ^ this.#k1h
    let v1l = 0x6e646f6d ^ this.#k1l
    let v2h = 0x6c796765 ^ this.#k0h
    let v2l = 0x6e657261 ^ this.#k0l
    let v3h = 0x74656462 ^ this.#k1h
    let v3l = 0x79746573 ^ this.#k1l
    // One or two blocks of message and one of its length, two rounds each, then four rounds to finish.
    const finish = 2 * blocks + 2
    for (let round = 0; round < finish + 4; round++) {
      const block = round >> 1
      const mh = block === blocks ? blocks << 27 : block === 0 ? b : d
      const ml = block === blocks ? 0 : block === 0 ? a : c
      const starts = (round & 1) === 0 && round < finish
      const ends = (round & 1) === 1 && round < finish
      if (starts) {
        v3h ^= mh
        v3l ^= ml
      }
      if (round === finish) v2l ^= 0xff

      v0l = (v0l + v1l) | 0
      v0h = (v0h + v1h + (v0l >>> 0 < v1l >>> 0 ? 1 : 0)) | 0
      let high = (v1h << 13) | (v1l >>> 19)
      v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l
      v1h = high ^ v0h
      high = v0h
      v0h = v0l
      v0l = high

      v2l = (v2l + v3l) | 0
      v2h = (v2h + v3h + (v2l >>> 0 < v3l >>> 0 ? 1 : 0)) | 0
      high = (v3h << 16) | (v3l >>> 16)
      v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l
      v3h = high ^ v2h

      v0l = (v0l + v3l) | 0
      v0h = (v0h + v3h + (v0l >>> 0 < v3l >>> 0 ? 1 : 0)) | 0
      high = (v3h << 21) | (v3l >>> 11)
      v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l
      v3h = high ^ v0h

      v2l = (v2l + v1l) | 0
      v2h = (v2h + v1h + (v2l >>> 0 < v1l >>> 0 ? 1 : 0)) | 0
      high = (v1h << 17) | (v1l >>> 15)
      v1l = ((v1l << 17) | (v1h >>> 15)) ^ v2l
      v1h = high ^ v2h
      high = v2h
      v2h = v2l
      v2l = high

      if (ends) {
        v0h ^= mh
        v0l ^= ml
      }
    }
    this.#high = v0h ^ v1h ^ v2h ^ v3h
    return v0l ^ v1l ^ v2l ^ v3l
  }
}
