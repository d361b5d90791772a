// What a congestion controller is: an object a connection, told of what happens, that sets `tcb.cwnd` and
// `tcb.ssthresh` (bytes both) and, if it paces, `tcb.pacingRate`. Which segments are lost and when they go again is not
// its business.

import type { Tcb } from '../tcb.ts'
import { isWindowUsed } from './usage.ts'

export interface CongestionControl {
  readonly name: string
  /** Sets `cwnd` on every ACK itself, in recovery too; else that is the engine's while losses are repaired. */
  readonly governsRecovery: boolean
  /** Sets `pacingRate`; else the engine derives one from the window, where pacing is asked for. */
  readonly paces: boolean
  /** SYNs ask for ECN unless that is off, and each mark on the peer's text is echoed by itself, as DCTCP's peer expects (RFC 8257 §3.2). */
  readonly needsEcn: boolean
  /** Our SYN is acknowledged: sets the window to begin with. */
  opened(tcb: Tcb, now: number): void
  /** An ACK has delivered something. Not called in fast recovery, unless `governsRecovery`. */
  acknowledged(tcb: Tcb, sample: AckSample, now: number): void
  /** A recovery begins, the first loss in this window: sets `ssthresh`. */
  lossDetected(tcb: Tcb, now: number): void
  /** Recovery is over: sets the window to go on with. */
  recovered(tcb: Tcb, now: number): void
  /** The retransmission timer ran out; `again` for the same segment as before. */
  timedOut(tcb: Tcb, again: boolean, now: number): void
  /** The last reduction was needless. The engine has restored `cwnd` and `ssthresh`: restores what else was changed. */
  undone(tcb: Tcb, now: number): void
  /** The peer echoes a router's mark, the first in this window (RFC 3168 §6.1.2). */
  congestionEchoed(tcb: Tcb, now: number): void
  /** Nothing was sent for longer than a retransmission timeout (RFC 5681 §4.1), and `slowStartAfterIdle` is set. */
  idled(tcb: Tcb, now: number): void
  /** New text leaves while nothing was in flight; `tcb.lastSentAt` is still that of what left before. */
  resumed(tcb: Tcb, now: number): void
}

export type CongestionControlFactory = () => CongestionControl

/** What one ACK told. The engine fills one record for each ACK; who wants to keep something copies it. */
export class AckSample {
  /** Bytes by which SND.UNA moved. */
  acked = 0
  /** Bytes acknowledged, selectively or not, for the first time. */
  delivered = 0
  /** Bytes found lost with this ACK. */
  lost = 0
  /** Bytes in flight before it. */
  priorInFlight = 0
  /** Of the newest segment that was never sent again; -1 for none. */
  rttMs = -1
  /** Bytes a millisecond; -1 for none. */
  deliveryRate = -1
  /** That it was measured over. */
  intervalMs = -1
  /** The sender had nothing to send at some time in it. */
  isAppLimited = false
  /** `tcb.delivered` when the newest segment that was acknowledged had left: tells rounds. */
  priorDelivered = 0
  /** Bytes in flight when that segment had left, itself included. */
  txInFlight = 0
  /** `tcb.lost` now, less what it was then. */
  lostSince = 0
  /** Of `delivered`, bytes that the peer says arrived marked CE. */
  markedBytes = 0

  reset(): void {
    this.acked = 0
    this.delivered = 0
    this.lost = 0
    this.priorInFlight = 0
    this.rttMs = -1
    this.deliveryRate = -1
    this.intervalMs = -1
    this.isAppLimited = false
    this.priorDelivered = 0
    this.txInFlight = 0
    this.lostSince = 0
    this.markedBytes = 0
  }
}

const TIMESTAMP_OPTION = 12

/** SMSS of RFC 5681 §2, the largest text of a segment: that of the options is not part of it. */
export const smss = (tcb: Tcb): number => Math.max(1, tcb.sndMss - (tcb.timestampsOn ? TIMESTAMP_OPTION : 0))

/** ssthresh while no loss has shown where the limit is. */
export const NO_THRESHOLD = 0x3fffffff

/** IW of RFC 6928 §2, bytes: ten segments, fewer where they are large. A lost SYN is a sign of congestion: one (RFC 5681 §3.1). */
export function initialWindow(tcb: Tcb): number {
  return tcb.synRetransmitted ? smss(tcb) : windowToBeginWith(tcb)
}

/** The same whatever became of the SYN. */
function windowToBeginWith(tcb: Tcb): number {
  const segment = smss(tcb)
  return tcb.options.initialWindow === 10
    ? Math.min(10 * segment, Math.max(2 * segment, 14_600))
    : tcb.options.initialWindow * segment
}

/**
 * Whether an ACK lets the window grow: not one with news of congestion, nor while a reduction for a mark holds (RFC 3168
 * §6.1.2), nor a window that was not used, which says nothing about the network (RFC 7661 §1, RFC 9438 §5.8).
 */
export function mayGrow(tcb: Tcb, sample: AckSample): boolean {
  return sample.delivered > 0 && sample.markedBytes === 0 && !tcb.inCwr && isWindowUsed(tcb)
}

/** Slow start (RFC 5681 §3.1) up to ssthresh; answers the bytes that are left for congestion avoidance. */
export function slowStart(tcb: Tcb, bytes: number): number {
  const taken = Math.min(bytes, tcb.ssthresh - tcb.cwnd)
  tcb.cwnd += taken
  return bytes - taken
}

/**
 * After an idle time (RFC 5681 §4.1): the window is halved for each timeout that has passed, down to the initial one, and
 * ssthresh remembers three quarters of it (RFC 2861 §3.1), as on Linux.
 */
export function restart(tcb: Tcb, now: number): void {
  const least = Math.min(tcb.cwnd, windowToBeginWith(tcb))
  tcb.ssthresh = Math.max(tcb.ssthresh, Math.floor((3 * tcb.cwnd) / 4))
  let left = now - tcb.lastSentAt - tcb.rtoMs
  while (left > 0 && tcb.cwnd > least) {
    tcb.cwnd >>= 1
    left -= tcb.rtoMs
  }
  tcb.cwnd = Math.max(tcb.cwnd, least)
}
