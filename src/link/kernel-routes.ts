// Routes as the kernel sees them, remembered for a moment: a burst of connections to one host asks once, and a changed
// route is noticed soon after.

import type { Addon } from '../native/addon.ts'
import { socketError } from '../native/errno.ts'
import { formatAddress } from '../wire/address.ts'
import type { Route } from './link.ts'

const HOLDS_MS = 1000
/** Destinations remembered; then all are forgotten, for a second's work is soon done again. */
const MOST_ROUTES = 4096

export class KernelRoutes {
  readonly #addon: Addon
  readonly #source: number
  readonly #now: () => number
  readonly #routes = new Map<number, { readonly route: Route; readonly until: number }>()
  readonly #result = new Int32Array(2)

  /** `source` 0 leaves the choice of our address to the kernel. */
  constructor(addon: Addon, source: number, now: () => number = () => performance.now()) {
    this.#addon = addon
    this.#source = source
    this.#now = now
  }

  /** Throws a SocketError where no way leads there. */
  lookUp(destination: number): Route {
    const now = this.#now()
    const known = this.#routes.get(destination)
    if (known !== undefined && now < known.until) return known.route
    const error = this.#addon.route(destination, this.#source, this.#result)
    if (error !== 0) throw socketError(error, 'connect', formatAddress(destination))
    const route: Route = { source: this.#result[0], mtu: this.#result[1] }
    if (this.#routes.size >= MOST_ROUTES) this.#routes.clear()
    this.#routes.set(destination, { route, until: now + HOLDS_MS })
    return route
  }

  /** A packet turned out to be too large, or not to have a way at all. */
  forget(): void {
    this.#routes.clear()
  }
}
