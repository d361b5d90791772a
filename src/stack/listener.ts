// A port that is open for connections, and the queue of those that wait to be accepted.

import { rangeError, typeError } from '../errors.ts'
import { change, int, partition, resolve, type Values } from '../options.ts'
import { FAST_OPEN_KEY_LENGTH, FastOpenKeys } from '../tcp/fast-open-keys.ts'
import { type SocketOptions, type SocketValues, socketOptions } from '../tcp/options.ts'
import { formatAddress } from '../wire/address.ts'
import type { Connection } from './connection.ts'
import { FastOpenQueue } from './fast-open-queue.ts'

export const listenerOptions = {
  /**
   * Connections that may be half open at a time, and, apart from these, connections that may wait for `accept`. What SYNs
   * beyond get is set by the stack's `synCookies`.
   */
  backlog: int({ default: 511, min: 1, max: 2 ** 24, live: true }),
  /**
   * How long a connection waits for the peer's first text before it is accepted without, ms; 0 for not at all. Rounded up to
   * where a SYN-ACK would be sent again: 1 s, 3 s, 7 s ... (Linux's TCP_DEFER_ACCEPT).
   */
  deferAcceptMs: int({ default: 0, min: 0, max: 600_000, live: true }),
  /**
   * Fast Open (RFC 7413): connections whose SYN brought a cookie are open with it, and its text is there at once; so many may
   * wait for the ACK that confirms them. 0 for no Fast Open.
   */
  fastOpen: int({ default: 0, min: 0, max: 65_535, live: true })
}

export type ListenerValues = Values<typeof listenerOptions>

export interface ListenerHandlers {
  /** There is a connection for `accept`, or one more. */
  acceptable?(listener: Listener): void
}

export class Listener {
  handlers: ListenerHandlers = {}
  /** The port's holder in the table of ports. */
  holdKey = 0
  /** Half-open connections. */
  halfOpen = 0
  /** When a SYN was last answered by a cookie, ms: only then can an ACK be one. */
  cookieSentAt = Number.NEGATIVE_INFINITY
  readonly fastOpens = new FastOpenQueue()
  /** Instead of the stack's. */
  fastOpenKeys: FastOpenKeys | undefined
  #values: ListenerValues
  #options: SocketValues
  #closed = false
  #queue: Connection[] = []
  readonly #close: (listener: Listener) => void

  constructor(
    /** int32, 0 for every address of ours. */
    readonly localAddress: number,
    readonly port: number,
    values: ListenerValues,
    options: SocketValues,
    /** Takes each connection once it is open; without it they wait for `accept`. */
    readonly taker: ((connection: Connection) => void) | undefined,
    close: (listener: Listener) => void
  ) {
    this.#values = values
    this.#options = options
    this.#close = close
  }

  /** As text; `0.0.0.0` for every address of ours. */
  get address(): string {
    return formatAddress(this.localAddress)
  }

  get backlog(): number {
    return this.#values.backlog
  }

  get deferAcceptMs(): number {
    return this.#values.deferAcceptMs
  }

  get fastOpen(): number {
    return this.#values.fastOpen
  }

  /** Fast Open keys of this listener alone; see `setFastOpenKeys` of the stack. */
  setFastOpenKeys(key: Uint8Array, former?: Uint8Array): void {
    this.fastOpenKeys = toFastOpenKeys(key, former)
  }

  /** The options that connections from here on begin with. */
  get options(): SocketValues {
    return this.#options
  }

  /** Changes options for connections to come. Throws as `listen` does. */
  setOptions(options: SocketOptions & Partial<ListenerValues>): void {
    const [own, rest] = partition(listenerOptions, options)
    const values = change(listenerOptions, own, this.#values)
    this.#options = resolve(socketOptions, rest, this.#options)
    this.#values = values
  }

  /** Connections that wait for `accept`. */
  get queueLength(): number {
    return this.#queue.length
  }

  get isQueueFull(): boolean {
    return this.#queue.length >= this.#values.backlog
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /**
   * The connection that has waited longest, or undefined. What has arrived for it is there to be read, and its handlers are
   * told of it once they are set. One that the peer has reset meanwhile is answered like any other.
   */
  accept(): Connection | undefined {
    const connection = this.#queue.shift()
    connection?.leaveQueue()
    return connection
  }

  /** For the stack: a connection has opened. */
  enqueue(connection: Connection): void {
    this.#queue.push(connection)
  }

  /** Refuses new connections from now on, and resets those that are half open or were not accepted. The others live on. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#close(this)
    for (const connection of this.#queue.splice(0)) connection.abort()
  }
}

/** Checks what a user gives as keys. */
export function toFastOpenKeys(key: unknown, former: unknown): FastOpenKeys {
  for (const each of former === undefined ? [key] : [key, former]) {
    if (!(each instanceof Uint8Array)) throw typeError('ERR_INVALID_ARG_TYPE', 'A Fast Open key must be a Uint8Array')
    if (each.length !== FAST_OPEN_KEY_LENGTH) {
      throw rangeError('ERR_OUT_OF_RANGE', `A Fast Open key has ${FAST_OPEN_KEY_LENGTH} bytes, not ${each.length}`)
    }
  }
  return new FastOpenKeys(key as Uint8Array, former as Uint8Array | undefined)
}
