// A port that is open for connections.

import type { SocketValues } from '../tcp/options.ts'
import { formatAddress } from '../wire/address.ts'
import type { Connection } from './connection.ts'

export class Listener {
  /** The port's holder in the table of ports. */
  holdKey = 0
  /** Half-open connections, at most `backlog`. */
  halfOpen = 0
  #closed = false
  readonly #close: (listener: Listener) => void

  constructor(
    /** int32, 0 for every address of ours. */
    readonly localAddress: number,
    readonly port: number,
    readonly backlog: number,
    readonly options: SocketValues,
    readonly accept: (connection: Connection) => void,
    close: (listener: Listener) => void
  ) {
    this.#close = close
  }

  /** As text; `0.0.0.0` for every address of ours. */
  get address(): string {
    return formatAddress(this.localAddress)
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Refuses new connections from now on, and resets those that are half open. Connections that were accepted live on. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#close(this)
  }
}
