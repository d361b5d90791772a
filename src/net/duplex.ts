// A plain stream over a connection, for everything that takes one: `http.createServer().emit('connection', duplex)`,
// pipelines, async iteration. Half-close is kept: `end` sends our FIN, and the peer's ends the readable side.

import { Duplex, type DuplexOptions } from 'node:stream'
import type { SocketError } from '../errors.ts'
import type { Connection, ConnectionHandlers } from '../stack/connection.ts'

type Done = (error?: Error | null) => void

const NONE: Uint8Array[] = []

/** Takes over the connection's handlers. Emits `connect` once it is open, if it was not open yet. */
export class ConnectionStream extends Duplex {
  readonly connection: Connection
  #wantsMore = false
  /** What a `write` could not hand over yet, and whom to tell when it has. */
  #pending = NONE
  #done: Done | undefined
  #sawEnd = false
  /** Our side is closed: the connection may come to an orderly end. */
  #isShut = false
  #idleTimer: NodeJS.Timeout | undefined

  constructor(connection: Connection, options: DuplexOptions = {}) {
    super({ allowHalfOpen: true, ...options })
    this.connection = connection
    connection.handlers = new ConnectionStream.#Handlers(this)
  }

  // Names that programs for sockets expect.
  get localAddress(): string {
    return this.connection.localAddress
  }

  get localPort(): number {
    return this.connection.localPort
  }

  get remoteAddress(): string {
    return this.connection.remoteAddress
  }

  get remotePort(): number {
    return this.connection.remotePort
  }

  get remoteFamily(): string {
    return 'IPv4'
  }

  setNoDelay(noDelay = true): this {
    this.connection.setOptions({ noDelay })
    return this
  }

  /** Emits `timeout` when nothing was read or written for so long, ms; 0 for never. */
  setTimeout(ms: number, listener?: () => void): this {
    clearTimeout(this.#idleTimer)
    this.#idleTimer = ms > 0 && !this.destroyed ? setTimeout(() => this.emit('timeout'), ms).unref() : undefined
    if (listener !== undefined) {
      if (ms > 0) this.once('timeout', listener)
      else this.removeListener('timeout', listener)
    }
    return this
  }

  /** As that of `net.Socket`: an initial delay of 0 (ms) leaves it as it is. Less than a second counts as one. */
  setKeepAlive(enable = false, initialDelayMs = 0): this {
    const keepAliveIdleMs = initialDelayMs > 0 ? Math.max(1000, Math.trunc(initialDelayMs)) : undefined
    this.connection.setOptions({ keepAlive: enable, keepAliveIdleMs })
    return this
  }

  /** Accepted for the sake of `http.Agent`: the stack's timers, not the stream, keep the process. */
  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  /** Methods of a class, not closures of each stream: there may be a great many that do nothing. */
  static readonly #Handlers = class implements ConnectionHandlers {
    readonly #stream: ConnectionStream

    constructor(stream: ConnectionStream) {
      this.#stream = stream
    }

    connected(): void {
      this.#stream.emit('connect')
    }

    readable(): void {
      this.#stream.#pull()
    }

    writable(): void {
      this.#stream.#push()
    }

    ended(): void {
      this.#stream.#pull()
    }

    closed(_: Connection, error: SocketError | null): void {
      this.#stream.#closed(error)
    }
  }

  override _read(): void {
    this.#wantsMore = true
    this.#pull()
  }

  /** Hands over what has arrived for as long as the reader wants it; the rest stays and closes the peer's window. */
  #pull(): void {
    while (this.#wantsMore) {
      const bytes = this.connection.read()
      if (bytes === undefined) break
      this.#idleTimer?.refresh()
      this.#wantsMore = this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    }
    if (this.connection.isEnded && this.connection.readableBytes === 0 && !this.#sawEnd) {
      this.#sawEnd = true
      this.push(null)
      this.read(0) // `end` comes to those who do not read, too, once nothing is left to read
    }
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#pending = [chunk]
    this.#done = done
    this.#push()
  }

  override _writev(chunks: Array<{ chunk: Buffer }>, done: Done): void {
    this.#pending = chunks.map(({ chunk }) => chunk)
    this.#done = done
    this.#push()
  }

  #push(): void {
    const done = this.#done
    if (done === undefined) return
    this.#idleTimer?.refresh()
    try {
      while (this.#pending.length > 0) {
        const chunk = this.#pending[0]
        const taken = this.connection.write(chunk)
        if (taken < chunk.length) {
          this.#pending[0] = chunk.subarray(taken)
          return // `writable` goes on
        }
        this.#pending.shift()
      }
    } catch (error) {
      this.#done = undefined
      done(error as Error)
      return
    }
    this.#done = undefined
    this.#pending = NONE
    done()
  }

  override _final(done: Done): void {
    if (this.connection.state === 'SYN-SENT') {
      // Closed now, it would never open, and what was written be lost (RFC 9293 §3.10.4).
      this.once('connect', () => this._final(done))
      return
    }
    this.#isShut = true
    if (!this.connection.isClosed) this.connection.shutdown()
    done()
  }

  /** Ends the connection with a RST at once, and the stream with it. */
  resetAndDestroy(): this {
    this.connection.abort()
    return this.destroy()
  }

  override _destroy(error: Error | null, done: Done): void {
    // As a socket of Node's: what was handed over still goes out and a FIN after it; unread text makes it a reset.
    if (!this.connection.isClosed) this.connection.close()
    clearTimeout(this.#idleTimer)
    const writing = this.#done
    this.#done = undefined
    this.#pending = NONE
    done(error)
    // The stream itself tells those whose chunks still waited for this one.
    writing?.(error ?? streamDestroyed())
  }

  #closed(error: SocketError | null): void {
    // In order: what has not been read stays readable, and the stream closes by itself after its end.
    if (error === null && this.#isShut && this.connection.isEnded) this.#pull()
    else this.destroy(error ?? undefined)
  }
}

function streamDestroyed(): Error {
  return Object.assign(new Error('Cannot call write after a stream was destroyed'), { code: 'ERR_STREAM_DESTROYED' })
}
