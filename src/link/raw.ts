// The driver over raw sockets: IPv4 packets with headers of our own, beside the kernel's TCP and on its addresses.
// Needs CAP_NET_RAW. Ports in use are reserved in the kernel (kernel-ports.ts), all others stay the kernel's.

import { SocketError } from '../errors.ts'
import { ICMP_SOCKET, loadAddon, type NativeRawSocket, TCP_SOCKET } from '../native/addon.ts'
import { errnoName, socketError } from '../native/errno.ts'
import { flag, int, resolve } from '../options.ts'
import type { Counters } from '../stats.ts'
import { addressOption } from './address-option.ts'
import { AttachedFilter } from './attached-filter.ts'
import { KernelPorts } from './kernel-ports.ts'
import { KernelRoutes } from './kernel-routes.ts'
import type { Link, LinkReceiver, PortGuard, Route, TxBatch } from './link.ts'
import { DriverLink, type DriverLinkOptions, driverOptions } from './native-driver.ts'
import { icmpAboutTcp } from './port-filter.ts'
import { type Share, type ShareOptions, shareOption } from './share.ts'

const rawOptions = {
  /** The kernel's receive buffer for packets that wait for us, bytes. */
  receiveBuffer: int({ default: 8 * 1024 * 1024, min: 64 * 1024, max: 1024 * 1024 * 1024 }),
  /**
   * What the kernel holds of packets sent before it asks us to wait, bytes. No more than an interface's queue has room
   * for (1000 packets as a rule): what comes beyond is lost there without a word. 1 MiB is 900 packets of 1500 bytes.
   */
  sendBuffer: int({ default: 1024 * 1024, min: 4 * 1024, max: 1024 * 1024 * 1024 }),
  /**
   * Takes segments whose checksum the kernel has not completed: all that come from this host, and all that GRO has put
   * together, whose checksums it has verified. Without it neither gets through.
   */
  acceptPartialChecksums: flag({ default: true }),
  ...driverOptions
}

export interface RawLinkOptions extends DriverLinkOptions {
  /** Only packets to this address, one of the host's. */
  readonly address?: string
  /** One of several stacks, in threads or processes, that have the same ports, each with its part of the connections. */
  readonly share?: ShareOptions
  readonly receiveBuffer?: number
  readonly sendBuffer?: number
  readonly acceptPartialChecksums?: boolean
}

export class RawLink implements Link {
  readonly name = 'raw'
  readonly guard: PortGuard
  readonly share: Share | undefined
  readonly acceptsPartialChecksums: boolean
  /** What the addon cuts for the wire: a raw socket sends nothing larger than the MTU. */
  readonly superSegmentBytes = 65_535
  readonly #driver: DriverLink<NativeRawSocket>
  readonly #tooLarge: () => number
  readonly #filter: AttachedFilter
  readonly #ports: KernelPorts
  readonly #routes: KernelRoutes
  #tooLargeSeen = 0

  /** Throws an AddonError where there is no addon, a SocketError where the kernel refuses (EPERM without CAP_NET_RAW). */
  constructor(options: RawLinkOptions = {}) {
    const { address, share, ...rest } = options
    const values = resolve(rawOptions, rest)
    this.share = shareOption(share)
    const local = localAddress(address)
    const addon = loadAddon()
    this.#driver = new DriverLink(addon, addon.RawSocket, values)
    this.#tooLarge = this.#driver.counter('sendTooLarge')
    const socket = this.#driver.native
    const error =
      socket.open(local, values.receiveBuffer, values.sendBuffer) || socket.setFilter(ICMP_SOCKET, icmpAboutTcp)
    if (error !== 0) {
      this.#driver.close()
      throw openError(error, address)
    }
    this.acceptsPartialChecksums = values.acceptPartialChecksums
    this.#routes = new KernelRoutes(addon, local)
    this.#filter = new AttachedFilter(program => socket.setFilter(TCP_SOCKET, program), this.share)
    this.#ports = new KernelPorts(addon, this.#filter, this.share)
    this.guard = this.#ports
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

  route(destination: number): Route {
    // The kernel knows of a smaller MTU than we were told.
    const tooLarge = this.#tooLarge()
    if (tooLarge !== this.#tooLargeSeen) this.#routes.forget()
    this.#tooLargeSeen = tooLarge
    return this.#routes.lookUp(destination)
  }

  forgetRoute(): void {
    this.#routes.forget()
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
    if (this.#driver.isClosed) return
    this.#filter.close()
    // The socket first: as long as we can still be reached, the kernel keeps silent.
    this.#driver.close()
    this.#ports.close()
  }
}

/** int32, 0 for every address of the host. */
export function localAddress(text: string | undefined): number {
  return text === undefined ? 0 : addressOption('address', text)
}

function openError(errno: number, address: string | undefined): SocketError {
  switch (errnoName(errno)) {
    case 'EPERM':
      return new SocketError(
        'EPERM',
        'socket',
        undefined,
        undefined,
        'raw sockets need the capability CAP_NET_RAW; run as root, or give it to node with setcap'
      )
    case 'EADDRNOTAVAIL':
      return new SocketError('EADDRNOTAVAIL', 'bind', address)
    default:
      return socketError(errno, 'socket')
  }
}
