// A connection as its user has it: calls go in, handlers are called back when the stack's turn is over. Bytes are pulled
// with `read` and pushed with `write`; what is not read closes the peer's window, what the peer does not take fills ours.

import { SocketError, typeError } from '../errors.ts'
import type { LiveSocketOptions, SocketValues } from '../tcp/options.ts'
import type { PackedTcb } from '../tcp/packed.ts'
import { STATE_NAMES } from '../tcp/state.ts'
import { Event, roomToWrite, Tcb } from '../tcp/tcb.ts'
import { urgentBytes } from '../tcp/urgent.ts'
import { formatAddress } from '../wire/address.ts'
import type { TcpInfo } from './info.ts'

/** Called outside the stack's own work: a handler may call anything. What one throws surfaces as an uncaught exception. */
export interface ConnectionHandlers {
  /** The connection is open. Not called for one that a listener accepted: that one is open. */
  connected?(connection: Connection): void
  /** The peer has urgent text on its way, or more of it: `urgentBytes` says how far it reaches. */
  urgent?(connection: Connection): void
  /** There is something to read. Called again when more has come. */
  readable?(connection: Connection): void
  /** After a `write` that did not take all: there is room again. */
  writable?(connection: Connection): void
  /** The peer has closed its side: what is readable now is the last. */
  ended?(connection: Connection): void
  /**
   * Nothing gets through at the moment, and the stack goes on trying: text was repeated `troubleRetries` times (RFC 9293 §3.8.3,
   * SHLD-9), or a router reports what `error` says (RFC 1122 §4.2.3.9).
   */
  troubled?(connection: Connection, error: SocketError | null): void
  /** The last call: the connection is over. What was not read stays readable. `error` is null after an orderly close or an `abort`. */
  closed?(connection: Connection, error: SocketError | null): void
}

export interface WriteOptions {
  /** More will be written at once: a segment that is not full waits for it, 200 ms at most (MSG_MORE). */
  readonly more?: boolean
  /** The end of these bytes is the end of urgent text (MSG_OOB; RFC 9293 §3.8.5, but see RFC 6093 §6 before you use it). */
  readonly urgent?: boolean
}

const NO_OPTIONS: WriteOptions = {}

/** What a connection asks of its stack. */
export interface ConnectionOwner {
  sendText(tcb: Tcb, bytes: Uint8Array, more: boolean, urgent: boolean): number
  receiveText(tcb: Tcb, most: number): Uint8Array | undefined
  receiveTextInto(tcb: Tcb, target: Uint8Array): number
  discardText(tcb: Tcb): number
  shutdownConnection(tcb: Tcb): void
  closeConnection(tcb: Tcb): void
  abortConnection(tcb: Tcb): void
  changeOptions(tcb: Tcb, given: LiveSocketOptions): void
  inform(tcb: Tcb): TcpInfo
  /** What is packed, unpacked. */
  wholeOf(packed: PackedTcb): Tcb
  /** These events were not told yet. */
  tellLater(tcb: Tcb, events: number): void
}

export class Connection {
  handlers: ConnectionHandlers = {}
  #record: Tcb | PackedTcb
  readonly #owner: ConnectionOwner
  readonly #accepted: ((connection: Connection) => void) | undefined
  #ended = false
  #closed = false
  #isQueued = false
  /** Bits of `Event` that wait until the connection is accepted. */
  #held = 0

  /** `accepted` is called instead of `connected` for a connection that a listener accepts. */
  constructor(tcb: Tcb, owner: ConnectionOwner, accepted?: (connection: Connection) => void) {
    this.#record = tcb
    this.#owner = owner
    this.#accepted = accepted
  }

  get localAddress(): string {
    return formatAddress(this.#record.localAddress)
  }

  get localPort(): number {
    return this.#record.localPort
  }

  get remoteAddress(): string {
    return formatAddress(this.#record.remoteAddress)
  }

  get remotePort(): number {
    return this.#record.remotePort
  }

  /** As RFC 9293 spells it. */
  get state(): (typeof STATE_NAMES)[number] {
    return STATE_NAMES[this.#record.state]
  }

  /** Bytes that `read` can give now. */
  get readableBytes(): number {
    return this.#record instanceof Tcb ? this.#record.receiveBuffer.readable : 0
  }

  /** Bytes that `write` can take now. */
  get writableBytes(): number {
    return roomToWrite(this.#tcb)
  }

  /**
   * Bytes until the end of the peer's urgent text, those that have not come yet included; 0 when there is none (RFC 9293
   * §3.8.5). Urgent text is part of the stream, and read like all of it (RFC 6093 §6).
   */
  get urgentBytes(): number {
    return urgentBytes(this.#tcb)
  }

  /** The peer has closed its side and `ended` has been told. */
  get isEnded(): boolean {
    return this.#ended
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /**
   * The oldest bytes that have arrived, at most `most`, or undefined when there are none. They are the caller's, and
   * not copied again; call until undefined to have all.
   */
  read(most = Number.POSITIVE_INFINITY): Uint8Array | undefined {
    return this.#record instanceof Tcb ? this.#owner.receiveText(this.#record, most) : undefined
  }

  /**
   * Fills `target` with the oldest bytes that have arrived, as many as there are, and says how many (recv): the one copy that there is goes
   * where the caller wants it, and a buffer that is used again stays in the cache. 0 when there are none.
   */
  readInto(target: Uint8Array): number {
    if (!(target instanceof Uint8Array)) {
      throw typeError('ERR_INVALID_ARG_TYPE', 'The argument of "readInto" must be a Uint8Array')
    }
    return this.#record instanceof Tcb ? this.#owner.receiveTextInto(this.#record, target) : 0
  }

  /** While true, text that arrives is only counted: `read` has none of it, `discard` says how much it was. For sinks that are in a hurry. */
  get keepsNothing(): boolean {
    return this.#tcb.receiveBuffer.keepsNothing
  }

  set keepsNothing(value: boolean) {
    this.#tcb.receiveBuffer.keepsNothing = value
  }

  /**
   * While true, `write` only counts what it is given, and zeros go out in its place: for sources that are in a hurry. To be set
   * while nothing waits to be acknowledged; throws ERR_INVALID_STATE else.
   */
  get sendsZeros(): boolean {
    return this.#tcb.sendBuffer.sendsZeros
  }

  set sendsZeros(value: boolean) {
    const { sendBuffer } = this.#tcb
    if (sendBuffer.length > 0 && value !== sendBuffer.sendsZeros) {
      throw typeError('ERR_INVALID_STATE', 'Set "sendsZeros" while nothing waits to be acknowledged')
    }
    sendBuffer.sendsZeros = value
  }

  /** Drops all that could be read now, and says how many bytes that was (recv with MSG_TRUNC): cheaper than to read and forget it. */
  discard(): number {
    return this.#record instanceof Tcb ? this.#owner.discardText(this.#record) : 0
  }

  /**
   * Takes as many of the bytes as there is room for, and says how many. The buffer is the caller's again at once. When it
   * took less than all, `writable` is called once there is room. Throws EPIPE after `shutdown` and `close`, and when the
   * connection is over.
   */
  write(bytes: Uint8Array, options: WriteOptions = NO_OPTIONS): number {
    if (!(bytes instanceof Uint8Array)) {
      throw typeError('ERR_INVALID_ARG_TYPE', 'The argument of "write" must be a Uint8Array')
    }
    const taken = this.#owner.sendText(this.#tcb, bytes, options.more ?? false, options.urgent ?? false)
    if (taken < 0) throw new SocketError('EPIPE', 'write')
    return taken
  }

  /** Closes the sending side after what was written: a half-close. Reading goes on. */
  shutdown(): void {
    this.#owner.shutdownConnection(this.#tcb)
  }

  /**
   * Closes both sides: what was written is still sent, what arrives from now on is refused. Where something is unread
   * already, the peer gets a RST (RFC 9293 §3.6.1).
   */
  close(): void {
    this.#owner.closeConnection(this.#tcb)
  }

  /** Ends the connection at once with a RST; what was not sent is lost. */
  abort(): void {
    this.#owner.abortConnection(this.#tcb)
  }

  /** The options that hold for this connection. */
  get options(): SocketValues {
    return this.#record.options
  }

  /**
   * Changes options of the open connection, at once: `setOptions({ noDelay: true })` lets go what Nagle's algorithm held.
   * Throws ERR_INVALID_ARG_VALUE for one that is settled when the connection begins, and as `connect` does for a wrong value.
   */
  setOptions(options: LiveSocketOptions): void {
    this.#owner.changeOptions(this.#tcb, options)
  }

  info(): TcpInfo {
    return this.#owner.inform(this.#tcb)
  }

  /** For the stack: from now on it is this that knows the connection. */
  hold(record: Tcb | PackedTcb): void {
    this.#record = record
  }

  get #tcb(): Tcb {
    return this.#record instanceof Tcb ? this.#record : this.#owner.wholeOf(this.#record)
  }

  /** For the listener: the connection waits to be accepted, and what happens meanwhile is told afterwards. */
  enterQueue(): void {
    this.#isQueued = true
  }

  leaveQueue(): void {
    this.#isQueued = false
    if (this.#held !== 0) this.#owner.tellLater(this.#tcb, this.#held)
    this.#held = 0
  }

  /** For the stack: tells a handler what has happened, one bit of `Event`. Not for users. */
  deliver(event: number): void {
    if (this.#isQueued && event !== Event.CONNECTED) {
      this.#held |= event
      return
    }
    switch (event) {
      case Event.CONNECTED:
        if (this.#accepted !== undefined) this.#accepted(this)
        else this.handlers.connected?.(this)
        return
      case Event.URGENT:
        this.handlers.urgent?.(this)
        return
      case Event.READABLE:
        if (this.readableBytes > 0) this.handlers.readable?.(this)
        return
      case Event.WRITABLE:
        this.handlers.writable?.(this)
        return
      case Event.ENDED:
        this.#ended = true
        this.handlers.ended?.(this)
        return
      case Event.TROUBLED:
        this.handlers.troubled?.(this, this.#trouble())
        return
      case Event.CLOSED:
        this.#closed = true
        this.handlers.closed?.(this, this.#error())
    }
  }

  #trouble(): SocketError | null {
    const { softError } = this.#tcb
    return softError === null ? null : new SocketError(softError, 'write', this.remoteAddress, this.remotePort)
  }

  #error(): SocketError | null {
    const { error, synchronized } = this.#tcb
    if (error === null) return null
    if (synchronized) return new SocketError(error, 'read')
    return new SocketError(error, 'connect', this.remoteAddress, this.remotePort)
  }
}
