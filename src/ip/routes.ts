// Path MTU by destination (RFC 1191): what routers told us, for as long as it may be believed. Whether a message may be
// believed at all, TCP has decided before it comes here (RFC 5927 §7).

export interface RoutesOptions {
  /** How long a reduced MTU holds before the link's own is tried again: 10 minutes (RFC 1191 §6.3). */
  readonly mtuTimeoutMs?: number
  /** No message brings the MTU below this: Linux's 552. A path that needs less gets packets that routers may fragment. */
  readonly minMtu?: number
  /** Destinations remembered; the oldest makes room. */
  readonly maxEntries?: number
}

/** Every link carries 68 bytes whole (RFC 791 §3.2): who reports less is mistaken or means harm. */
export const SMALLEST_MTU = 68

/** MTUs in use, for routers that do not say what the next hop takes (RFC 1191 §7.1). */
const PLATEAUS = [32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, SMALLEST_MTU]

export class Routes {
  /** Messages that reported less than 68 bytes. */
  refused = 0
  readonly #timeoutMs: number
  readonly #minMtu: number
  readonly #maxEntries: number
  /** Oldest first. */
  readonly #paths = new Map<number, PathMtu>()

  constructor(options: RoutesOptions = {}) {
    this.#timeoutMs = options.mtuTimeoutMs ?? 600_000
    this.#minMtu = Math.max(SMALLEST_MTU, options.minMtu ?? 552)
    this.#maxEntries = options.maxEntries ?? 4096
  }

  /** Destinations remembered. */
  get size(): number {
    return this.#paths.size
  }

  /** The largest packet for a destination that the path is believed to take. */
  mtuTo(destination: number, now: number, linkMtu: number): number {
    const path = this.#lookUp(destination, now)
    return path === undefined ? linkMtu : Math.min(path.mtu, linkMtu)
  }

  /** False where the path takes less than we are willing to send: there, routers may cut our packets up. */
  mayFragment(destination: number, now: number): boolean {
    return this.#lookUp(destination, now)?.belowFloor ?? false
  }

  /**
   * A router on the way takes `mtu` bytes at most. Answers the MTU that holds from now on, or 0 where the message is
   * refused or changes nothing: it can only make the MTU smaller (RFC 1191 §3).
   */
  mtuReported(destination: number, mtu: number, now: number, linkMtu: number): number {
    if (mtu < SMALLEST_MTU) {
      this.refused++
      return 0
    }
    const current = this.mtuTo(destination, now, linkMtu)
    if (mtu >= current) return 0
    const floored = Math.min(current, Math.max(mtu, this.#minMtu))
    this.#paths.delete(destination)
    if (this.#paths.size >= this.#maxEntries) this.#forgetOldest()
    this.#paths.set(destination, { mtu: floored, belowFloor: mtu < this.#minMtu, until: now + this.#timeoutMs })
    return floored
  }

  #lookUp(destination: number, now: number): PathMtu | undefined {
    if (this.#paths.size === 0) return undefined
    const path = this.#paths.get(destination)
    if (path === undefined || path.until > now) return path
    this.#paths.delete(destination)
    return undefined
  }

  #forgetOldest(): void {
    for (const destination of this.#paths.keys()) {
      this.#paths.delete(destination)
      return
    }
  }
}

interface PathMtu {
  readonly mtu: number
  readonly belowFloor: boolean
  readonly until: number
}

/** The next smaller MTU in use, for a router that refused a packet of `length` bytes without saying more. */
export function plateauBelow(length: number): number {
  for (const plateau of PLATEAUS) if (plateau < length) return plateau
  return SMALLEST_MTU
}
