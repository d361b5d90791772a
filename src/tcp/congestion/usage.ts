// How much of the congestion window is used: one that is not says nothing about the network, and must not grow (RFC 7661
// §1, RFC 9438 §5.8). As Linux's tcp_cwnd_validate: for the round trip that is under way, whether the window ever held
// something back, and if not, the most that was out.

import { ahead, leq } from '../seq.ts'
import type { Tcb } from '../tcb.ts'

/** After each attempt to send; `limited`: nothing more fits into the window. */
export function noteWindowUse(tcb: Tcb, limited: boolean): void {
  const out = ahead(tcb.sndNxt, tcb.sndUna)
  if (leq(tcb.usageEnd, tcb.sndUna) || limited || (!tcb.cwndLimited && out > tcb.mostOut)) {
    tcb.cwndLimited = limited
    tcb.mostOut = out
    tcb.usageEnd = tcb.sndNxt
  }
}

/** In slow start, a window of which half was used may grow: it is not full before an ACK has come for its first half. */
export function isWindowUsed(tcb: Tcb): boolean {
  return tcb.cwndLimited || (tcb.cwnd < tcb.ssthresh && tcb.cwnd < 2 * tcb.mostOut)
}
