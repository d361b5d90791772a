// A descriptor as POSIX has it, over a connection or a listener of the stack. Results and errors are those of Linux where
// POSIX leaves room: which error comes first, and what a call answers once a connection is gone. A call that would block
// answers undefined; whoever called asks again after time has moved, or turns it into EAGAIN.

import { SocketError } from '../errors.ts'
import type { Connection, WriteOptions } from '../stack/connection.ts'
import type { Listener } from '../stack/listener.ts'
import type { ConnectOptions, ListenOptions, Stack } from '../stack/stack.ts'
import { type LiveSocketOptions, type SocketOptions, type SocketValues, socketOptions } from '../tcp/options.ts'
import { type Errno, isErrno } from './errno.ts'
import { FAST_OPEN_CLIENT, FastOpenSetting } from './fast-open.ts'

/** What a call gives back: a number, or the error of one that fails. */
export type Outcome = number | Errno
/** Undefined as long as the call blocks. */
export type Attempt = () => Outcome | undefined

export interface Endpoint {
  readonly address: string | undefined
  readonly port: number
}

/** What a socket needs of the script that it is in. */
export interface SocketWorld {
  readonly stack: Stack
  /** The one address that is ours. */
  readonly localIp: string
  now(): number
  /** Something has to look again at that time. */
  wakeAt(time: number): void
  /** What sysctls say of sockets made from here on. */
  socketDefaults(): SocketOptions
  /** Linux's tcp_fastopen. */
  readonly fastOpenBits: number
  /** A connection has its user. */
  opened(connection: Connection): void
  /** Ports bound in this script, and how many sockets hold each. */
  readonly bound: Map<number, ScriptSocket[]>
}

/** `deferred`: a connect that waits for the text of its SYN (TCP_FASTOPEN_CONNECT). */
type Kind = 'fresh' | 'listening' | 'deferred' | 'connecting' | 'connected'

const ZEROS = new Uint8Array(1 << 20)

export class ScriptSocket {
  nonBlocking = false
  reuseAddress = false
  /** SO_LINGER: how long `close` waits for the peer to acknowledge all, ms; -1 for not at all. */
  lingerMs = -1
  kind: Kind = 'fresh'
  connection: Connection | undefined
  listener: Listener | undefined
  /** SO_ERROR, until somebody has read it. */
  pendingError: Errno | undefined
  /** Changes of options made on the socket; a live connection has them too. */
  readonly options: Record<string, unknown> = {}
  readonly #world: SocketWorld
  #local: Endpoint | undefined
  /** TCP_DEFER_ACCEPT, of a listener or one to be. */
  deferAcceptMs = 0
  /** IP_MTU_DISCOVER, as it was set. */
  mtuDiscover: number | undefined
  readonly fastOpen = new FastOpenSetting()
  #remote: Endpoint | undefined
  #backlog = 0
  #readShut = false
  #writeShut = false
  /** A write was cut short, and the stack has not said yet that there is room. */
  #awaitsRoom = false

  constructor(world: SocketWorld) {
    this.#world = world
  }

  // --- OPEN ---

  bind(endpoint: Endpoint): Outcome {
    if (this.#local !== undefined || this.kind !== 'fresh') return 'EINVAL'
    if (endpoint.address !== undefined && endpoint.address !== this.#world.localIp) return 'EADDRNOTAVAIL'
    const holders = this.#world.bound.get(endpoint.port) ?? []
    if (endpoint.port !== 0 && holders.some(other => this.#clashes(other))) return 'EADDRINUSE'
    this.#local = endpoint
    this.#world.bound.set(endpoint.port, [...holders, this])
    return 0
  }

  /** SO_REUSEADDR on both lets a port be shared by all but two listeners. */
  #clashes(other: ScriptSocket): boolean {
    return other.kind === 'listening' || !(this.reuseAddress && other.reuseAddress)
  }

  listen(backlog: number): Outcome {
    // Linux lets one more wait than was asked for.
    const room = Math.max(0, backlog) + 1
    this.#backlog = room
    if (this.kind === 'listening') {
      this.listener?.setOptions({ backlog: room })
      return 0
    }
    if (this.kind !== 'fresh') return 'EINVAL'
    const { address, port } = this.#local ?? { address: undefined, port: 0 }
    const options: ListenOptions = {
      ...this.#socketOptions(),
      port,
      backlog: room,
      deferAcceptMs: this.deferAcceptMs,
      ...this.#fastOpenOfListener(),
      ...(address !== undefined && { address })
    }
    return this.#failing(() => {
      this.listener = this.#world.stack.listen(options)
      this.#setListenerKeys()
      this.kind = 'listening'
      return 0
    })
  }

  /** The connection that waited longest: `take` is told its socket. */
  accept(take: (socket: ScriptSocket) => number): Attempt {
    return () => {
      if (this.kind !== 'listening') return 'EINVAL'
      const connection = this.listener?.accept()
      if (connection !== undefined) return take(this.#adopt(connection))
      return this.nonBlocking ? 'EAGAIN' : undefined
    }
  }

  #adopt(connection: Connection): ScriptSocket {
    const socket = new ScriptSocket(this.#world)
    Object.assign(socket.options, this.options)
    socket.lingerMs = this.lingerMs
    socket.#take(connection)
    socket.kind = 'connected'
    this.#world.opened(connection)
    return socket
  }

  connect(remote: Endpoint): Attempt {
    let begun = false
    return () => {
      switch (this.kind) {
        case 'listening':
        case 'connected':
          return 'EISCONN'
        case 'connecting':
          return this.#connectGoesOn(begun)
        case 'deferred':
          return 'EISCONN'
        case 'fresh': {
          if (this.#mayDefer(remote)) {
            this.#remote = remote
            this.kind = 'deferred'
            return 0
          }
          const failure = this.#begin(remote, this.fastOpen.isForConnect)
          if (failure !== 0) return failure
          begun = true
          return this.nonBlocking ? 'EINPROGRESS' : undefined
        }
      }
    }
  }

  /** `fastOpen`: the SYN carries what is written at once. */
  #begin(remote: Endpoint, fastOpen = false): Outcome {
    return this.#failing(() => {
      const connection = this.#world.stack.connect({ ...this.#connectOptions(remote), fastOpen })
      this.#take(connection)
      this.kind = 'connecting'
      this.#world.opened(connection)
      return 0
    })
  }

  #connectOptions(remote: Endpoint): ConnectOptions {
    const local = this.#local
    return {
      ...this.#socketOptions(),
      address: remote.address ?? '',
      port: remote.port,
      fastOpenWithoutCookie: this.fastOpen.connectsWithoutCookie(this.#world.fastOpenBits),
      ...(local !== undefined && local.port !== 0 && { localPort: local.port }),
      ...(local?.address !== undefined && { localAddress: local.address })
    }
  }

  /** A call while SYNs are under way, or the first one after that was settled. */
  #connectGoesOn(begun: boolean): Outcome | undefined {
    if (this.#isOpening) {
      if (begun) return undefined
      return this.nonBlocking ? 'EALREADY' : undefined
    }
    if (this.#isGone) {
      this.kind = 'fresh'
      return this.takeError() ?? 'ECONNABORTED'
    }
    this.kind = 'connected'
    return 0
  }

  #take(connection: Connection): void {
    this.connection = connection
    connection.handlers = {
      writable: () => {
        if (!this.#awaitsRoom || connection.writableBytes === 0)
          throw new Error('The stack told of room that there is not, or that no write waits for')
        this.#awaitsRoom = false
      },
      closed: (_, error) => {
        this.#awaitsRoom = false
        if (error !== null && isErrno(error.code)) this.pendingError = error.code
      }
    }
  }

  #socketOptions(): SocketOptions {
    return { ...this.#world.socketDefaults(), ...(this.options as SocketOptions) }
  }

  // --- Fast Open (RFC 7413) ---

  #fastOpenOfListener(): Pick<ListenOptions, 'fastOpen' | 'fastOpenWithoutCookie'> {
    return this.fastOpen.ofListener(this.#world.fastOpenBits, this.#backlog)
  }

  #setListenerKeys(): void {
    const [key, former] = this.fastOpen.keys
    if (key !== undefined) this.listener?.setFastOpenKeys(key, former)
  }

  /** TCP_FASTOPEN_CONNECT. */
  connectFast(on: boolean): Outcome {
    if ((this.#world.fastOpenBits & FAST_OPEN_CLIENT) === 0) return 'EOPNOTSUPP'
    if (this.kind !== 'fresh') return 'EINVAL'
    this.fastOpen.isForConnect = on
    return 0
  }

  /** TCP_FASTOPEN and its like have changed. */
  fastOpenChanged(): void {
    this.listener?.setOptions(this.#fastOpenOfListener())
    this.#setListenerKeys()
  }

  /** MSG_FASTOPEN, or the first write after a deferred connect: text that the SYN carries, and what follows once it is answered. */
  sendFast(length: number, given: Endpoint | undefined, dontWait: boolean, how: WriteOptions): Attempt {
    let begun = false
    let sent = 0
    let rest: Attempt | undefined
    return () => {
      if (!begun) {
        const remote = this.kind === 'deferred' ? this.#remote : given
        const refusal = this.#cannotOpenFast(remote)
        if (refusal !== 0 || remote === undefined) return refusal
        const room = this.#world.stack.fastOpenRoom(this.#connectOptions(remote))
        const failure = this.#begin(remote, true)
        if (failure !== 0) return failure
        begun = true
        sent = this.#give(Math.min(room, length), how)
        if (dontWait || this.nonBlocking) return sent > 0 ? sent : 'EINPROGRESS'
        return undefined
      }
      if (this.#isOpening) return undefined
      rest ??= this.write(length - sent, dontWait, how)
      const outcome = rest()
      return typeof outcome === 'number' ? sent + outcome : outcome
    }
  }

  #cannotOpenFast(remote: Endpoint | undefined): Outcome {
    if ((this.#world.fastOpenBits & FAST_OPEN_CLIENT) === 0) return 'EOPNOTSUPP'
    if (this.kind === 'connecting') return 'EALREADY'
    if (this.kind === 'connected' || this.kind === 'listening') return 'EISCONN'
    return remote === undefined ? 'EDESTADDRREQ' : 0
  }

  /** TCP_FASTOPEN_CONNECT: where the SYN could carry text, it waits for some. */
  #mayDefer(remote: Endpoint): boolean {
    if (!this.fastOpen.isForConnect) return false
    let room = 0
    this.#failing(() => {
      room = this.#world.stack.fastOpenRoom(this.#connectOptions(remote))
      return 0
    })
    return room > 0
  }

  // --- SEND and RECEIVE ---

  /** Blocks until all is taken, unless something was taken and the socket does not block. */
  write(length: number, dontWait: boolean, how: WriteOptions = {}): Attempt {
    let taken = 0
    let hasBegun = false
    if (this.kind === 'deferred') return this.sendFast(length, undefined, dontWait, how)
    return () => {
      // What was taken is the result; the error is for the next call.
      if (this.pendingError !== undefined) return taken > 0 ? taken : this.takeError()
      if (this.connection === undefined) return 'EPIPE'
      if (this.#isOpening || (hasBegun && this.#awaitsRoom)) return undefined
      hasBegun = true
      const failure = this.#failing(() => {
        do taken += this.#give(Math.min(ZEROS.length, length - taken), how)
        while (taken < length && !this.#awaitsRoom)
        return 0
      })
      if (failure !== 0) return taken > 0 ? taken : failure
      if (taken === length || (taken > 0 && (dontWait || this.nonBlocking))) return taken
      return undefined
    }
  }

  /** Writes as much as there is room for. */
  #give(length: number, how: WriteOptions): number {
    const taken = this.connection?.write(ZEROS.subarray(0, length), how) ?? 0
    if (taken < length) this.#awaitsRoom = true
    return taken
  }

  /** What is there, at most `length` bytes; all of them where `waitAll`, unless the peer has ended. */
  read(
    length: number,
    flags: { readonly peek: boolean; readonly waitAll: boolean; readonly dontWait: boolean; readonly truncate: boolean }
  ): Attempt {
    let got = 0
    return () => {
      if (this.kind === 'listening') return 'ENOTCONN'
      const readable = this.connection?.readableBytes ?? 0
      if (flags.peek) {
        if (readable > 0) return Math.min(length, readable)
      } else got += flags.truncate ? this.#drop(length - got) : this.#pull(length - got)
      const isEnough = flags.waitAll ? got === length : got > 0
      if (isEnough || length === 0) return got
      return this.#nothingToRead(got)
    }
  }

  /** An orderly end hides a reset that came after it; an error is told once. */
  #nothingToRead(got: number): Outcome | undefined {
    const connection = this.connection
    if (got > 0) return this.#hasEnded || this.#readShut || this.#isGone ? got : undefined
    if (this.#hasEnded) return 0
    if (this.pendingError !== undefined) return this.takeError()
    if (this.#readShut) return 0
    if (connection === undefined) return this.kind === 'deferred' ? undefined : 'ENOTCONN'
    return this.#isGone ? 0 : undefined
  }

  /** MSG_TRUNC: what the user does not want to see. */
  #drop(most: number): number {
    if (this.readableBytes === 0) return 0
    return this.readableBytes > most ? this.#pull(most) : (this.connection?.discard() ?? 0)
  }

  #pull(most: number): number {
    let got = 0
    // Asked again after every step of the clock: a call to the stack where nothing is there would be another step.
    while (got < most && this.readableBytes > 0) {
      const bytes = this.connection?.read(most - got)
      if (bytes === undefined) break
      if (bytes.some(byte => byte !== 0))
        throw new Error('A byte was read that nobody has sent: all text of a script is zero')
      got += bytes.length
    }
    return got
  }

  // --- CLOSE ---

  shutdown(read: boolean, write: boolean): Outcome {
    switch (this.kind) {
      case 'fresh':
        return 'ENOTCONN'
      case 'listening':
        if (read) this.#stopListening()
        return 0
      default:
        if (this.#isGone) return 'ENOTCONN'
        if (this.#isOpening) {
          // Linux gives the attempt up, whichever side is shut.
          this.connection?.close()
          this.pendingError = 'ECONNRESET'
          return 0
        }
        this.#readShut ||= read
        if (write) {
          this.#writeShut = true
          this.connection?.shutdown()
        }
        return 0
    }
  }

  /** Blocks for as long as SO_LINGER says, until the FIN is acknowledged. */
  close(): Attempt {
    let until: number | undefined
    return () => {
      if (until === undefined) {
        this.#letGoOfPort()
        if (this.kind === 'listening') this.#stopListening()
        this.connection?.close()
        until = this.#world.now() + this.lingerMs
        if (this.lingerMs > 0) this.#world.wakeAt(until)
      }
      return this.#world.now() < until && this.#awaitsAckOfFin ? undefined : 0
    }
  }

  get #awaitsAckOfFin(): boolean {
    const state = this.connection?.state
    return state === 'FIN-WAIT-1' || state === 'CLOSING' || state === 'LAST-ACK'
  }

  #stopListening(): void {
    this.listener?.close()
    this.listener = undefined
    this.kind = 'fresh'
  }

  #letGoOfPort(): void {
    if (this.#local === undefined) return
    const { bound } = this.#world
    const holders = bound.get(this.#local.port) ?? []
    bound.set(
      this.#local.port,
      holders.filter(socket => socket !== this)
    )
  }

  // --- What is known ---

  takeError(): Errno | undefined {
    const error = this.pendingError
    this.pendingError = undefined
    return error
  }

  deferAccept(ms: number): Outcome {
    if (ms > 600_000) return 'EINVAL'
    this.deferAcceptMs = ms
    this.listener?.setOptions({ deferAcceptMs: ms })
    return 0
  }

  /** What sysctls say has changed: on a host most of them hold for what is open already. `live`: what an open connection takes. */
  settingsChanged(live: LiveSocketOptions): void {
    const own = Object.entries(live).filter(([name]) => !Object.hasOwn(this.options, name))
    if (own.length > 0 && !this.#isGone) this.connection?.setOptions(Object.fromEntries(own))
    if (this.listener === undefined) return
    const { receiveBuffer, maximumReceiveBuffer, sendBuffer, ...options } = this.#socketOptions()
    this.listener.setOptions({ ...options, ...this.#fastOpenOfListener() })
  }

  setOption(name: string, value: unknown): void {
    this.options[name] = value
    this.connection?.setOptions({ [name]: value } as LiveSocketOptions)
    this.listener?.setOptions({ [name]: value } as SocketOptions)
  }

  /** What holds for this socket. */
  option(name: keyof SocketValues): unknown {
    return (
      this.connection?.options[name] ??
      this.options[name] ??
      this.#world.socketDefaults()[name] ??
      socketOptions[name].default
    )
  }

  get readableBytes(): number {
    return this.connection?.readableBytes ?? 0
  }

  /** Not what a Fast Open gave us before its handshake was over. */
  get #isOpening(): boolean {
    const state = this.connection?.state
    return this.kind !== 'connected' && (state === 'SYN-SENT' || state === 'SYN-RECEIVED')
  }

  /** For its user a connection is over when it enters TIME-WAIT. */
  get #isGone(): boolean {
    const state = this.connection?.state
    return state === 'CLOSED' || state === 'TIME-WAIT'
  }

  get #hasEnded(): boolean {
    return this.connection?.isEnded ?? false
  }

  /** Linux's tcp_poll. */
  readiness(): { in: boolean; out: boolean; err: boolean; hup: boolean; rdhup: boolean } {
    const err = this.pendingError !== undefined
    if (this.kind === 'listening') {
      return { in: (this.listener?.queueLength ?? 0) > 0, out: false, err, hup: false, rdhup: false }
    }
    if (this.kind === 'deferred') return { in: false, out: true, err, hup: false, rdhup: false }
    const readShut = this.#readShut || this.#hasEnded || this.#isGone
    const writeShut = this.#writeShut || this.#isGone
    const hup = this.connection === undefined || this.#isGone || (readShut && writeShut)
    if (this.#isOpening) return { in: readShut, out: false, err, hup, rdhup: readShut }
    return {
      in: readShut || this.readableBytes > 0,
      out: writeShut || this.connection === undefined || this.#isWritable(),
      err,
      hup,
      rdhup: readShut
    }
  }

  /** Linux: a third of the buffer is free. */
  #isWritable(): boolean {
    const { writableBytes, options } = this.connection as Connection
    return 2 * writableBytes >= options.sendBuffer - writableBytes
  }

  #failing(work: () => Outcome): Outcome {
    try {
      return work()
    } catch (error) {
      if (error instanceof SocketError && isErrno(error.code)) return error.code
      throw error
    }
  }
}
