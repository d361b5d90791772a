// What the peer's SACK blocks say (RFC 2018, RFC 2883). A block that was seen before costs a bisection; only what is new
// touches records.

import type { Segment } from '../wire/segment.ts'
import type { AckNews } from './ack-news.ts'
import { smss } from './congestion/congestion.ts'
import { noteDelivered } from './delivery-rate.ts'
import type { Outbox } from './outbox.ts'
import { rackAdvance } from './rack.ts'
import { checkReordering } from './reordering.ts'
import { EVER_RESENT, RESENT, SACKED, segmentsOf } from './scoreboard.ts'
import { add, ahead, later, leq, lt, type Seq, toSeq } from './seq.ts'
import { Repair, type Tcb } from './tcb.ts'
import { duplicatesForUndo } from './undo.ts'

/** `una`: SND.UNA before this ACK. */
export function takeSackBlocks(tcb: Tcb, seg: Segment, una: Seq, news: AckNews, now: number, out: Outbox): void {
  if (!tcb.sacksOn) return
  const duplicate = isDuplicateReport(tcb, seg, una)
  if (duplicate) takeDuplicate(tcb, seg, una, news, out)
  for (let i = duplicate ? 1 : 0; i < seg.sackBlocks; i++) {
    const left = toSeq(seg.sack[2 * i])
    const right = toSeq(seg.sack[2 * i + 1])
    // What begins at SND.UNA or below is old news; beyond SND.NXT, nonsense.
    if (lt(tcb.sndUna, left) && lt(left, right) && leq(right, tcb.sndNxt)) takeBlock(tcb, left, right, news, now, out)
  }
  if (news.isReordered && (tcb.repair !== Repair.LOSS || tcb.undoPossible)) {
    checkReordering(tcb, news.reorderedFrom)
    news.isReordered = false
  }
}

/** RFC 2883 §4.1 and §4.2: a first block below the ACK, or inside the second one. */
function isDuplicateReport(tcb: Tcb, seg: Segment, una: Seq): boolean {
  const { sack, sackBlocks } = seg
  const [left, right] = [toSeq(sack[0]), toSeq(sack[1])]
  if (!lt(left, right) || lt(tcb.sndNxt, right)) return false
  // More than a window behind: no duplicate of ours (RFC 2883 §5, and old numbers wrap).
  if (ahead(right, left) > tcb.maxSndWnd || lt(left, add(una, -tcb.maxSndWnd))) return false
  if (lt(left, toSeq(seg.ack))) return true
  return sackBlocks > 1 && leq(toSeq(sack[2]), left) && leq(right, toSeq(sack[3]))
}

function takeDuplicate(tcb: Tcb, seg: Segment, una: Seq, news: AckNews, out: Outbox): void {
  const left = toSeq(seg.sack[0])
  const right = toSeq(seg.sack[1])
  const size = smss(tcb)
  const segments = segmentsOf(ahead(right, left), size)
  if (segments === 1 && tcb.probeOutstanding && tcb.probeEnd === right) news.probeDuplicated = true
  tcb.duplicatesReported += segments
  if (lt(left, toSeq(seg.ack))) out.counters.duplicatesReported += segments
  else out.counters.duplicatesReportedAbove += segments
  // More than we ever sent twice: the network's doing, not ours.
  if (tcb.duplicatesReported > tcb.retransmits) return
  // RFC 8985 §6.2 step 4. A probe is sent by the clock: its duplicate says nothing about reordering.
  if (tcb.reorderingSeen > 0 && !news.probeDuplicated) tcb.reoWndDuplicate = true
  news.duplicateReported = true
  news.segments += segments
  if (leq(right, una)) {
    if (lt(tcb.undoMarker, right)) duplicatesForUndo(tcb, segments)
    return
  }
  // It lies above: the records are still there.
  const board = tcb.scoreboard
  for (let place = board.find(later(left, una)); place < board.count; place++) {
    const id = board.at(place)
    if (!lt(board.start(id), right)) return
    if (lt(board.start(id), left) || lt(right, board.end(id))) continue
    if ((board.flags(id) & (RESENT | EVER_RESENT)) === 0) continue
    if (lt(tcb.undoMarker, board.end(id))) duplicatesForUndo(tcb, board.segments(id))
    board.landed(id)
  }
}

function takeBlock(tcb: Tcb, left: Seq, right: Seq, news: AckNews, now: number, out: Outbox): void {
  const { held } = tcb.scoreboard
  let at = left
  while (lt(at, right)) {
    const i = held.indexOf(at)
    if (i >= 0) {
      at = held.right(i)
      continue
    }
    const next = held.indexPast(at)
    const stop = next < held.count && lt(held.left(next), right) ? held.left(next) : right
    const highest = tcb.scoreboard.highestSacked(tcb.sndUna)
    held.insert(at, stop)
    markSacked(tcb, at, stop, highest, news, now, out)
    at = stop
  }
}

/** [left, right) was not held before. `highest`: the highest that was. */
function markSacked(tcb: Tcb, left: Seq, right: Seq, highest: Seq, news: AckNews, now: number, out: Outbox): void {
  const board = tcb.scoreboard
  for (let place = board.find(left); place < board.count; place++) {
    const id = board.at(place)
    if (!lt(board.start(id), right)) return
    if ((board.flags(id) & SACKED) !== 0) continue
    if (lt(board.start(id), left) || lt(right, board.end(id))) {
      // The other part may have been held before; else what is held of several segments becomes a record of its own.
      if (!board.held.covers(board.start(id), board.end(id)) && !cutToHeld(tcb, place, left, out)) continue
      if (!board.held.covers(board.start(board.at(place)), board.end(board.at(place)))) continue
    }
    sackRecord(tcb, board.at(place), highest, news, now)
  }
}

/** Cuts a record of several segments at the edge of what is held, in whole segments: what does not fill one counts as not held. */
function cutToHeld(tcb: Tcb, place: number, seq: Seq, out: Outbox): boolean {
  const board = tcb.scoreboard
  const id = board.at(place)
  if (board.segments(id) === 1) return false
  // With what was held before on either side.
  const range = board.held.indexOf(seq)
  const left = board.held.left(range)
  const right = board.held.right(range)
  const size = smss(tcb)
  const start = board.start(id)
  const from = lt(start, left) ? Math.ceil(ahead(left, start) / size) * size : 0
  const to = lt(right, board.end(id)) ? Math.floor(ahead(right, start) / size) * size : board.bytes(id)
  const cut = from > 0 ? from : to
  if (to <= from || cut <= 0 || cut >= board.bytes(id)) return false
  board.split(place, add(start, cut), segmentsOf(cut, size), segmentsOf(board.bytes(id) - cut, size), out.records)
  return true
}

function sackRecord(tcb: Tcb, id: number, highest: Seq, news: AckNews, now: number): void {
  const board = tcb.scoreboard
  const flags = board.flags(id)
  const sentAt = board.sentAt(id)
  rackAdvance(tcb, id, now)
  if ((flags & (RESENT | EVER_RESENT)) === 0) {
    // It lay in a hole, and was not sent again.
    if (lt(board.start(id), highest)) news.noteReordered(board.start(id))
    if (leq(board.end(id), tcb.recover)) news.originalDelivered = true
    if (news.firstSackedAt < 0) news.firstSackedAt = sentAt
    news.lastSackedAt = sentAt
  }
  noteDelivered(tcb, id, news)
  news.sacked = true
  news.segments += board.segments(id)
  news.bytes += board.bytes(id)
  board.sack(id)
}
