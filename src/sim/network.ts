// A network in memory, on a virtual clock: hosts with stacks, routers, links, flows between hosts, cross traffic, probes. A
// seed repeats a run to the bit.

import { typeError } from '../errors.ts'
import type { ChannelOptions } from '../link/path/channel.ts'
import { PacketPool } from '../link/path/packets.ts'
import { Random } from '../random.ts'
import { parseAddress } from '../wire/address.ts'
import { checkNames, outOfRange } from './check.ts'
import { VirtualClock } from './clock.ts'
import { CrossTraffic, type CrossTrafficOptions } from './cross-traffic.ts'
import { Digest } from './digest.ts'
import { Flow, type FlowOptions } from './flow.ts'
import { FIRST_FLOW_PORT, type HostOptions, type NetworkCore, NetworkHost, Router, type RouterOptions } from './node.ts'
import { Probe, type ProbeOptions, type Sender } from './probe.ts'
import { type Edge, shortestPaths } from './routing.ts'
import { Wire } from './wire.ts'

export interface NetworkOptions {
  /** Repeats a run: 1 unless given. */
  readonly seed?: number
  /** Largest packet that passes anywhere, bytes: 1500 unless given. */
  readonly mtu?: number
  /** Sums up every packet that arrives, in `digest`. It costs a little time. */
  readonly digest?: boolean
  /** Packets that are under way may take so many bytes: 1 GiB unless given. */
  readonly memoryLimit?: number
}

export interface LinkOptions extends ChannelOptions {
  /** For the choice of paths: 1 unless given. */
  readonly cost?: number
  /** Largest packet that passes, either way: the network's unless given. */
  readonly mtu?: number
}

export interface NodeOptions extends HostOptions {
  /** 10.0.0.1 and on, in order, unless given. */
  readonly address?: string
}

export type Node = NetworkHost | Router

/** Both directions between two nodes. */
export class NetworkLink {
  constructor(
    /** From the node that was named first, and back. */
    readonly there: Wire,
    readonly back: Wire
  ) {}

  /** Changes both directions, from now on; `there.set` and `back.set` change one. */
  set(changes: ChannelOptions): void {
    this.there.set(changes)
    this.back.set(changes)
  }

  /** Loses all that is under way, and all that is sent until `restore`. */
  cut(): void {
    this.there.setUp(false)
    this.back.setUp(false)
  }

  restore(): void {
    this.there.setUp(true)
    this.back.setUp(true)
  }
}

const FIRST_ADDRESS = 0x0a000001
const MOST_HOSTS = 2 ** 24 - 2

export class Network implements NetworkCore {
  readonly seed: number
  readonly mtu: number
  readonly clock: VirtualClock
  readonly pool: PacketPool
  readonly flows: Flow[] = []
  readonly links: NetworkLink[] = []
  readonly probes: Probe[] = []
  readonly crossTraffics: CrossTraffic[] = []
  /** The last event concerned nobody but routers. */
  #isQuiet = false
  readonly #random: Random
  readonly #nodes: Node[] = []
  readonly #names = new Map<string, Node>()
  readonly #edges: Edge[] = []
  readonly #wires: Wire[] = []
  readonly #byAddress = new Map<number, number>()
  #paths: Int32Array[] | undefined
  readonly #digest: Digest | undefined

  constructor(options: NetworkOptions = {}) {
    const { seed = 1, mtu = 1500, digest = false, memoryLimit = 2 ** 30 } = options
    checkNames(options, ['seed', 'mtu', 'digest', 'memoryLimit'], 'a network')
    if (!Number.isInteger(seed)) throw outOfRange('seed', 'a whole number', seed)
    checkMtu(mtu, 65_535)
    if (!(memoryLimit >= 2 ** 20)) throw outOfRange('memoryLimit', '1 MiB or more', memoryLimit)
    this.seed = seed
    this.mtu = mtu
    this.clock = new VirtualClock({ seed })
    this.#random = new Random(seed)
    this.pool = new PacketPool(mtu, memoryLimit)
    this.#digest = digest ? new Digest() : undefined
  }

  /** ms. */
  get now(): number {
    return this.clock.now()
  }

  get hosts(): NetworkHost[] {
    return this.#nodes.filter(node => node instanceof NetworkHost)
  }

  get routers(): Router[] {
    return this.#nodes.filter(node => node instanceof Router)
  }

  /** A host, with options of `Stack` for it and as defaults of its connections. */
  host(name: string, options: NodeOptions = {}): NetworkHost {
    const { address: text, ...rest } = options
    const index = this.#nodes.length
    if (index >= MOST_HOSTS) throw outOfRange('hosts', `${MOST_HOSTS} at most`, index)
    const address = text === undefined ? FIRST_ADDRESS + index : parseAddress(text)
    if (address === undefined) {
      throw typeError(
        'ERR_INVALID_IP_ADDRESS',
        `The address of host "${name}" must be an IPv4 address. Received ${text}`
      )
    }
    if (this.#byAddress.has(address)) {
      throw typeError('ERR_INVALID_ARG_VALUE', `The address of host "${name}" is taken: give it another`)
    }
    const host = new NetworkHost(name, index, address, this, rest)
    this.#add(name, host)
    this.#byAddress.set(address, index)
    return host
  }

  router(name: string, options: RouterOptions = {}): Router {
    checkNames(options, ['icmpErrors'], 'a router')
    const index = this.#nodes.length
    const router = new Router(name, index, FIRST_ADDRESS + index, this, options)
    this.#add(name, router)
    return router
  }

  /** The node with this name; a node is its own answer. Throws ERR_INVALID_ARG_VALUE where there is none. */
  node(nameOrNode: string | Node): Node {
    const node = typeof nameOrNode === 'string' ? this.#names.get(nameOrNode) : nameOrNode
    if (node !== undefined && this.#nodes[node.index] === node) return node
    const known = [...this.#names.keys()].join(', ')
    throw typeError('ERR_INVALID_ARG_VALUE', `No node is called "${String(nameOrNode)}". There are: ${known}`)
  }

  /** Joins two nodes. `back` is for the way from `b` to `a` what differs there from `options`. */
  link(a: string | Node, b: string | Node, options: LinkOptions = {}, back: ChannelOptions = {}): NetworkLink {
    const { cost = 1, mtu = this.mtu, ...there } = options
    checkMtu(mtu, this.mtu)
    if (!(cost > 0 && cost < Infinity)) throw outOfRange('cost', 'above 0', cost)
    const [from, to] = [this.node(a), this.node(b)]
    if (from === to)
      throw typeError('ERR_INVALID_ARG_VALUE', `A link must join two nodes, not "${from.name}" with itself`)
    const link = new NetworkLink(
      new Wire(from, to, this.pool, this.clock, this.#random.fork(), mtu, there),
      new Wire(to, from, this.pool, this.clock, this.#random.fork(), mtu, backwards(there, back))
    )
    this.#edges.push({ from: from.index, to: to.index, cost }, { from: to.index, to: from.index, cost })
    this.#wires.push(link.there, link.back)
    this.links.push(link)
    this.#paths = undefined
    return link
  }

  /** The link that joins two neighbours, whichever way round. Throws ERR_INVALID_ARG_VALUE where there is none. */
  linkBetween(a: string | Node, b: string | Node): NetworkLink {
    const wire = this.wire(a, b)
    return this.links.find(({ there, back }) => there === wire || back === wire) as NetworkLink
  }

  /** Throws ERR_INVALID_ARG_VALUE where there is none. */
  flowNamed(name: string): Flow {
    const flow = this.flows.find(each => each.name === name)
    if (flow !== undefined) return flow
    const known = this.flows.map(each => each.name).join(', ')
    throw typeError('ERR_INVALID_ARG_VALUE', `No flow is called "${name}". There are: ${known}`)
  }

  /** The wire between two neighbours, in that direction. Throws ERR_INVALID_ARG_VALUE where there is none. */
  wire(from: string | Node, to: string | Node): Wire {
    const [first, second] = [this.node(from), this.node(to)]
    const wire = this.#wires.find(each => each.from === first && each.to === second)
    if (wire !== undefined) return wire
    throw typeError('ERR_INVALID_ARG_VALUE', `No link joins "${first.name}" and "${second.name}"`)
  }

  /** A connection that carries bytes from one host to another. */
  flow(options: FlowOptions): Flow {
    const flow = new Flow(this, this.flows.length, options)
    this.flows.push(flow)
    return flow
  }

  /** Packets that nobody controls. */
  crossTraffic(options: CrossTrafficOptions): CrossTraffic {
    const traffic = new CrossTraffic(this, this.#random.fork(), options)
    this.crossTraffics.push(traffic)
    return traffic
  }

  /** Writes down, again and again, how a flow, a connection or a wire is doing. */
  probe(target: Sender | Wire, options: ProbeOptions = {}): Probe {
    const probe = new Probe(this, target, options)
    this.probes.push(probe)
    return probe
  }

  /** A generator of its own, for whoever adds chance to a run. */
  random(): Random {
    return this.#random.fork()
  }

  /** Calls back at a time of the run, ms. */
  at(ms: number, callback: () => void): void {
    this.clock.at(ms, callback)
  }

  /** All that happens until `untilMs` of virtual time. */
  run(untilMs: number): void {
    this.clock.run(untilMs)
  }

  /**
   * As `run`, for programs of Node's that go by promises and ticks: waits after each event that may concern a program until
   * that program has done what it does by itself. `settle` says when; without it, at the next turn of the event loop.
   */
  async runAsync(untilMs: number, settle: () => Promise<void> = nextTurn): Promise<void> {
    await settle()
    while (this.clock.step(untilMs)) {
      if (!this.#isQuiet) await settle()
      this.#isQuiet = false
    }
    this.clock.run(untilMs)
  }

  /** Segments of TCP that all hosts have sent. */
  get segmentsSent(): number {
    return this.hosts.reduce((sum, host) => sum + host.stack.counters().tcp.segmentsSent, 0)
  }

  /** Of every packet that has arrived at a host, its time included: 16 hexadecimal digits. Asks for the option `digest`. */
  get digest(): string {
    if (this.#digest === undefined) {
      throw typeError('ERR_INVALID_ARG_VALUE', 'There is no digest: make the network with the option "digest"')
    }
    return this.#digest.text
  }

  // --- What nodes ask (NetworkCore) ---

  indexOf(address: number): number {
    const guess = (address - FIRST_ADDRESS) | 0
    const node = guess >= 0 && guess < this.#nodes.length ? this.#nodes[guess] : undefined
    if (node instanceof NetworkHost && node.addresses[0] === address) return guess
    return this.#byAddress.get(address) ?? -1
  }

  nextWire(from: number, to: number): Wire | undefined {
    this.#paths ??= this.#findPaths()
    const edge = this.#paths[from][to]
    return edge < 0 ? undefined : this.#wires[edge]
  }

  isFlowPort(host: number, port: number): boolean {
    return port >= FIRST_FLOW_PORT && port < (this.#nodes[host] as NetworkHost).nextFlowPort
  }

  noteArrival(id: number): void {
    this.#digest?.packet(this.pool, id, this.clock.now())
  }

  noteForwarding(): void {
    this.#isQuiet = true
  }

  #add(name: string, node: Node): void {
    if (typeof name !== 'string' || name === '') {
      throw typeError('ERR_INVALID_ARG_VALUE', `The name of a node must be a text. Received ${String(name)}`)
    }
    if (this.#names.has(name)) throw typeError('ERR_INVALID_ARG_VALUE', `Two nodes are called "${name}": rename one`)
    this.#nodes.push(node)
    this.#names.set(name, node)
    this.#paths = undefined
  }

  #findPaths(): Int32Array[] {
    const hosts = this.hosts.map(({ index }) => index)
    return shortestPaths(
      this.#nodes.map(node => node instanceof Router),
      this.#edges,
      hosts
    )
  }
}

function checkMtu(mtu: number, most: number): void {
  if (!(Number.isInteger(mtu) && mtu >= 68 && mtu <= most)) throw outOfRange('mtu', `68 to ${most}`, mtu)
}

/** What differs on the way back: one kind of rate takes the other's place. */
function backwards(there: ChannelOptions, back: ChannelOptions): ChannelOptions {
  const hasRate = back.rateBitsPerSecond !== undefined || back.rateTrace !== undefined
  const { rateBitsPerSecond, rateTrace, ...others } = there
  return hasRate ? { ...others, ...back } : { ...there, ...back }
}

/** What others have deferred to the next turn of the event loop has been done by then. */
function nextTurn(): Promise<void> {
  return new Promise(resolve => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve, 0)
  })
}
