// The fifth step of §3.10.7.4: the ACK field.

import { ACK, type Segment } from '../wire/segment.ts'
import { AckNews } from './ack-news.ts'
import { takeRecords } from './ack-records.ts'
import { tuneSendBuffer } from './buffer-tuning.ts'
import { challengeAck } from './challenge.ts'
import { smss } from './congestion/congestion.ts'
import { takeRateSample } from './delivery-rate.ts'
import { congestionEchoed, cwrAcknowledged, takeMarks } from './ecn.ts'
import { becomeEstablished, settle } from './established.ts'
import { synAnswered } from './fast-open.ts'
import { inFlight } from './flight.ts'
import { type Outbox, tell } from './outbox.ts'
import { acknowledgesNew, sendResetFor } from './output.ts'
import { rackAdaptWindow } from './rack.ts'
import { governReduction, repairAfterAck } from './recovery.ts'
import { startTimer } from './retransmission-timer.ts'
import { endBackOff, sampleHandshake } from './rto.ts'
import { takeSackBlocks } from './sacks.ts'
import { add, ahead, leq, lt, type Seq, toSeq } from './seq.ts'
import { State } from './state.ts'
import { takeProbeAck } from './tail-loss-probe.ts'
import { Event, isSynUnacked, Repair, roomToWrite, type Tcb } from './tcb.ts'
import { rememberTimestamp } from './timestamps.ts'
import { end, enterTimeWait, setState } from './transitions.ts'
import { urgentAcknowledged } from './urgent.ts'
import { answered, takeUserTimeout } from './user-timeout.ts'

/** Answers false when the segment has been dealt with. */
export function checkAck(tcb: Tcb, seg: Segment, now: number, out: Outbox): boolean {
  if ((seg.flags & ACK) === 0) {
    out.counters.droppedNoAck++
    return false
  }
  const ack = toSeq(seg.ack)
  const opens = tcb.state === State.SYN_RECEIVED
  if (opens && !acknowledgesNew(tcb, ack)) {
    out.counters.droppedBadAck++
    sendResetFor(tcb, ack, now, out)
    return false
  }
  if (!opens && (lt(tcb.sndNxt, ack) || lt(ack, add(tcb.sndUna, -tcb.maxSndWnd)))) {
    // RFC 5961 §5.2: an ACK that is too old, or of what was never sent.
    if (lt(tcb.sndNxt, ack)) out.counters.droppedBadAck++
    else out.counters.droppedOldAck++
    challengeAck(tcb, seg, now, out)
    return false
  }
  hear(tcb, seg, now)
  if (opens) becomeEstablished(tcb, 'ACK of SYN', now, out)
  const windowBefore = tcb.sndWnd
  updateWindow(tcb, seg, ack)
  const advance = ahead(ack, tcb.sndUna)
  const marked = advance < 0 ? -1 : takeMarks(tcb, seg, advance)
  takeNews(tcb, seg, ack, marked, windowBefore, now, out)
  if (marked >= 0) congestionEchoed(tcb, now, out)
  if (tcb.sndWnd > windowBefore) windowOpened(tcb, now, out)
  return afterAck(tcb, now, out)
}

/**
 * The peer is there, and what it says holds. Only now: who cannot know what we have sent shall neither keep a dead connection
 * alive nor leave a timestamp behind that makes the peer's own look old.
 */
function hear(tcb: Tcb, seg: Segment, now: number): void {
  rememberTimestamp(tcb, seg, now)
  tcb.heardSinceTimeout = true
  tcb.heardAt = now
  tcb.keepAlivesSent = 0
  tcb.softError = null // whatever stood in the way does so no more
  takeUserTimeout(tcb, seg.userTimeout)
}

/**
 * SND.WL1 and SND.WL2 keep an old segment from setting the window. An ACK of something new is no old one, though it may
 * ride on text that is sent again: to move SND.UNA and not the window would be to send beyond the peer's right edge.
 */
function updateWindow(tcb: Tcb, seg: Segment, ack: Seq): void {
  const seq = toSeq(seg.lastSeq)
  if (lt(ack, tcb.sndUna)) return
  if (lt(tcb.sndUna, ack) || lt(tcb.sndWl1, seq) || (tcb.sndWl1 === seq && leq(tcb.sndWl2, ack))) {
    tcb.sndWnd = seg.window << tcb.sndWndShift
    tcb.sndWl1 = seq
    tcb.sndWl2 = ack
    tcb.maxSndWnd = Math.max(tcb.maxSndWnd, tcb.sndWnd)
  }
}

/** A window that was closed, or too small, is open: what waited for the persist timer goes now. */
function windowOpened(tcb: Tcb, now: number, out: Outbox): void {
  if (tcb.persistAt !== Number.POSITIVE_INFINITY) {
    tcb.persistAt = Number.POSITIVE_INFINITY
    tcb.retries = 0
    answered(tcb, now)
    // The probes backed the timer off, but what follows has lost nothing.
    if (tcb.srttMs >= 0) endBackOff(tcb)
  }
  out.schedule(tcb)
}

const news = new AckNews()

/** What the ACK acknowledges, what it says about loss, and what becomes of the window of congestion. `marked`: as `takeMarks` answers. */
function takeNews(
  tcb: Tcb,
  seg: Segment,
  ack: Seq,
  marked: number,
  windowBefore: number,
  now: number,
  out: Outbox
): void {
  const { sample } = out
  const board = tcb.scoreboard
  const una = tcb.sndUna
  news.reset()
  news.hasText = seg.length > 0
  news.windowChanged = tcb.sndWnd !== windowBefore
  news.echoed = marked >= 0
  news.hasEcho = tcb.timestampsOn && seg.hasTimestamps
  news.echo = seg.tsEcr
  news.advanced = acknowledgesNew(tcb, ack)
  // One that was overtaken may still tell of what came out of order, else it is no news.
  const isOld = ack !== una && !news.advanced
  if (isOld && seg.sackBlocks === 0) return
  const hadRecords = board.count > 0
  const highest = board.highestSacked(una)
  const lostBefore = tcb.lost
  sample.reset()
  sample.priorInFlight = inFlight(tcb)
  if (news.advanced) sample.acked = takeNewAck(tcb, ack, now, out)
  if (seg.sackBlocks > 0) takeSackBlocks(tcb, seg, una, news, now, out)
  if (hadRecords) {
    sample.rttMs = takeRecords(tcb, highest, news, now, out)
    rackAdaptWindow(tcb, news)
  }
  takeProbeAck(tcb, ack, news, now, out)
  const isNoDuplicate = isOld || news.advanced || news.hasText || news.windowChanged || news.duplicateReported
  const isDuplicate = hadRecords && !isNoDuplicate
  const isDubious =
    isOld || isDuplicate || news.sacked || news.duplicateReported || news.echoed || tcb.repair !== Repair.OPEN
  if (isDubious && (hadRecords || news.duplicateReported)) repairAfterAck(tcb, una, isDuplicate, news, now, out)
  if (news.startsTimer) startTimer(tcb, now)
  if (isDubious || news.advanced) out.schedule(tcb)
  if (news.segments === 0 && news.bytes === 0) return
  tcb.deliveredSegments += news.segments
  if (!tcb.sacksOn) news.bytes = bytesWithoutSack(tcb)
  tcb.delivered += news.bytes
  sample.delivered = news.bytes
  sample.lost = tcb.lost - lostBefore
  // An echo stands for all that the ACK acknowledges (RFC 3168 §6.1.3).
  if (marked >= 0) sample.markedBytes = tcb.accurateEcn === null ? news.bytes : Math.min(marked, news.bytes)
  takeRateSample(tcb, news, sample, now)
  govern(tcb, now, out)
}

/** A duplicate ACK has delivered a segment, one of full size as far as we know, and the ACK that follows does not deliver it again. */
function bytesWithoutSack(tcb: Tcb): number {
  const bytes = news.segments * smss(tcb)
  return news.advanced ? Math.min(bytes, news.bytes) : bytes
}

/** SND.UNA moves; answers the text that it moves by. */
function takeNewAck(tcb: Tcb, ack: Seq, now: number, out: Outbox): number {
  const opensUs = isSynUnacked(tcb)
  if (opensUs) sampleHandshake(tcb, now)
  const acked = ahead(ack, tcb.sndUna)
  const finAcked = tcb.finSent && ack === tcb.sndNxt
  tcb.sndUna = ack
  tcb.retries = 0
  const text = acked - (opensUs ? 1 : 0) - (finAcked ? 1 : 0)
  tcb.bytesAcked += text
  tcb.sendBuffer.acknowledge(finAcked ? tcb.sendBuffer.end : ack, out)
  if (opensUs) synAnswered(tcb, out)
  answered(tcb, now)
  if (opensUs && tcb.state !== State.ESTABLISHED) settle(tcb, now, out)
  cwrAcknowledged(tcb)
  urgentAcknowledged(tcb)
  tellOfRoom(tcb, out)
  return text
}

/** A writer who waits is told once a third of the buffer is free. */
export function tellOfRoom(tcb: Tcb, out: Outbox): void {
  if (!tcb.writerWaits) return
  tuneSendBuffer(tcb, out)
  if (3 * tcb.sendBuffer.space < tcb.sendBuffer.limit || roomToWrite(tcb) <= 0) return
  tcb.writerWaits = false
  tell(tcb, Event.WRITABLE, out)
}

/** Something was delivered: who governs the window in this state is told. */
function govern(tcb: Tcb, now: number, out: Outbox): void {
  const { congestion } = tcb
  const { sample } = out
  if (congestion.governsRecovery) return congestion.acknowledged(tcb, sample, now)
  if (governReduction(tcb, news.segments, sample.lost, news.advanced)) return
  // Where the network reorders a lot, what arrives out of order counts as well (as on Linux).
  if (!news.acked && !(news.sacked && tcb.reordering > tcb.options.reordering)) return
  if (tcb.repair === Repair.LOSS) tcb.cwndLimited = true // the repair itself fills the window
  if (sample.delivered > 0) congestion.acknowledged(tcb, sample, now)
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
