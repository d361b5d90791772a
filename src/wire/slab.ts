// Memory that TypeScript and the addon share: a few large regions, cut into blocks of a power of two.
// A block is named by its region and its offset, so that a descriptor of plain integers can point at it.
// Freed blocks are kept by size and used again; regions are never given back while the slab lives.

const SMALLEST_LOG2 = 8
const LARGEST_LOG2 = 26
const FIRST_REGION_LOG2 = 20
/** As much as a packet of IPv4 may have of text. */
const ZEROS = 65_536

export class Block {
  constructor(
    readonly region: number,
    readonly offset: number,
    /** Bytes, a power of two. */
    readonly size: number
  ) {}
}

export class Slab {
  /** What a link's driver maps: grows, never shrinks, entries never change. */
  readonly regions: Uint8Array[] = []
  #free: Block[][] = []
  #used = 0
  #reserved = 0
  #cursor = 0
  #limit: number
  #zeros: Block | undefined

  /** `limitBytes`: the most that all regions together may take. */
  constructor(limitBytes: number) {
    this.#limit = limitBytes
    for (let i = 0; i <= LARGEST_LOG2; i++) this.#free.push([])
  }

  /** Bytes in blocks that are handed out, and are to come back. */
  get usedBytes(): number {
    return this.#used
  }

  get isHalfFull(): boolean {
    return 2 * this.#used > this.#limit
  }

  /** Bytes in all regions. */
  get reservedBytes(): number {
    return this.#reserved
  }

  /** A block of at least `bytes`, or undefined where the limit is reached. */
  allocate(bytes: number): Block | undefined {
    const log2 = Math.max(SMALLEST_LOG2, 32 - Math.clz32(bytes - 1))
    if (log2 > LARGEST_LOG2) return undefined
    const block = this.#free[log2].pop() ?? this.#carve(log2) ?? this.#split(log2)
    if (block !== undefined) this.#used += block.size
    return block
  }

  /** 64 KiB of zeros that all may point at, and nobody may write to or release; undefined where the limit is reached. */
  zeros(): Block | undefined {
    if (this.#zeros !== undefined) return this.#zeros
    const block = this.allocate(ZEROS)
    if (block === undefined) return undefined
    this.#used -= block.size
    this.regions[block.region].fill(0, block.offset, block.offset + block.size)
    this.#zeros = block
    return block
  }

  release(block: Block): void {
    this.#used -= block.size
    this.#free[31 - Math.clz32(block.size)].push(block)
  }

  #carve(log2: number): Block | undefined {
    const size = 2 ** log2
    const current = this.regions.length - 1
    if (current < 0 || this.#cursor + size > this.regions[current].length) {
      if (!this.#grow(log2)) return undefined
    }
    const block = new Block(this.regions.length - 1, this.#cursor, size)
    this.#cursor += size
    return block
  }

  #grow(log2: number): boolean {
    this.#keepRemainder()
    const wanted = Math.max(log2, Math.min(LARGEST_LOG2, FIRST_REGION_LOG2 + this.regions.length))
    for (let region = wanted; region >= log2; region--) {
      const size = 2 ** region
      if (this.#reserved + size > this.#limit) continue
      this.regions.push(new Uint8Array(size))
      this.#reserved += size
      this.#cursor = 0
      return true
    }
    return false
  }

  /** What is left of the current region goes to the free lists before a new region is opened. */
  #keepRemainder(): void {
    const region = this.regions.length - 1
    if (region < 0) return
    const end = this.regions[region].length
    while (this.#cursor < end) {
      const log2 = Math.min(31 - Math.clz32(end - this.#cursor), LARGEST_LOG2)
      this.#free[log2].push(new Block(region, this.#cursor, 2 ** log2))
      this.#cursor += 2 ** log2
    }
  }

  /** At the limit, a larger free block is halved until it fits. */
  #split(log2: number): Block | undefined {
    for (let larger = log2 + 1; larger <= LARGEST_LOG2; larger++) {
      let block = this.#free[larger].pop()
      if (block === undefined) continue
      while (block.size > 2 ** log2) {
        const half: number = block.size / 2
        this.#free[31 - Math.clz32(half)].push(new Block(block.region, block.offset + half, half))
        block = new Block(block.region, block.offset, half)
      }
      return block
    }
    return undefined
  }
}
