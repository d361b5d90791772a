// NewReno's window: slow start and congestion avoidance of RFC 5681 §3.1, the reductions of §3.1 and §3.2, the window
// after a recovery of RFC 6582 §3.2. Acknowledged bytes are counted whole (RFC 3465 without its limit), because one ACK a
// batch stands for many segments here.

import { ahead } from '../seq.ts'
import type { Tcb } from '../tcb.ts'
import { type AckSample, type CongestionControl, initialWindow, restartWindow, smss } from './congestion.ts'

export class NewReno implements CongestionControl {
  readonly name: string = 'reno'
  readonly governsRecovery = false
  #ackedBytes = 0

  opened(tcb: Tcb): void {
    tcb.cwnd = initialWindow(tcb)
  }

  acknowledged(tcb: Tcb, sample: AckSample): void {
    if (!mayGrow(tcb, sample)) return
    let bytes = sample.acked
    if (tcb.cwnd < tcb.ssthresh) {
      const room = tcb.ssthresh - tcb.cwnd
      tcb.cwnd += Math.min(bytes, room)
      bytes -= Math.min(bytes, room)
      if (bytes === 0) return
    }
    this.#ackedBytes += bytes
    while (this.#ackedBytes >= tcb.cwnd) {
      this.#ackedBytes -= tcb.cwnd
      tcb.cwnd += smss(tcb)
    }
  }

  lossDetected(tcb: Tcb): void {
    tcb.ssthresh = half(tcb)
    this.#ackedBytes = 0
  }

  recovered(tcb: Tcb): void {
    const segment = smss(tcb)
    tcb.cwnd = Math.min(tcb.ssthresh, Math.max(ahead(tcb.sndNxt, tcb.sndUna), segment) + segment)
  }

  timedOut(tcb: Tcb, again: boolean): void {
    // "When a TCP sender detects segment loss using the retransmission timer and the given segment has already been
    // retransmitted by way of the retransmission timer at least once, the value of ssthresh is held constant."
    if (!again) tcb.ssthresh = half(tcb)
    tcb.cwnd = smss(tcb)
    this.#ackedBytes = 0
  }

  undone(): void {}

  congestionEchoed(tcb: Tcb): void {
    tcb.ssthresh = half(tcb)
    tcb.cwnd = Math.min(tcb.cwnd, tcb.ssthresh)
    this.#ackedBytes = 0
  }

  idled(tcb: Tcb): void {
    tcb.cwnd = Math.min(tcb.cwnd, restartWindow(smss(tcb)))
  }

  resumed(): void {}
}

/**
 * Whether an ACK lets the window grow: not one with news of congestion, nor while a reduction for a mark holds (RFC 3168
 * §6.1.2), nor a window that was not used, which says nothing about the network (RFC 7661 §1, RFC 9438 §5.8).
 */
export function mayGrow(tcb: Tcb, sample: AckSample): boolean {
  return tcb.cwndLimited && sample.markedBytes === 0 && !tcb.inCwr
}

/** Equation 4 of RFC 5681 §3.1. What limited transmit sent beyond the window does not count (§3.2, step 2). */
function half(tcb: Tcb): number {
  return Math.max(Math.min(tcb.cwnd, ahead(tcb.sndNxt, tcb.sndUna)) >> 1, 2 * smss(tcb))
}
