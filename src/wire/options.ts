// TCP options (RFC 9293 §3.2, RFC 7323, RFC 2018, RFC 7413, RFC 5482): the parser and the layout for output.
//
// What a peer may do and no RFC settles goes as on Linux (tcp_parse_options):
// - of an option that is repeated, the last one counts;
// - an option whose length is wrong for its kind is stepped over, as is an unknown kind;
// - a length of 0 or 1, or one beyond the header, ends the parse: what was read until then stands (RFC 9293 MUST-7).
// Maximum segment size, window scale, SACK-permitted and Fast Open count only on a segment with SYN (RFC 9293 §3.2,
// RFC 7323 §2.2, RFC 2018 §2, RFC 7413 §4.1.1). Values stay as they were sent: clamping them is for TCP.

import { MAX_COOKIE_LENGTH, MAX_SACK_BLOCKS, type Segment, SYN } from './segment.ts'

export const OPTION_END = 0
export const OPTION_NOP = 1
export const OPTION_MSS = 2
export const OPTION_WINDOW_SCALE = 3
export const OPTION_SACK_PERMITTED = 4
export const OPTION_SACK = 5
export const OPTION_TIMESTAMPS = 8
export const OPTION_USER_TIMEOUT = 28
export const OPTION_FAST_OPEN = 34
/** AccECN's counters in either order (RFC 9768 §3.2.3). */
export const OPTION_ACCURATE_ECN_0 = 172
export const OPTION_ACCURATE_ECN_1 = 174
/** Shared by experiments, which tell themselves apart by two more bytes (RFC 6994). */
export const OPTION_EXPERIMENTAL = 254
export const FAST_OPEN_EXPERIMENT = 0xf989

const MSS_LENGTH = 4
const WINDOW_SCALE_LENGTH = 3
const SACK_PERMITTED_LENGTH = 2
const TIMESTAMPS_LENGTH = 10
const USER_TIMEOUT_LENGTH = 4
const FAST_OPEN_BASE_LENGTH = 2
const EXPERIMENTAL_BASE_LENGTH = 4
const MIN_COOKIE_LENGTH = 4
const SACK_BASE_LENGTH = 2
const COUNTER_LENGTH = 3
const SACK_BLOCK_LENGTH = 8

/** The data offset has four bits: 60 bytes of header, 40 of them options. */
export const MAX_OPTIONS_LENGTH = 40

// The words that output starts its options with, padded as Linux pads them.
const NOP_NOP_TIMESTAMPS = 0x0101080a
const SACK_PERMITTED_TIMESTAMPS = 0x0402080a
const NOP_NOP_SACK_PERMITTED = 0x01010402
const NOP_WINDOW_SCALE = 0x01030300
const MSS_WORD = 0x02040000
const NOP_NOP_SACK = 0x01010500
const USER_TIMEOUT_WORD = 0x1c040000
const NOP_NOP = 0x0101

/** Reads the options into `seg`, whose flags are set already. False where the parse had to end at a malformed length. */
export function parseOptions(view: DataView, offset: number, length: number, seg: Segment): boolean {
  seg.mss = -1
  seg.windowScale = -1
  seg.sackPermitted = false
  seg.sackBlocks = 0
  seg.cookieLength = -1
  seg.userTimeout = -1
  seg.ect0Bytes = -1
  seg.ceBytes = -1
  seg.ect1Bytes = -1
  // The layout of nearly every segment of a connection with timestamps (RFC 7323, appendix A).
  if (length === 12 && view.getInt32(offset) === NOP_NOP_TIMESTAMPS) {
    readTimestamps(view, offset + 4, seg)
    return true
  }
  seg.hasTimestamps = false
  seg.tsVal = 0
  seg.tsEcr = 0

  const end = offset + length
  while (offset < end) {
    const kind = view.getUint8(offset)
    if (kind === OPTION_END) return true
    if (kind === OPTION_NOP) {
      offset += 1
      continue
    }
    if (offset + 1 >= end) return false
    const size = view.getUint8(offset + 1)
    if (size < 2 || offset + size > end) return false
    readOption(view, offset, kind, size, seg)
    offset += size
  }
  return true
}

function readOption(view: DataView, offset: number, kind: number, size: number, seg: Segment): void {
  const syn = (seg.flags & SYN) !== 0
  switch (kind) {
    case OPTION_MSS:
      if (syn && size === MSS_LENGTH) seg.mss = view.getUint16(offset + 2)
      return
    case OPTION_WINDOW_SCALE:
      if (syn && size === WINDOW_SCALE_LENGTH) seg.windowScale = view.getUint8(offset + 2)
      return
    case OPTION_SACK_PERMITTED:
      if (syn && size === SACK_PERMITTED_LENGTH) seg.sackPermitted = true
      return
    case OPTION_TIMESTAMPS:
      if (size === TIMESTAMPS_LENGTH) readTimestamps(view, offset + 2, seg)
      return
    case OPTION_SACK:
      readSack(view, offset + SACK_BASE_LENGTH, size - SACK_BASE_LENGTH, seg)
      return
    case OPTION_USER_TIMEOUT:
      if (size === USER_TIMEOUT_LENGTH) seg.userTimeout = view.getUint16(offset + 2)
      return
    case OPTION_ACCURATE_ECN_0:
    case OPTION_ACCURATE_ECN_1:
      readCounters(view, offset + 2, size - 2, kind === OPTION_ACCURATE_ECN_0, seg)
      return
    case OPTION_FAST_OPEN:
      if (syn) readCookie(view, offset + FAST_OPEN_BASE_LENGTH, size - FAST_OPEN_BASE_LENGTH, false, seg)
      return
    case OPTION_EXPERIMENTAL:
      if (!syn || size < EXPERIMENTAL_BASE_LENGTH || view.getUint16(offset + 2) !== FAST_OPEN_EXPERIMENT) return
      readCookie(view, offset + EXPERIMENTAL_BASE_LENGTH, size - EXPERIMENTAL_BASE_LENGTH, true, seg)
  }
}

function readTimestamps(view: DataView, offset: number, seg: Segment): void {
  seg.hasTimestamps = true
  seg.tsVal = view.getInt32(offset)
  seg.tsEcr = view.getInt32(offset + 4)
}

/** Up to three counters, the last ones left out where they have not changed. */
function readCounters(view: DataView, offset: number, length: number, ect0First: boolean, seg: Segment): void {
  if (length % COUNTER_LENGTH !== 0 || length > 3 * COUNTER_LENGTH) return
  const counter = (i: number): number => (3 * i < length ? view.getUint32(offset + 3 * i - 1) & 0xffffff : -1)
  seg.ect0Bytes = counter(ect0First ? 0 : 2)
  seg.ceBytes = counter(1)
  seg.ect1Bytes = counter(ect0First ? 2 : 0)
}

/** Of 4 to 16 bytes and even, or empty: the request of one. All else is no cookie (RFC 7413 §4.1.1). */
function readCookie(view: DataView, offset: number, length: number, experimental: boolean, seg: Segment): void {
  if (length % 2 !== 0 || length > MAX_COOKIE_LENGTH || (length > 0 && length < MIN_COOKIE_LENGTH)) return
  seg.cookieLength = length
  seg.cookieIsExperimental = experimental
  for (let i = 0; i < length; i++) seg.cookie[i] = view.getUint8(offset + i)
}

/** No more than four blocks can come: an option of five would need 42 bytes. */
function readSack(view: DataView, offset: number, length: number, seg: Segment): void {
  if (length === 0 || length % SACK_BLOCK_LENGTH !== 0) return
  const edges = length >> 2
  for (let i = 0; i < edges; i++) seg.sack[i] = view.getInt32(offset + 4 * i)
  seg.sackBlocks = edges >> 1
}

/** Bytes that the options of `seg` take in output, a multiple of 4. */
export function optionsLength(seg: Segment): number {
  const length = fixedOptionsLength(seg)
  const blocks = sackBlocksThatFit(seg, length)
  return blocks === 0 ? length : length + 4 + blocks * SACK_BLOCK_LENGTH
}

/** Lays the options out in Linux's order; a user timeout if there is room, and as many SACK blocks, the first ones first, as there is. */
export function writeOptions(view: DataView, offset: number, seg: Segment): number {
  const start = offset
  if (seg.mss >= 0) {
    view.setInt32(offset, MSS_WORD | seg.mss)
    offset += 4
  }
  if (seg.hasTimestamps) {
    view.setInt32(offset, seg.sackPermitted ? SACK_PERMITTED_TIMESTAMPS : NOP_NOP_TIMESTAMPS)
    view.setInt32(offset + 4, seg.tsVal)
    view.setInt32(offset + 8, seg.tsEcr)
    offset += 12
  } else if (seg.sackPermitted) {
    view.setInt32(offset, NOP_NOP_SACK_PERMITTED)
    offset += 4
  }
  if (seg.windowScale >= 0) {
    view.setInt32(offset, NOP_WINDOW_SCALE | seg.windowScale)
    offset += 4
  }
  if (seg.cookieLength >= 0) offset += writeCookie(view, offset, seg)
  if (seg.userTimeout >= 0 && offset - start <= MAX_OPTIONS_LENGTH - USER_TIMEOUT_LENGTH) {
    view.setInt32(offset, USER_TIMEOUT_WORD | seg.userTimeout)
    offset += 4
  }
  if (seg.ceBytes >= 0) offset += writeCounters(view, offset, seg)
  const blocks = sackBlocksThatFit(seg, offset - start)
  if (blocks > 0) {
    view.setInt32(offset, NOP_NOP_SACK | (SACK_BASE_LENGTH + blocks * SACK_BLOCK_LENGTH))
    offset += 4
    for (let i = 0; i < 2 * blocks; i++) view.setInt32(offset + 4 * i, seg.sack[i])
    offset += blocks * SACK_BLOCK_LENGTH
  }
  return offset - start
}

/** ECT(0) and CE, and ECT(1) behind them if it is given; whoever asks for it has seen that there is room. */
function writeCounters(view: DataView, offset: number, seg: Segment): number {
  const hasThird = seg.ect1Bytes >= 0
  view.setUint16(offset, (OPTION_ACCURATE_ECN_0 << 8) | (hasThird ? 11 : 8))
  view.setUint16(offset + 2, seg.ect0Bytes >>> 8)
  view.setInt32(offset + 4, (seg.ect0Bytes << 24) | seg.ceBytes)
  if (!hasThird) return 8
  view.setInt32(offset + 8, (seg.ect1Bytes << 8) | OPTION_NOP)
  return 12
}

/** Padded behind, as Linux does. */
function writeCookie(view: DataView, offset: number, seg: Segment): number {
  const length = cookieOptionLength(seg)
  const base = length - seg.cookieLength
  if (seg.cookieIsExperimental) {
    view.setInt32(offset, (OPTION_EXPERIMENTAL << 24) | (length << 16) | FAST_OPEN_EXPERIMENT)
  } else view.setUint16(offset, (OPTION_FAST_OPEN << 8) | length)
  for (let i = 0; i < seg.cookieLength; i++) view.setUint8(offset + base + i, seg.cookie[i])
  if (length % 4 === 0) return length
  view.setUint16(offset + length, NOP_NOP)
  return length + 2
}

/** Without padding. */
export function cookieOptionLength(seg: Segment): number {
  return seg.cookieLength + (seg.cookieIsExperimental ? EXPERIMENTAL_BASE_LENGTH : FAST_OPEN_BASE_LENGTH)
}

/** All but the SACK option, which takes what is left. */
export function fixedOptionsLength(seg: Segment): number {
  let length = 0
  if (seg.mss >= 0) length += 4
  if (seg.hasTimestamps) length += 12
  else if (seg.sackPermitted) length += 4
  if (seg.windowScale >= 0) length += 4
  if (seg.cookieLength >= 0) length += (cookieOptionLength(seg) + 3) & ~3
  if (seg.userTimeout >= 0 && length <= MAX_OPTIONS_LENGTH - USER_TIMEOUT_LENGTH) length += USER_TIMEOUT_LENGTH
  if (seg.ceBytes >= 0) length += seg.ect1Bytes >= 0 ? 12 : 8
  return length
}

/** Four blocks alone, three beside timestamps (RFC 2018 §3). */
export function sackBlocksThatFit(seg: Segment, otherOptions: number): number {
  if (seg.sackBlocks === 0) return 0
  return Math.min(seg.sackBlocks, MAX_SACK_BLOCKS, (MAX_OPTIONS_LENGTH - 4 - otherOptions) >> 3)
}
