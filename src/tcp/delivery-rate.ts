// How fast the network delivers, a sample for each ACK (draft-ietf-ccwg-bbr, "Delivery Rate Samples"): the bytes delivered
// between the sending of a segment and its acknowledgement, over the longer of the times that it took to send and to
// acknowledge them. The numbers and steps of the draft's section are kept in the names.

import type { AckNews } from './ack-news.ts'
import { type AckSample, smss } from './congestion/congestion.ts'
import { inFlight } from './flight.ts'
import { APP_LIMITED, SAMPLED, type Scoreboard } from './scoreboard.ts'
import { ahead, lt } from './seq.ts'
import type { Tcb } from './tcb.ts'

/** Upon transmitting, or transmitting again: the record remembers how things stand. `idle`: nothing else is in flight. */
export function stampRecord(tcb: Tcb, id: number, idle: boolean, now: number): void {
  if (idle) {
    tcb.firstSentAt = now
    tcb.deliveredAt = now
  }
  tcb.scoreboard.stamp(id, tcb.delivered, tcb.deliveredAt, tcb.firstSentAt, tcb.lost, inFlight(tcb))
  if (tcb.appLimitedUntil > 0) tcb.scoreboard.setFlag(id, APP_LIMITED)
}

/** Upon receiving an ACK, for each record that it delivers: the one sent last makes the sample. */
export function noteDelivered(tcb: Tcb, id: number, news: AckNews): void {
  const board = tcb.scoreboard
  if ((board.flags(id) & SAMPLED) !== 0) return
  const sentAt = board.sentAt(id)
  if (!news.hasRate || isSentAfterSample(board, id, news)) {
    news.hasRate = true
    news.rateSentAt = sentAt
    news.rateEnd = board.end(id)
    news.priorDelivered = board.deliveredThen(id)
    news.priorDeliveredAt = board.deliveredAtThen(id)
    news.wasAppLimited = (board.flags(id) & APP_LIMITED) !== 0
    news.txInFlight = board.txInFlight(id)
    news.lostThen = board.lostThen(id)
    news.sendIntervalMs = sentAt - board.firstSentAtThen(id)
    tcb.firstSentAt = sentAt
  }
  board.setFlag(id, SAMPLED)
}

/** After the one that makes the sample so far, by time and then by sequence number. */
function isSentAfterSample(board: Scoreboard, id: number, news: AckNews): boolean {
  const at = board.sentAt(id)
  return at > news.rateSentAt || (at === news.rateSentAt && lt(news.rateEnd, board.end(id)))
}

/** When the ACK has been processed: fills the sample. */
export function takeRateSample(tcb: Tcb, news: AckNews, sample: AckSample, now: number): void {
  if (tcb.appLimitedUntil > 0 && tcb.delivered > tcb.appLimitedUntil) tcb.appLimitedUntil = 0
  if (sample.delivered > 0) tcb.deliveredAt = now
  if (!news.hasRate) return
  sample.priorDelivered = news.priorDelivered
  sample.isAppLimited = news.wasAppLimited
  sample.txInFlight = news.txInFlight
  sample.lostSince = tcb.lost - news.lostThen
  const interval = Math.max(news.sendIntervalMs, now - news.priorDeliveredAt)
  // Less than the shortest round trip cannot be: the ACK of a repetition was one of what had been sent before.
  if (tcb.hasReneged || interval <= 0 || interval < tcb.minRttMs) return
  sample.intervalMs = interval
  sample.deliveryRate = (tcb.delivered - news.priorDelivered) / interval
}

/** The user writes: if nothing held the sender back but that there was nothing to send, what is in flight says little. */
export function noteAppLimited(tcb: Tcb): void {
  const board = tcb.scoreboard
  const unsent = ahead(tcb.sendBuffer.end, tcb.sndNxt)
  if (unsent < smss(tcb) && inFlight(tcb) < tcb.cwnd && board.lost <= board.resent) {
    tcb.appLimitedUntil = Math.max(1, tcb.delivered + inFlight(tcb))
  }
}
