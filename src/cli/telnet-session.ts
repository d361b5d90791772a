// One connection between a pair of streams: what comes in goes out to the peer, what the peer sends comes out. Neither way
// holds more than a buffer: a peer that does not take stops the input, an output that does not take closes the window.

import type { Readable, Writable } from 'node:stream'
import type { Connection, ConnectOptions, SocketError, Stack } from '../index.ts'

const READ_BYTES = 64 * 1024

export interface SessionEvents {
  connected?(connection: Connection): void
  /** The peer has closed its side, and all that it sent has been put out. */
  peerClosed?(): void
}

/** Where the bytes to send come from. */
export interface Source {
  pause(): void
  resume(): void
}

export class TelnetSession {
  readonly connection: Connection
  /** Resolves when both sides are closed and all is put out; rejects with what ended the connection, or the input, early. */
  readonly done: Promise<void>
  readonly #output: Writable
  readonly #events: SessionEvents
  #filter: ((bytes: Uint8Array) => Uint8Array) | undefined
  #source: Source | undefined
  #unsent: Uint8Array | undefined
  #inputEnded = false
  #outputIsFull = false
  #peerClosed = false
  #outcome: SocketError | null | undefined
  #resolve = (): void => {}
  #reject = (_: Error): void => {}

  /** Throws what `stack.connect` throws. */
  constructor(stack: Stack, to: ConnectOptions, output: Writable, events: SessionEvents = {}) {
    this.#output = output
    this.#events = events
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.connection = stack.connect(to, {
      connected: connection => this.#events.connected?.(connection),
      readable: () => this.#show(),
      writable: () => this.#flush(),
      ended: () => this.#show(),
      closed: (_, error) => {
        this.#outcome = error
        this.#show()
      }
    })
    output.on('drain', () => {
      this.#outputIsFull = false
      this.#show()
    })
    // Nobody is there any more to show anything to.
    output.on('close', () => {
      this.connection.abort()
      this.#resolve()
    })
  }

  /** What the peer sends passes through this before it is put out. */
  filterWith(filter: (bytes: Uint8Array) => Uint8Array): void {
    this.#filter = filter
  }

  /** Sends what a stream gives, to its end. */
  sendFrom(input: Readable): void {
    this.#source = input
    input.on('data', (chunk: Buffer) => this.send(chunk))
    input.on('end', () => this.finish())
    input.on('error', error => {
      this.connection.abort()
      this.#reject(error)
    })
  }

  /** Lets `send` hold back whoever calls it. */
  holdBack(source: Source): void {
    this.#source = source
  }

  /** Nothing is sent after `finish`. Where the peer does not take it, the source is told to pause, and later to resume. */
  send(bytes: Uint8Array): void {
    if (this.#inputEnded) return
    this.#unsent = this.#unsent === undefined ? bytes : Buffer.concat([this.#unsent, bytes])
    this.#flush()
  }

  /** Closes our side once all is sent. */
  finish(): void {
    this.#inputEnded = true
    this.#flush()
  }

  #flush(): void {
    if (this.connection.state === 'CLOSED') return
    if (this.#unsent !== undefined) {
      const taken = this.connection.write(this.#unsent)
      if (taken < this.#unsent.length) {
        this.#unsent = this.#unsent.subarray(taken)
        this.#source?.pause()
        return // `writable` goes on
      }
      this.#unsent = undefined
      this.#source?.resume()
    }
    if (this.#inputEnded) this.connection.shutdown()
  }

  #show(): void {
    const { connection } = this
    while (!this.#outputIsFull) {
      const bytes = connection.read(READ_BYTES)
      if (bytes === undefined) break
      this.#outputIsFull = !this.#output.write(this.#filter?.(bytes) ?? bytes)
    }
    if (connection.readableBytes > 0) return
    if (connection.isEnded && !this.#peerClosed) {
      this.#peerClosed = true
      this.#events.peerClosed?.()
    }
    if (this.#outcome === null) this.#resolve()
    else if (this.#outcome !== undefined) this.#reject(this.#outcome)
  }
}
