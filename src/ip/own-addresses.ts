// The addresses that are ours alone. Each packet is asked about twice, and most stacks have one address: that costs no look-up.

export class OwnAddresses {
  readonly #first: number
  readonly #others: ReadonlySet<number> | undefined

  /** int32. */
  constructor(addresses: readonly number[]) {
    this.#first = addresses[0] ?? 0
    this.#others = addresses.length > 1 ? new Set(addresses) : undefined
  }

  has(address: number): boolean {
    return address === this.#first || this.#others?.has(address) === true
  }
}
