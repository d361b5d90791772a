// The user timeout (RFC 9293 §3.8.3 and §3.9.1): how long text may go unanswered before the connection is given up, by the
// clock instead of by retransmissions; and the option by which two ends tell each other of theirs (RFC 5482).

import type { Segment } from '../wire/segment.ts'
import type { Tcb } from './tcb.ts'

const MINUTES = 0x8000
const MOST = 0x7fff

/**
 * What holds for this connection, ms; 0 for none. One that the user has set is not the peer's to change (RFC 5482 §3.1), and one that
 * is adopted holds once the connection is open (§3.3).
 */
export function userTimeout(tcb: Tcb): number {
  const { userTimeoutMs } = tcb.options
  if (userTimeoutMs > 0) return userTimeoutMs
  return tcb.synchronized ? tcb.adoptedUserTimeoutMs : 0
}

/** When it will have passed: Infinity as long as nothing waits for an answer. */
export function userTimeoutAt(tcb: Tcb): number {
  const timeout = userTimeout(tcb)
  return timeout > 0 ? tcb.unansweredSince + timeout : Number.POSITIVE_INFINITY
}

/** From the first segment that nothing was in flight before, and from a window that does not open (Linux's TCP_USER_TIMEOUT). */
export function awaitAnswer(tcb: Tcb, now: number): void {
  if (tcb.unansweredSince === Number.POSITIVE_INFINITY) tcb.unansweredSince = now
}

/** The peer has acknowledged something new. */
export function answered(tcb: Tcb, now: number): void {
  tcb.unansweredSince = tcb.sndUna === tcb.sndNxt ? Number.POSITIVE_INFINITY : now
}

// --- The option ---

/** Puts the option on a segment where it is enabled: seconds while they fit, else minutes (§3.3). */
export function advertise(advertisedMs: number, segment: Segment): void {
  const seconds = Math.max(1, Math.round(advertisedMs / 1000))
  segment.userTimeout = seconds <= MOST ? seconds : MINUTES | Math.min(MOST, Math.round(seconds / 60))
}

/** §3.1: min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)). A lower limit has to stay above the retransmission timeout. */
export function takeUserTimeout(tcb: Tcb, option: number): void {
  const { userTimeoutOption, advertisedUserTimeoutMs, leastUserTimeoutMs, mostUserTimeoutMs } = tcb.options
  const time = option & MOST
  if (!userTimeoutOption || option < 0 || time === 0) return // zero is reserved (§3.4)
  tcb.peerUserTimeoutMs = time * ((option & MINUTES) !== 0 ? 60_000 : 1000)
  const wanted = Math.max(advertisedUserTimeoutMs, tcb.peerUserTimeoutMs, leastUserTimeoutMs, 2 * tcb.rtoMs)
  tcb.adoptedUserTimeoutMs = Math.min(mostUserTimeoutMs, wanted)
}
