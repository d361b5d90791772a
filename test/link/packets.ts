// Batches to send and a receiver that remembers, for tests of links.

import { type LinkReceiver, RX_STRIDE, type RxBatch, TX_HEADER_ROOM, TX_STRIDE, TxBatch } from '../../src/link/link.ts'
import type { VirtualClock } from '../../src/sim/clock.ts'
import { ICMP_ECHO_REQUEST, writeIcmpEcho } from '../../src/wire/icmp.ts'
import { PROTOCOL_ICMP, PROTOCOL_TCP, writeIpv4Header } from '../../src/wire/ipv4.ts'
import { ACK, Segment } from '../../src/wire/segment.ts'
import { writeTcpHeader } from '../../src/wire/tcp.ts'

const HERE = 0x0a000001
const THERE = 0x0a000002

/** Fills one batch, again and again. */
export class Batcher {
  readonly region = new Uint8Array(4 * 1024 * 1024)
  readonly batch = new TxBatch(64, [new Uint8Array(0), this.region])
  #end = 0

  /** A packet of 40 bytes of headers for each text. */
  tcp(...texts: string[]): TxBatch {
    this.#clear()
    for (const text of texts) this.#add(PROTOCOL_TCP, text, '')
    return this.batch
  }

  icmp(text: string): TxBatch {
    this.#clear()
    this.#add(PROTOCOL_ICMP, text, '')
    return this.batch
  }

  /** One packet whose text goes on elsewhere. */
  wrapped(text: string, more: string): TxBatch {
    this.#clear()
    this.#add(PROTOCOL_TCP, text, more)
    return this.batch
  }

  #clear(): void {
    this.batch.count = 0
    this.#end = 0
  }

  #add(protocol: number, text: string, more: string): void {
    const { batch } = this
    const offset = batch.count * TX_HEADER_ROOM
    const transport = offset + 20
    const headerLength = 20 + this.#writeTransport(protocol, transport)
    const totalLength = headerLength + text.length + more.length
    writeIpv4Header(batch.headerView, offset, totalLength, 0, 1, true, 64, protocol, HERE, THERE)
    const row = [offset, headerLength, 1, this.#put(text), text.length, this.#put(more), more.length, 0]
    batch.table.set(row, batch.count * TX_STRIDE)
    batch.count++
  }

  #writeTransport(protocol: number, offset: number): number {
    const { headerView } = this.batch
    if (protocol === PROTOCOL_ICMP) return writeIcmpEcho(headerView, offset, ICMP_ECHO_REQUEST, 7)
    const seg = new Segment()
    Object.assign(seg, { sourcePort: 1, destinationPort: 2, seq: 3, ack: 4, flags: ACK, window: 5 })
    return writeTcpHeader(headerView, offset, seg)
  }

  /** Each text begins a gap behind the one before: what is taken from elsewhere shows. */
  #put(text: string): number {
    const at = this.#end + 3
    this.region.set(Buffer.from(text, 'latin1'), at)
    this.#end = at + text.length
    return at
  }
}

export class Sink implements LinkReceiver {
  readonly packets: { bytes: Uint8Array; checksum: number; at: number }[] = []
  calls = 0
  writable = 0
  onPackets: () => void = () => {}
  readonly #clock: VirtualClock

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  packetsArrived(batch: RxBatch): void {
    this.calls++
    for (let i = 0; i < batch.count; i++) {
      const [offset, length, checksum] = batch.table.subarray(i * RX_STRIDE)
      this.packets.push({ bytes: batch.bytes.slice(offset, offset + length), checksum, at: this.#clock.now() })
    }
    this.onPackets()
  }

  linkWritable(): void {
    this.writable++
  }

  /** What follows the headers. */
  get texts(): string[] {
    return this.packets.map(({ bytes }) =>
      Buffer.from(bytes.subarray(bytes[9] === PROTOCOL_TCP ? 40 : 28)).toString('latin1')
    )
  }

  get times(): number[] {
    return this.packets.map(({ at }) => at)
  }
}
