// What a congestion controller is: an object a connection, told of what happens, that sets `tcb.cwnd` and
// `tcb.ssthresh` (bytes both). Which segments are lost and when they go again is not its business.

import type { Tcb } from '../tcb.ts'

export interface CongestionControl {
  /** `bytes` were newly acknowledged while nothing was being repaired. */
  acknowledged(tcb: Tcb, bytes: number, now: number): void
  /** A loss was found by duplicate ACKs, the first in this window: sets ssthresh for the recovery that begins. */
  lossDetected(tcb: Tcb, now: number): void
  /** Recovery is over: sets the window to go on with. */
  recovered(tcb: Tcb, now: number): void
  /** The retransmission timer ran out; `again` for the same segment as before. */
  timedOut(tcb: Tcb, again: boolean, now: number): void
  /** Nothing was sent for longer than a retransmission timeout. */
  idled(tcb: Tcb, now: number): void
}

export type CongestionControlFactory = () => CongestionControl

/** IW of RFC 6928 §2, bytes: ten segments, fewer where they are large. */
export function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14_600))
}
