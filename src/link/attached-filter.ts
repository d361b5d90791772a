// Keeps a socket's packet filter in step with the ports in use. It is widened before a port counts as claimed, and
// narrowed a while after ports were given back: a short-lived port costs one change at most, and often none.

import { codeOf } from '../errors.ts'
import { socketError } from '../native/errno.ts'
import { coveringRanges, type PortRange, type Program, portFilter, rejectAll } from './port-filter.ts'
import type { ShareOptions } from './share.ts'

/** Attaching takes 20 us up to so many ranges, as long as reserving the port itself, and 1 us for each 3 beyond. */
const MOST_RANGES = 64
const NARROW_AFTER_MS = 1000

export class AttachedFilter {
  readonly #attach: (program: Program) => number
  readonly #share: ShareOptions | undefined
  /** How many addresses use a port. */
  readonly #users = new Map<number, number>()
  #ranges: PortRange[] = []
  #mostRanges = MOST_RANGES
  #narrowing: NodeJS.Timeout | undefined

  /** `attach` puts a program in force at once and answers 0 or a negative errno. */
  constructor(attach: (program: Program) => number, share?: ShareOptions) {
    this.#attach = attach
    this.#share = share
  }

  /** Throws a SocketError where the kernel refuses; the port is not in use then. */
  add(port: number): void {
    const users = this.#users.get(port) ?? 0
    this.#users.set(port, users + 1)
    if (this.#covers(port)) return
    const error = this.#renew()
    if (error === 0) return
    this.#users.delete(port)
    throw socketError(error, 'setsockopt', undefined, undefined, 'the packet filter was refused')
  }

  remove(port: number): void {
    const users = this.#users.get(port) ?? 0
    if (users > 1) {
      this.#users.set(port, users - 1)
      return
    }
    this.#users.delete(port)
    this.#narrowing ??= setTimeout(() => {
      this.#narrowing = undefined
      this.#renew()
    }, NARROW_AFTER_MS).unref()
  }

  close(): void {
    clearTimeout(this.#narrowing)
  }

  #covers(port: number): boolean {
    return this.#ranges.some(([first, last]) => port >= first && port <= last)
  }

  #renew(): number {
    for (;;) {
      const ranges = coveringRanges(this.#users.keys(), this.#mostRanges)
      const error = this.#attach(ranges.length === 0 ? rejectAll : portFilter(ranges, this.#share))
      if (error === 0) this.#ranges = ranges
      // The host's limit on a socket's options (net.core.optmem_max) can be lower than that on a program's length.
      if (error === 0 || codeOf(error) !== 'ENOMEM' || this.#mostRanges === 1) return error
      this.#mostRanges >>= 1
    }
  }
}
