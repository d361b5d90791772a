// A link before another that does what drivers do to packets: it cuts super-segments on the way out, and joins segments on the
// way in.

import { createHash } from 'node:crypto'
import {
  type Link,
  type LinkReceiver,
  type Route,
  RX_LENGTH,
  RX_OFFSET,
  RX_SEGMENT,
  RX_STRIDE,
  RxBatch,
  TX_HEADER_LENGTH,
  TX_HEADER_OFFSET,
  TX_HEADER_ROOM,
  TX_PAYLOAD_LENGTH,
  TX_PAYLOAD_OFFSET,
  TX_SEGMENT,
  TX_STRIDE,
  TX_WRAPPED_LENGTH,
  TX_WRAPPED_OFFSET,
  TxBatch
} from '../../src/link/link.ts'
import { loadAddon } from '../../src/native/addon.ts'
import type { Counters } from '../../src/stats.ts'
import { CWR, FIN, PSH } from '../../src/wire/segment.ts'

export interface Offloads {
  readonly cutting: boolean
  readonly joining: boolean
}

/** A super-segment has no more pieces, of the smallest segments that tests use. */
const MOST_PIECES = 1024
const ROOM = 16_384
const SLOTS = 64
const IP_LENGTH = 2
const IP_ID = 4
const TCP_SEQ = 24
const TCP_FLAGS = 33

export class OffloadedLink implements Link {
  readonly name: string
  readonly addresses: readonly number[]
  readonly acceptsPartialChecksums = false
  readonly superSegmentBytes: number
  /** Super-segments that were cut, and segments that were joined to one before. */
  cut = 0
  joined = 0
  readonly #link: Link
  readonly #joining: boolean
  readonly #now: () => number
  readonly #hash = createHash('sha256')
  readonly #addon = loadAddon()
  readonly #batch = new RxBatch(new Uint8Array(SLOTS * ROOM), SLOTS)

  constructor(link: Link, { cutting, joining }: Offloads, now: () => number) {
    this.#link = link
    this.#joining = joining
    this.#now = now
    this.name = link.name
    this.addresses = link.addresses ?? []
    this.superSegmentBytes = cutting ? 65_535 : 0
  }

  get congested(): boolean {
    return this.#link.congested
  }

  start(receiver: LinkReceiver): void {
    this.#link.start({
      packetsArrived: batch => this.#handOver(batch, receiver),
      linkWritable: () => receiver.linkWritable()
    })
  }

  send(batch: TxBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const piece = new TxBatch(MOST_PIECES, batch.regions)
      cutInto(piece, batch, i)
      if (piece.count > 1) this.cut++
      for (let j = 0; j < piece.count; j++) this.#witness(piece, j)
      this.#link.send(piece)
    }
  }

  route(destination: number): Route {
    return this.#link.route(destination)
  }

  counters(): Counters {
    return this.#link.counters()
  }

  close(): void {
    this.#link.close()
  }

  /** Of all headers that have left, lengths of texts and times. */
  digest(): string {
    return this.#hash.copy().digest('hex')
  }

  #witness({ headers, table }: TxBatch, i: number): void {
    const row = i * TX_STRIDE
    const offset = table[row + TX_HEADER_OFFSET]
    const text = table[row + TX_PAYLOAD_LENGTH] + table[row + TX_WRAPPED_LENGTH]
    this.#hash.update(headers.subarray(offset, offset + table[row + TX_HEADER_LENGTH]))
    this.#hash.update(`${text} ${this.#now()} `)
  }

  /** Joined or not, in batches of equal size: the stack answers each. */
  #handOver(arrived: RxBatch, receiver: LinkReceiver): void {
    const batch = this.#batch
    for (let first = 0; first < arrived.count; first += SLOTS) {
      const count = Math.min(SLOTS, arrived.count - first)
      for (let i = 0; i < count; i++) {
        const [from, to] = [(first + i) * RX_STRIDE, i * RX_STRIDE]
        const [offset, length] = [arrived.table[from + RX_OFFSET], arrived.table[from + RX_LENGTH]]
        batch.bytes.set(arrived.bytes.subarray(offset, offset + length), i * ROOM)
        batch.table[to + RX_OFFSET] = i * ROOM
        batch.table[to + RX_LENGTH] = length
        batch.table[to + RX_SEGMENT] = 0
      }
      this.#addon.verify(batch.bytes, batch.table, count)
      batch.count = this.#joining ? this.#addon.join(batch.bytes, ROOM, batch.table, count) : count
      this.joined += count - batch.count
      receiver.packetsArrived(batch)
    }
  }
}

/** The pieces of packet `i`, each a segment, as the drivers of the addon make them (binding/assemble.cc). */
function cutInto(pieces: TxBatch, batch: TxBatch, i: number): void {
  const { headers, headerView, table } = pieces
  const packet = batch.table.subarray(i * TX_STRIDE, (i + 1) * TX_STRIDE)
  const headerLength = packet[TX_HEADER_LENGTH]
  const first = packet[TX_PAYLOAD_LENGTH]
  const text = first + packet[TX_WRAPPED_LENGTH]
  const segment = packet[TX_SEGMENT] === 0 ? Math.max(text, 1) : packet[TX_SEGMENT]
  for (let from = 0; from < text || pieces.count === 0; from += segment) {
    const length = Math.min(segment, text - from)
    const inFirst = Math.max(0, Math.min(length, first - from))
    const header = pieces.count * TX_HEADER_ROOM
    const headerAt = packet[TX_HEADER_OFFSET]
    headers.set(batch.headers.subarray(headerAt, headerAt + headerLength), header)
    const row = pieces.count++ * TX_STRIDE
    table.set(packet, row)
    table[row + TX_HEADER_OFFSET] = header
    table[row + TX_PAYLOAD_OFFSET] += Math.min(from, first)
    table[row + TX_PAYLOAD_LENGTH] = inFirst
    table[row + TX_WRAPPED_OFFSET] += Math.max(0, from - first)
    table[row + TX_WRAPPED_LENGTH] = length - inFirst
    table[row + TX_SEGMENT] = 0
    if (length === text) continue
    headerView.setUint16(header + IP_LENGTH, headerLength + length)
    headerView.setUint16(header + IP_ID, headerView.getUint16(header + IP_ID) + from / segment)
    headerView.setInt32(header + TCP_SEQ, headerView.getInt32(header + TCP_SEQ) + from)
    if (from + length < text) headers[header + TCP_FLAGS] &= ~(FIN | PSH)
    if (from > 0) headers[header + TCP_FLAGS] &= ~CWR
  }
}
