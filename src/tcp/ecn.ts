// Explicit congestion notification (RFC 3168 §6.1): what the two SYNs agree on, what the receiver echoes, and what the
// sender makes of an echo. Routers mark instead of dropping; a mark counts as a loss, without anything to send again.

import { ECN_CE, ECN_ECT_0, ECN_NOT_ECT } from '../wire/ipv4.ts'
import { ACK, CWR, ECE, type Segment, SYN } from '../wire/segment.ts'
import { ACE_BITS, AccurateEcn, accurateAnswer, cameUnmarked, isAccurateAnswer, isAccurateSyn } from './accurate-ecn.ts'
import { smss } from './congestion/congestion.ts'
import type { SocketValues } from './options.ts'
import type { Outbox } from './outbox.ts'
import { oweAck, sendAck } from './output.ts'
import { lt } from './seq.ts'
import { Repair, type Tcb } from './tcb.ts'

const SETUP = ECE | CWR
const CODEPOINT = 3

/** An ECN-setup SYN (§6.1.1). One that came with a codepoint went through something that writes what it should not: no ECN then. */
export const isEcnSetupSyn = (seg: Segment): boolean =>
  (seg.flags & (SYN | ACK | SETUP)) === (SYN | SETUP) && (seg.tos & CODEPOINT) === ECN_NOT_ECT

/** An ECN-setup SYN-ACK: ECE alone, so that a peer who reflects the bits of our SYN is not taken for one (§6.1.1.2). */
const isEcnSetupSynAck = (seg: Segment): boolean => (seg.flags & (SYN | ACK | SETUP)) === (SYN | ACK | ECE)

/** What the peer's SYN asks for, and the user wants: the bits of the SYN-ACK, 0 for none. */
export function ecnOnSynAck(ecn: SocketValues['ecn'], seg: Segment): number {
  if (ecn === 'off') return 0
  if (ecn === 'accurate' && isAccurateSyn(seg)) return accurateAnswer(seg)
  return isEcnSetupSyn(seg) ? ECE : 0
}

/**
 * The bits for a SYN of ours. One that was lost may have met a device that takes them for an attack: then without (§6.1.1.1), but
 * accurate feedback is asked for twice (RFC 9768 §3.1.4.1).
 */
export function ecnOnSyn(tcb: Tcb): number {
  if (tcb.options.ecn === 'accurate') return tcb.retries <= 1 ? ACE_BITS : 0
  return asksForEcn(tcb) && !tcb.synRetransmitted ? SETUP : 0
}

const asksForEcn = (tcb: Tcb): boolean => {
  const { ecn } = tcb.options
  return ecn === 'on' || ecn === 'accurate' || (tcb.congestion.needsEcn && ecn !== 'off')
}

/** The peer's SYN or SYN-ACK has come to SYN-SENT. */
export function agreeOnEcn(tcb: Tcb, seg: Segment): void {
  const isAnswer = (seg.flags & ACK) !== 0
  if (tcb.options.ecn === 'accurate' && isAnswer && isAccurateAnswer(seg)) return agreeOnAccurate(tcb, seg)
  tcb.ecnOn = asksForEcn(tcb) && (isAnswer ? isEcnSetupSynAck(seg) : isEcnSetupSyn(seg))
  // Who has sent a SYN without ECN keeps to what it promised, but marks no text (§6.1.1).
  tcb.ectOn = tcb.ecnOn && !tcb.synRetransmitted
}

/** Our SYN leaves without a codepoint: where it came with one, something on the way writes them, and nothing of ours is to be marked. */
function agreeOnAccurate(tcb: Tcb, seg: Segment): void {
  tcb.accurateEcn = new AccurateEcn()
  tcb.accurateEcn.takeSynAck(seg)
  tcb.ecnOn = true
  tcb.ectOn = cameUnmarked(seg) && tcb.retries <= 1
}

/** Simultaneous open: one SYN-ACK without ECN takes back what the SYNs had agreed on. */
export function confirmEcn(tcb: Tcb, seg: Segment): void {
  if (isEcnSetupSynAck(seg)) return
  tcb.ecnOn = false
  tcb.ectOn = false
}

// --- The receiver (§6.1.3) ---

/** With accurate feedback every acceptable packet counts, and the first one shows whether the way leaves the bits alone (RFC 9768 §3.2.2). */
export function countCodepoint(tcb: Tcb, seg: Segment, now: number, out: Outbox): void {
  const accurate = tcb.accurateEcn
  if (accurate === null) return
  if (!accurate.takeFirst(seg, tcb.passive)) tcb.ectOn = false
  if ((seg.tos & CODEPOINT) !== ECN_NOT_ECT) tcb.ecnSeen = true
  if (accurate.wouldWrap(seg)) sendAck(tcb, now, out)
  if (accurate.count(seg)) oweAck(tcb, out)
}

/** Text inside the window has come: a mark outside it could be an attacker's (§6.1.5). True when the sender should hear of it at once. */
export function takeCodepoint(tcb: Tcb, seg: Segment): boolean {
  if (!tcb.ecnOn || tcb.accurateEcn !== null) return false
  const wasEchoing = tcb.echoesCe
  const reduced = (seg.flags & CWR) !== 0
  if (reduced) tcb.echoesCe = false
  const codepoint = seg.tos & CODEPOINT
  if (codepoint !== ECN_NOT_ECT) tcb.ecnSeen = true
  if (tcb.congestion.needsEcn) return echoEach(tcb, codepoint === ECN_CE, wasEchoing, reduced)
  if (codepoint === ECN_CE) tcb.echoesCe = true
  // A window of the sender's that was reduced may be down to one segment: it waits for this ACK.
  return reduced || (tcb.echoesCe && !wasEchoing)
}

/** RFC 8257 §3.2: what waits for an ACK gets its own, before this segment changes what ECE says. */
export function changesEcho(tcb: Tcb, seg: Segment): boolean {
  if (!tcb.ecnOn || tcb.accurateEcn !== null || !tcb.congestion.needsEcn || tcb.rcvNxt === tcb.lastAckSent) return false
  return ((seg.tos & CODEPOINT) === ECN_CE) !== tcb.echoesCe
}

/** RFC 8257 §3.2: ECE while what arrives is marked, and an ACK at once for each change. */
function echoEach(tcb: Tcb, isMarked: boolean, wasEchoing: boolean, reduced: boolean): boolean {
  tcb.echoesCe = isMarked
  return reduced || isMarked !== wasEchoing
}

// --- The sender (§6.1.2) ---

/** Text that goes for the first time is open to marking, and tells of a reduction. */
export function markNewText(tcb: Tcb, segment: Segment): void {
  if (!tcb.ectOn) return
  segment.tos = (segment.tos & ~CODEPOINT) | ECN_ECT_0
  if (!tcb.cwrOwed) return
  segment.flags |= CWR
  tcb.cwrOwed = false
}

/** The congestion window was reduced, for whatever reason: the peer is told on the next new text. */
export function windowReduced(tcb: Tcb): void {
  tcb.reducedLately = true
  tcb.cwrEnd = tcb.sndNxt
  if (tcb.ectOn && tcb.accurateEcn === null) tcb.cwrOwed = true
}

/** Whether this ACK says that a router has marked something of ours; with accurate feedback that is `takeMarks`. */
const echoesCongestion = (tcb: Tcb, seg: Segment): boolean =>
  tcb.ecnOn && tcb.accurateEcn === null && (seg.flags & (SYN | ECE)) === ECE

/**
 * Bytes marked, of what this ACK delivers: all of it for an echo (RFC 3168 §6.1.3), as told with accurate feedback. -1 for no mark. A counter
 * that something on the way clears would tell of marks where nothing of ours can have any (RFC 9768 §3.2.2.4).
 */
export function takeMarks(tcb: Tcb, seg: Segment, bytes: number): number {
  if (tcb.accurateEcn === null) return echoesCongestion(tcb, seg) ? bytes : -1
  const segmentBytes = smss(tcb)
  return tcb.ectOn ? tcb.accurateEcn.takeAck(seg, Math.ceil(bytes / segmentBytes), bytes, segmentBytes) : -1
}

/** An echo: one reduction a window, and none while a loss of the same window is being repaired. */
export function congestionEchoed(tcb: Tcb, now: number, out: Outbox): void {
  if (tcb.repair >= Repair.RECOVERY || tcb.reducedLately) return
  out.counters.ecnReductions++
  if (tcb.cwnd <= smss(tcb)) {
    // There is nothing left to take off: the timer slows us down instead.
    tcb.heldUntil = now + tcb.rtoMs
    if (tcb.sndUna !== tcb.sndNxt) tcb.retransmitAt = tcb.heldUntil
  } else tcb.congestion.congestionEchoed(tcb, now)
  tcb.inCwr = true
  windowReduced(tcb)
}

/** SND.UNA has moved. The reduction holds until what carried the CWR, the first text after it, is acknowledged. */
export function cwrAcknowledged(tcb: Tcb): void {
  if (!tcb.reducedLately || !lt(tcb.cwrEnd, tcb.sndUna)) return
  tcb.reducedLately = false
  tcb.inCwr = false
}
