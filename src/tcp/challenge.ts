// Challenge ACKs: the answer to what looks like an attack from off the path, or like a peer that has lost its memory.

import type { Outbox } from './outbox.ts'
import { sendAck } from './output.ts'
import type { Tcb } from './tcb.ts'

/** Challenge ACKs a connection may send within a second: enough for any honest peer (RFC 5961 §7). */
const CHALLENGES_PER_SECOND = 10

/** RFC 5961 §3 to §5, limited for each connection apart, so that the limit tells nobody about another connection. */
export function challengeAck(tcb: Tcb, now: number, out: Outbox): void {
  if (now - tcb.challengeSince >= 1000) {
    tcb.challengeSince = now
    tcb.challenges = 0
  }
  if (tcb.challenges >= CHALLENGES_PER_SECOND) return
  tcb.challenges++
  out.counters.challengeAcks++
  sendAck(tcb, now, out)
}
