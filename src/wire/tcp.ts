// The TCP header (RFC 9293 §3.1): bytes to a Segment and back. Addresses are the IP header's, so the caller sets them;
// the checksum is checked here only where no driver did, and written by whoever puts the packet together.

import { fold, pseudoHeaderSum, sum } from './checksum.ts'
import { PROTOCOL_TCP } from './ipv4.ts'
import { optionsLength, parseOptions, writeOptions } from './options.ts'
import type { Segment } from './segment.ts'

export const TCP_HEADER_LENGTH = 20

// What parseTcp answers: above zero the segment is to be dropped, below zero it is good and something is to be counted.
export const TCP_OK = 0
/** Fewer than 20 bytes. */
export const TCP_TOO_SHORT = 1
/** Below 5 words, or beyond the segment. */
export const TCP_BAD_DATA_OFFSET = 2
/** The segment stands, with the options in front of a malformed one (RFC 9293 §3.2, MUST-7). */
export const TCP_MALFORMED_OPTIONS = -1

/** Reads the segment of `length` bytes at `offset` into `seg`; `bytes` is the memory below `view`, for the text. */
export function parseTcp(view: DataView, bytes: Uint8Array, offset: number, length: number, seg: Segment): number {
  if (length < TCP_HEADER_LENGTH) return TCP_TOO_SHORT
  const fourth = view.getInt32(offset + 12)
  const headerLength = (fourth >>> 26) & 0x3c
  if (headerLength < TCP_HEADER_LENGTH || headerLength > length) return TCP_BAD_DATA_OFFSET

  const ports = view.getInt32(offset)
  seg.sourcePort = ports >>> 16
  seg.destinationPort = ports & 0xffff
  seg.seq = view.getInt32(offset + 4)
  seg.ack = view.getInt32(offset + 8)
  seg.flags = (fourth >>> 16) & 0x1ff
  seg.window = fourth & 0xffff
  seg.urgentPointer = view.getUint16(offset + 18)
  seg.bytes = bytes
  seg.region = 0
  seg.payloadOffset = offset + headerLength
  seg.payloadLength = length - headerLength
  seg.segmentText = 0
  seg.stride = 0
  seg.wrappedOffset = 0
  seg.wrappedLength = 0
  const wellFormed = parseOptions(view, offset + TCP_HEADER_LENGTH, headerLength - TCP_HEADER_LENGTH, seg)
  return wellFormed ? TCP_OK : TCP_MALFORMED_OPTIONS
}

/** Writes header and options, with a checksum of zero. Answers their length. */
export function writeTcpHeader(view: DataView, offset: number, seg: Segment): number {
  const headerLength = TCP_HEADER_LENGTH + writeOptions(view, offset + TCP_HEADER_LENGTH, seg)
  view.setInt32(offset, (seg.sourcePort << 16) | seg.destinationPort)
  view.setInt32(offset + 4, seg.seq)
  view.setInt32(offset + 8, seg.ack)
  view.setInt32(offset + 12, (headerLength << 26) | (seg.flags << 16) | seg.window)
  view.setInt32(offset + 16, seg.urgentPointer)
  return headerLength
}

/** What writeTcpHeader will answer: for the text that fits beside the options (RFC 9293 §3.7.1, RFC 6691). */
export function tcpHeaderLength(seg: Segment): number {
  return TCP_HEADER_LENGTH + optionsLength(seg)
}

/** Sums the segment with its pseudo-header (RFC 9293 §3.1, MUST-3). */
export function verifyTcpChecksum(
  view: DataView,
  offset: number,
  length: number,
  source: number,
  destination: number
): boolean {
  return fold(sum(view, offset, length, pseudoHeaderSum(source, destination, PROTOCOL_TCP, length))) === 0xffff
}
