// The one way out: every packet that leaves is written here into a batch of descriptors, and goes to the link, or back
// to ourselves where it is for an address of ours alone, when the batch is flushed.

import type { Host } from '../host.ts'
import { BatchQueue } from '../link/batches.ts'
import { gather, gatheredLength, packetLength } from '../link/gather.ts'
import {
  type Link,
  type RxBatch,
  TX_HEADER_LENGTH,
  TX_HEADER_OFFSET,
  TX_HEADER_ROOM,
  TX_PAYLOAD_LENGTH,
  TX_PAYLOAD_OFFSET,
  TX_REGION,
  TX_SEGMENT,
  TX_STRIDE,
  TX_WRAPPED_LENGTH,
  TX_WRAPPED_OFFSET,
  TxBatch
} from '../link/link.ts'
import { ICMP_ECHO_REPLY, writeIcmpEcho } from '../wire/icmp.ts'
import { IPV4_HEADER_LENGTH, PROTOCOL_ICMP, PROTOCOL_TCP, writeIpv4Header } from '../wire/ipv4.ts'
import { DEFAULT_TTL, type Segment } from '../wire/segment.ts'
import type { Block, Slab } from '../wire/slab.ts'
import { writeTcpHeader } from '../wire/tcp.ts'

const BATCH_PACKETS = 512
/** Then the link has its say, whether it can take more. */
const BATCH_BYTES = 1024 * 1024

export class Transmitter {
  /** A segment in the batch carries text that was sent before, and that may be acknowledged, hence freed, before it leaves. */
  holdsRepeats = false
  readonly #link: Link
  readonly #slab: Slab
  readonly #outward: TxBatch
  /** Packets to ourselves, once there has been one. */
  #homeward: TxBatch | undefined
  #pendingBytes = 0
  readonly #loopback: Loopback
  readonly #isOurs: (address: number) => boolean
  /** Text of echo replies, until it has left. */
  #scratch: Block[] = []
  #id = 0

  constructor(
    link: Link,
    slab: Slab,
    host: Host,
    isOurs: (address: number) => boolean,
    receive: (batch: RxBatch) => void
  ) {
    this.#link = link
    this.#slab = slab
    this.#outward = new TxBatch(BATCH_PACKETS, slab.regions)
    this.#loopback = new Loopback(host, receive)
    this.#isOurs = isOurs
  }

  /** Whether any packet waits. */
  get isPending(): boolean {
    return this.#outward.count > 0 || (this.#homeward !== undefined && this.#homeward.count > 0)
  }

  /** Takes what the engine has put into the record; answers the length of the packet. */
  tcp(segment: Segment, mayFragment: boolean): number {
    const batch = this.#batchTo(segment.destinationAddress)
    const header = batch.count * TX_HEADER_ROOM
    const tcpLength = writeTcpHeader(batch.headerView, header + IPV4_HEADER_LENGTH, segment)
    const total = IPV4_HEADER_LENGTH + tcpLength + segment.payloadLength
    writeIpv4Header(
      batch.headerView,
      header,
      total,
      segment.tos,
      this.#nextIds(segment.count),
      !mayFragment,
      segment.ttl,
      PROTOCOL_TCP,
      segment.sourceAddress,
      segment.destinationAddress
    )
    const row = batch.count * TX_STRIDE
    const table = batch.table
    table[row + TX_HEADER_OFFSET] = header
    table[row + TX_HEADER_LENGTH] = IPV4_HEADER_LENGTH + tcpLength
    table[row + TX_REGION] = segment.region
    table[row + TX_PAYLOAD_OFFSET] = segment.payloadOffset
    table[row + TX_PAYLOAD_LENGTH] = segment.payloadLength - segment.wrappedLength
    table[row + TX_WRAPPED_OFFSET] = segment.wrappedOffset
    table[row + TX_WRAPPED_LENGTH] = segment.wrappedLength
    table[row + TX_SEGMENT] = segment.segmentText
    batch.count++
    this.#pendingBytes += total
    if (this.#pendingBytes >= BATCH_BYTES) this.flush()
    return total
  }

  /** RFC 1122 §3.2.2.6: gives the text back. Answers the length of the packet, 0 where memory is short. */
  echoReply(from: number, to: number, rest: number, bytes: Uint8Array, offset: number, length: number): number {
    const block = this.#slab.allocate(Math.max(1, length))
    if (block === undefined) return 0
    this.#scratch.push(block)
    this.#slab.regions[block.region].set(bytes.subarray(offset, offset + length), block.offset)
    const batch = this.#batchTo(to)
    const header = batch.count * TX_HEADER_ROOM
    const headerLength =
      IPV4_HEADER_LENGTH + writeIcmpEcho(batch.headerView, header + IPV4_HEADER_LENGTH, ICMP_ECHO_REPLY, rest)
    const total = headerLength + length
    writeIpv4Header(batch.headerView, header, total, 0, this.#nextIds(1), false, DEFAULT_TTL, PROTOCOL_ICMP, from, to)
    const row = batch.count * TX_STRIDE
    const table = batch.table
    table[row + TX_HEADER_OFFSET] = header
    table[row + TX_HEADER_LENGTH] = headerLength
    table[row + TX_REGION] = block.region
    table[row + TX_PAYLOAD_OFFSET] = block.offset
    table[row + TX_PAYLOAD_LENGTH] = length
    table[row + TX_WRAPPED_OFFSET] = 0
    table[row + TX_WRAPPED_LENGTH] = 0
    table[row + TX_SEGMENT] = 0
    batch.count++
    return total
  }

  flush(): void {
    this.#pendingBytes = 0
    if (this.#outward.count > 0) {
      this.#link.send(this.#outward)
      this.#outward.count = 0
    }
    if (this.#homeward !== undefined && this.#homeward.count > 0) {
      this.#loopback.send(this.#homeward)
      this.#homeward.count = 0
    }
    this.holdsRepeats = false
    if (this.#scratch.length > 0) {
      for (const block of this.#scratch) this.#slab.release(block)
      this.#scratch = []
    }
  }

  #batchTo(destination: number): TxBatch {
    const batch = this.#isOurs(destination) ? this.#toHome() : this.#outward
    if (batch.count === BATCH_PACKETS) this.flush()
    return batch
  }

  #toHome(): TxBatch {
    this.#homeward ??= new TxBatch(BATCH_PACKETS, this.#slab.regions)
    return this.#homeward
  }

  /**
   * The first of `count` numbers, one for each packet that a super-segment becomes. RFC 6864 §4.1 asks for different ones only
   * where routers may fragment; zero would make some kernels choose.
   */
  #nextIds(count: number): number {
    const first = this.#id + count > 0xffff ? 1 : this.#id + 1
    this.#id = first + count - 1
    return first
  }
}

/** Packets to ourselves: put together as for a wire, and received in a turn of their own. */
class Loopback {
  readonly #queue = new BatchQueue()
  readonly #host: Host
  readonly #receive: (batch: RxBatch) => void
  #isWaiting = false

  constructor(host: Host, receive: (batch: RxBatch) => void) {
    this.#host = host
    this.#receive = receive
  }

  send(batch: TxBatch): void {
    let bytes = 0
    for (let i = 0; i < batch.count; i++) bytes += gatheredLength(packetLength(batch.table, i))
    this.#queue.gather(batch, batch.count, bytes, Number.POSITIVE_INFINITY, gather)
    if (this.#isWaiting) return
    this.#isWaiting = true
    this.#host.defer(() => {
      this.#isWaiting = false
      this.#queue.deliver(this.#receive)
    })
  }
}
