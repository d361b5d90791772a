// Ports that the kernel's TCP leaves to us. Each is reserved there by a listening socket that hears nothing, and let
// through to our own receiver; the two go together.

import { readFileSync } from 'node:fs'
import { codeOf } from '../errors.ts'
import type { Addon, NativePortGuard } from '../native/addon.ts'
import { socketError } from '../native/errno.ts'
import { formatAddress } from '../wire/address.ts'
import type { PortGuard } from './link.ts'
import type { ShareOptions } from './share.ts'

/** What receives only the segments for ports in use. */
export interface ReceivedPorts {
  /** Before it returns, segments for the port are received. Several addresses can have the same port. */
  add(port: number): void
  remove(port: number): void
}

export class KernelPorts implements PortGuard {
  readonly #native: NativePortGuard
  readonly #received: ReceivedPorts
  /** -1 where nobody shares our ports. */
  readonly #member: number

  constructor(addon: Addon, received: ReceivedPorts, share?: ShareOptions) {
    this.#native = new addon.PortGuard()
    this.#received = received
    this.#member = share?.index ?? -1
  }

  claim(address: number, port: number): void {
    let error = this.#native.claim(address, port, this.#member, false)
    // With SO_REUSEADDR from the start we would also be given a port on which the kernel still has connections, whose
    // segments we would then see and answer with RST. Those that are in TIME-WAIT have nothing to lose.
    if (error !== 0 && codeOf(error) === 'EADDRINUSE' && kernelHoldsOnlyTimeWait(port, this.#member >= 0)) {
      error = this.#native.claim(address, port, this.#member, true)
    }
    if (error !== 0) throw socketError(error, 'listen', formatAddress(address), port)
    try {
      this.#received.add(port)
    } catch (refused) {
      this.#native.release(address, port)
      throw refused
    }
  }

  release(address: number, port: number): void {
    if (this.#native.release(address, port)) this.#received.remove(port)
  }

  close(): void {
    this.#native.close()
  }
}

const TIME_WAIT = '06'
const LISTEN = '0A'

/** But for sockets that listen, where these may be those of other members. */
function kernelHoldsOnlyTimeWait(port: number, isShared: boolean): boolean {
  // A dual-stack socket of IPv6 has its IPv4 connections in the other file.
  const states = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(path => statesOnPort(readTable(path), port))
  return states.length > 0 && states.every(state => state === TIME_WAIT || (isShared && state === LISTEN))
}

/** States, in two hexadecimal digits, of the sockets with that local port in a table as /proc/net/tcp. */
export function statesOnPort(table: string, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const line = new RegExp(`^\\s*\\d+: [0-9A-F]+:${hex} [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) `, 'gm')
  return Array.from(table.matchAll(line), match => match[1])
}

function readTable(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
