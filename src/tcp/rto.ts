// Retransmission timeout: RFC 6298. Samples in, `rtoMs` out. Karn's rule (no sample from what was sent twice) is kept
// by those who time: output.ts and recovery.ts.

import type { Tcb } from './tcb.ts'

/** §2.2 and §2.3, with K = 4, alpha = 1/8, beta = 1/4. */
export function sampleRtt(tcb: Tcb, rttMs: number): void {
  if (tcb.srttMs < 0) {
    tcb.srttMs = rttMs
    tcb.rttvarMs = rttMs / 2
  } else {
    tcb.rttvarMs = 0.75 * tcb.rttvarMs + 0.25 * Math.abs(tcb.srttMs - rttMs)
    tcb.srttMs = 0.875 * tcb.srttMs + 0.125 * rttMs
  }
  tcb.minRttMs = Math.min(tcb.minRttMs, rttMs)
  // §2.4 asks for a second at least. Like Linux we let the variance count for 200 ms at least instead: that covers a
  // peer's delayed ACK, and a lost segment costs a fifth of the time.
  tcb.rtoMs = Math.min(tcb.options.maxRtoMs, tcb.srttMs + Math.max(tcb.options.minRtoMs, 4 * tcb.rttvarMs))
}

/** §5.5: the timer backs off until a new sample sets it anew. */
export function backOff(tcb: Tcb): void {
  tcb.rtoMs = Math.min(tcb.options.maxRtoMs, 2 * tcb.rtoMs)
}

/** §5.7: a SYN was lost and the timeout was below 3 s: data starts with 3 s. */
export function restartAfterLostSyn(tcb: Tcb): void {
  if (tcb.srttMs < 0) tcb.rtoMs = Math.min(tcb.options.maxRtoMs, Math.max(3000, tcb.options.initialRtoMs))
}
