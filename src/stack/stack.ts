// The stack as its user has it: open ports, open connections, counters, an end.

import { rangeError, SocketError, typeError } from '../errors.ts'
import type { Host } from '../host.ts'
import { namesHost } from '../ip/input.ts'
import type { Link } from '../link/link.ts'
import { flag, int, oneOf, partition, resolve, type Values } from '../options.ts'
import type { Counters } from '../stats.ts'
import { abort, open } from '../tcp/calls.ts'
import { makeController } from '../tcp/congestion/choice.ts'
import { type SocketOptions, type SocketValues, socketOptions } from '../tcp/options.ts'
import { State } from '../tcp/state.ts'
import { FastOpen, Tcb } from '../tcp/tcb.ts'
import { formatAddress, parseAddress } from '../wire/address.ts'
import { Connection, type ConnectionHandlers } from './connection.ts'
import { Engine } from './engine.ts'
import { Listener, type ListenerValues, listenerOptions, toFastOpenKeys } from './listener.ts'
import { addressInUse, DEFAULT_RANGE } from './ports.ts'
import { type Statistics, statisticsOf } from './statistics.ts'
import type { Tracer } from './trace.ts'

export const stackOptions = {
  /** The most that send buffers and text out of order take for all connections together, bytes. */
  memoryLimit: int({ default: 1024 * 1024 * 1024, min: 1024 * 1024, max: 2 ** 40 }),
  /** The most text, in order and not read, of all connections together, bytes: what comes beyond is dropped, and comes again. */
  unreadLimit: int({ default: 1024 * 1024 * 1024, min: 65_536, max: 2 ** 40 }),
  /** Fragments of datagrams that are not complete, bytes with what keeping them costs; the oldest make room. */
  reassemblyLimit: int({ default: 4 * 1024 * 1024, min: 0, max: 2 ** 30 }),
  /** Datagrams that are not complete; the oldest make room. */
  reassemblyDatagrams: int({ default: 256, min: 1, max: 65_536 }),
  /** How long a datagram waits for the rest of its fragments, ms (RFC 1122 §3.3.2 has 60 to 120 s, Linux 30 s). */
  reassemblyTimeoutMs: int({ default: 30_000, min: 1, max: 600_000 }),
  /** Connections in TIME-WAIT; beyond it they close without waiting, counted as `timeWaitOverflow`. */
  timeWaitLimit: int({ default: 65_536, min: 0, max: 2 ** 24 }),
  /** Half-open connections of all listeners together; what SYNs beyond get is set by `synCookies`. */
  halfOpenLimit: int({ default: 16_384, min: 1, max: 2 ** 24 }),
  /**
   * SYN cookies (RFC 4987 §3.6): for SYNs that find no room, for all of them, or for none, and then a SYN without room is
   * dropped.
   */
  synCookies: oneOf(['off', 'when-full', 'always'], { default: 'when-full' }),
  /** Resets a connection that opens while the queue for `accept` is full, instead of letting the peer try again. */
  abortOnOverflow: flag({ default: false }),
  /** The ports that connections are given which ask for none: the first, and the last, not below it (RFC 6056 §3.2). */
  firstEphemeralPort: int({ default: DEFAULT_RANGE.first, min: 1024, max: 65_535 }),
  lastEphemeralPort: int({ default: DEFAULT_RANGE.last, min: 1024, max: 65_535 }),
  /**
   * How long Fast Open is not used towards a port after it has failed there, ms; twice as long each time it fails again, 64
   * times at most (RFC 7413 §4.1.3.1). 0 for no such pause.
   */
  fastOpenPauseMs: int({ default: 3_600_000, min: 0, max: 86_400_000 }),
  /** Of more open connections than this, those that do nothing are packed: they take a quarter of the memory until they do something. */
  wholeConnections: int({ default: 1024, min: 0, max: 2 ** 24 })
}

const connectOptions = { fastOpen: flag({ default: false }) }

export type StackValues = Values<typeof stackOptions>

export interface StackOptions extends SocketOptions, Partial<StackValues> {
  /** What carries the packets. The stack closes it at its own end. */
  readonly link: Link
  /** Clock, timer and entropy. */
  readonly host: Host
  readonly tracer?: Tracer
}

export interface ListenOptions extends SocketOptions, Partial<ListenerValues> {
  /** 0 to 65535, 0 for one that is free. */
  readonly port: number
  /** One of our addresses; all of them without it. */
  readonly address?: string
}

export interface ConnectOptions extends SocketOptions {
  readonly address: string
  /** 1 to 65535. */
  readonly port: number
  /** The address to connect from; the one that the way there begins with, without it. */
  readonly localAddress?: string
  /** The port to connect from; a free one without it. */
  readonly localPort?: number
  /**
   * Fast Open (RFC 7413): what is written in the same turn of the program goes with the SYN, once the server has given us a
   * cookie; the first connection to it asks for one. The server may see such text twice. Default false.
   */
  readonly fastOpen?: boolean
}

/** tcpCurrEstab of RFC 4022. */
const isOpen = (state: State): boolean => state === State.ESTABLISHED || state === State.CLOSE_WAIT

const ANY = 0

export class Stack {
  readonly #engine: Engine
  readonly #link: Link
  readonly #defaults: SocketValues
  readonly #listeners = new Set<Listener>()
  #closed = false

  /** Options for connections here are the defaults of all; `listen` and `connect` override them. */
  constructor(options: StackOptions) {
    const { link, host, tracer, ...rest } = options
    const [own, forSockets] = partition(stackOptions, rest)
    this.#defaults = resolve(socketOptions, forSockets)
    this.#link = link
    const values = resolve(stackOptions, own)
    if (values.lastEphemeralPort < values.firstEphemeralPort) {
      throw rangeError('ERR_OUT_OF_RANGE', 'The option "lastEphemeralPort" must not be below "firstEphemeralPort"')
    }
    this.#engine = new Engine(link, host, tracer, values)
  }

  /**
   * OPEN, passive (RFC 9293 §3.10.1). `accept` is called with each connection once it is open and sets its handlers;
   * without it, connections wait for `listener.accept()`, at most `backlog` of them.
   * Throws EADDRINUSE, EADDRNOTAVAIL, or ERR_* for options that make no sense.
   */
  listen(options: ListenOptions, accept?: (connection: Connection) => void): Listener {
    this.#mustBeOpen('listen')
    const { port, address, ...rest } = options
    const [own, forSockets] = partition(listenerOptions, rest)
    checkPort(port, 0, 'port')
    const local = address === undefined ? ANY : toAddress(address, 'address')
    if (local !== ANY && !this.#isOwn(local)) throw notAvailable('listen', local, port)
    const values = resolve(listenerOptions, own)
    const ofSockets = resolve(socketOptions, forSockets, this.#defaults)
    const add = (chosen: number): Listener => {
      const listener = new Listener(local, chosen, values, ofSockets, accept, gone => this.#closeListener(gone))
      this.#engine.ports.addListener(listener)
      this.#listeners.add(listener)
      return listener
    }
    if (port !== 0) return add(port)
    let listener: Listener | undefined
    this.#engine.ports.pickForListener(free => {
      listener = add(free)
    })
    return listener as unknown as Listener
  }

  /**
   * OPEN, active (§3.10.1). Answers at once; `connected` or `closed` follow. Throws ENETUNREACH or EHOSTUNREACH where no way
   * leads there, EADDRINUSE and EADDRNOTAVAIL for the local end, or ERR_* for options that make no sense.
   */
  connect(options: ConnectOptions, handlers: ConnectionHandlers = {}): Connection {
    this.#mustBeOpen('connect')
    const { address, port, localAddress, localPort, fastOpen, ...forSockets } = options
    const { fastOpen: isFast } = resolve(connectOptions, { fastOpen })
    checkPort(port, 1, 'port')
    if (localPort !== undefined) checkPort(localPort, 1, 'localPort')
    const remote = toAddress(address, 'address')
    // Groups and broadcasts have no connections (RFC 9293 §3.9.2.3, MUST-46).
    if (!namesHost(remote)) throw new SocketError('ENETUNREACH', 'connect', address, port, 'no address of a host')
    const values = resolve(socketOptions, forSockets, this.#defaults)
    const engine = this.#engine
    return engine.call(() => {
      const local =
        localAddress === undefined ? this.#link.route(remote).source : toAddress(localAddress, 'localAddress')
      if (!this.#isOwn(local)) throw notAvailable('connect', local, localPort)
      const mtu = engine.mtuTo(remote)
      const tcb = new Tcb(values, makeController(values.congestionControl), engine.now)
      tcb.localAddress = local
      tcb.remoteAddress = remote
      tcb.remotePort = port
      engine.enter(tcb, this.#holdLocalPort(tcb, localPort))
      const connection = new Connection(tcb, engine.owner)
      connection.handlers = handlers
      tcb.user = connection
      const { iss, tsOffset } = engine.newIdentity(tcb)
      tcb.tsOffset = tsOffset
      if (isFast) tcb.fastOpen = FastOpen.WAITING
      open(tcb, iss, mtu, engine.now, engine)
      engine.heedPath(tcb)
      engine.rearm(tcb)
      return connection
    })
  }

  /** Sets the local port and holds it; answers the key to let go with. */
  #holdLocalPort(tcb: Tcb, wanted: number | undefined): number {
    const { localAddress, remoteAddress, remotePort } = tcb
    const { ports } = this.#engine
    const isFree = (port: number): boolean => this.#engine.isTupleFree(localAddress, port, remoteAddress, remotePort)
    const isInShare = (port: number): boolean => this.#engine.isInShare(localAddress, port, remoteAddress, remotePort)
    if (wanted !== undefined) {
      if (!isInShare(wanted)) throw ofAnotherStack(localAddress, wanted)
      if (!isFree(wanted)) throw addressInUse('connect', localAddress, wanted)
      tcb.localPort = wanted
      return ports.hold(localAddress, wanted)
    }
    let key = 0
    tcb.localPort = ports.pickEphemeral(localAddress, remoteAddress, remotePort, port => {
      // Nobody who lets us choose means to talk to themselves.
      if (!isInShare(port) || !isFree(port) || (port === remotePort && localAddress === remoteAddress)) return false
      key = ports.hold(localAddress, port)
      return true
    })
    return key
  }

  #isOwn(address: number): boolean {
    return namesHost(address) && this.#engine.isOwnAddress(address)
  }

  #closeListener(listener: Listener): void {
    if (!this.#listeners.delete(listener) || this.#closed) return
    this.#engine.call(() => {
      this.#engine.passive.resetChildren(listener)
      this.#engine.ports.removeListener(listener)
    })
  }

  /**
   * The key that Fast Open cookies are made with, 16 bytes, at random until it is set; and one whose cookies are still good,
   * so that keys can be changed in time without a client's noticing: who comes with an old cookie gets a new one.
   */
  setFastOpenKeys(key: Uint8Array, former?: Uint8Array): void {
    this.#engine.fastOpens.keys = toFastOpenKeys(key, former)
  }

  /** The Fast Open cookie that a client gets from a listener at one of our addresses, unless that has keys of its own. */
  fastOpenCookie(clientAddress: string, address: string): Uint8Array {
    const [client, server] = [toAddress(clientAddress, 'clientAddress'), toAddress(address, 'address')]
    return this.#engine.fastOpens.keys.cookieBytes(client, server)
  }

  /**
   * Bytes of text that the SYN would carry if `connect` came with these options now; 0 where the server's cookie is not known,
   * or Fast Open has failed there of late. Throws as `connect` does.
   */
  fastOpenRoom(options: ConnectOptions): number {
    const { address, port, localAddress, localPort, fastOpen, ...forSockets } = options
    const values = resolve(socketOptions, forSockets, this.#defaults)
    const remoteAddress = toAddress(address, 'address')
    const engine = this.#engine
    return engine.call(() => {
      const local =
        localAddress === undefined ? this.#link.route(remoteAddress).source : toAddress(localAddress, 'localAddress')
      return engine.fastOpenRoom({ localAddress: local, remoteAddress, remotePort: port }, values)
    })
  }

  /** How many connections there are, of each kind. */
  counts(): { connections: number; halfOpen: number; timeWait: number } {
    return this.#engine.counts()
  }

  /**
   * What was counted since the stack began, under the names of RFC 4022 and of Linux's netstat, and each drop under its
   * reason. `formatPrometheus` makes text of it.
   */
  statistics(): Statistics {
    const { counters, ip, icmp, stackCounters } = this.#engine
    const established = this.#engine.connections().filter(({ state }) => isOpen(state)).length
    return statisticsOf({
      tcp: counters,
      ip: ip.counters,
      icmp: icmp.counters,
      stack: stackCounters,
      established,
      defaults: this.#defaults
    })
  }

  /** The same under our own names, which are finer, by part: nothing that was counted is left out. */
  counters(): { tcp: Counters; ip: Counters; icmp: Counters; stack: Counters; link: Counters } {
    const { counters, ip, icmp, stackCounters, slab, arena } = this.#engine
    return {
      tcp: { ...counters },
      ip: { ...ip.counters },
      icmp: { ...icmp.counters },
      stack: {
        ...stackCounters,
        slabUsedBytes: slab.usedBytes,
        slabReservedBytes: slab.reservedBytes,
        unreadBytes: arena.unread,
        reassemblyBytes: ip.reassembly.heldBytes
      },
      link: this.#link.counters()
    }
  }

  /**
   * Ends everything at once: connections are aborted with a RST and told so, listeners close, ports go back to the
   * kernel, the link is closed. May come twice.
   */
  close(): void {
    if (this.#closed) return
    const engine = this.#engine
    engine.call(() => {
      for (const entry of engine.connections()) abort(engine.whole(entry), engine.now, engine)
    })
    for (const listener of this.#listeners) listener.close()
    this.#closed = true
    engine.close()
  }

  #mustBeOpen(syscall: string): void {
    if (this.#closed) throw new SocketError('EBADF', syscall, undefined, undefined, 'the stack is closed')
  }
}

function checkPort(port: unknown, least: number, name: string): void {
  if (typeof port === 'number' && Number.isInteger(port) && port >= least && port <= 65_535) return
  throw rangeError(
    'ERR_SOCKET_BAD_PORT',
    `The option "${name}" must be an integer from ${least} to 65535, received ${String(port)}`
  )
}

function toAddress(text: unknown, name: string): number {
  const address = typeof text === 'string' ? parseAddress(text) : undefined
  if (address !== undefined) return address
  throw typeError(
    'ERR_INVALID_IP_ADDRESS',
    `The option "${name}" must be an IPv4 address such as 10.0.0.1, received ${String(text)}`
  )
}

function ofAnotherStack(address: number, port: number): SocketError {
  const detail = 'a connection from there belongs to another of the stacks that share the address'
  return new SocketError('EADDRNOTAVAIL', 'connect', formatAddress(address), port, detail)
}

function notAvailable(syscall: string, address: number, port: number | undefined): SocketError {
  return new SocketError('EADDRNOTAVAIL', syscall, formatAddress(address), port, 'address not available')
}
