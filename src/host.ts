// What the pure engine needs of the world: a clock, one timer at a time for each holder, entropy. Node's is in
// net/host.ts, a virtual one in sim/clock.ts.

export interface HostTimer {
  /** Harmless when the timer has fired or was cancelled. */
  cancel(): void
}

export interface Host {
  /** Milliseconds on a clock that never goes back; the origin does not matter. */
  now(): number
  /**
   * Calls back once, at `at` on the clock of `now` or as soon after as can be. What had arrived by `heardUntil`, now unless it is given,
   * has been handed over before, and what it led to: an ACK that only waits to be heard is not late.
   */
  at(at: number, callback: (heardUntil?: number) => void): HostTimer
  /** Calls back once the caller's turn is over, before time moves on. */
  defer(callback: () => void): void
  /** Fills `bytes` with numbers that nobody can guess (in a simulation: that the seed decides). */
  random(bytes: Uint8Array): void
  /** Memory whose contents do not matter, since all of it is written before anybody reads: what `new Uint8Array` has to clear. */
  allocate?(bytes: number): Uint8Array
  /**
   * Copies pieces of the regions, of which region, offset and length stand in turn in `spans` from `first` to `end`, to `to` at `offset`,
   * one behind the other: what takes a view for each piece otherwise.
   */
  readonly copySpans?:
    | ((
        to: Uint8Array,
        offset: number,
        regions: readonly Uint8Array[],
        spans: Int32Array,
        first: number,
        end: number
      ) => void)
    | undefined
}
