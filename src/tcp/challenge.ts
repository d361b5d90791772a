// Challenge ACKs: the answer to what looks like an attack from off the path, or like a peer that has lost its memory.

import type { Segment } from '../wire/segment.ts'
import type { SocketValues } from './options.ts'
import type { Outbox } from './outbox.ts'
import { sendAck } from './output.ts'
import type { Tcb } from './tcb.ts'

/** The part of a connection's record, whole or small, that the limit needs. */
export interface Challenger {
  readonly options: SocketValues
  challenges: number
  challengeSince: number
  /** A digest of what was challenged last, 0 for nothing, and when, ms modulo 2^32. */
  nonsense: number
  nonsenseAt: number
}

/**
 * RFC 5961 §7: so many in a period and for each connection apart, so that the limit tells nobody about another connection. The same
 * segment once more gets no answer for a while: two ends in doubt would go on answering each other (as on Linux).
 */
export function mayChallenge(record: Challenger, seg: Segment, now: number, out: Outbox): boolean {
  const { challengeAcks, challengePeriodMs, challengeRepeatMs } = record.options
  const nonsense = digest(seg)
  // Text is never part of such a loop.
  if (seg.payloadLength === 0 && nonsense === record.nonsense && (now - record.nonsenseAt) >>> 0 < challengeRepeatMs) {
    out.counters.challengesSkipped++
    return false
  }
  if (now - record.challengeSince >= challengePeriodMs) {
    record.challengeSince = now
    record.challenges = 0
  }
  if (record.challenges >= challengeAcks) {
    out.counters.challengesSkipped++
    return false
  }
  record.challenges++
  record.nonsense = nonsense
  record.nonsenseAt = now | 0
  out.counters.challengeAcks++
  return true
}

/** RFC 5961 §3 to §5. */
export function challengeAck(tcb: Tcb, seg: Segment, now: number, out: Outbox): void {
  if (mayChallenge(tcb, seg, now, out)) sendAck(tcb, now, out)
}

const digest = ({ seq, ack, flags }: Segment): number => seq ^ Math.imul(ack, 0x9e3779b1) ^ (flags << 23)
