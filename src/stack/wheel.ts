// A hierarchical timer wheel: one timer for each slot number, armed and fired in constant time however many there are.
// Six levels of 64 buckets, a tick of 1 ms, so that 2^32 ms fit. Buckets are doubly linked lists in typed arrays.
// A deadline that moves further away costs nothing: the timer fires early and its owner arms it anew.

const LEVELS = 6
const BITS = 6
const BUCKETS = 64
const NONE = -1

// Columns of a slot's row.
const NEXT = 0
const PREVIOUS = 1
/** The bucket that it is linked into, or NONE. */
const BUCKET = 2
const TICK = 3
const STRIDE = 4
/** The furthest deadline, ticks ahead; what lies beyond fires early. */
const HORIZON = 2 ** 30

export class TimerWheel {
  /** Tick 0 in ms on the clock of the stack. */
  readonly #origin: number
  /** Ticks that have been processed, modulo 2^32. */
  #elapsed = 0
  /** The same without the modulo. */
  #elapsedTicks = 0
  /** A row for each slot, its columns beside each other: with many slots every line of a cache that is touched is a wait. */
  #rows = new Int32Array(64 * STRIDE).fill(NONE)
  readonly #heads = new Int32Array(LEVELS * BUCKETS).fill(NONE)
  /** Two words of 32 bits a level: which buckets hold something. */
  readonly #occupied = new Int32Array(2 * LEVELS)

  constructor(now: number) {
    this.#origin = Math.floor(now)
  }

  /** Arms the slot's timer for `deadline` (ms), unless it is armed to fire before that. */
  arm(slot: number, deadline: number): void {
    if (deadline === Number.POSITIVE_INFINITY) return
    const ahead = Math.min(HORIZON, Math.max(0, Math.ceil(deadline - this.#origin) - this.#elapsedTicks))
    const tick = (this.#elapsed + ahead) | 0
    const at = slot * STRIDE
    if (at >= this.#rows.length) this.#grow(at + STRIDE)
    if (this.#rows[at + BUCKET] !== NONE) {
      if (((this.#rows[at + TICK] - tick) | 0) <= 0) return
      this.#unlink(slot)
    }
    this.#rows[at + TICK] = tick
    this.#link(slot)
  }

  disarm(slot: number): void {
    const at = slot * STRIDE
    if (at < this.#rows.length && this.#rows[at + BUCKET] !== NONE) this.#unlink(slot)
  }

  /** Reads of what belongs to a slot, so that it is in the cache. */
  touch(slot: number): number {
    return slot * STRIDE < this.#rows.length ? this.#rows[slot * STRIDE] : NONE
  }

  /** When `advance` next has something to do, ms; not later than the earliest deadline. Infinity for never. */
  get nextAt(): number {
    const ticks = this.#ticksToNext()
    return ticks < 0 ? Number.POSITIVE_INFINITY : this.#origin + this.#elapsedTicks + ticks
  }

  /** Calls `fire` for each slot whose deadline has come, in order of time; each is disarmed first. */
  advance(now: number, fire: (slot: number) => void): void {
    const target = Math.floor(now) - this.#origin
    for (;;) {
      const ticks = this.#ticksToNext()
      if (ticks < 0 || this.#elapsedTicks + ticks > target) break
      this.#elapsedTicks += ticks
      this.#elapsed = (this.#elapsed + ticks) | 0
      this.#emptyBucket(this.#nextBucket, fire)
    }
    if (target > this.#elapsedTicks) {
      this.#elapsed = (this.#elapsed + (target - this.#elapsedTicks)) | 0
      this.#elapsedTicks = target
    }
  }

  #nextBucket = 0

  /** Ticks until the next bucket begins, -1 for none; leaves its number in #nextBucket. The lowest level that holds anything is the earliest. */
  #ticksToNext(): number {
    for (let level = 0; level < LEVELS; level++) {
      const low = this.#occupied[2 * level]
      const high = this.#occupied[2 * level + 1]
      if ((low | high) === 0) continue
      const shift = level * BITS
      const here = (this.#elapsed >>> shift) & (BUCKETS - 1)
      const at = firstFrom(low, high, here)
      this.#nextBucket = level * BUCKETS + at
      // The top level has only the two bits that are left of 32.
      const distance = (at - here) & (level === LEVELS - 1 ? 3 : BUCKETS - 1)
      const inBucket = this.#elapsed & ((1 << shift) - 1)
      return distance * (1 << shift) - (distance === 0 ? 0 : inBucket)
    }
    return -1
  }

  #emptyBucket(bucket: number, fire: (slot: number) => void): void {
    // Taken off one by one from the front: firing may arm and disarm others of the same bucket. What is not due goes
    // down a level, so it never comes back to this bucket.
    for (let slot = this.#heads[bucket]; slot !== NONE; slot = this.#heads[bucket]) {
      this.#unlink(slot)
      if (this.#rows[slot * STRIDE + TICK] === this.#elapsed) fire(slot)
      else this.#link(slot)
    }
  }

  #link(slot: number): void {
    const rows = this.#rows
    const row = slot * STRIDE
    const tick = rows[row + TICK]
    const difference = tick ^ this.#elapsed
    const level = difference === 0 ? 0 : ((31 - Math.clz32(difference)) / BITS) | 0
    const at = (tick >>> (level * BITS)) & (BUCKETS - 1)
    const bucket = level * BUCKETS + at
    const head = this.#heads[bucket]
    rows[row + NEXT] = head
    rows[row + PREVIOUS] = NONE
    if (head !== NONE) rows[head * STRIDE + PREVIOUS] = slot
    this.#heads[bucket] = slot
    rows[row + BUCKET] = bucket
    this.#occupied[2 * level + (at >> 5)] |= 1 << (at & 31)
  }

  #unlink(slot: number): void {
    const rows = this.#rows
    const row = slot * STRIDE
    const bucket = rows[row + BUCKET]
    const next = rows[row + NEXT]
    const previous = rows[row + PREVIOUS]
    if (next !== NONE) rows[next * STRIDE + PREVIOUS] = previous
    if (previous !== NONE) rows[previous * STRIDE + NEXT] = next
    else {
      this.#heads[bucket] = next
      if (next === NONE) {
        const at = bucket & (BUCKETS - 1)
        this.#occupied[2 * (bucket >> BITS) + (at >> 5)] &= ~(1 << (at & 31))
      }
    }
    rows[row + BUCKET] = NONE
  }

  #grow(length: number): void {
    const larger = new Int32Array(Math.max(length, 2 * this.#rows.length)).fill(NONE)
    larger.set(this.#rows)
    this.#rows = larger
  }
}

/** The first bit set at or after `from`, going round, of the 64 in two words; at least one is set. */
function firstFrom(low: number, high: number, from: number): number {
  if (from < 32) {
    const lowRest = low & (-1 << from)
    if (lowRest !== 0) return lowestBit(lowRest)
    if (high !== 0) return 32 + lowestBit(high)
    return lowestBit(low)
  }
  const highRest = high & (-1 << (from - 32))
  if (highRest !== 0) return 32 + lowestBit(highRest)
  if (low !== 0) return lowestBit(low)
  return 32 + lowestBit(high)
}

const lowestBit = (word: number): number => 31 - Math.clz32(word & -word)
