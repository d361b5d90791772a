// NewReno's window: slow start and congestion avoidance of RFC 5681 §3.1, the reductions of §3.1 and §3.2, deflated on
// exit as RFC 6582 §3.2 has it. Acknowledged bytes are counted whole (RFC 3465 without its limit), because one ACK a
// batch stands for many segments here.

import { ahead } from '../seq.ts'
import type { Tcb } from '../tcb.ts'
import { type CongestionControl, initialWindow } from './congestion.ts'

export class NewReno implements CongestionControl {
  #ackedBytes = 0

  acknowledged(tcb: Tcb, bytes: number): void {
    // A window that was not used says nothing about the network (RFC 7661 §1, RFC 9438 §5.8).
    if (!tcb.cwndLimited) return
    if (tcb.cwnd < tcb.ssthresh) {
      const room = tcb.ssthresh - tcb.cwnd
      tcb.cwnd += Math.min(bytes, room)
      bytes -= Math.min(bytes, room)
      if (bytes === 0) return
    }
    this.#ackedBytes += bytes
    while (this.#ackedBytes >= tcb.cwnd) {
      this.#ackedBytes -= tcb.cwnd
      tcb.cwnd += tcb.sndMss
    }
  }

  lossDetected(tcb: Tcb): void {
    tcb.ssthresh = half(tcb)
    this.#ackedBytes = 0
  }

  recovered(tcb: Tcb): void {
    tcb.cwnd = Math.min(tcb.ssthresh, Math.max(ahead(tcb.sndNxt, tcb.sndUna), tcb.sndMss) + tcb.sndMss)
  }

  timedOut(tcb: Tcb, again: boolean): void {
    // "When a TCP sender detects segment loss using the retransmission timer and the given segment has already been
    // retransmitted by way of the retransmission timer at least once, the value of ssthresh is held constant."
    if (!again) tcb.ssthresh = half(tcb)
    tcb.cwnd = tcb.sndMss
    this.#ackedBytes = 0
  }

  idled(tcb: Tcb): void {
    tcb.cwnd = Math.min(tcb.cwnd, initialWindow(tcb.sndMss))
  }
}

/** Equation 4 of RFC 5681 §3.1. */
function half(tcb: Tcb): number {
  return Math.max(ahead(tcb.sndNxt, tcb.sndUna) >> 1, 2 * tcb.sndMss)
}
