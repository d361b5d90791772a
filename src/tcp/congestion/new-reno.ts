// NewReno's window: slow start and congestion avoidance of RFC 5681 §3.1, the reductions of §3.1 and §3.2, the window
// after a recovery of RFC 6582 §3.2. Acknowledged bytes are counted whole (RFC 3465 without its limit), because one ACK a
// batch stands for many segments here.

import { ahead } from '../seq.ts'
import type { Tcb } from '../tcb.ts'
import {
  type AckSample,
  type CongestionControl,
  initialWindow,
  mayGrow,
  restart,
  slowStart,
  smss
} from './congestion.ts'

/** Equation 4 of RFC 5681. */
const BETA = 0.5

export class NewReno implements CongestionControl {
  readonly name: string = 'reno'
  readonly governsRecovery: boolean = false
  readonly paces: boolean = false
  readonly needsEcn: boolean = false
  readonly #ecnBeta: number
  #ackedBytes = 0

  /** `ecnBeta`: what a mark leaves of the window in congestion avoidance; 0.8 is that of RFC 8511 §3.1. */
  constructor({ ecnBeta = BETA } = {}) {
    this.#ecnBeta = ecnBeta
  }

  opened(tcb: Tcb, _now: number): void {
    tcb.cwnd = initialWindow(tcb)
  }

  acknowledged(tcb: Tcb, sample: AckSample, _now: number): void {
    if (!mayGrow(tcb, sample)) return
    this.#ackedBytes += tcb.cwnd < tcb.ssthresh ? slowStart(tcb, sample.delivered) : sample.delivered
    while (this.#ackedBytes >= tcb.cwnd) {
      this.#ackedBytes -= tcb.cwnd
      tcb.cwnd += smss(tcb)
    }
  }

  lossDetected(tcb: Tcb, _now: number): void {
    tcb.ssthresh = reduced(tcb, BETA)
    this.#ackedBytes = 0
  }

  recovered(tcb: Tcb, _now: number): void {
    tcb.cwnd = tcb.ssthresh // RFC 9937 §6; PRR leaves no room for a burst
  }

  timedOut(tcb: Tcb, again: boolean, _now: number): void {
    // "When a TCP sender detects segment loss using the retransmission timer and the given segment has already been
    // retransmitted by way of the retransmission timer at least once, the value of ssthresh is held constant."
    if (!again) tcb.ssthresh = reduced(tcb, BETA)
    tcb.cwnd = smss(tcb)
    this.#ackedBytes = 0
  }

  undone(_tcb: Tcb, _now: number): void {}

  congestionEchoed(tcb: Tcb, _now: number): void {
    tcb.ssthresh = reduced(tcb, tcb.cwnd > tcb.ssthresh ? this.#ecnBeta : BETA)
    tcb.cwnd = Math.min(tcb.cwnd, tcb.ssthresh)
    this.#ackedBytes = 0
  }

  idled(tcb: Tcb, now: number): void {
    restart(tcb, now)
  }

  resumed(_tcb: Tcb, _now: number): void {}
}

/**
 * Equation 4 of RFC 5681 §3.1. FlightSize is what was out before this batch of ACKs: they come together, and what they let go
 * leaves after them. Where the window was full that is the window; what limited transmit sent beyond it does not count
 * (§3.2, step 2).
 */
function reduced(tcb: Tcb, beta: number): number {
  const flight = tcb.cwndLimited ? tcb.cwnd : Math.max(tcb.mostOut, ahead(tcb.sndNxt, tcb.sndUna))
  return Math.max(Math.floor(Math.min(tcb.cwnd, flight) * beta), 2 * smss(tcb))
}
