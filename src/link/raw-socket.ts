// The driver over the npm package raw-socket, for where its build is at hand and ours is to be compared with it. One
// packet a call in both directions, no packet filter in the kernel, no worker threads: link/raw.ts is better at
// everything. The package is an optional peer, loaded when the first link is made; our addon still holds the ports.

import { type Addon, loadAddon } from '../native/addon.ts'
import { flag, int, resolve } from '../options.ts'
import type { Counters } from '../stats.ts'
import { KernelPorts } from './kernel-ports.ts'
import { KernelRoutes } from './kernel-routes.ts'
import {
  CHECKSUM_BAD,
  CHECKSUM_PARTIAL,
  type Link,
  type LinkReceiver,
  type PortGuard,
  type Route,
  RX_CHECKSUM,
  RX_LENGTH,
  RX_OFFSET,
  RxBatch,
  type TxBatch
} from './link.ts'
import { LARGEST_PACKET, loadPackage, openSocket, type PackageSocket } from './raw-socket-package.ts'
import { RawSocketQueue } from './raw-socket-queue.ts'

const rawSocketOptions = {
  /** The kernel's receive buffer for packets that wait for us, bytes. It also gets those that are not for us. */
  receiveBuffer: int({ default: 4 * 1024 * 1024, min: 64 * 1024, max: 1024 * 1024 * 1024 }),
  /** As RawLink has it. */
  sendBuffer: int({ default: 1024 * 1024, min: 4 * 1024, max: 1024 * 1024 * 1024 }),
  /** As RawLink has it. */
  acceptPartialChecksums: flag({ default: true })
}

export interface RawSocketLinkOptions {
  readonly receiveBuffer?: number
  readonly sendBuffer?: number
  readonly acceptPartialChecksums?: boolean
}

const SOL_RAW = 255
const ICMP_FILTER = 1
/** A bit for each type to leave out: all but unreachable, time exceeded and parameter problem. */
const ICMP_ERRORS_ONLY = ~((1 << 3) | (1 << 11) | (1 << 12)) >>> 0

/** The package's sockets do not keep themselves: a link that nobody refers to would be collected while it is open. */
const openLinks = new Set<RawSocketLink>()

export class RawSocketLink implements Link {
  readonly name = 'raw-socket'
  readonly guard: PortGuard
  readonly acceptsPartialChecksums: boolean
  readonly #addon: Addon
  readonly #tcp: PackageSocket
  readonly #icmp: PackageSocket
  readonly #queue: RawSocketQueue
  readonly #ports: KernelPorts
  readonly #routes: KernelRoutes
  /** How many addresses use a port, by port. */
  readonly #users = new Uint16Array(65536)
  readonly #counters = {
    receivedPackets: 0,
    receivedBytes: 0,
    receivedForOthers: 0,
    receivedChecksumPartial: 0,
    receivedChecksumBad: 0,
    receiveErrors: 0
  }
  #receiver: LinkReceiver | undefined
  #closed = false

  /** Throws an Error with `code` ERR_RAWTCP_RAW_SOCKET without the package, a SocketError where the kernel refuses. */
  constructor(options: RawSocketLinkOptions = {}) {
    const values = resolve(rawSocketOptions, options)
    this.acceptsPartialChecksums = values.acceptPartialChecksums
    this.#addon = loadAddon()
    const raw = loadPackage()
    this.#tcp = openSocket(raw, raw.Protocol.TCP)
    this.#icmp = openSocket(raw, raw.Protocol.ICMP, this.#tcp)
    const { SocketLevel, SocketOption } = raw
    this.#tcp.setOption(SocketLevel.IPPROTO_IP, SocketOption.IP_HDRINCL, 1)
    this.#tcp.setOption(SocketLevel.SOL_SOCKET, SocketOption.SO_RCVBUF, values.receiveBuffer)
    this.#tcp.setOption(SocketLevel.SOL_SOCKET, SocketOption.SO_SNDBUF, values.sendBuffer)
    this.#icmp.setOption(SOL_RAW, ICMP_FILTER, ICMP_ERRORS_ONLY)
    this.#receiveFrom(this.#tcp, packet => this.#isForUs(packet))
    this.#receiveFrom(this.#icmp, () => true)

    this.#queue = new RawSocketQueue(this.#addon, this.#tcp, () => this.#receiver?.linkWritable())
    this.#routes = new KernelRoutes(this.#addon, 0)
    this.#ports = new KernelPorts(this.#addon, {
      add: port => void this.#users[port]++,
      remove: port => void this.#users[port]--
    })
    this.guard = this.#ports
    openLinks.add(this)
  }

  get congested(): boolean {
    return this.#queue.congested
  }

  start(receiver: LinkReceiver): void {
    if (!this.#closed) this.#receiver = receiver
  }

  send(batch: TxBatch): void {
    if (!this.#closed) this.#queue.send(batch)
  }

  route(destination: number): Route {
    return this.#routes.lookUp(destination)
  }

  counters(): Counters {
    return { ...this.#counters, ...this.#queue.counters }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    openLinks.delete(this)
    this.#receiver = undefined
    this.#queue.close()
    this.#tcp.close()
    this.#icmp.close()
    this.#ports.close()
  }

  #receiveFrom(socket: PackageSocket, isWanted: (packet: Buffer) => boolean): void {
    let batch: RxBatch | undefined
    socket.on('message', packet => {
      if (this.#receiver === undefined) return
      if (!isWanted(packet)) {
        this.#counters.receivedForOthers++
        return
      }
      // All packets of a socket come in one and the same memory, the first bytes of which are given to us.
      if (batch?.bytes.buffer !== packet.buffer || batch.bytes.byteOffset !== packet.byteOffset) {
        batch = new RxBatch(new Uint8Array(packet.buffer, packet.byteOffset, LARGEST_PACKET), 1)
        batch.count = 1
      }
      this.#deliver(batch, packet.length)
    })
    socket.on('error', () => this.#counters.receiveErrors++)
  }

  #deliver(batch: RxBatch, length: number): void {
    batch.table[RX_OFFSET] = 0
    batch.table[RX_LENGTH] = length
    this.#addon.verify(batch.bytes, batch.table, 1)
    const checksum = batch.table[RX_CHECKSUM]
    if (checksum === CHECKSUM_PARTIAL) this.#counters.receivedChecksumPartial++
    if (checksum === CHECKSUM_BAD) this.#counters.receivedChecksumBad++
    this.#counters.receivedPackets++
    this.#counters.receivedBytes += length
    this.#receiver?.packetsArrived(batch)
  }

  /** A raw socket without a filter gets every TCP segment of the host. */
  #isForUs(packet: Buffer): boolean {
    const port = (packet[0] & 15) * 4 + 2
    return port + 2 <= packet.length && this.#users[packet.readUInt16BE(port)] > 0
  }
}
