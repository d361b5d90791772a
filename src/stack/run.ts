// Segments of one flow that follow one another in a batch, alike in all of their headers that could make a difference. They are
// judged, parsed and looked up once, and taken as one where nobody can tell (tcp/joined.ts), like those that a driver has
// joined; the rules are those of binding/join.cc. But their text stays where it lies.

import {
  CHECKSUM_GOOD,
  RX_CHECKSUM,
  RX_LENGTH,
  RX_OFFSET,
  RX_REGION,
  RX_SEGMENT,
  RX_STRIDE,
  type RxBatch
} from '../link/link.ts'
import { IPV4_HEADER_LENGTH } from '../wire/ipv4.ts'
import { ACK, PSH, type Segment } from '../wire/segment.ts'
import { TCP_HEADER_LENGTH } from '../wire/tcp.ts'

const MIN_HEADERS = IPV4_HEADER_LENGTH + TCP_HEADER_LENGTH

// The first word of a packet: version 4 and no options, type of service, length.
const PLAIN = 0x45000000
const TOS_BITS = 0x00ff0000

// Words of a packet without IPv4 options, by where they begin.
const SOURCE = 12
const DESTINATION = 16
const PORTS = 20
const SEQUENCE = 24
const ACKNOWLEDGMENT = 28
const FLAGS = 32
const URGENT = 36
/** In the word at FLAGS. */
const FLAG_BITS = 0x0fff0000

export class Run {
  /** Packets: one where none follows that is like the first. */
  count = 1
  /** Of them all. */
  bytes = 0
  /** Text of each, but that the last may have less. */
  segmentText = 0
  /** Of all of them. */
  textLength = 0
  /** From the text of one to that of the next. */
  stride = 0
  /** The last one has PSH. */
  isPushed = false

  /** Looks at what follows the packet in `row`, which is of TCP, whole, and has a good IPv4 header. */
  begin({ views, table, count }: RxBatch, row: number): void {
    const length = table[row + RX_LENGTH]
    this.count = 1
    this.bytes = length
    const end = count * RX_STRIDE
    let next = row + RX_STRIDE
    if (next >= end || !mayJoin(table, row, table[next + RX_REGION]) || length <= MIN_HEADERS) return
    const view = views[table[row + RX_REGION]]
    const first = table[row + RX_OFFSET]
    const flags = view.getInt32(first + FLAGS)
    const headers = IPV4_HEADER_LENGTH + ((flags >>> 26) & 0x3c)
    const text = length - headers
    if ((view.getInt32(first) & ~TOS_BITS) !== (PLAIN | length) || (flags & FLAG_BITS) !== ACK << 16) return
    if (headers < MIN_HEADERS || text <= 0) return
    const stride = table[next + RX_OFFSET] - first
    let total = text
    this.isPushed = false
    for (; next < end && !this.isPushed && total === this.count * text; next += RX_STRIDE) {
      const at = first + this.count * stride
      const nextText = table[next + RX_LENGTH] - headers
      if (!mayJoin(table, next, table[row + RX_REGION]) || table[next + RX_OFFSET] !== at) break
      if (nextText <= 0 || nextText > text || !isLike(view, first, at, headers, total, nextText - text)) break
      this.isPushed = view.getInt32(at + FLAGS) !== flags
      total += nextText
      this.bytes += headers + nextText
      this.count++
    }
    this.segmentText = text
    this.textLength = total
    this.stride = stride
  }

  /** Makes of the first segment all of them. */
  complete(seg: Segment): void {
    seg.payloadLength = this.textLength
    seg.segmentText = this.segmentText
    seg.stride = this.stride
    if (this.isPushed) seg.flags |= PSH
  }
}

/** Of those with a bad checksum, or that nobody has summed, each is for itself. */
function mayJoin(table: Int32Array, row: number, region: number): boolean {
  return (
    table[row + RX_CHECKSUM] === CHECKSUM_GOOD && table[row + RX_SEGMENT] === 0 && table[row + RX_REGION] === region
  )
}

/** `ahead`: bytes of text from the first one to this one, which has `longer` bytes more than that (less, as a rule: below zero). */
function isLike(view: DataView, first: number, at: number, headers: number, ahead: number, longer: number): boolean {
  return (
    view.getInt32(at) === view.getInt32(first) + longer &&
    isSumAlike(view, first, at, longer) &&
    isSame(view, first, at, SOURCE) &&
    isSame(view, first, at, DESTINATION) &&
    isSame(view, first, at, PORTS) &&
    view.getInt32(at + SEQUENCE) === ((view.getInt32(first + SEQUENCE) + ahead) | 0) &&
    isSame(view, first, at, ACKNOWLEDGMENT) &&
    (view.getInt32(at + FLAGS) & ~(PSH << 16)) === view.getInt32(first + FLAGS) &&
    view.getUint16(at + URGENT + 2) === view.getUint16(first + URGENT + 2) &&
    areOptionsSame(view, first, at, headers)
  )
}

/** The rest of the IPv4 header: all but the identification is the same, and the checksum is as good. */
function isSumAlike(view: DataView, first: number, at: number, longer: number): boolean {
  const second = view.getInt32(first + 4)
  const third = view.getInt32(first + 8)
  const nextSecond = view.getInt32(at + 4)
  const nextThird = view.getInt32(at + 8)
  if (((second ^ nextSecond) & 0xffff) !== 0 || ((third ^ nextThird) & ~0xffff) !== 0) return false
  const more = (nextSecond >>> 16) - (second >>> 16) + (nextThird & 0xffff) - (third & 0xffff) + longer
  return more % 0xffff === 0
}

function isSame(view: DataView, first: number, at: number, word: number): boolean {
  return view.getInt32(first + word) === view.getInt32(at + word)
}

function areOptionsSame(view: DataView, first: number, at: number, headers: number): boolean {
  for (let word = MIN_HEADERS; word < headers; word += 4) if (!isSame(view, first, at, word)) return false
  return true
}
