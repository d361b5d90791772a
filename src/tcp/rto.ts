// Retransmission timeout: RFC 6298. Samples in, `rtoMs` out. Karn's rule (no sample from what was sent twice) is kept
// by those who time: ack-records.ts, and for the SYN here.

import type { Tcb } from './tcb.ts'

/**
 * §2.2 and §2.3, with K = 4, alpha = 1/8, beta = 1/4. Each ACK brings a sample: where there are several in a round trip, `perRoundTrip`
 * of them, each counts for less, so that they add up to one (RFC 7323, appendix G).
 */
export function sampleRtt(tcb: Tcb, rttMs: number, perRoundTrip = 1): void {
  if (tcb.srttMs < 0) {
    tcb.srttMs = rttMs
    tcb.rttvarMs = rttMs / 2
  } else {
    tcb.rttvarMs += (0.25 / perRoundTrip) * (Math.abs(tcb.srttMs - rttMs) - tcb.rttvarMs)
    tcb.srttMs += (0.125 / perRoundTrip) * (rttMs - tcb.srttMs)
  }
  tcb.minRttMs = Math.min(tcb.minRttMs, rttMs)
  endBackOff(tcb)
}

/** The round trip of our SYN, or SYN-ACK, if it was sent once. */
export function sampleHandshake(tcb: Tcb, now: number): void {
  if (!Number.isNaN(tcb.synSentAt)) sampleRtt(tcb, now - tcb.synSentAt)
  tcb.synSentAt = Number.NaN
}

/** The timeout as the samples have it. */
export function endBackOff(tcb: Tcb): void {
  tcb.backoff = 0
  // §2.4 asks for a second at least. Like Linux we let the variance count for 200 ms at least instead: that covers a
  // peer's delayed ACK, and a lost segment costs a fifth of the time.
  tcb.rtoMs = Math.min(tcb.options.maxRtoMs, tcb.srttMs + Math.max(tcb.options.minRtoMs, 4 * tcb.rttvarMs))
}

/** §5.5: the timer backs off until a new sample sets it anew. */
export function backOff(tcb: Tcb): void {
  tcb.backoff++
  tcb.rtoMs = Math.min(tcb.options.maxRtoMs, 2 * tcb.rtoMs)
}

/** §5.7: a SYN was lost and the timeout was below 3 s: data starts with 3 s. */
export function restartAfterLostSyn(tcb: Tcb): void {
  if (tcb.srttMs < 0) tcb.rtoMs = Math.min(tcb.options.maxRtoMs, Math.max(3000, tcb.options.initialRtoMs))
}
