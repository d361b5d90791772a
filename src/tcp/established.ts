// The moment at which a connection opens, whichever way it was opened.

import { type Outbox, tell } from './outbox.ts'
import { restartAfterLostSyn } from './rto.ts'
import { State } from './state.ts'
import { Event, FastOpen, type Tcb } from './tcb.ts'
import { setState } from './transitions.ts'

export function becomeEstablished(tcb: Tcb, why: string, now: number, out: Outbox): void {
  setState(tcb, State.ESTABLISHED, why, out)
  settle(tcb, now, out)
}

/** Our SYN is acknowledged: in FIN-WAIT-1 too, when the user closed before that. */
export function settle(tcb: Tcb, now: number, out: Outbox): void {
  tcb.synchronized = true
  tcb.deliveredSegments++ // our SYN (as Linux counts)
  tcb.retransmitAt = Number.POSITIVE_INFINITY
  tcb.retries = 0
  if (tcb.synRetransmitted) restartAfterLostSyn(tcb)
  const isUsed = tcb.fastOpen === FastOpen.PASSIVE
  // The window of a Fast Open stands since the peer's SYN, unless our answer was lost.
  if (!isUsed || tcb.synRetransmitted) tcb.congestion.opened(tcb, now)
  // Again, for a peer that kept no record of our SYN (RFC 5482 §3).
  tcb.userTimeoutOwed = tcb.options.userTimeoutOption
  tcb.unansweredSince = Number.POSITIVE_INFINITY
  if (tcb.options.keepAlive) tcb.keepAliveAt = tcb.heardAt + tcb.options.keepAliveIdleMs
  if (isUsed) out.fastOpenSettled(tcb, false)
  else tell(tcb, Event.CONNECTED, out)
  out.schedule(tcb)
}
