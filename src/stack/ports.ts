// Ports: who listens where, how many connections use one, and which are free (RFC 6056). Where a kernel has the same
// addresses, each port in use is claimed from it through the link's guard, so that it neither uses the port itself nor
// answers for us.

import { SocketError } from '../errors.ts'
import type { PortGuard } from '../link/link.ts'
import type { SipHash } from '../siphash.ts'
import { formatAddress } from '../wire/address.ts'
import type { Listener } from './listener.ts'

const ANY = 0
const HASH_TABLE_SIZE = 1024
/** RFC 6056 §3.2 would take all above 1023; Linux begins at 32768, which leaves room for servers. */
export const DEFAULT_RANGE = { first: 32_768, last: 65_535 }

class PortUse {
  listeners: Listener[] = []
  /** By local address, ANY for all: how many listeners and connections hold the port there. */
  readonly holders = new Map<number, number>()
}

/** The ports that connections are given which ask for none, the last one included. */
export interface EphemeralRange {
  readonly first: number
  readonly last: number
}

export class Ports {
  readonly #uses = new Map<number, PortUse>()
  readonly #guard: PortGuard | undefined
  readonly #secret: SipHash
  readonly #increments = new Uint16Array(HASH_TABLE_SIZE)
  readonly #first: number
  readonly #count: number

  constructor(
    guard: PortGuard | undefined,
    secret: SipHash,
    entropy: (bytes: Uint8Array) => void,
    range: EphemeralRange = DEFAULT_RANGE
  ) {
    this.#first = range.first
    this.#count = range.last - range.first + 1
    this.#guard = guard
    this.#secret = secret
    entropy(new Uint8Array(this.#increments.buffer))
  }

  isHeld(port: number): boolean {
    return this.#uses.has(port)
  }

  /** Takes part in holding the port; answers the address to name when letting go. Throws what the guard throws. */
  hold(address: number, port: number): number {
    const use = this.#use(port)
    const key = use.holders.has(ANY) ? ANY : address
    const count = use.holders.get(key) ?? 0
    try {
      if (count === 0) this.#guard?.claim(key, port)
    } catch (error) {
      this.#forgetIfUnused(port, use)
      throw error
    }
    use.holders.set(key, count + 1)
    return key
  }

  letGo(key: number, port: number): void {
    const use = this.#uses.get(port)
    const count = use?.holders.get(key)
    if (use === undefined || count === undefined) return
    if (count > 1) {
      use.holders.set(key, count - 1)
      return
    }
    use.holders.delete(key)
    this.#guard?.release(key, port)
    this.#forgetIfUnused(port, use)
  }

  /** Two listeners may share a port if their addresses differ and neither is for all. Throws EADDRINUSE. */
  addListener(listener: Listener): void {
    const clash = this.#uses
      .get(listener.port)
      ?.listeners.some(
        other =>
          other.localAddress === listener.localAddress || other.localAddress === ANY || listener.localAddress === ANY
      )
    if (clash === true) throw addressInUse('listen', listener.localAddress, listener.port)
    listener.holdKey = this.hold(listener.localAddress, listener.port)
    this.#use(listener.port).listeners.push(listener)
  }

  removeListener(listener: Listener): void {
    const use = this.#uses.get(listener.port)
    if (use === undefined) return
    use.listeners = use.listeners.filter(other => other !== listener)
    this.letGo(listener.holdKey, listener.port)
  }

  listenerFor(address: number, port: number): Listener | undefined {
    const listeners = this.#uses.get(port)?.listeners
    if (listeners === undefined) return undefined
    for (const listener of listeners) {
      if (listener.localAddress === address || listener.localAddress === ANY) return listener
    }
    return undefined
  }

  /**
   * A free port for a connection, by the double hash of RFC 6056 §3.3.4: hard to guess, and long in coming back.
   * `accepts` says whether the four-tuple is free, and holds the port: it may throw EADDRINUSE for a port of the kernel's.
   */
  pickEphemeral(
    localAddress: number,
    remoteAddress: number,
    remotePort: number,
    accepts: (port: number) => boolean
  ): number {
    const offset = this.#secret.hash(localAddress, remoteAddress, remotePort, 3) >>> 0
    const index = this.#secret.hash(localAddress, remoteAddress, remotePort, 4) & (HASH_TABLE_SIZE - 1)
    for (let i = 0; i < this.#count; i++) {
      const port = this.#first + ((offset + this.#increments[index]) % this.#count)
      // Round the range, not round 16 bits: each port comes once before any comes again.
      this.#increments[index] = (this.#increments[index] + 1) % this.#count
      if ((this.#uses.get(port)?.listeners.length ?? 0) > 0) continue
      try {
        if (accepts(port)) return port
      } catch (error) {
        if (!(error instanceof SocketError && error.code === 'EADDRINUSE')) throw error
      }
    }
    throw new SocketError(
      'EADDRNOTAVAIL',
      'connect',
      formatAddress(remoteAddress),
      remotePort,
      'all local ports are in use'
    )
  }

  /** A free port to listen on. */
  pickForListener(add: (port: number) => void): void {
    const start = this.#secret.hash(this.#increments[0], 0, 0, 5) >>> 0
    for (let i = 0; i < this.#count; i++) {
      const port = this.#first + ((start + i) % this.#count)
      if (this.isHeld(port)) continue
      this.#increments[0]++
      try {
        return add(port)
      } catch (error) {
        if (!(error instanceof SocketError && error.code === 'EADDRINUSE')) throw error
      }
    }
    throw new SocketError('EADDRINUSE', 'listen', undefined, undefined, 'all ports are in use')
  }

  #use(port: number): PortUse {
    let use = this.#uses.get(port)
    if (use === undefined) {
      use = new PortUse()
      this.#uses.set(port, use)
    }
    return use
  }

  #forgetIfUnused(port: number, use: PortUse): void {
    if (use.holders.size === 0) this.#uses.delete(port)
  }
}

export function addressInUse(syscall: string, address: number, port: number): SocketError {
  return new SocketError('EADDRINUSE', syscall, formatAddress(address), port, 'address already in use')
}
