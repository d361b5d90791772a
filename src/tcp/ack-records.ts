// The cumulative ACK and the scoreboard: what has been acknowledged leaves it, and tells a round trip, a delivery and,
// where something came that was held for lost, that the network reorders.

import type { AckNews } from './ack-news.ts'
import { smss } from './congestion/congestion.ts'
import { noteDelivered } from './delivery-rate.ts'
import type { Outbox } from './outbox.ts'
import { rackAdvance } from './rack.ts'
import { noteReordering, takeBackDuplicates } from './reordering.ts'
import { sampleRtt } from './rto.ts'
import { EVER_RESENT, RESENT, SACKED, segmentsOf } from './scoreboard.ts'
import { ahead, leq, lt, type Seq } from './seq.ts'
import type { Tcb } from './tcb.ts'
import { timestampNow } from './timestamps.ts'

/** SND.UNA has moved, or SACK blocks have come. `highest`: of what was held before. Answers the round trip measured, -1 for none. */
export function takeRecords(tcb: Tcb, highest: Seq, news: AckNews, now: number, out: Outbox): number {
  const board = tcb.scoreboard
  const una = tcb.sndUna
  while (board.count > 0) {
    const id = board.at(0)
    const end = board.end(id)
    if (leq(end, una)) {
      takeRecord(tcb, id, board.segments(id), ahead(end, board.start(id)), news, now)
      board.removeFirst()
      continue
    }
    if (lt(board.start(id), una)) takePart(tcb, id, una, news, now)
    break
  }
  if (board.held.count > 0) board.held.removeBelow(una)
  if (board.count === 0) board.releaseBlock(out.records)
  else if (news.advanced && (board.flags(board.at(0)) & SACKED) !== 0) news.reneging = true
  const rtt = measure(tcb, news, now)
  // RFC 6298 §5.3: any new data, be it less than a segment.
  if (news.advanced) news.startsTimer = true
  if (news.acked) {
    if (!tcb.sacksOn) withoutSack(tcb, news)
    else if (news.isReordered && lt(news.reorderedFrom, highest)) noteReordering(tcb, news.reorderedFrom, highest)
  } else if (news.firstSackedAt >= 0 && board.count > 0 && news.firstSackedAt < board.sentAt(board.at(0))) {
    // A round trip of what left after the oldest says nothing about when that one is overdue; this one left before.
    news.startsTimer = true
  }
  return rtt
}

/** Part of a record: whole segments of it count, and what is sent again begins where the peer asks for it. */
function takePart(tcb: Tcb, id: number, una: Seq, news: AckNews, now: number): void {
  const board = tcb.scoreboard
  const left = Math.min(board.segments(id), segmentsOf(ahead(board.end(id), una), smss(tcb)))
  const segments = board.segments(id) - left
  const bytes = ahead(una, board.start(id))
  if (segments > 0) takeRecord(tcb, id, segments, bytes, news, now)
  else if ((board.flags(id) & SACKED) === 0) news.bytes += bytes
  board.trimFirst(una, left)
}

function takeRecord(tcb: Tcb, id: number, segments: number, bytes: number, news: AckNews, now: number): void {
  const board = tcb.scoreboard
  const flags = board.flags(id)
  const sentAt = board.sentAt(id)
  news.acked = true
  news.removed += segments
  if ((flags & (RESENT | EVER_RESENT)) !== 0) news.resentAcked = true
  else if ((flags & SACKED) === 0) {
    news.lastAckedAt = sentAt
    if (news.firstAckedAt < 0) news.firstAckedAt = sentAt
    news.noteReordered(board.start(id))
    if (leq(board.end(id), tcb.recover)) news.originalDelivered = true
  }
  if ((flags & SACKED) !== 0) return
  news.bytes += bytes
  if (tcb.sacksOn) {
    news.segments += segments
    if (!isEchoOlder(tcb, id, news)) rackAdvance(tcb, id, now)
  }
  noteDelivered(tcb, id, news)
}

/** The ACK was sent for something that arrived before this repetition left. */
function isEchoOlder(tcb: Tcb, id: number, news: AckNews): boolean {
  const board = tcb.scoreboard
  if ((board.flags(id) & EVER_RESENT) === 0 || !news.hasEcho) return false
  return ((news.echo - timestampNow(tcb.tsOffset, board.sentAt(id))) | 0) < 0
}

function withoutSack(tcb: Tcb, news: AckNews): void {
  news.segments += takeBackDuplicates(tcb, news.removed)
  // Nobody can say whether the repetition or what was sent first has made the progress.
  if (news.resentAcked) news.originalDelivered = false
}

/**
 * The round trip of what was sent once (Karn's rule, RFC 6298 §3): to the oldest segment that this ACK acknowledges, so that
 * a delayed ACK counts. With timestamps even what was sent twice has one, to a millisecond (RFC 7323 §4.1).
 */
function measure(tcb: Tcb, news: AckNews, now: number): number {
  let rtt = -1
  let latest = -1
  if (news.firstAckedAt >= 0 && !news.resentAcked) {
    rtt = now - news.firstAckedAt
    latest = now - news.lastAckedAt
  }
  if (news.firstSackedAt >= 0) {
    latest = now - news.lastSackedAt
    if (rtt < 0) rtt = now - news.firstSackedAt
  }
  if (rtt < 0 && news.hasEcho && news.acked) {
    const echoed = (timestampNow(tcb.tsOffset, now) - news.echo) | 0
    if (news.echo !== 0 && echoed >= 0) rtt = latest = echoed
  }
  if (rtt < 0) return -1
  tcb.minRttMs = Math.min(tcb.minRttMs, latest)
  // FlightSize over two: with an ACK for every second segment, so many samples a round trip (RFC 7323, appendix G).
  const { sent, sacked } = tcb.scoreboard
  sampleRtt(tcb, rtt, Math.max(1, Math.ceil((sent + news.removed - sacked) / 2)))
  return latest
}
