// What our SACK option says: the text that waits out of order (RFC 2018 §4), and before it, once, what came twice
// (RFC 2883 §4).

import { MAX_SACK_BLOCKS, type Segment } from '../wire/segment.ts'
import type { Seq } from './seq.ts'
import type { Tcb } from './tcb.ts'

/** A range has grown or begun at `start`: it is reported first from now on. */
export function rememberBlock(tcb: Tcb, start: Seq): void {
  const waiting = tcb.receiveBuffer.waiting
  const left = waiting.left(waiting.indexOf(start))
  if (tcb.recentSack0 === left) return
  if (tcb.recentSack1 !== left) {
    if (tcb.recentSack2 !== left) tcb.recentSack3 = tcb.recentSack2
    tcb.recentSack2 = tcb.recentSack1
  }
  tcb.recentSack1 = tcb.recentSack0
  tcb.recentSack0 = left
}

/** [left, right) has arrived again: the next ACK says so. */
export function reportDuplicate(tcb: Tcb, left: Seq, right: Seq): void {
  if (!tcb.sacksOn || !tcb.options.duplicateSacks || left === right) return
  tcb.duplicateKnown = true
  tcb.duplicateLeft = left
  tcb.duplicateRight = right
}

/** RFC 2018 §4: the block that the latest segment joined comes first, then those reported before. */
export function addSackBlocks(tcb: Tcb, segment: Segment): void {
  const waiting = tcb.receiveBuffer.waiting
  if (!tcb.sacksOn) return
  const most = mostBlocks(tcb)
  if (tcb.duplicateKnown) {
    tcb.duplicateKnown = false
    setBlock(segment, tcb.duplicateLeft, tcb.duplicateRight)
  }
  if (waiting.count === 0) return
  const first = segment.sackBlocks
  addRange(segment, tcb, waiting.indexOf(tcb.recentSack0), first, most)
  addRange(segment, tcb, waiting.indexOf(tcb.recentSack1), first, most)
  addRange(segment, tcb, waiting.indexOf(tcb.recentSack2), first, most)
  addRange(segment, tcb, waiting.indexOf(tcb.recentSack3), first, most)
  for (let i = 0; i < waiting.count && segment.sackBlocks < most; i++) addRange(segment, tcb, i, first, most)
}

/** Bytes that the option will take in the next segment. */
export function sackRoom(tcb: Tcb): number {
  if (!tcb.sacksOn) return 0
  const blocks = Math.min(tcb.receiveBuffer.waiting.count + (tcb.duplicateKnown ? 1 : 0), mostBlocks(tcb))
  return blocks > 0 ? 4 + 8 * blocks : 0
}

function mostBlocks(tcb: Tcb): number {
  return tcb.timestampsOn ? MAX_SACK_BLOCKS - 1 : MAX_SACK_BLOCKS
}

/** Each range once. A duplicate's block is no range: what holds it may follow (RFC 2883 §4.1.3). */
function addRange(segment: Segment, tcb: Tcb, i: number, first: number, most: number): void {
  if (i < 0 || segment.sackBlocks >= most) return
  const waiting = tcb.receiveBuffer.waiting
  const left = waiting.left(i)
  for (let k = first; k < segment.sackBlocks; k++) if (segment.sack[2 * k] === left) return
  setBlock(segment, left, waiting.right(i))
}

function setBlock(segment: Segment, left: Seq, right: Seq): void {
  segment.sack[2 * segment.sackBlocks] = left
  segment.sack[2 * segment.sackBlocks + 1] = right
  segment.sackBlocks++
}
