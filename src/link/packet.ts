// The driver over packet sockets (AF_PACKET): joins an Ethernet with an address of its own beside the host's, at the host's
// hardware address or one of its own. It finds its neighbours by an ARP of its own (neighbours.ts), and the kernel's stack has no part in it, so
// every port is ours. With a virtio header (PACKET_VNET_HDR) super-segments of up to 64 KiB go both ways, and the kernel or
// the device sums and cuts. Needs CAP_NET_RAW.

import { networkInterfaces } from 'node:os'
import { rangeError, SocketError, typeError } from '../errors.ts'
import { type Addon, loadAddon, type NativePacketSocket } from '../native/addon.ts'
import { socketError } from '../native/errno.ts'
import { flag, int, resolve } from '../options.ts'
import type { Counters } from '../stats.ts'
import { formatAddress } from '../wire/address.ts'
import { ARP_LENGTH, ArpPacket, formatMac, parseArp, parseMac, writeArp } from '../wire/arp.ts'
import { addressOption } from './address-option.ts'
import { arpAbout, packetsTo, packetsToStation } from './frame-filters.ts'
import type { Link, LinkReceiver, Route, TxBatch } from './link.ts'
import { DriverLink, type DriverLinkOptions, driverOptions } from './native-driver.ts'
import { type Ethernet, Neighbours } from './neighbours.ts'
import { checkOffload } from './offload.ts'
import { openError } from './packet-errors.ts'
import { type Share, type ShareOptions, shareOption } from './share.ts'

const packetOptions = {
  /** Length of the network's prefix, bits: whoever is in it is asked for by ARP, all others are reached by the gateway. */
  prefixLength: int({ default: 24, min: 1, max: 31 }),
  /** The kernel's receive buffer for packets that wait for us, bytes. */
  receiveBuffer: int({ default: 8 * 1024 * 1024, min: 64 * 1024, max: 1024 * 1024 * 1024 }),
  /** What the kernel holds of packets sent before it asks us to wait, bytes. */
  sendBuffer: int({ default: 4 * 1024 * 1024, min: 4 * 1024, max: 1024 * 1024 * 1024 }),
  /** Super-segments and unfinished checksums, where the kernel can; false for single packets with whole checksums. */
  offload: flag({ default: true }),
  /**
   * Packets pass by the interface's queue (PACKET_QDISC_BYPASS), straight to its driver. What that cannot cut is lost: together
   * with `offload` only for an interface that cuts super-segments itself.
   */
  bypassQueue: flag({ default: false }),
  ...driverOptions,
  /** For so long it waits, at the beginning, whether somebody else has the address already; 0 for not at all. Milliseconds. */
  probeMs: int({ default: 200, min: 0, max: 10_000 })
}

export interface PacketLinkOptions extends DriverLinkOptions {
  /** An Ethernet interface of the host's that is up. */
  readonly interface: string
  /** Ours, on the network of the interface. The host has none like it. */
  readonly address: string
  /** The router to all other networks. Without it nothing outside of our own is reached. */
  readonly gateway?: string
  /** Ours, `02:00:00:00:00:05`, where it shall not be the interface's. Wireless networks and those of clouds know of none but theirs. */
  readonly macAddress?: string
  readonly prefixLength?: number
  /** One of several stacks, in threads or processes, that have the address, each with its part of the connections. */
  readonly share?: ShareOptions
  readonly receiveBuffer?: number
  readonly sendBuffer?: number
  readonly offload?: boolean
  readonly bypassQueue?: boolean
  readonly probeMs?: number
}

/** RFC 5227 §1.1, PROBE_NUM. They share `probeMs`. */
const PROBES = 3
/** An interface's MTU is read anew after so long. */
const MTU_HOLDS_MS = 1000

export class PacketLink implements Link {
  readonly name = 'packet'
  readonly addresses: readonly number[]
  readonly share: Share | undefined
  /** They are announced by the virtio header; without it the kernel's own, which were never on a wire. */
  readonly acceptsPartialChecksums = true
  /** Handed to the kernel whole, or cut by the addon where that takes no virtio header. */
  readonly superSegmentBytes = 65_535
  readonly #driver: DriverLink<NativePacketSocket>
  readonly #network: Network
  readonly #interface: string
  readonly #arp: ArpPort
  readonly #tooLarge: () => number
  readonly #waits: () => number
  #waitsSeen = 0
  #tooLargeSeen = 0
  #route: Route
  #routeHoldsUntil = 0

  /**
   * Throws an AddonError where there is no addon, a SocketError where the kernel refuses: EPERM without CAP_NET_RAW, ENODEV for
   * an interface that is not there, ENETDOWN for one that is down, EPROTONOSUPPORT for one that is no Ethernet; and EADDRINUSE
   * where the host or somebody on the network has the address.
   */
  constructor(options: PacketLinkOptions) {
    const { interface: interfaceName, address, gateway, macAddress, share, ...rest } = options
    if (typeof interfaceName !== 'string') {
      throw typeError('ERR_INVALID_ARG_TYPE', 'The option "interface" must be a string')
    }
    const values = resolve(packetOptions, rest)
    this.share = shareOption(share)
    this.#network = networkOf(address, values.prefixLength, gateway)
    const ours = this.#network.address
    const mac = macAddress === undefined ? 0 : macOption(macAddress)
    refuseAddressOfHost(ours)
    const addon = loadAddon()
    this.#interface = interfaceName
    this.#driver = openDriver(addon, interfaceName, ours, mac, this.share, values)
    const socket = this.#driver.native
    checkOffload(values.offload, this.offload, interfaceName)
    socket.setNetwork(ours, values.prefixLength, this.#network.gateway)
    this.#tooLarge = this.#driver.counter('sendTooLarge')
    this.#waits = this.#driver.counter('sendAwaitedNeighbour')
    this.addresses = [ours]
    this.#arp = new ArpPort(socket, ours)
    try {
      this.#route = { source: ours, mtu: this.#readMtu() }
      this.#arp.probe(values.probeMs)
    } catch (error) {
      this.#driver.close()
      throw error
    }
  }

  get congested(): boolean {
    return this.#driver.congested
  }

  /** Whether super-segments leave whole: the kernel takes a virtio header. */
  get offload(): boolean {
    return this.#driver.native.hasOffload()
  }

  start(receiver: LinkReceiver): void {
    this.#driver.start(receiver)
    this.#arp.begin()
  }

  send(batch: TxBatch): void {
    this.#driver.send(batch)
    const waits = this.#waits()
    if (waits === this.#waitsSeen) return
    this.#waitsSeen = waits
    this.#arp.resolveWanted()
  }

  route(destination: number): Route {
    if (!isReachable(this.#network, destination)) {
      throw new SocketError('ENETUNREACH', 'connect', formatAddress(destination))
    }
    const tooLarge = this.#tooLarge()
    const now = performance.now()
    if (now >= this.#routeHoldsUntil || tooLarge !== this.#tooLargeSeen) {
      this.#tooLargeSeen = tooLarge
      this.#routeHoldsUntil = now + MTU_HOLDS_MS
      this.#route = { source: this.#network.address, mtu: this.#readMtu() }
    }
    return this.#route
  }

  forgetRoute(): void {
    this.#routeHoldsUntil = 0
  }

  counters(): Counters {
    return { ...this.#driver.counters(), ...this.#arp.counters() }
  }

  /** Receiving keeps the process from ending, as an open socket does. */
  ref(): void {
    this.#driver.native.keepAlive(true)
  }

  /** Receiving does not keep the process from ending. */
  unref(): void {
    this.#driver.native.keepAlive(false)
  }

  close(): void {
    this.#arp.close()
    this.#driver.close()
  }

  #readMtu(): number {
    const mtu = this.#driver.native.mtu()
    if (mtu < 0) throw socketError(mtu, 'ioctl', this.#interface)
    return mtu
  }
}

/** Joins the neighbours to the socket: bytes, and the time. */
class ArpPort implements Ethernet {
  readonly #socket: NativePacketSocket
  readonly #neighbours: Neighbours
  readonly #address: number
  readonly #received = new Uint8Array(ARP_LENGTH)
  readonly #receivedView = new DataView(this.#received.buffer)
  readonly #sent = new Uint8Array(ARP_LENGTH)
  readonly #sentView = new DataView(this.#sent.buffer)
  readonly #packet = new ArpPacket()
  #malformed = 0
  #notSent = 0
  #timer: NodeJS.Timeout | undefined
  #armedFor = Number.POSITIVE_INFINITY

  constructor(socket: NativePacketSocket, address: number) {
    this.#socket = socket
    this.#address = address
    this.#neighbours = new Neighbours(address, socket.macAddress(), this)
    socket.onArp(this.#received, length => this.#arrives(length))
  }

  /** Throws EADDRINUSE where somebody answers. */
  probe(forMs: number): void {
    const began = performance.now()
    for (let probes = 1; forMs > 0 && probes <= PROBES; probes++) {
      this.#neighbours.probe()
      this.#listenUntil(began + (forMs * probes) / PROBES)
    }
  }

  #listenUntil(end: number): void {
    for (let left = end - performance.now(); left > 0; left = end - performance.now()) this.#listen(Math.ceil(left))
  }

  #listen(forMs: number): void {
    const length = this.#socket.awaitArp(forMs)
    if (!parseArp(this.#receivedView, length, this.#packet) || !this.#neighbours.contests(this.#packet)) return
    const detail = `${formatMac(this.#packet.senderMac)} has it already`
    throw new SocketError('EADDRINUSE', 'arp', formatAddress(this.#address), undefined, detail)
  }

  begin(): void {
    this.#neighbours.begin(performance.now())
    this.#arm()
  }

  resolveWanted(): void {
    const now = performance.now()
    for (const address of this.#socket.takeWanted()) this.#neighbours.wanted(address, now)
    this.#arm()
  }

  counters(): Counters {
    return { ...this.#neighbours.counters, arpMalformed: this.#malformed, arpNotSent: this.#notSent }
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  sendArp(packet: ArpPacket, to: number): void {
    writeArp(this.#sentView, packet)
    if (this.#socket.sendArp(this.#sent, to) !== 0) this.#notSent++
  }

  neighbourFound(address: number, mac: number): void {
    this.#socket.setNeighbour(address, mac)
  }

  neighbourLost(address: number): void {
    this.#socket.removeNeighbour(address)
  }

  wasUsed(address: number): boolean {
    return this.#socket.takeUsed(address)
  }

  #arrives(length: number): void {
    if (!parseArp(this.#receivedView, length, this.#packet)) {
      this.#malformed++
      return
    }
    this.#neighbours.arrives(this.#packet, performance.now())
    this.#arm()
  }

  #arm(): void {
    const deadline = this.#neighbours.deadline
    if (deadline >= this.#armedFor) return
    clearTimeout(this.#timer)
    this.#armedFor = deadline
    this.#timer = setTimeout(() => this.#timePassed(), Math.ceil(deadline - performance.now())).unref()
  }

  #timePassed(): void {
    this.#armedFor = Number.POSITIVE_INFINITY
    this.#neighbours.timePassed(performance.now())
    this.#arm()
  }
}

interface Network {
  readonly address: number
  readonly mask: number
  /** 0 for none. */
  readonly gateway: number
}

function networkOf(address: string, prefixLength: number, gateway: string | undefined): Network {
  const ours = addressOption('address', address)
  const network = {
    address: ours,
    mask: -1 << (32 - prefixLength),
    gateway: gateway === undefined ? 0 : addressOption('gateway', gateway)
  }
  if (gateway !== undefined && (!isNeighbour(network, network.gateway) || network.gateway === ours)) {
    throw rangeError('ERR_OUT_OF_RANGE', `The gateway ${gateway} is no neighbour of ${address}/${prefixLength}`)
  }
  return network
}

function macOption(text: unknown): number {
  const mac = typeof text === 'string' ? parseMac(text) : undefined
  if (mac !== undefined) return mac
  throw typeError('ERR_INVALID_ARG_VALUE', `The option "macAddress" is one such as 02:00:00:00:00:05, received ${text}`)
}

function isNeighbour({ address, mask }: Network, other: number): boolean {
  return ((address ^ other) & mask) === 0
}

/** All but the network's own address and that of all in it, which is nobody's; a network of two has neither (RFC 3021). */
function isReachable(network: Network, destination: number): boolean {
  if (!isNeighbour(network, destination)) return network.gateway !== 0
  const host = destination & ~network.mask
  return network.mask === -2 || (host !== 0 && host !== ~network.mask)
}

function refuseAddressOfHost(address: number): void {
  const text = formatAddress(address)
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (!addresses?.some(each => each.address === text)) continue
    const detail = `the host has it itself, on ${name}: a raw socket shares it (createRawStack)`
    throw new SocketError('EADDRINUSE', 'bind', text, undefined, detail)
  }
}

function openDriver(
  addon: Addon,
  interfaceName: string,
  address: number,
  mac: number,
  share: Share | undefined,
  values: ReturnType<typeof resolve<typeof packetOptions>>
): DriverLink<NativePacketSocket> {
  const driver = new DriverLink(addon, addon.PacketSocket, values)
  const { offload, bypassQueue, receiveBuffer, sendBuffer } = values
  const ip = mac === 0 ? packetsTo(address, share) : packetsToStation(address, mac, share)
  const error = driver.native.open(
    interfaceName,
    mac,
    ip,
    arpAbout(address),
    offload,
    bypassQueue,
    receiveBuffer,
    sendBuffer
  )
  if (error === 0) return driver
  driver.close()
  throw openError(error, interfaceName)
}
