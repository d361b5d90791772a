// The one interface between the stack and whatever carries IPv4 packets. Packets cross it in batches: bytes in a
// slab, and a table of int32 descriptors that says where each packet lies. A driver makes one system call a batch,
// not one a packet, and neither side makes an object a packet.

import type { Counters } from '../stats.ts'
import type { Share } from './share.ts'

// Columns of a received packet's descriptor.
export const RX_OFFSET = 0
export const RX_LENGTH = 1
/** One of CHECKSUM_*: what the driver knows of the transport checksum. */
export const RX_CHECKSUM = 2
/**
 * Of a packet that was joined from several segments: bytes of text of each of them, the last one perhaps shorter. 0 for a packet
 * as it is, or where nobody knows.
 */
export const RX_SEGMENT = 3
/** Which of the batch's regions the packet lies in, from its offset on. */
export const RX_REGION = 4
export const RX_STRIDE = 5

/** Nobody has looked: the stack sums the segment itself. */
export const CHECKSUM_UNKNOWN = 0
export const CHECKSUM_GOOD = 1
export const CHECKSUM_BAD = 2
/** The field holds the pseudo-header's sum: a segment of this host that was never meant for a wire, or one whose true sum that is by chance. */
export const CHECKSUM_PARTIAL = 3

/** Packets received: valid during the call that hands them over. */
export class RxBatch {
  /** The memory that they lie in: one region for all, or one for each. */
  readonly regions: Uint8Array[]
  readonly views: DataView[]
  readonly table: Int32Array
  count = 0
  /** How full the queue is that they came from, 0 to 1: at 1 packets are lost. 0 also where the link does not know. */
  queueFill = 0

  constructor(
    memory: Uint8Array | Uint8Array[],
    /** Packets that the table has room for. */
    readonly capacity: number,
    /**
     * Puts other memory in the place of a region's, which is the caller's from then on. Absent where packets share a region, or
     * the link needs it.
     */
    readonly surrender: ((region: number) => void) | undefined = undefined
  ) {
    this.regions = memory instanceof Uint8Array ? [memory] : memory
    this.views = this.regions.map(viewOf)
    this.table = new Int32Array(capacity * RX_STRIDE)
  }

  /** Of the one region, or the first. */
  get bytes(): Uint8Array {
    return this.regions[0]
  }

  get view(): DataView {
    return this.views[0]
  }

  replace(region: number, memory: Uint8Array): void {
    this.regions[region] = memory
    this.views[region] = viewOf(memory)
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}

// Columns of a packet to send: its headers, then its payload in one piece or (round the end of a ring) two.
export const TX_HEADER_OFFSET = 0
export const TX_HEADER_LENGTH = 1
export const TX_REGION = 2
export const TX_PAYLOAD_OFFSET = 3
/** Bytes of the first piece. */
export const TX_PAYLOAD_LENGTH = 4
export const TX_WRAPPED_OFFSET = 5
export const TX_WRAPPED_LENGTH = 6
/**
 * For a super-segment: bytes of text of each segment that it is to become on the wire, the last one perhaps shorter. 0 for a
 * packet that leaves as it is.
 */
export const TX_SEGMENT = 7
export const TX_STRIDE = 8

/** Room for the largest IPv4 and TCP headers (60 + 60), rounded up. */
export const TX_HEADER_ROOM = 128

/**
 * Packets to send. Headers are complete but for two fields that stand at zero, the IPv4 header checksum and the
 * transport checksum (TCP or ICMP, told by the protocol field): who puts the packet together fills them in.
 */
export class TxBatch {
  readonly headers: Uint8Array
  readonly headerView: DataView
  readonly table: Int32Array
  count = 0
  /** Of the regions that somebody has asked for by `regionView`. */
  readonly views: DataView[] = []

  constructor(
    /** Packets that fit. */
    readonly capacity: number,
    /** What TX_REGION counts in: the regions of the stack's slab, which grow in number and never change. */
    readonly regions: readonly Uint8Array[]
  ) {
    this.headers = new Uint8Array(capacity * TX_HEADER_ROOM)
    this.headerView = new DataView(this.headers.buffer)
    this.table = new Int32Array(capacity * TX_STRIDE)
  }
}

export function regionView({ regions, views }: TxBatch, region: number): DataView {
  for (let next = views.length; next <= region; next++) views.push(viewOf(regions[next]))
  return views[region]
}

/** What a link calls, on the stack's thread. */
export interface LinkReceiver {
  packetsArrived(batch: RxBatch): void
  /** The link was `congested` and is no more. */
  linkWritable(): void
}

/** How the way to a destination begins. */
export interface Route {
  /** Our address on that way, int32. */
  readonly source: number
  /** Largest IPv4 packet in bytes that leaves whole. */
  readonly mtu: number
}

/** Ports that a kernel shares with us: reserved there as long as they are ours. */
export interface PortGuard {
  /**
   * Reserves a port; address 0 means every address of the host. Throws a SocketError: EADDRINUSE where the kernel uses it,
   * EADDRNOTAVAIL where the address is not the host's, EMFILE when descriptors run out.
   */
  claim(address: number, port: number): void
  /** Gives the port back. Unknown pairs are ignored. */
  release(address: number, port: number): void
}

export interface Link {
  readonly name: string
  /** int32: the addresses that are ours alone. Absent where they are the host's, which a kernel has too: see `guard`. */
  readonly addresses?: readonly number[]
  /** Present where a kernel has the same addresses: there we hold ports one by one and leave all others, and echo, to it. */
  readonly guard?: PortGuard
  /** Where other stacks have the same addresses: what of them is ours. */
  readonly share?: Share | undefined
  /** Whether a segment whose checksum is CHECKSUM_PARTIAL is taken. */
  readonly acceptsPartialChecksums: boolean
  /** The driver holds unsent packets: the stack makes no new data until `linkWritable`. */
  readonly congested: boolean
  /**
   * The longest IPv4 packet, bytes, that the link takes as a super-segment and cuts by TX_SEGMENT as late as it can. Absent
   * where it cuts none: every packet then has the MTU at most.
   */
  readonly superSegmentBytes?: number
  /** Begins to receive. Called once. */
  start(receiver: LinkReceiver): void
  /** Takes all packets of the batch, whose memory is free again on return. What cannot leave is queued, or dropped and counted. */
  send(batch: TxBatch): void
  /** Throws a SocketError (ENETUNREACH, EHOSTUNREACH) where no way leads there. */
  route(destination: number): Route
  /** What is known of the way there may not hold any more: it is to be looked up anew. */
  forgetRoute?(destination: number): void
  /** The driver's own counters, by name. */
  counters(): Counters
  /** May come twice. No call of the receiver follows. */
  close(): void
}
