// The driver over packet sockets under the host's own addresses: as that over raw sockets (raw.ts), with its port guard, its routes and
// all that it receives, but what goes out over one Ethernet interface in bulk leaves in frames of ours, super-segments whole. The
// kernel says which neighbour that is for and what its hardware address is (shortcuts.ts); what it cannot say leaves by the raw socket.

import { typeError } from '../errors.ts'
import { type Addon, loadAddon, type NativePacketSocket } from '../native/addon.ts'
import { flag, int, partition, resolve } from '../options.ts'
import type { Counters } from '../stats.ts'
import type { Link, LinkReceiver, PortGuard, Route, TxBatch } from './link.ts'
import { TX_HEADER_OFFSET, TX_SEGMENT, TX_STRIDE } from './link.ts'
import { DriverLink, driverOptions } from './native-driver.ts'
import { checkOffload } from './offload.ts'
import { openError } from './packet-errors.ts'
import { rejectAll } from './port-filter.ts'
import { localAddress, RawLink, type RawLinkOptions } from './raw.ts'
import type { Share } from './share.ts'
import { Shortcuts } from './shortcuts.ts'

const hostPacketOptions = {
  /** Super-segments and unfinished checksums, where the kernel can; false for single packets with whole checksums. */
  offload: flag({ default: true }),
  /** Packets pass by the interface's queue (PACKET_QDISC_BYPASS), straight to its driver. */
  bypassQueue: flag({ default: false }),
  /** What the kernel holds of frames sent before it asks us to wait, bytes. */
  sendBuffer: int({ default: 4 * 1024 * 1024, min: 4 * 1024, max: 1024 * 1024 * 1024 })
}

/** Those of raw sockets, `address` under another name: where it is given, the stack has an address of its own (PacketLink). */
export interface HostPacketLinkOptions extends Omit<RawLinkOptions, 'address' | 'sendBuffer'> {
  /** An Ethernet interface of the host's that is up. */
  readonly interface: string
  /** Only packets to this address, one of the host's. */
  readonly hostAddress?: string
  readonly offload?: boolean
  readonly bypassQueue?: boolean
  readonly sendBuffer?: number
}

const DESTINATION_AT = 16
const NO_RECEIVER_BUFFER = 64 * 1024

export class HostPacketLink implements Link {
  readonly name = 'packet'
  readonly guard: PortGuard
  readonly share: Share | undefined
  readonly acceptsPartialChecksums: boolean
  readonly superSegmentBytes = 65_535
  readonly #raw: RawLink
  readonly #frames: DriverLink<NativePacketSocket>
  readonly #shortcuts: Shortcuts
  readonly #parts = new WeakMap<TxBatch, Parts>()
  #now = 0
  #sentShort = 0

  /** Throws as RawLink and PacketLink do. */
  constructor(options: HostPacketLinkOptions) {
    const { interface: interfaceName, hostAddress, ...rest } = options
    if (typeof interfaceName !== 'string') {
      throw typeError('ERR_INVALID_ARG_TYPE', 'The option "interface" must be a string')
    }
    const [own, forRaw] = partition(hostPacketOptions, rest)
    const values = resolve(hostPacketOptions, own)
    const address = hostAddress === undefined ? {} : { address: hostAddress }
    this.#raw = new RawLink({ ...forRaw, ...address })
    const addon = loadAddon()
    try {
      this.#frames = openFrames(addon, interfaceName, values)
    } catch (error) {
      this.#raw.close()
      throw error
    }
    checkOffload(values.offload, this.offload, interfaceName)
    this.guard = this.#raw.guard
    this.share = this.#raw.share
    this.acceptsPartialChecksums = this.#raw.acceptsPartialChecksums
    const source = localAddress(hostAddress)
    const socket = this.#frames.native
    this.#shortcuts = new Shortcuts({
      lookUp: destination => Math.max(-1, addon.neighbour(interfaceName, destination, source)),
      open: (destination, mac) => socket.setNeighbour(destination, mac),
      close: destination => socket.removeNeighbour(destination)
    })
  }

  get congested(): boolean {
    return this.#raw.congested || this.#frames.congested
  }

  /** Whether super-segments leave whole: the kernel takes a virtio header. */
  get offload(): boolean {
    return this.#frames.native.hasOffload()
  }

  start(receiver: LinkReceiver): void {
    this.#raw.start(receiver)
    this.#frames.start({ packetsArrived() {}, linkWritable: () => receiver.linkWritable() })
  }

  send(batch: TxBatch): void {
    // Behind what waits there, and not past it.
    if (this.#raw.congested) return this.#raw.send(batch)
    // A packet that asks anew goes through the kernel, past frames that wait: then nobody asks.
    if (!this.#frames.congested) this.#now = performance.now()
    const parts = this.#partsOf(batch)
    parts.divide(batch, (destination, isLarge) => this.#shortcuts.takes(destination, isLarge, this.#now))
    this.#raw.send(parts.long)
    if (this.#raw.congested) return this.#raw.send(parts.short)
    this.#frames.send(parts.short)
    this.#sentShort += parts.short.count
  }

  #partsOf(batch: TxBatch): Parts {
    let parts = this.#parts.get(batch)
    if (parts === undefined) {
      parts = new Parts(batch)
      this.#parts.set(batch, parts)
    }
    return parts
  }

  route(destination: number): Route {
    return this.#raw.route(destination)
  }

  forgetRoute(): void {
    this.#raw.forgetRoute()
    this.#shortcuts.forget()
  }

  /** Of both sockets together. */
  counters(): Counters {
    const [counters, ofFrames] = [this.#raw.counters(), this.#frames.counters()]
    const sum = Object.entries(counters).map(([name, count]) => [name, count + (ofFrames[name] ?? 0)])
    return { ...ofFrames, ...Object.fromEntries(sum), sendShortcuts: this.#sentShort }
  }

  /** Receiving keeps the process from ending, as an open socket does. */
  ref(): void {
    this.#raw.ref()
    this.#frames.native.keepAlive(true)
  }

  /** Receiving does not keep the process from ending. */
  unref(): void {
    this.#raw.unref()
    this.#frames.native.keepAlive(false)
  }

  close(): void {
    this.#raw.close()
    this.#frames.close()
  }
}

/** The packets of a batch, by the way that they take: tables of their own over the batch's memory. */
class Parts {
  readonly long: TxBatch
  readonly short: TxBatch

  constructor(batch: TxBatch) {
    const { headers, headerView, regions, views, capacity } = batch
    const part = (): TxBatch => ({
      headers,
      headerView,
      regions,
      views,
      capacity,
      table: new Int32Array(batch.table.length),
      count: 0
    })
    this.long = part()
    this.short = part()
  }

  divide({ table, headerView, count }: TxBatch, isShort: (destination: number, isLarge: boolean) => boolean): void {
    this.long.count = 0
    this.short.count = 0
    for (let row = 0; row < count * TX_STRIDE; row += TX_STRIDE) {
      const destination = headerView.getInt32(table[row + TX_HEADER_OFFSET] + DESTINATION_AT)
      const part = isShort(destination, table[row + TX_SEGMENT] > 0) ? this.short : this.long
      const to = part.count++ * TX_STRIDE
      for (let column = 0; column < TX_STRIDE; column++) part.table[to + column] = table[row + column]
    }
  }
}

/** For sending only: a filter keeps everything away that comes in. */
function openFrames(
  addon: Addon,
  interfaceName: string,
  { offload, bypassQueue, sendBuffer }: ReturnType<typeof resolve<typeof hostPacketOptions>>
): DriverLink<NativePacketSocket> {
  const driver = new DriverLink(addon, addon.PacketSocket, resolve(driverOptions))
  const { native } = driver
  const error = native.open(
    interfaceName,
    0,
    rejectAll,
    rejectAll,
    offload,
    bypassQueue,
    NO_RECEIVER_BUFFER,
    sendBuffer
  )
  if (error === 0) {
    // Each destination is its own next hop: whose hardware address that is, is for the kernel to say.
    native.setNetwork(0, 0, 0)
    return driver
  }
  driver.close()
  throw openError(error, interfaceName)
}
