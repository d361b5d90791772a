// All that a script acts on: a clock, a link in memory, one stack, its connections, and the descriptors that are open.

import type { Option } from '../options.ts'
import { VirtualClock } from '../sim/clock.ts'
import type { Connection } from '../stack/connection.ts'
import { Stack, type StackOptions } from '../stack/stack.ts'
import type { Tracer } from '../stack/trace.ts'
import { FastOpenKeys } from '../tcp/fast-open-keys.ts'
import { type LiveSocketOptions, type SocketOptions, socketOptions } from '../tcp/options.ts'
import type { FourTuple } from '../tcp/output.ts'
import { STATE_NAMES, State } from '../tcp/state.ts'
import { formatAddress } from '../wire/address.ts'
import type { CallWorld } from './calls.ts'
import { type Captured, takeApart } from './captured.ts'
import { toHex } from './fast-open.ts'
import { Flow } from './flow.ts'
import { ScriptLink } from './link.ts'
import { type Profile, Settings } from './settings.ts'
import type { Endpoint, ScriptSocket } from './socket.ts'

/** Where a script's peer sends from, one further for each connection. */
const FIRST_PEER_PORT = 40_000
export const DEFAULT_PORT = 8080

export interface WorldOptions {
  readonly profile: Profile
  readonly localAddress: number
  readonly remoteAddress: number
  /** The same as text. */
  readonly remoteIp: string
  readonly mtu: number
  readonly superSegmentBytes: number
  readonly seed: number
  readonly shuffle: boolean
}

export class World implements CallWorld {
  readonly clock: VirtualClock
  readonly settings = new Settings()
  readonly profile: Profile
  readonly descriptors = new Map<number, ScriptSocket>()
  readonly bound = new Map<number, ScriptSocket[]>()
  readonly bindDefault: Endpoint = { address: undefined, port: DEFAULT_PORT }
  readonly connectDefault: Endpoint
  /** Packets of a protocol other than TCP. */
  readonly others: Captured[] = []
  /** The socket under test: what packets without ports are about. */
  flow: Flow | undefined
  /** Called after each thing that happened while time stood still or moved. */
  onStep: () => void = () => {}
  readonly #options: WorldOptions
  readonly #flows = new Map<string, Flow>()
  readonly #connections = new Map<Flow, Connection>()
  #stack: Stack | undefined
  #link: ScriptLink | undefined
  #nextPeerPort = FIRST_PEER_PORT
  /** The SYN that the peer sends at this moment, or sent last. */
  #syn: { readonly flow: Flow; readonly seq: number } | undefined
  #isSynArriving = false

  constructor(options: WorldOptions) {
    this.#options = options
    this.profile = options.profile
    this.connectDefault = { address: options.remoteIp, port: DEFAULT_PORT }
    this.clock = new VirtualClock({ seed: options.seed, shuffleSimultaneous: options.shuffle })
  }

  /** Made when it is first needed: what the script sets before that are its options. */
  get stack(): Stack {
    this.#stack ??= this.#makeStack()
    return this.#stack
  }

  #makeStack(): Stack {
    const { localAddress, mtu, superSegmentBytes } = this.#options
    this.#link = new ScriptLink(localAddress, mtu, superSegmentBytes, bytes => this.#sent(bytes))
    const tracer: Tracer = { state: (tuple, from, to) => this.#stateChanged(tuple, from, to) }
    const options: StackOptions = { ...this.settings.stack, link: this.#link, host: this.clock, tracer }
    const stack = new Stack(options)
    this.#setFastOpenKeys(stack)
    return stack
  }

  socketDefaults(): SocketOptions {
    return this.settings.sockets as SocketOptions
  }

  get localIp(): string {
    return formatAddress(this.#options.localAddress)
  }

  get fastOpenBits(): number {
    return this.settings.fastOpen
  }

  /** As the script's remote address gets it, hexadecimal. */
  fastOpenCookie(flow: Flow): string {
    const { stack, descriptors } = this
    const socket = [...descriptors.values()].find(({ listener }) => listener?.port === flow.localPort)
    const client = formatAddress(flow.remoteAddress)
    const server = formatAddress(flow.localAddress)
    const [key, former] = socket?.fastOpen.keys ?? []
    if (key === undefined) return toHex(stack.fastOpenCookie(client, server))
    return toHex(new FastOpenKeys(key, former).cookieBytes(flow.remoteAddress, flow.localAddress))
  }

  /** Commands have been carried out: what they changed holds at once where it does on a host. */
  settingsChanged(before: SocketOptions): void {
    if (this.#stack === undefined) return
    this.#setFastOpenKeys(this.#stack)
    const live = liveChanges(before, this.socketDefaults())
    for (const socket of this.descriptors.values()) socket.settingsChanged(live)
  }

  #setFastOpenKeys(stack: Stack): void {
    const [key, former] = this.settings.fastOpenKeys
    if (key !== undefined) stack.setFastOpenKeys(key, former)
  }

  // --- Time ---

  now(): number {
    return this.clock.now()
  }

  /** The next thing to happen, unless it lies after `until`. */
  step(until: number): boolean {
    const stepped = this.clock.step(until)
    if (stepped) this.onStep()
    return stepped
  }

  /** Time moves on to then, or until `enough`. */
  advance(until: number, enough: () => boolean = () => false): void {
    while (!enough()) {
      if (this.step(until)) continue
      this.clock.run(until)
      return
    }
  }

  /** Does something at a time, in its order or disorder among what else happens then. */
  doAt(time: number, work: () => void): void {
    let isDone = false
    this.clock.at(time, () => {
      isDone = true
      work()
    })
    while (!isDone) this.step(time)
    this.settle()
  }

  /** What follows at once. */
  settle(): void {
    while (this.step(this.now()));
  }

  wakeAt(time: number): void {
    this.clock.at(time, () => {})
  }

  // --- Connections ---

  #stateChanged(tuple: FourTuple, from: State, to: State): void {
    const flow = this.flowOf(tuple.localAddress, tuple.localPort, tuple.remoteAddress, tuple.remotePort)
    flow.state = STATE_NAMES[to]
    // A SYN cookie that comes back opens a connection whose numbers are known already.
    const isNew = to === State.SYN_SENT || (from === State.LISTEN && this.#isSynArriving)
    if (isNew) flow.beginAnew()
    if (isNew) this.flow = flow
    // The peer's ISN is that of the SYN that was taken: the first one is the stack's choice, not ours.
    const takesSyn = to === State.SYN_RECEIVED || (from === State.SYN_SENT && to === State.ESTABLISHED)
    if (takesSyn && this.#syn?.flow === flow) flow.peerIsn = this.#syn.seq
  }

  flowOf(localAddress: number, localPort: number, remoteAddress: number, remotePort: number): Flow {
    const key = `${localAddress}:${localPort} ${remoteAddress}:${remotePort}`
    let flow = this.#flows.get(key)
    if (flow === undefined) {
      flow = new Flow(localAddress, localPort, remoteAddress, remotePort)
      this.#flows.set(key, flow)
    }
    return flow
  }

  get flows(): Iterable<Flow> {
    return this.#flows.values()
  }

  opened(connection: Connection): void {
    for (const flow of this.#flows.values()) {
      if (flow.localPort === connection.localPort && flow.remotePort === connection.remotePort) {
        this.#connections.set(flow, connection)
      }
    }
  }

  connectionOf(flow: Flow | undefined): Connection | undefined {
    return flow === undefined ? undefined : this.#connections.get(flow)
  }

  /** Which connection a packet is about; `opens` for a SYN of the peer's that may begin one. */
  flowFor(ports: { readonly local: number; readonly remote: number } | undefined, opens: boolean): Flow {
    const { localAddress, remoteAddress } = this.#options
    if (ports !== undefined) return this.flowOf(localAddress, ports.local, remoteAddress, ports.remote)
    const isOver =
      this.flow === undefined || (opens && this.flow.state === 'CLOSED' && this.#listenPort() !== undefined)
    if (!isOver && this.flow !== undefined) return this.flow
    const local = this.#listenPort() ?? DEFAULT_PORT
    return this.flowOf(localAddress, local, remoteAddress, this.#nextPeerPort++)
  }

  #listenPort(): number | undefined {
    let port: number | undefined
    for (const socket of this.descriptors.values()) port = socket.listener?.port ?? port
    return port
  }

  // --- Packets ---

  #sent(bytes: Uint8Array): void {
    const packet = takeApart(bytes, this.now())
    if (packet.tcp === undefined) {
      this.others.push(packet)
      return
    }
    const { sourcePort, destinationPort } = packet.tcp
    this.flowOf(packet.source, sourcePort, packet.destination, destinationPort).queue.push(packet)
  }

  /** A packet of the peer's arrives. `syn` is its sequence number if it is a SYN. */
  inject(packet: Uint8Array, flow: Flow, syn: number | undefined): void {
    void this.stack
    // Packets may name ports of an earlier connection; the latest one stays under test.
    if (this.flow === undefined || flow.state === 'CLOSED') this.flow = flow
    if (syn !== undefined) this.#syn = { flow, seq: syn }
    this.#isSynArriving = syn !== undefined
    this.#link?.deliver(packet)
    this.#isSynArriving = false
    if (syn !== undefined && flow.peerIsn === undefined && flow.state !== 'CLOSED') flow.peerIsn = syn
  }

  /** A SYN-ACK to this flow was expected and came: there is a connection, whether or not the stack keeps a record of it. */
  synAnswered(flow: Flow): void {
    if (flow.peerIsn === undefined && this.#syn?.flow === flow) flow.peerIsn = this.#syn.seq
  }

  /** All descriptors are closed without a word, and the stack is dropped. */
  close(): void {
    this.#stack?.close()
  }
}

/** Sockets keep the buffers that they were made with. */
const OF_THE_SOCKET: ReadonlySet<string> = new Set(['receiveBuffer', 'sendBuffer'])

/** Those that are different now and may change on an open connection. */
function liveChanges(before: SocketOptions, after: SocketOptions): LiveSocketOptions {
  const names = Object.keys(after) as (keyof SocketOptions)[]
  const changed = names.filter(name => {
    const option: Option = socketOptions[name]
    return option.live === true && before[name] !== after[name] && !OF_THE_SOCKET.has(name)
  })
  return Object.fromEntries(changed.map(name => [name, after[name]]))
}
