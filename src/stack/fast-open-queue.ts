// How many connections of a listener a Fast Open may have begun that no ACK has confirmed (RFC 7413 §4.2,
// PendingFastOpenRequests). The peer's RST makes no room for a while: who forges addresses would fill the queue the faster for
// the RSTs that their owners answer with (§5.1, as Linux does it).

/** How long a reset one still counts, ms: Linux's. */
const RESET_COUNTS_MS = 60_000

export class FastOpenQueue {
  #pending = 0
  /** Until when each reset one counts, the oldest first. */
  readonly #resets: number[] = []

  get length(): number {
    return this.#pending + this.#resets.length
  }

  /** Whether there is room for one more: the oldest reset one gives way once its time is over. */
  hasRoom(limit: number, now: number): boolean {
    if (this.length >= limit && this.#resets.length > 0 && this.#resets[0] <= now) this.#resets.shift()
    return this.length < limit
  }

  begin(): void {
    this.#pending++
  }

  end(wasReset: boolean, now: number): void {
    this.#pending--
    if (wasReset) this.#resets.push(now + RESET_COUNTS_MS)
  }
}
