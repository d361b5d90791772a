// The echo service: greets, answers each line with itself, and closes after a line that is `bye`.

import type { Connection, Listener, ListenOptions, SocketError, Stack } from '../index.ts'
import { LineReader, TelnetFilter } from './telnet-protocol.ts'

/** As long as a line that a terminal takes. */
const LONGEST_LINE_BYTES = 4096
/** Taken from a connection at a time: bounds the answers that are held in memory. */
const READ_BYTES = 16 * 1024
/** How long a client may take to close its side, once we have closed ours. */
const PATIENCE_MS = 10_000

export interface EchoEvents {
  opened?(connection: Connection): void
  closed?(connection: Connection, error: SocketError | null): void
}

export class EchoServer {
  readonly listener: Listener
  readonly #sessions = new Set<EchoSession>()
  #allGone: (() => void) | undefined

  /** Throws what `stack.listen` throws. */
  constructor(stack: Stack, options: ListenOptions, events: EchoEvents = {}) {
    this.listener = stack.listen({ noDelay: true, ...options }, connection => {
      events.opened?.(connection)
      const session = new EchoSession(connection, error => {
        this.#sessions.delete(session)
        events.closed?.(connection, error)
        if (this.#sessions.size === 0) this.#allGone?.()
      })
      this.#sessions.add(session)
    })
  }

  /** Takes no more clients, and closes its side of each connection. Resolves when all clients have closed theirs. */
  async close(): Promise<void> {
    this.listener.close()
    if (this.#sessions.size === 0) return
    const gone = new Promise<void>(resolve => {
      this.#allGone = resolve
    })
    for (const session of this.#sessions) session.finish()
    await gone
  }
}

class EchoSession {
  readonly #connection: Connection
  readonly #lines = new LineReader(LONGEST_LINE_BYTES)
  readonly #telnet = new TelnetFilter(bytes => this.#unsent.push(bytes))
  #unsent: Uint8Array[] = []
  /** What comes is no longer answered; when all answers are on their way, our side closes. */
  #finishing = false
  #deadline: NodeJS.Timeout | undefined

  constructor(connection: Connection, closed: (error: SocketError | null) => void) {
    this.#connection = connection
    connection.handlers = {
      readable: () => this.#work(),
      writable: () => this.#work(),
      ended: () => this.#work(),
      closed: (_, error) => {
        clearTimeout(this.#deadline)
        closed(error)
      }
    }
    this.#unsent.push(Buffer.from('Hello! Enter BYE to exit.\r\n'))
    this.#work()
  }

  finish(): void {
    this.#finishing = true
    this.#work()
  }

  /** Reads only while the client takes what it is answered: one that does not has its window closed. */
  #work(): void {
    const connection = this.#connection
    while (this.#flush()) {
      const bytes = connection.read(READ_BYTES)
      if (bytes === undefined) {
        if (!connection.isEnded) break
        if (this.#deadline !== undefined) return connection.close() // both sides are
        this.#lines.end(line => this.#answer(line))
        this.#finishing = true
      } else if (!this.#finishing) {
        this.#lines.push(this.#telnet.filter(bytes), line => this.#answer(line))
      }
    }
  }

  #answer(line: Buffer): void {
    if (this.#finishing) return
    this.#unsent.push(Buffer.concat([ECHO, line, CRLF]))
    this.#finishing = /^bye$/i.test(line.toString('latin1'))
  }

  /** Whether all that was to be said is said. */
  #flush(): boolean {
    const connection = this.#connection
    if (connection.state === 'CLOSED') return false
    if (this.#unsent.length > 0) {
      const bytes = this.#unsent.length === 1 ? this.#unsent[0] : Buffer.concat(this.#unsent)
      const taken = connection.write(bytes)
      this.#unsent = taken < bytes.length ? [bytes.subarray(taken)] : []
      if (this.#unsent.length > 0) return false // `writable` goes on
    }
    if (this.#finishing && this.#deadline === undefined) {
      // Closing both ways at once would answer whatever the client still sends with a RST, which can overtake our answers.
      connection.shutdown()
      this.#deadline = setTimeout(() => connection.close(), PATIENCE_MS)
      this.#deadline.unref()
    }
    return true
  }
}

const ECHO = Buffer.from('Echo: ')
const CRLF = Buffer.from('\r\n')
