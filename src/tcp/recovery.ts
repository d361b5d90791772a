// What an ACK says about loss: duplicate ACKs, fast retransmit and fast recovery (RFC 5681 §3.2, RFC 6582), the end of
// the repair that follows a timeout, and the peer's SACK blocks as far as they spare us repeating what it holds.

import type { Segment } from '../wire/segment.ts'
import { type AckSample, smss } from './congestion/congestion.ts'
import { cwrAcknowledged, windowReduced } from './ecn.ts'
import type { Outbox } from './outbox.ts'
import { repeat } from './output.ts'
import { add, later, leq, lt, type Seq, toSeq } from './seq.ts'
import { Repair, type Tcb } from './tcb.ts'

const DUP_ACK_THRESHOLD = 3

/** The scoreboard: what lies above SND.UNA and the peer says it has. */
export function takeSackBlocks(tcb: Tcb, seg: Segment): void {
  if (!tcb.sacksOn) return
  for (let i = 0; i < seg.sackBlocks; i++) {
    const left = toSeq(seg.sack[2 * i])
    const right = toSeq(seg.sack[2 * i + 1])
    // Blocks below SND.UNA report duplicates (RFC 2883); those beyond SND.NXT are nonsense.
    if (lt(tcb.sndUna, left) && lt(left, right) && leq(right, tcb.sndNxt)) tcb.sacked.insert(left, right)
  }
}

/** Whether this ACK is a duplicate as RFC 5681 §2 defines it, or one that RFC 6675 §2 would count. */
export function isDuplicateAck(tcb: Tcb, seg: Segment, windowBefore: number): boolean {
  if (toSeq(seg.ack) !== tcb.sndUna || tcb.sndUna === tcb.sndNxt || seg.length > 0) return false
  if (tcb.sacksOn && seg.sackBlocks > 0) return lt(tcb.sndUna, toSeq(seg.sack[1]))
  return tcb.sndWnd === windowBefore
}

export function duplicateAckArrives(tcb: Tcb, now: number, out: Outbox): void {
  if (tcb.repair === Repair.FAST_RECOVERY) {
    tcb.cwnd += smss(tcb) // a segment has left the network (RFC 5681 §3.2 step 4)
    out.schedule(tcb)
    return
  }
  if (tcb.dupAcks < 255) tcb.dupAcks++
  if (tcb.repair === Repair.NONE && tcb.dupAcks === DUP_ACK_THRESHOLD && isNewLoss(tcb))
    enterFastRecovery(tcb, now, out)
}

/** RFC 6582 §3.2 step 2: duplicates of what was repaired before are no sign of a new loss, unless a SACK shows one. */
function isNewLoss(tcb: Tcb): boolean {
  if (lt(tcb.recover, tcb.sndUna)) return true
  const blocks = tcb.sacked.count
  return blocks > 0 && lt(tcb.recover, tcb.sacked.right(blocks - 1))
}

function enterFastRecovery(tcb: Tcb, now: number, out: Outbox): void {
  out.counters.fastRetransmits++
  tcb.repair = Repair.FAST_RECOVERY
  tcb.recover = tcb.sndNxt
  // Once a window: an echo may have reduced it already (RFC 3168 §6.1.2).
  if (!tcb.inCwr) tcb.congestion.lossDetected(tcb, now)
  tcb.inCwr = false
  windowReduced(tcb)
  repeat(tcb, tcb.sndUna, now, out)
  tcb.cwnd = tcb.ssthresh + DUP_ACK_THRESHOLD * smss(tcb)
  tcb.retransmitAt = now + tcb.rtoMs
  out.schedule(tcb)
}

/** SND.UNA has moved on by `acked`. */
export function newAckArrives(tcb: Tcb, acked: number, sample: AckSample, now: number, out: Outbox): void {
  tcb.dupAcks = 0
  tcb.sacked.removeBelow(tcb.sndUna)
  cwrAcknowledged(tcb)
  switch (tcb.repair) {
    case Repair.NONE:
      // Kept near SND.UNA: what lies half the sequence space behind would seem to lie ahead.
      if (lt(tcb.recover, tcb.sndUna)) tcb.recover = add(tcb.sndUna, -1)
      if (sample.delivered > 0) tcb.congestion.acknowledged(tcb, sample, now)
      return
    case Repair.FAST_RECOVERY:
      return ackInFastRecovery(tcb, acked, now, out)
    case Repair.TIMEOUT:
      tcb.rtxNxt = later(tcb.rtxNxt, tcb.sndUna)
      if (leq(tcb.recover, tcb.sndUna)) tcb.repair = Repair.NONE
      tcb.cwndLimited = true // the repair itself fills the window
      if (sample.delivered > 0) tcb.congestion.acknowledged(tcb, sample, now)
  }
}

/** RFC 6582 §3.2 step 3. */
function ackInFastRecovery(tcb: Tcb, acked: number, now: number, out: Outbox): void {
  if (leq(tcb.recover, tcb.sndUna)) {
    tcb.repair = Repair.NONE
    tcb.congestion.recovered(tcb, now)
    return
  }
  // A partial ACK: the segment after it is lost too. The window deflates by what left the network.
  repeat(tcb, tcb.sndUna, now, out)
  const segment = smss(tcb)
  tcb.cwnd = Math.max(segment, tcb.cwnd - acked + (acked >= segment ? segment : 0))
}

/** After a timeout everything that was in flight counts as lost, and the scoreboard as void (RFC 2018 §8: the peer may renege). */
export function startRepair(tcb: Tcb, again: boolean, now: number): void {
  tcb.congestion.timedOut(tcb, again, now)
  tcb.inCwr = false
  tcb.sacked.clear()
  tcb.dupAcks = 0
  tcb.recover = tcb.sndNxt
  tcb.rtxNxt = tcb.sndUna
  tcb.repair = Repair.TIMEOUT
  tcb.timedSince = Number.NaN
}

/** Ends the measurement of a round trip if this ACK covers the timed segment; milliseconds, or -1. */
export function endTiming(tcb: Tcb, ack: Seq, now: number): number {
  if (Number.isNaN(tcb.timedSince) || lt(ack, tcb.timedSeq)) return -1
  const rtt = now - tcb.timedSince
  tcb.timedSince = Number.NaN
  return rtt
}
