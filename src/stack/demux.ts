// Which connection a segment belongs to: a hash table from four-tuples to slot numbers, open addressing on int32,
// without an object a connection. The hash is tabulation hashing (Zobrist; Patrascu and Thorup, 2012) with tables of
// secret random numbers: as fast as adding up twelve look-ups, and nobody outside can choose tuples that collide.

const EMPTY = -1

export class Demux {
  /** Three words a slot: local address, remote address, ports. */
  #tuples = new Int32Array(3 * 64)
  /** Two words a bucket, a slot and the hash of its tuple: what belongs to others is passed by without a look at its tuple. */
  #buckets = new Int32Array(2 * 128).fill(EMPTY)
  #mask = 127
  #count = 0
  /** Twelve tables of 256, one for each byte of a four-tuple. */
  readonly #tables = new Int32Array(12 * 256)

  /** `entropy` fills its argument with numbers that nobody can guess. */
  constructor(entropy: (bytes: Uint8Array) => void) {
    entropy(new Uint8Array(this.#tables.buffer))
  }

  get size(): number {
    return this.#count
  }

  /** The slot of a four-tuple, or -1. */
  find(localAddress: number, localPort: number, remoteAddress: number, remotePort: number): number {
    const ports = (localPort << 16) | remotePort
    const hash = this.#hash(localAddress, remoteAddress, ports)
    const buckets = this.#buckets
    for (let bucket = hash & this.#mask; ; bucket = (bucket + 1) & this.#mask) {
      const slot = buckets[2 * bucket]
      if (slot === EMPTY) return EMPTY
      if (buckets[2 * bucket + 1] !== hash) continue
      const at = 3 * slot
      if (
        this.#tuples[at] === localAddress &&
        this.#tuples[at + 1] === remoteAddress &&
        this.#tuples[at + 2] === ports
      ) {
        return slot
      }
    }
  }

  /** The slot that a four-tuple probably has, by its hash alone; -1 where that is not seen at a glance. `ports`: the local one above the other. */
  guess(localAddress: number, remoteAddress: number, ports: number): number {
    const hash = this.#hash(localAddress, remoteAddress, ports)
    const at = 2 * (hash & this.#mask)
    return this.#buckets[at + 1] === hash ? this.#buckets[at] : EMPTY
  }

  /** Reads of what belongs to a slot, so that it is in the cache. */
  touch(slot: number): number {
    return this.#tuples[3 * slot]
  }

  /** The four-tuple is not in the table yet. */
  insert(slot: number, localAddress: number, localPort: number, remoteAddress: number, remotePort: number): void {
    if (3 * slot >= this.#tuples.length) this.#growSlots(slot + 1)
    if (2 * (this.#count + 1) > this.#mask + 1) this.#growBuckets()
    const ports = (localPort << 16) | remotePort
    this.#tuples[3 * slot] = localAddress
    this.#tuples[3 * slot + 1] = remoteAddress
    this.#tuples[3 * slot + 2] = ports
    this.#place(slot, this.#hash(localAddress, remoteAddress, ports))
    this.#count++
  }

  /** The slot is in the table. What stands behind it moves up, so that no tombstones gather (Knuth, 6.4 algorithm R). */
  remove(slot: number): void {
    const mask = this.#mask
    const buckets = this.#buckets
    const tuples = this.#tuples
    let hole = this.#hash(tuples[3 * slot], tuples[3 * slot + 1], tuples[3 * slot + 2]) & mask
    while (buckets[2 * hole] !== slot) hole = (hole + 1) & mask
    for (let probe = (hole + 1) & mask; buckets[2 * probe] !== EMPTY; probe = (probe + 1) & mask) {
      const home = buckets[2 * probe + 1] & mask
      // It may fill the hole unless its home lies cyclically between the hole and where it stands.
      if (((probe - home) & mask) >= ((probe - hole) & mask)) {
        buckets[2 * hole] = buckets[2 * probe]
        buckets[2 * hole + 1] = buckets[2 * probe + 1]
        hole = probe
      }
    }
    buckets[2 * hole] = EMPTY
    this.#count--
  }

  #place(slot: number, hash: number): void {
    let bucket = hash & this.#mask
    while (this.#buckets[2 * bucket] !== EMPTY) bucket = (bucket + 1) & this.#mask
    this.#buckets[2 * bucket] = slot
    this.#buckets[2 * bucket + 1] = hash
  }

  #hash(a: number, b: number, c: number): number {
    const t = this.#tables
    return (
      t[a & 255] ^
      t[256 + ((a >>> 8) & 255)] ^
      t[512 + ((a >>> 16) & 255)] ^
      t[768 + (a >>> 24)] ^
      t[1024 + (b & 255)] ^
      t[1280 + ((b >>> 8) & 255)] ^
      t[1536 + ((b >>> 16) & 255)] ^
      t[1792 + (b >>> 24)] ^
      t[2048 + (c & 255)] ^
      t[2304 + ((c >>> 8) & 255)] ^
      t[2560 + ((c >>> 16) & 255)] ^
      t[2816 + (c >>> 24)]
    )
  }

  #growSlots(slots: number): void {
    const tuples = new Int32Array(Math.max(3 * slots, 2 * this.#tuples.length))
    tuples.set(this.#tuples)
    this.#tuples = tuples
  }

  #growBuckets(): void {
    const old = this.#buckets
    this.#buckets = new Int32Array(2 * old.length).fill(EMPTY)
    this.#mask = 2 * this.#mask + 1
    for (let at = 0; at < old.length; at += 2) if (old[at] !== EMPTY) this.#place(old[at], old[at + 1])
  }
}
