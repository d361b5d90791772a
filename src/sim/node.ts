// Nodes of a network: routers, which pass packets on, and hosts, which have a stack.

import { SocketError } from '../errors.ts'
import { copyHeaders, copyPacket, packetLength } from '../link/gather.ts'
import {
  CHECKSUM_GOOD,
  type Link,
  type LinkReceiver,
  type Route,
  RX_CHECKSUM,
  RX_LENGTH,
  RX_OFFSET,
  RX_STRIDE,
  TX_HEADER_OFFSET,
  TX_STRIDE,
  type TxBatch
} from '../link/link.ts'
import { spendHop } from '../link/path/ecn.ts'
import { CHECKSUM_UNWRITTEN, type PacketPool } from '../link/path/packets.ts'
import { Stack, type StackOptions } from '../stack/stack.ts'
import type { Counters } from '../stats.ts'
import { formatAddress } from '../wire/address.ts'
import { finish, sumPlainHeader } from '../wire/checksum.ts'
import { ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE, UNREACHABLE_FRAGMENTATION_NEEDED } from '../wire/icmp.ts'
import { PROTOCOL_ICMP, PROTOCOL_TCP } from '../wire/ipv4.ts'
import type { VirtualClock } from './clock.ts'
import { makeRouterError } from './router-error.ts'
import type { Wire, WireEnd } from './wire.ts'

const SOURCE_AT = 12
const DESTINATION_AT = 16
/** Packets of the stack have no IPv4 options. */
const DESTINATION_PORT_AT = 22
const PROTOCOL_AT = 9
export const FIRST_FLOW_PORT = 5001

/** What nodes know of their network. */
export interface NetworkCore {
  readonly clock: VirtualClock
  readonly pool: PacketPool
  readonly mtu: number
  /** The host with this address, -1 for none. */
  indexOf(address: number): number
  /** The wire that leads from a node to a host. */
  nextWire(from: number, to: number): Wire | undefined
  /** Whether text to that port of a host is a flow's. */
  isFlowPort(host: number, port: number): boolean
  /** A packet has reached its host. */
  noteArrival(id: number): void
  /** What happens at this moment concerns routers only. */
  noteForwarding(): void
}

export class Router implements WireEnd {
  droppedNoRoute = 0
  droppedTimeToLive = 0
  /** Larger than the next link takes. */
  droppedTooBig = 0
  forwarded = 0
  errorsSent = 0
  readonly #core: NetworkCore
  readonly #sendsErrors: boolean

  constructor(
    readonly name: string,
    readonly index: number,
    /** Of its ICMP errors. */
    readonly address: number,
    core: NetworkCore,
    { icmpErrors = true }: RouterOptions
  ) {
    this.#core = core
    this.#sendsErrors = icmpErrors
  }

  receive(id: number): void {
    const { pool } = this.#core
    const wire = this.#core.nextWire(this.index, pool.to[id])
    if (wire === undefined) {
      this.droppedNoRoute++
      pool.release(id)
    } else if (!spendHop(pool, id)) {
      this.droppedTimeToLive++
      this.#refuse(id, ICMP_TIME_EXCEEDED, 0, 0)
    } else if (pool.length[id] > wire.mtu) {
      this.droppedTooBig++
      this.#refuse(id, ICMP_UNREACHABLE, UNREACHABLE_FRAGMENTATION_NEEDED, wire.mtu)
    } else {
      this.forwarded++
      wire.send(id)
    }
  }

  received(): void {
    this.#core.noteForwarding()
  }

  counters(): Counters {
    const { forwarded, droppedNoRoute, droppedTimeToLive, droppedTooBig, errorsSent } = this
    return { forwarded, droppedNoRoute, droppedTimeToLive, droppedTooBig, errorsSent }
  }

  /** Drops the packet, and tells its sender. */
  #refuse(id: number, type: number, code: number, mtu: number): void {
    const { pool } = this.#core
    const { view } = pool.regions[pool.region[id]]
    const to = this.#core.indexOf(view.getInt32(pool.offset[id] + SOURCE_AT))
    const back = to < 0 || !this.#sendsErrors ? undefined : this.#core.nextWire(this.index, to)
    const error = back === undefined ? -1 : makeRouterError(pool, id, type, code, mtu, this.address)
    pool.release(id)
    if (back === undefined || error < 0) return
    pool.to[error] = to
    this.errorsSent++
    back.send(error)
  }
}

export interface RouterOptions {
  /** False for one that drops without a word: a black hole, where the next link takes less. */
  readonly icmpErrors?: boolean
}

/** A host, and the link that its stack has. */
export class NetworkHost implements WireEnd, Link {
  readonly acceptsPartialChecksums = false
  readonly congested = false
  readonly addresses: readonly number[]
  /** As text. */
  readonly address: string
  readonly stack: Stack
  /** Packets that are not TCP's or ICMP's: cross traffic ends here. */
  sunkPackets = 0
  sunkBytes = 0
  sentPackets = 0
  sentBytes = 0
  droppedNoRoute = 0
  droppedNoMemory = 0
  /** Cross traffic that its own link does not take. */
  droppedTooBig = 0
  droppedMisrouted = 0
  droppedNotReceiving = 0
  /** Each flow to this host has a port of its own: they are those from FIRST_FLOW_PORT on and below this one. */
  nextFlowPort = FIRST_FLOW_PORT

  readonly #core: NetworkCore
  #receiver: LinkReceiver | undefined
  /** Packets that have arrived at this moment. */
  #arrived = new Int32Array(64)
  #arrivedCount = 0

  constructor(
    readonly name: string,
    readonly index: number,
    address: number,
    core: NetworkCore,
    options: HostOptions
  ) {
    this.addresses = [address]
    this.address = formatAddress(address)
    this.#core = core
    this.stack = new Stack({ link: this, host: core.clock, ...options })
  }

  /** Sends a packet that is ready but for the IPv4 checksum. False where there is no way, or no memory. */
  sendRaw(headers: Uint8Array, length: number, to: number): boolean {
    const { pool } = this.#core
    const id = this.#allocate(length, to)
    if (id < 0) return false
    const { bytes, view } = pool.regions[pool.region[id]]
    bytes.set(headers, pool.offset[id])
    pool.zeroText(id, headers.length)
    this.#dispatch(id, view)
    return true
  }

  // --- What a wire has for it (WireEnd) ---

  receive(id: number): void {
    const { pool } = this.#core
    const { view } = pool.regions[pool.region[id]]
    const protocol = view.getUint8(pool.offset[id] + PROTOCOL_AT)
    if (pool.to[id] !== this.index) {
      this.droppedMisrouted++
      pool.release(id)
      return
    }
    this.#core.noteArrival(id)
    if (protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_ICMP) {
      this.sunkPackets++
      this.sunkBytes += pool.length[id]
      pool.release(id)
    } else if (this.#receiver === undefined) {
      this.droppedNotReceiving++
      pool.release(id)
    } else {
      if (this.#arrivedCount === this.#arrived.length) this.#widen()
      this.#arrived[this.#arrivedCount++] = id
    }
  }

  received(): void {
    const count = this.#arrivedCount
    if (count === 0) return
    this.#arrivedCount = 0
    const { pool } = this.#core
    for (let i = 0; i < count; ) i = this.#handOver(i, count)
    for (let i = 0; i < count; i++) pool.release(this.#arrived[i])
  }

  // --- What the stack asks of its link (Link) ---

  start(receiver: LinkReceiver): void {
    this.#receiver = receiver
  }

  send(batch: TxBatch): void {
    const { pool } = this.#core
    for (let i = 0; i < batch.count; i++) {
      const header = batch.table[i * TX_STRIDE + TX_HEADER_OFFSET]
      const to = this.#core.indexOf(batch.headerView.getInt32(header + DESTINATION_AT))
      const port = batch.headerView.getUint16(header + DESTINATION_PORT_AT)
      const id = this.#allocate(packetLength(batch.table, i), to)
      if (id < 0) continue
      const into = pool.regions[pool.region[id]]
      // All that flows carry is zeros: they are there already.
      if (this.#core.isFlowPort(to, port)) pool.zeroText(id, copyHeaders(batch, i, into, pool.offset[id]))
      else {
        copyPacket(batch, i, into, pool.offset[id])
        pool.noteWritten(id)
      }
      pool.checksum[id] = CHECKSUM_UNWRITTEN
      this.#dispatch(id, into.view)
    }
  }

  route(destination: number): Route {
    const to = this.#core.indexOf(destination)
    const source = this.addresses[0]
    if (to === this.index) return { source, mtu: this.#core.mtu }
    const wire = to < 0 ? undefined : this.#core.nextWire(this.index, to)
    if (wire === undefined) throw new SocketError('ENETUNREACH', 'connect', formatAddress(destination))
    return { source, mtu: wire.mtu }
  }

  counters(): Counters {
    return {
      packetsSent: this.sentPackets,
      bytesSent: this.sentBytes,
      packetsSunk: this.sunkPackets,
      bytesSunk: this.sunkBytes,
      droppedNoRoute: this.droppedNoRoute,
      droppedNoMemory: this.droppedNoMemory,
      droppedTooBig: this.droppedTooBig,
      droppedMisrouted: this.droppedMisrouted,
      droppedNotReceiving: this.droppedNotReceiving
    }
  }

  close(): void {
    this.#receiver = undefined
  }

  #allocate(length: number, to: number): number {
    if (to < 0) {
      this.droppedNoRoute++
      return -1
    }
    const id = this.#core.pool.allocate(length)
    if (id < 0) this.droppedNoMemory++
    else this.#core.pool.to[id] = to
    return id
  }

  #dispatch(id: number, view: DataView): void {
    const { pool } = this.#core
    const at = pool.offset[id]
    view.setUint16(at + 10, finish(sumPlainHeader(view, at)))
    const wire = this.#core.nextWire(this.index, pool.to[id])
    if (wire === undefined) {
      this.droppedNoRoute++
      pool.release(id)
      return
    }
    if (pool.length[id] > wire.mtu) {
      this.droppedTooBig++
      pool.release(id)
      return
    }
    this.sentPackets++
    this.sentBytes += pool.length[id]
    wire.send(id)
  }

  /** As many in a row as lie in the same region; answers where the next ones begin. */
  #handOver(first: number, count: number): number {
    const { pool } = this.#core
    const region = pool.region[this.#arrived[first]]
    const batch = pool.regions[region]
    const { table } = batch
    let row = 0
    let i = first
    for (; i < count && row < table.length; i++) {
      const id = this.#arrived[i]
      if (pool.region[id] !== region) break
      table[row + RX_OFFSET] = pool.offset[id]
      table[row + RX_LENGTH] = pool.length[id]
      table[row + RX_CHECKSUM] = pool.checksum[id] === CHECKSUM_UNWRITTEN ? CHECKSUM_GOOD : pool.checksum[id]
      row += RX_STRIDE
    }
    batch.count = i - first
    this.#receiver?.packetsArrived(batch)
    return i
  }

  #widen(): void {
    const wider = new Int32Array(2 * this.#arrived.length)
    wider.set(this.#arrived)
    this.#arrived = wider
  }
}

/** Options of the host's stack, which are the defaults of its connections. */
export type HostOptions = Omit<StackOptions, 'link' | 'host'>
