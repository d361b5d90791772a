// Proportional rate reduction (RFC 6937, RFC 9937): while losses are repaired the window shrinks from what was in flight
// to ssthresh in proportion to what the ACKs say is delivered, and, should more be lost, grows back to it as slow start
// would. Counts in segments, as RFC 9937 §6 allows, since that is what pipe is counted in.

import type { AckNews } from './ack-news.ts'
import { smss } from './congestion/congestion.ts'
import { segmentsInFlight } from './flight.ts'
import type { Tcb } from './tcb.ts'

/** Upon entering recovery; `tcb.ssthresh` is set. RecoverFS is what was in flight and is yet to be delivered (RFC 9937 §6). */
export function beginReduction(tcb: Tcb, news: AckNews | undefined): void {
  const { sent, sacked } = tcb.scoreboard
  tcb.prrDelivered = 0
  tcb.prrOut = 0
  tcb.prrGranted = 0
  tcb.prrFlight = Math.max(1, sent - sacked + (news?.segments ?? 0))
}

/**
 * On every ACK: sets the window to what may be in flight after it. ACKs that came together are each granted what it would have
 * been had text left after the one before: as if that were on its way.
 */
export function reduceProportionally(tcb: Tcb, delivered: number, lost: number, advanced: boolean): void {
  if (delivered <= 0) return
  const size = smss(tcb)
  const threshold = Math.floor(tcb.ssthresh / size)
  const pipe = segmentsInFlight(tcb) + tcb.prrGranted
  const out = tcb.prrOut + tcb.prrGranted
  tcb.prrDelivered += delivered
  let count: number
  if (pipe > threshold) {
    // Proportional rate reduction.
    count = Math.ceil((tcb.prrDelivered * threshold) / tcb.prrFlight) - out
  } else {
    // Slow start reduction bound, as long as nothing more is lost; else the conservative one.
    const isSafe = advanced && lost === 0
    count = Math.max(tcb.prrDelivered - out, delivered) + (isSafe ? 1 : 0)
    count = Math.min(threshold - pipe, count)
  }
  // The first repetition goes at once, whatever the window; so does the one for a partial ACK without SACK (RFC 6582 §3.2).
  const isDue = out === 0 || (!tcb.sacksOn && advanced)
  count = Math.max(count, isDue ? 1 : 0)
  tcb.prrGranted += count
  tcb.cwnd = (pipe + count) * size
}
