// Which connection a segment belongs to: a hash table from four-tuples to slot numbers, open addressing on int32,
// without an object a connection. The hash is tabulation hashing (Zobrist; Patrascu and Thorup, 2012) with tables of
// secret random numbers: as fast as adding up twelve look-ups, and nobody outside can choose tuples that collide.

const EMPTY = -1

export class Demux {
  /** Three words a slot: local address, remote address, ports. */
  #tuples = new Int32Array(3 * 64)
  #hashes = new Int32Array(64)
  #buckets = new Int32Array(128).fill(EMPTY)
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
    const mask = this.#buckets.length - 1
    let bucket = this.#hash(localAddress, remoteAddress, ports) & mask
    for (;;) {
      const slot = this.#buckets[bucket]
      if (slot === EMPTY) return EMPTY
      const at = 3 * slot
      if (
        this.#tuples[at] === localAddress &&
        this.#tuples[at + 1] === remoteAddress &&
        this.#tuples[at + 2] === ports
      ) {
        return slot
      }
      bucket = (bucket + 1) & mask
    }
  }

  /** The four-tuple is not in the table yet. */
  insert(slot: number, localAddress: number, localPort: number, remoteAddress: number, remotePort: number): void {
    if (slot >= this.#hashes.length) this.#growSlots(slot + 1)
    if (2 * (this.#count + 1) > this.#buckets.length) this.#growBuckets()
    const ports = (localPort << 16) | remotePort
    this.#tuples[3 * slot] = localAddress
    this.#tuples[3 * slot + 1] = remoteAddress
    this.#tuples[3 * slot + 2] = ports
    this.#hashes[slot] = this.#hash(localAddress, remoteAddress, ports)
    this.#place(slot)
    this.#count++
  }

  /** The slot is in the table. What stands behind it moves up, so that no tombstones gather (Knuth, 6.4 algorithm R). */
  remove(slot: number): void {
    const mask = this.#buckets.length - 1
    let hole = this.#hashes[slot] & mask
    while (this.#buckets[hole] !== slot) hole = (hole + 1) & mask
    let probe = hole
    for (;;) {
      probe = (probe + 1) & mask
      const other = this.#buckets[probe]
      if (other === EMPTY) break
      const home = this.#hashes[other] & mask
      // It may fill the hole unless its home lies cyclically between the hole and where it stands.
      if (((probe - home) & mask) >= ((probe - hole) & mask)) {
        this.#buckets[hole] = other
        hole = probe
      }
    }
    this.#buckets[hole] = EMPTY
    this.#count--
  }

  #place(slot: number): void {
    const mask = this.#buckets.length - 1
    let bucket = this.#hashes[slot] & mask
    while (this.#buckets[bucket] !== EMPTY) bucket = (bucket + 1) & mask
    this.#buckets[bucket] = slot
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
    const size = Math.max(slots, 2 * this.#hashes.length)
    const tuples = new Int32Array(3 * size)
    tuples.set(this.#tuples)
    this.#tuples = tuples
    const hashes = new Int32Array(size)
    hashes.set(this.#hashes)
    this.#hashes = hashes
  }

  #growBuckets(): void {
    const old = this.#buckets
    this.#buckets = new Int32Array(2 * old.length).fill(EMPTY)
    for (const slot of old) if (slot !== EMPTY) this.#place(slot)
  }
}
