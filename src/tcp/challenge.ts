// Challenge ACKs: the answer to what looks like an attack from off the path, or like a peer that has lost its memory.

import type { SocketValues } from './options.ts'
import type { Outbox } from './outbox.ts'
import { sendAck } from './output.ts'
import type { Tcb } from './tcb.ts'

/** The part of a connection's record, whole or small, that the limit needs. */
export interface Challenger {
  readonly options: SocketValues
  challenges: number
  challengeSince: number
}

/** RFC 5961 §7: so many in a period and for each connection apart, so that the limit tells nobody about another connection. */
export function mayChallenge(record: Challenger, now: number, out: Outbox): boolean {
  const { challengeAcks, challengePeriodMs } = record.options
  if (now - record.challengeSince >= challengePeriodMs) {
    record.challengeSince = now
    record.challenges = 0
  }
  if (record.challenges >= challengeAcks) {
    out.counters.challengesSkipped++
    return false
  }
  record.challenges++
  out.counters.challengeAcks++
  return true
}

/** RFC 5961 §3 to §5. */
export function challengeAck(tcb: Tcb, now: number, out: Outbox): void {
  if (mayChallenge(tcb, now, out)) sendAck(tcb, now, out)
}
