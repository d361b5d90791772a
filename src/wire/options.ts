// TCP options (RFC 9293 §3.2, RFC 7323, RFC 2018): the parser and the layout for output.
//
// What a peer may do and no RFC settles goes as on Linux (tcp_parse_options):
// - of an option that is repeated, the last one counts;
// - an option whose length is wrong for its kind is stepped over, as is an unknown kind;
// - a length of 0 or 1, or one beyond the header, ends the parse: what was read until then stands (RFC 9293 MUST-7).
// Maximum segment size, window scale and SACK-permitted count only on a segment with SYN (RFC 9293 §3.2,
// RFC 7323 §2.2, RFC 2018 §2). Values stay as they were sent: clamping them is for TCP.

import { MAX_SACK_BLOCKS, type Segment, SYN } from './segment.ts'

export const OPTION_END = 0
export const OPTION_NOP = 1
export const OPTION_MSS = 2
export const OPTION_WINDOW_SCALE = 3
export const OPTION_SACK_PERMITTED = 4
export const OPTION_SACK = 5
export const OPTION_TIMESTAMPS = 8

const MSS_LENGTH = 4
const WINDOW_SCALE_LENGTH = 3
const SACK_PERMITTED_LENGTH = 2
const TIMESTAMPS_LENGTH = 10
const SACK_BASE_LENGTH = 2
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

/** Reads the options into `seg`, whose flags are set already. False where the parse had to end at a malformed length. */
export function parseOptions(view: DataView, offset: number, length: number, seg: Segment): boolean {
  seg.mss = -1
  seg.windowScale = -1
  seg.sackPermitted = false
  seg.sackBlocks = 0
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
  }
}

function readTimestamps(view: DataView, offset: number, seg: Segment): void {
  seg.hasTimestamps = true
  seg.tsVal = view.getInt32(offset)
  seg.tsEcr = view.getInt32(offset + 4)
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

/** Lays the options out in Linux's order, and as many SACK blocks, the first ones first, as there is room for. */
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
  const blocks = sackBlocksThatFit(seg, offset - start)
  if (blocks > 0) {
    view.setInt32(offset, NOP_NOP_SACK | (SACK_BASE_LENGTH + blocks * SACK_BLOCK_LENGTH))
    offset += 4
    for (let i = 0; i < 2 * blocks; i++) view.setInt32(offset + 4 * i, seg.sack[i])
    offset += blocks * SACK_BLOCK_LENGTH
  }
  return offset - start
}

function fixedOptionsLength(seg: Segment): number {
  let length = 0
  if (seg.mss >= 0) length += 4
  if (seg.hasTimestamps) length += 12
  else if (seg.sackPermitted) length += 4
  if (seg.windowScale >= 0) length += 4
  return length
}

/** Four blocks alone, three beside timestamps (RFC 2018 §3). */
export function sackBlocksThatFit(seg: Segment, otherOptions: number): number {
  if (seg.sackBlocks === 0) return 0
  return Math.min(seg.sackBlocks, MAX_SACK_BLOCKS, (MAX_OPTIONS_LENGTH - 4 - otherOptions) >> 3)
}
