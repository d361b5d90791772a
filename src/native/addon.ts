// The addon: found, loaded and typed. Functions that ask the kernel for something answer 0 or a negative errno, of which
// errno.ts makes errors. Memory that is handed over is kept and read in place: it must never be transferred.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The addon's handle on the memory of a batch to send. */
export interface NativeTxBatch {
  /** Answers the index under which descriptors name the region. */
  addRegion(bytes: Uint8Array): number
}

/** For `setFilter`: which of a raw socket's two. */
export const TCP_SOCKET = 0
export const ICMP_SOCKET = 1

/** What all drivers have. */
export interface NativeDriver {
  /**
   * Packets come in slots of equal size, as many as `rxTable` has rows, and each may be replaced (`renewSlot`); consecutive segments are handed over as one, if wanted. For
   * `busyPollMs` after a packet, in or out, the loop does not sleep, nor for `closePollUs` where packets follow each other so closely.
   */
  start(
    slots: readonly Uint8Array[],
    rxTable: Int32Array,
    joinSegments: boolean,
    busyPollMs: number,
    closePollUs: number,
    onBatch: (count: number, queueFill: number) => void,
    onWritable: () => void
  ): void
  /** Other memory stands at that place of the array of slots now, of the same length. */
  renewSlot(index: number): void
  /** Whether packets had to be queued: then `onWritable` follows once they have left. */
  send(batch: NativeTxBatch, count: number): boolean
  /** Whether waiting for packets keeps the process from ending. It does at first. */
  keepAlive(keep: boolean): void
  /** May come twice. */
  close(): void
}

export interface NativeRawSocket extends NativeDriver {
  /** `address` 0 takes packets for every address of the host. Receives nothing before `setFilter` and `start`. */
  open(address: number, receiveBuffer: number, sendBuffer: number): number
  /** A classic BPF program, four words an instruction: code, jt, jf, k. */
  setFilter(socket: number, program: Uint32Array): number
}

export interface NativeTunDevice extends NativeDriver {
  /** Creates the device, or opens a queue of one that exists. */
  open(name: string, offload: boolean, multiQueue: boolean): number
  /** Takes over a descriptor that somebody else has opened, or a duplicate of it. */
  adopt(fd: number, duplicate: boolean): number
  /** For others to adopt. */
  descriptor(): number
  /** Extended BPF, eight bytes an instruction: which queue of the device a packet goes to. */
  steer(program: Uint8Array): number
  /** The interface's, once it is open. */
  name(): string
  /** Whether super-segments pass whole, both ways. */
  hasOffload(): boolean
}

export interface NativePacketSocket extends NativeDriver {
  /** On an Ethernet interface, with a classic BPF program each for IPv4 and for ARP. `macAddress` 0 for the interface's. */
  open(
    interfaceName: string,
    macAddress: number,
    ipFilter: Uint32Array,
    arpFilter: Uint32Array,
    offload: boolean,
    bypassQueue: boolean,
    receiveBuffer: number,
    sendBuffer: number
  ): number
  /** `gateway` 0 where nothing leads out of the network. */
  setNetwork(address: number, prefixLength: number, gateway: number): void
  /** Ours, 48 bits. */
  macAddress(): number
  /** The interface's as it is now. */
  mtu(): number
  /** Whether the kernel takes super-segments. */
  hasOffload(): boolean
  /** Each ARP packet that arrives is put into `packet`, as far as it fits. Comes first of all. */
  onArp(packet: Uint8Array, onArp: (length: number) => void): void
  /** Blocks until an ARP packet is there, instead of `onArp`. Answers its length, or 0. */
  awaitArp(milliseconds: number): number
  sendArp(packet: Uint8Array, macAddress: number): number
  /** Next hops for which packets have come to wait since the last call. */
  takeWanted(): Int32Array
  /** Sends what has waited for it. */
  setNeighbour(address: number, macAddress: number): void
  /** Drops what has waited for it. */
  removeNeighbour(address: number): void
  /** Whether packets went there since the last call. */
  takeUsed(address: number): boolean
}

/** A kind of driver: `counters` has a place for each of the names. */
export type DriverClass<Native extends NativeDriver> = (new (
  counters: Float64Array
) => Native) & {
  readonly counterNames: readonly string[]
}

export interface NativePortGuard {
  /**
   * `member` from 0 for a port that other members of a group may claim, too, each under a number of its own and with the same user; -1
   * for one that is ours alone.
   */
  claim(address: number, port: number, member: number, reuseAddress: boolean): number
  /** Whether it was held. */
  release(address: number, port: number): boolean
  /** False once a port had to be silenced without a filter: segments with a TTL of 255 are answered by the kernel. */
  byFilter(): boolean
  close(): void
}

/** Puts the first `count` packets of a batch into `to` from `toOffset` on, and describes them in `rxTable` from row `rxFirst` on. */
export type GatherBatch = (
  batch: NativeTxBatch,
  count: number,
  to: Uint8Array,
  toOffset: number,
  rxTable: Int32Array,
  rxFirst: number
) => number

export interface Addon {
  /** Ways of summing that this processor has, slowest first. */
  variants(): string[]
  /** The folded ones' complement sum, not inverted, of bytes in network order. */
  checksum(bytes: Uint8Array, offset: number, length: number, initial: number, variant?: string): number
  copyChecksum(
    to: Uint8Array,
    toOffset: number,
    from: Uint8Array,
    fromOffset: number,
    length: number,
    initial: number,
    variant?: string
  ): number
  /**
   * Puts the first `count` packets of a batch together in `to` and fills in their checksums and descriptors. Answers
   * where the next packet may begin, a multiple of 8 behind the start.
   */
  readonly gather: GatherBatch
  /** The same, with each super-segment cut into the segments that it is to become. */
  readonly gatherCut: GatherBatch
  /** Looks at each packet's transport checksum and writes what it says into the packet's descriptor. */
  verify(bytes: Uint8Array, rxTable: Int32Array, count: number): void
  /**
   * Joins consecutive segments among the first `count` packets, as a driver does with what it has received, and closes the table's
   * ranks: answers how many are left. All lie in one region, and each has `room` bytes from its offset on to itself.
   */
  join(bytes: Uint8Array, room: number, rxTable: Int32Array, count: number): number
  /** The same for packets that lie one behind the other, without room between them: neighbours only. */
  joinGathered(bytes: Uint8Array, rxTable: Int32Array, count: number): number
  /** Copies pieces of the regions, by region, offset and length in turn, to `to` at `toOffset`, one behind the other. */
  copySpans(
    to: Uint8Array,
    toOffset: number,
    regions: readonly Uint8Array[],
    spans: Int32Array,
    first: number,
    end: number
  ): void
  /** Writes source address and MTU to `result`; `source` 0 leaves the choice to the kernel. */
  route(destination: number, source: number, result: Int32Array): number
  /**
   * The hardware address, 48 bits, that the kernel would send to on that interface; `source` 0 for any. A negative errno where the way does
   * not begin there (EHOSTUNREACH), or where it does not know the neighbour now (ENXIO).
   */
  neighbour(interfaceName: string, destination: number, source: number): number
  /** By flag, whether the kernel takes it, on TUN devices and packet sockets; of what cannot be opened there is nothing. */
  offloadFlags(): Record<string, boolean>
  /** What an interface's driver does with packets, or a negative errno. */
  offloads(interfaceName: string): Record<string, boolean> | number
  /** Columns and codes as the addon has them, by the names of link/link.ts. */
  readonly layout: Readonly<Record<string, number>>
  readonly TxBatch: new (headers: Uint8Array, table: Int32Array) => NativeTxBatch
  readonly PortGuard: new () => NativePortGuard
  readonly RawSocket: DriverClass<NativeRawSocket>
  readonly TunDevice: DriverClass<NativeTunDevice>
  readonly PacketSocket: DriverClass<NativePacketSocket>
  /** As `ip link set`, with an MTU where it is not 0. */
  setInterface(interfaceName: string, up: boolean, mtu: number, transmitQueue: number): number
  /** As `ip address add`. */
  addAddress(interfaceName: string, address: number, prefixLength: number): number
  /** As `ip route add ... dev`. */
  addRoute(interfaceName: string, destination: number, prefixLength: number): number
}

/** No addon for this platform, or one that does not load. */
export class AddonError extends Error {
  override readonly name = 'AddonError'
  readonly code = 'ERR_RAWTCP_ADDON'
}

let loaded: Addon | undefined

/** Throws an AddonError that says what to do. */
export function loadAddon(): Addon {
  if (loaded !== undefined) return loaded
  const require = createRequire(import.meta.url)
  try {
    const build = require('node-gyp-build') as (directory: string) => Addon
    loaded = build(packageRoot())
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.trim() : String(cause)
    throw new AddonError(
      `The native addon cannot be loaded on ${process.platform}-${process.arch}. ` +
        `Build it with "npm run build:addon" in ${packageRoot()}, which needs a C++17 compiler, make and Python. ` +
        `Reason: ${reason}`,
      { cause }
    )
  }
  return loaded
}

/** For those who can do without. */
export function addonIfAny(): Addon | undefined {
  try {
    return loadAddon()
  } catch {
    return undefined
  }
}

/** Two folders up from src/native and from lib/native alike; looked for, so that moving a file does no harm. */
export function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory)
    if (parent === directory) throw new AddonError('The folder of the package was not found')
    directory = parent
  }
  return directory
}
