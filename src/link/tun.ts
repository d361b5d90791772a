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
import { DriverLink } from './native-driver.ts'

const tunOptions = {
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
  offload: flag({ default: true }),
  /** Several links may share the device, each with a queue of its own: the kernel keeps a connection on one of them. */
  multiQueue: flag({ default: false }),
  /** Consecutive segments of a connection that have come in one batch are handed over as one. */
  joinSegments: flag({ default: true })
}

export interface TunLinkOptions {
  /** Ours. The kernel has none of its own like it. */
  readonly address: string
  /** The kernel's on the same network. Absent where the device is set up by somebody else. */
  readonly hostAddress?: string
  /** Of the interface, `%d` for a number that the kernel chooses. One that exists is taken as it is. */
  readonly name?: string
  /** A descriptor of a TUN device that is open and set up (without packet information); it belongs to the link from then on. */
  readonly fd?: number
  /** More networks that the kernel is to reach through the device: `10.1.0.0/16`. */
  readonly routes?: readonly string[]
  readonly mtu?: number
  readonly prefixLength?: number
  readonly queuePackets?: number
  readonly offload?: boolean
  readonly multiQueue?: boolean
  readonly joinSegments?: boolean
}

export class TunLink implements Link {
  readonly name = 'tun'
  readonly addresses: readonly number[]
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
    const { address, hostAddress, name = 'rawtcp%d', fd, routes = [], ...rest } = options
    const values = resolve(tunOptions, rest)
    const ours = addressOption('address', address)
    const host = hostAddress === undefined ? undefined : addressOption('hostAddress', hostAddress)
    const networks = routes.map(networkOption)
    const addon = loadAddon()
    this.#driver = new DriverLink(addon, addon.TunDevice, values.joinSegments)
    const device = this.#driver.native
    const error = fd === undefined ? device.open(name, values.offload, values.multiQueue) : device.adopt(fd)
    if (error !== 0) throw fd === undefined ? openError(error, name) : noDevice(fd)
    this.interfaceName = device.name()
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
