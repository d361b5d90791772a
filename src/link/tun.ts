// A link on a TUN device: the kernel routes packets for our address to it, and has no stack of its own there, so every port
// is ours and nothing has to be kept silent. Made, addressed and routed here, and gone when the process is, however it
// ends. With the virtio header (IFF_VNET_HDR) super-segments of up to 64 KiB go both ways, and no checksum is summed.

import { SocketError, typeError } from '../errors.ts'
import { type Addon, loadAddon, type NativeTunDevice } from '../native/addon.ts'
import { errnoName, socketError } from '../native/errno.ts'
import { flag, int, resolve } from '../options.ts'
import type { Counters } from '../stats.ts'
import { formatAddress } from '../wire/address.ts'
import { addressOption } from './address-option.ts'
import type { Link, LinkReceiver, Route, TxBatch } from './link.ts'
import { DriverLink, type DriverLinkOptions, driverOptions } from './native-driver.ts'
import { checkOffload } from './offload.ts'
import { type Share, type ShareOptions, shareOption } from './share.ts'
import { steering } from './steering.ts'

const NAME = 'rawtcp%d'

const deviceOptions = {
  /** Of the device, bytes: no packet is longer, but for super-segments. */
  mtu: int({ default: 1500, min: 576, max: 65_535 }),
  /** Length of the network's prefix, bits: the kernel reaches all of it through the device. */
  prefixLength: int({ default: 24, min: 1, max: 31 }),
  /**
   * Packets that the kernel holds for us. What comes while it is full is lost, and the kernel's own 500 are full after 5 ms at
   * a gigabit per second, when this process is busy with something else.
   */
  queuePackets: int({ default: 8192, min: 1, max: 65_536 }),
  /** Super-segments and unfinished checksums, where the kernel can; false for single packets with whole checksums. */
  offload: flag({ default: true })
}

const tunOptions = {
  ...deviceOptions,
  /** Several links may share the device, each with a queue of its own: the kernel keeps a connection on one of them. */
  multiQueue: flag({ default: false }),
  ...driverOptions
}

interface DeviceOptions {
  /** The kernel's on the same network. Absent where the device is set up by somebody else. */
  readonly hostAddress?: string
  /** Of the interface, `%d` for a number that the kernel chooses. One that exists is taken as it is. */
  readonly name?: string
  /** More networks that the kernel is to reach through the device: `10.1.0.0/16`. */
  readonly routes?: readonly string[]
  readonly mtu?: number
  readonly prefixLength?: number
  readonly queuePackets?: number
  readonly offload?: boolean
}

export interface TunLinkOptions extends DeviceOptions, DriverLinkOptions {
  /** Ours. The kernel has none of its own like it. */
  readonly address: string
  /**
   * A descriptor of a TUN device that is open and set up (without packet information); it belongs to the link from then on, but for
   * one of `TunQueues`.
   */
  readonly fd?: number
  /** One of several stacks, in threads or processes, that have the address, each with its part of the connections; `fd` is that of its queue. */
  readonly share?: ShareOptions
  readonly multiQueue?: boolean
}

export interface TunQueuesOptions extends DeviceOptions {
  /** How many. */
  readonly of: number
}

export class TunLink implements Link {
  readonly name = 'tun'
  readonly addresses: readonly number[]
  readonly share: Share | undefined
  /** They are announced by the virtio header, so none is taken for whole that is not. */
  readonly acceptsPartialChecksums = true
  /** Handed to the kernel whole, or cut by the addon where the device has no virtio header. */
  readonly superSegmentBytes = 65_535
  /** The device's, which the kernel may have chosen. */
  readonly interfaceName: string
  readonly #driver: DriverLink<NativeTunDevice>
  readonly #route: Route

  /**
   * Throws an AddonError where there is no addon, a SocketError where the kernel refuses: EPERM without CAP_NET_ADMIN, EBUSY
   * for a device that somebody has open, EINVAL for a descriptor of something else, EEXIST for an address that the host has on it already.
   */
  constructor(options: TunLinkOptions) {
    const { address, hostAddress, name = NAME, fd, routes = [], share, ...rest } = options
    const values = resolve(tunOptions, rest)
    this.share = shareOption(share)
    if (this.share !== undefined && fd === undefined) throw withoutQueue()
    const ours = addressOption('address', address)
    const host = hostAddress === undefined ? undefined : addressOption('hostAddress', hostAddress)
    const networks = routes.map(networkOption)
    const addon = loadAddon()
    this.#driver = new DriverLink(addon, addon.TunDevice, values)
    const device = this.#driver.native
    const error =
      fd === undefined
        ? device.open(name, values.offload, values.multiQueue)
        : device.adopt(fd, this.share !== undefined)
    if (error !== 0) throw fd === undefined ? openError(error, name) : noDevice(fd)
    this.interfaceName = device.name()
    checkOffload(values.offload, this.offload, this.interfaceName)
    this.addresses = [ours]
    this.#route = { source: ours, mtu: values.mtu }
    try {
      if (host !== undefined) setUp(addon, this.interfaceName, host, values, networks)
    } catch (cause) {
      this.#driver.close()
      throw cause
    }
  }

  get congested(): boolean {
    return this.#driver.congested
  }

  /** Whether super-segments pass whole: the device has virtio headers, and the kernel cuts and joins. */
  get offload(): boolean {
    return this.#driver.native.hasOffload()
  }

  start(receiver: LinkReceiver): void {
    this.#driver.start(receiver)
  }

  send(batch: TxBatch): void {
    this.#driver.send(batch)
  }

  /** Everything leads to the kernel. */
  route(_destination: number): Route {
    return this.#route
  }

  counters(): Counters {
    return this.#driver.counters()
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
    this.#driver.close()
  }
}

/**
 * A TUN device of several queues, one for each of the stacks that share its address. Whoever makes it, a main thread or a parent process,
 * holds it open, so that a member can die, and another take its place: `fds[index]` is for worker threads as it is, and for child processes
 * that inherit it. The device is gone when nobody has any of its queues.
 */
export class TunQueues {
  readonly interfaceName: string
  /** Of the members, by index. They stay ours: a member uses a duplicate. */
  readonly fds: readonly number[]
  readonly #queues: DriverLink<NativeTunDevice>[] = []

  /** Throws as a TunLink does; EPERM, too, where the kernel takes no extended BPF from us (CAP_BPF). */
  constructor(options: TunQueuesOptions) {
    const { hostAddress, name = NAME, routes = [], of, ...rest } = options
    const values = resolve(deviceOptions, rest)
    shareOption({ index: 0, of })
    const host = hostAddress === undefined ? undefined : addressOption('hostAddress', hostAddress)
    const networks = routes.map(networkOption)
    const addon = loadAddon()
    try {
      this.interfaceName = this.#open(addon, name, of, values.offload)
      if (host !== undefined) setUp(addon, this.interfaceName, host, values, networks)
    } catch (cause) {
      this.close()
      throw cause
    }
    this.fds = this.#queues.map(({ native }) => native.descriptor())
  }

  #open(addon: Addon, wanted: string, of: number, offload: boolean): string {
    let name = wanted
    while (this.#queues.length < of) {
      const queue = new DriverLink(addon, addon.TunDevice, resolve(driverOptions, {}))
      this.#queues.push(queue)
      const error = queue.native.open(name, offload, true)
      if (error !== 0) throw openError(error, name)
      name = queue.native.name()
    }
    const error = this.#queues[0].native.steer(steering(of))
    if (error !== 0)
      throw socketError(error, 'bpf', undefined, undefined, 'steering connections to their queues needs CAP_BPF')
    return name
  }

  /** Lets go of the queues: those of members live on. May come twice. */
  close(): void {
    for (const queue of this.#queues) queue.close()
  }
}

interface Network {
  readonly address: number
  readonly prefixLength: number
}

function setUp(
  addon: Addon,
  name: string,
  host: number,
  values: { readonly mtu: number; readonly prefixLength: number; readonly queuePackets: number },
  networks: readonly Network[]
): void {
  const must = (error: number, syscall: string, address: number): void => {
    if (error !== 0) throw socketError(error, syscall, formatAddress(address))
  }
  must(addon.addAddress(name, host, values.prefixLength), 'address', host)
  must(addon.setInterface(name, true, values.mtu, values.queuePackets), 'link', host)
  for (const { address, prefixLength } of networks) must(addon.addRoute(name, address, prefixLength), 'route', address)
}

function networkOption(text: string): Network {
  const [address, length] = text.split('/')
  const prefixLength = Number(length)
  if (!/^\d+$/.test(length ?? '') || prefixLength > 32) {
    throw typeError('ERR_INVALID_ARG_VALUE', `A route is a network such as 10.1.0.0/16, received ${text}`)
  }
  return { address: addressOption('routes', address), prefixLength }
}

function withoutQueue(): TypeError {
  return typeError('ERR_INVALID_ARG_VALUE', 'With the option "share" a TUN link needs "fd", its queue of the TunQueues')
}

function noDevice(fd: number): SocketError {
  const detail = `descriptor ${fd} is no TUN device without packet information (IFF_TUN | IFF_NO_PI)`
  return new SocketError('EINVAL', 'tun', undefined, undefined, detail)
}

function openError(errno: number, name: string): SocketError {
  switch (errnoName(errno)) {
    case 'EPERM':
      return new SocketError(
        'EPERM',
        'tun',
        undefined,
        undefined,
        'a TUN device needs the capability CAP_NET_ADMIN; run as root, or let root make the device for this user'
      )
    case 'ENOENT':
      return new SocketError(
        'ENOENT',
        'tun',
        undefined,
        undefined,
        '/dev/net/tun is not there: the kernel has no TUN driver'
      )
    default:
      return socketError(errno, 'tun', name)
  }
}
