// A receiver that reads each TCP segment into fields and lets a test wait for the one it wants.

import {
  CHECKSUM_GOOD,
  CHECKSUM_PARTIAL,
  type LinkReceiver,
  RX_CHECKSUM,
  RX_LENGTH,
  RX_OFFSET,
  RX_REGION,
  RX_STRIDE,
  type RxBatch
} from '../../src/link/link.ts'
import { IPV4_OK, Ipv4Header, PROTOCOL_ICMP, PROTOCOL_TCP, parseIpv4 } from '../../src/wire/ipv4.ts'
import { Segment } from '../../src/wire/segment.ts'
import { parseTcp, TCP_OK, verifyTcpChecksum } from '../../src/wire/tcp.ts'

/** So long nothing of what is waited for takes, on the slowest machine. */
const PATIENCE_MS = 30_000

export interface Arrived {
  /** Of the whole packet. */
  readonly length: number
  readonly checksum: number
  /** What there is to find: that of an unfinished one is right all the same in one segment of 65536. */
  readonly wantedChecksum: number
  readonly segment: Segment
  readonly text: string
}

export class Collector implements LinkReceiver {
  readonly segments: Arrived[] = []
  readonly icmpTypes: number[] = []
  batches = 0
  /** The most that a batch said of the queue it came from. */
  fullest = 0
  writable = 0
  #wake: () => void = () => {}

  packetsArrived(batch: RxBatch): void {
    this.batches++
    this.fullest = Math.max(this.fullest, batch.queueFill)
    for (let i = 0; i < batch.count; i++) this.#read(batch, i * RX_STRIDE)
    this.#wake()
  }

  linkWritable(): void {
    this.writable++
    this.#wake()
  }

  /** The first segment for which the condition holds, one that came already or one to come. */
  async segment(wanted: (segment: Segment) => boolean): Promise<Arrived> {
    let found: Arrived | undefined
    await this.until(() => {
      found = this.segments.find(arrived => wanted(arrived.segment))
      return found !== undefined
    })
    return found!
  }

  async until(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (!condition()) {
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(`Not within ${PATIENCE_MS} ms; segments seen: ${this.segments.length}`)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  #read(batch: RxBatch, row: number): void {
    const offset = batch.table[row + RX_OFFSET]
    const length = batch.table[row + RX_LENGTH]
    const region = batch.table[row + RX_REGION]
    const [bytes, view] = [batch.regions[region], batch.views[region]]
    const ip = new Ipv4Header()
    if (parseIpv4(view, offset, length, ip) !== IPV4_OK) throw new Error('not an IPv4 packet')
    if (ip.protocol === PROTOCOL_ICMP) this.icmpTypes.push(view.getUint8(ip.payloadOffset))
    if (ip.protocol !== PROTOCOL_TCP) return
    const segment = new Segment()
    segment.sourceAddress = ip.source
    segment.destinationAddress = ip.destination
    if (parseTcp(view, bytes, ip.payloadOffset, ip.payloadLength, segment) !== TCP_OK) {
      throw new Error('not a TCP segment')
    }
    const text = Buffer.from(bytes.slice(segment.payloadOffset, segment.payloadOffset + segment.payloadLength))
    const isRight = verifyTcpChecksum(view, ip.payloadOffset, ip.payloadLength, ip.source, ip.destination)
    this.segments.push({
      length,
      checksum: batch.table[row + RX_CHECKSUM],
      wantedChecksum: isRight ? CHECKSUM_GOOD : CHECKSUM_PARTIAL,
      segment,
      text: text.toString('latin1')
    })
  }
}
