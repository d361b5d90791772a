// The fifth step of §3.10.7.4: the ACK field.

import { ACK, type Segment } from '../wire/segment.ts'
import { challengeAck } from './challenge.ts'
import type { AckSample } from './congestion/congestion.ts'
import { congestionEchoed, echoesCongestion } from './ecn.ts'
import { becomeEstablished, settle } from './established.ts'
import { type Outbox, tell } from './outbox.ts'
import { acknowledgesNew, sendResetFor } from './output.ts'
import { duplicateAckArrives, endTiming, isDuplicateAck, newAckArrives, takeSackBlocks } from './recovery.ts'
import { sampleRtt } from './rto.ts'
import { add, ahead, leq, lt, type Seq, toSeq } from './seq.ts'
import { State } from './state.ts'
import { Event, roomToWrite, type Tcb } from './tcb.ts'
import { timestampNow } from './timestamps.ts'
import { end, enterTimeWait, setState } from './transitions.ts'
import { urgentAcknowledged } from './urgent.ts'
import { answered } from './user-timeout.ts'

/** Answers false when the segment has been dealt with. */
export function checkAck(tcb: Tcb, seg: Segment, now: number, out: Outbox): boolean {
  if ((seg.flags & ACK) === 0) {
    out.counters.droppedNoAck++
    return false
  }
  const ack = toSeq(seg.ack)
  if (tcb.state === State.SYN_RECEIVED) {
    if (!acknowledgesNew(tcb, ack)) {
      out.counters.droppedBadAck++
      sendResetFor(tcb, ack, now, out)
      return false
    }
    becomeEstablished(tcb, 'ACK of SYN', now, out)
  } else if (lt(tcb.sndNxt, ack) || lt(ack, add(tcb.sndUna, -tcb.maxSndWnd))) {
    // RFC 5961 §5.2: an ACK that is too old, or of what was never sent.
    if (lt(tcb.sndNxt, ack)) out.counters.droppedBadAck++
    else out.counters.droppedOldAck++
    challengeAck(tcb, now, out)
    return false
  }
  tcb.softError = null // the peer is heard: whatever stood in the way does so no more
  takeSackBlocks(tcb, seg)
  const windowBefore = tcb.sndWnd
  updateWindow(tcb, seg, ack)
  if (acknowledgesNew(tcb, ack)) takeNewAck(tcb, seg, ack, now, out)
  else if (isDuplicateAck(tcb, seg, windowBefore)) duplicateAckArrives(tcb, now, out)
  if (echoesCongestion(tcb, seg) && ack === tcb.sndUna) congestionEchoed(tcb, now, out)
  if (tcb.sndWnd > windowBefore) windowOpened(tcb, now, out)
  return afterAck(tcb, now, out)
}

/**
 * SND.WL1 and SND.WL2 keep an old segment from setting the window. An ACK of something new is no old one, though it may
 * ride on text that is sent again: to move SND.UNA and not the window would be to send beyond the peer's right edge.
 */
function updateWindow(tcb: Tcb, seg: Segment, ack: Seq): void {
  const seq = toSeq(seg.seq)
  if (lt(ack, tcb.sndUna)) return
  if (lt(tcb.sndUna, ack) || lt(tcb.sndWl1, seq) || (tcb.sndWl1 === seq && leq(tcb.sndWl2, ack))) {
    tcb.sndWnd = seg.window << tcb.sndWndShift
    tcb.sndWl1 = seq
    tcb.sndWl2 = ack
    if (tcb.sndWnd > tcb.maxSndWnd) tcb.maxSndWnd = tcb.sndWnd
  }
}

/** A window that was closed, or too small, is open: what waited for the persist timer goes now. */
function windowOpened(tcb: Tcb, now: number, out: Outbox): void {
  if (tcb.persistAt !== Number.POSITIVE_INFINITY) {
    tcb.persistAt = Number.POSITIVE_INFINITY
    tcb.retries = 0
    answered(tcb, now)
    // The probes backed the timer off, but what follows has lost nothing.
    if (tcb.srttMs >= 0) sampleRtt(tcb, tcb.srttMs)
  }
  // Text that the peer took out of a window it had closed meanwhile is not repeated before its time.
  if (tcb.sndNxt !== tcb.sndUna && tcb.retransmitAt === Number.POSITIVE_INFINITY) tcb.retransmitAt = now + tcb.rtoMs
  out.schedule(tcb)
}

function takeNewAck(tcb: Tcb, seg: Segment, ack: Seq, now: number, out: Outbox): void {
  const opensUs = tcb.sndUna === tcb.iss
  const rtt = endTiming(tcb, ack, now)
  if (rtt >= 0) sampleRtt(tcb, rtt)
  else if (tcb.timestampsOn && seg.hasTimestamps && tcb.retries + tcb.dupAcks > 0) sampleEcho(tcb, seg, now)
  const acked = ahead(ack, tcb.sndUna)
  const inFlightBefore = ahead(tcb.sndNxt, tcb.sndUna)
  const finAcked = tcb.finSent && ack === tcb.sndNxt
  tcb.sndUna = ack
  tcb.retries = 0
  const text = acked - (opensUs ? 1 : 0) - (finAcked ? 1 : 0)
  tcb.bytesAcked += text
  if (text > 0) tcb.sendBuffer.acknowledge(finAcked ? tcb.sendBuffer.end : ack, out)
  answered(tcb, now)
  tcb.retransmitAt = tcb.sndUna === tcb.sndNxt ? Number.POSITIVE_INFINITY : now + tcb.rtoMs // RFC 6298 §5.2, §5.3
  if (opensUs && tcb.state !== State.ESTABLISHED) settle(tcb, now, out)
  fillSample(out.sample, text, inFlightBefore, echoesCongestion(tcb, seg))
  newAckArrives(tcb, acked, out.sample, now, out)
  urgentAcknowledged(tcb)
  if (tcb.writerWaits && 3 * tcb.sendBuffer.space >= tcb.sendBuffer.limit && roomToWrite(tcb) > 0) {
    tcb.writerWaits = false
    tell(tcb, Event.WRITABLE, out)
  }
  out.schedule(tcb)
}

/** An echo stands for all that the ACK acknowledges (RFC 3168 §6.1.3). */
function fillSample(sample: AckSample, text: number, inFlightBefore: number, echoed: boolean): void {
  sample.reset()
  sample.acked = text
  sample.delivered = text
  sample.priorInFlight = inFlightBefore
  if (echoed) sample.markedBytes = text
}

/** With timestamps even the ACK of what was sent twice tells a round trip (RFC 7323 §4.1), to a millisecond. */
function sampleEcho(tcb: Tcb, seg: Segment, now: number): void {
  const rtt = (timestampNow(tcb.tsOffset, now) - seg.tsEcr) | 0
  if (seg.tsEcr !== 0 && rtt >= 0) sampleRtt(tcb, rtt)
}

/** What the ACK means to the states that wait for the one of our FIN. */
function afterAck(tcb: Tcb, now: number, out: Outbox): boolean {
  const finAcked = tcb.finSent && tcb.sndUna === tcb.sndNxt
  switch (tcb.state) {
    case State.FIN_WAIT_1:
      if (finAcked) {
        setState(tcb, State.FIN_WAIT_2, 'ACK of FIN', out)
        if (tcb.readerGone) tcb.finWait2At = now + tcb.options.finWait2Ms
      }
      return true
    case State.CLOSING:
      if (finAcked) enterTimeWait(tcb, 'ACK of FIN', now, out)
      return !finAcked
    case State.LAST_ACK:
      if (finAcked) end(tcb, null, 'ACK of FIN', out)
      return !finAcked
    default:
      return true
  }
}
