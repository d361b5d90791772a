// The seventh and eighth steps of §3.10.7.4: the text of a segment and its FIN, in order or not, and when they are
// acknowledged (§3.8.6.3, RFC 5681 §4.2).

import { FIN, type Segment } from '../wire/segment.ts'
import { expectSlowStart, textTaken } from './ack-policy.ts'
import { tunedTextArrives } from './buffer-tuning.ts'
import { changesEcho, takeCodepoint } from './ecn.ts'
import { type Outbox, tell } from './outbox.ts'
import { oweAck, sendAck, sendResetFor } from './output.ts'
import { rememberBlock, reportDuplicate } from './sack-blocks.ts'
import { add, ahead, earlier, later, leq, lt, type Seq, toSeq } from './seq.ts'
import { mayReceive, State } from './state.ts'
import { Event, type Tcb } from './tcb.ts'
import { end, enterTimeWait, setState } from './transitions.ts'

export function takeText(tcb: Tcb, seg: Segment, now: number, out: Outbox): void {
  if (seg.payloadLength === 0) return
  if (!mayReceive(tcb.state) && tcb.state !== State.SYN_RECEIVED) {
    // After the peer's FIN there is no text: "this should not occur".
    out.counters.droppedTextAfterFin++
    return
  }
  // What lies before RCV.NXT has been taken; what lies beyond the window, or a FIN that is known, is not.
  const start = later(toSeq(seg.seq), tcb.rcvNxt)
  const limit = tcb.finKnown && lt(tcb.rcvFin, tcb.rcvAdv) ? tcb.rcvFin : tcb.rcvAdv
  const segmentEnd = add(toSeq(seg.seq), seg.payloadLength)
  const stop = lt(limit, segmentEnd) ? limit : segmentEnd
  const length = ahead(stop, start)
  if (stop !== segmentEnd) {
    out.counters.droppedOutsideWindow++
    seg.flags &= ~FIN // it lies beyond what was cut off
  }
  // Of several pieces that have come before, the first one is told (RFC 2883 §4.2).
  if (lt(toSeq(seg.seq), start)) duplicateArrives(tcb, toSeq(seg.seq), earlier(start, segmentEnd), now, out)
  else if (tcb.receiveBuffer.waiting.count > 0) findDuplicate(tcb, start, stop, now, out)
  if (length <= 0) {
    // A probe of a closed window: it stands where only the peer would put it, and its mark counts (RFC 3168 §6.1.6).
    if (toSeq(seg.seq) === tcb.rcvNxt) takeCodepoint(tcb, seg)
    oweAck(tcb, out)
    return
  }
  if (tcb.readerGone) {
    // §3.6.1: nobody will ever read this, and the peer should know.
    out.counters.abortsOnLateText++
    sendResetFor(tcb, seg.ack, now, out)
    end(tcb, null, 'text after close', out)
    return
  }
  if (start === tcb.rcvNxt && !out.arena.hasRoomFor(length)) {
    // The peer sends it again: by then somebody may have read.
    out.counters.droppedUnreadLimit++
    oweAck(tcb, out)
    return
  }
  if (changesEcho(tcb, seg)) sendAck(tcb, now, out)
  if (takeCodepoint(tcb, seg)) oweAck(tcb, out)
  const offset = seg.payloadOffset + ahead(start, toSeq(seg.seq))
  if (start === tcb.rcvNxt) takeInOrder(tcb, seg, offset, length, now, out)
  else keepOutOfOrder(tcb, seg, start, offset, length, now, out)
}

function takeInOrder(tcb: Tcb, seg: Segment, offset: number, length: number, now: number, out: Outbox): void {
  const { segmentText, stride } = seg
  // That of one segment, and what a driver has joined, lies in one piece.
  if (segmentText === stride) tcb.receiveBuffer.append(out.arena, seg.bytes, offset, length)
  else tcb.receiveBuffer.append(out.arena, seg.bytes, offset, length, segmentText, stride)
  let next = add(tcb.rcvNxt, length)
  const fillsHole = tcb.receiveBuffer.waiting.count > 0
  if (fillsHole) next = tcb.receiveBuffer.advance(out, out.arena, next)
  tcb.bytesReceived += ahead(next, tcb.rcvNxt)
  tcb.rcvNxt = next
  tell(tcb, Event.READABLE, out)
  tunedTextArrives(tcb, seg, now)
  textTaken(tcb, seg.segmentText === 0 ? length : seg.segmentText, fillsHole, now, out)
}

/** Each segment out of order is answered at once: the peer counts the duplicates (RFC 5681 §4.2). */
function keepOutOfOrder(
  tcb: Tcb,
  seg: Segment,
  start: Seq,
  offset: number,
  length: number,
  now: number,
  out: Outbox
): void {
  out.counters.outOfOrderSegments++
  const buffer = tcb.receiveBuffer
  if (buffer.waiting.countAfter(start, add(start, length)) > tcb.options.holesLimit) out.counters.droppedTooManyHoles++
  else if (!buffer.keep(out, tcb.rcvNxt, start, seg.bytes, offset, length)) out.counters.droppedOutOfMemory++
  if (buffer.waiting.indexOf(start) >= 0) rememberBlock(tcb, start)
  sendAck(tcb, now, out)
}

/** Text of [start, stop) that waits behind a hole already. */
function findDuplicate(tcb: Tcb, start: Seq, stop: Seq, now: number, out: Outbox): void {
  const waiting = tcb.receiveBuffer.waiting
  const i = waiting.indexPast(start)
  if (i >= waiting.count || leq(stop, waiting.left(i))) return
  duplicateArrives(tcb, later(start, waiting.left(i)), earlier(stop, waiting.right(i)), now, out)
}

/** It was sent again, and need not have been: the peer is told (RFC 2883), and may be in slow start. An ACK tells of one at a time. */
export function duplicateArrives(tcb: Tcb, left: Seq, right: Seq, now: number, out: Outbox): void {
  if (tcb.duplicateKnown) sendAck(tcb, now, out)
  reportDuplicate(tcb, left, right)
  if (tcb.duplicateKnown) {
    if (lt(left, tcb.rcvNxt)) out.counters.duplicatesTold++
    else out.counters.duplicatesToldAbove++
  }
  expectSlowStart(tcb)
}

/** A FIN behind a hole is kept, not acted on: it has its own place in the sequence space (§3.4). */
export function takeFin(tcb: Tcb, seg: Segment, now: number, out: Outbox): void {
  if ((seg.flags & FIN) !== 0 && mayReceive(tcb.state)) {
    const fin = add(toSeq(seg.seq), seg.payloadLength)
    if (mayStandAt(tcb, fin)) {
      tcb.finKnown = true
      tcb.rcvFin = fin
      if (tcb.rcvNxt !== fin && seg.payloadLength === 0) sendAck(tcb, now, out)
    } else {
      out.counters.droppedOutsideWindow++
      sendAck(tcb, now, out)
    }
  }
  if (tcb.finKnown && tcb.rcvNxt === tcb.rcvFin && mayReceive(tcb.state)) actOnFin(tcb, now, out)
}

/** It must lie in the window, like any other octet, behind all that has been taken, and where it stood before. */
function mayStandAt(tcb: Tcb, fin: Seq): boolean {
  if (tcb.finKnown) return fin === tcb.rcvFin
  return leq(tcb.rcvNxt, fin) && leq(fin, tcb.rcvAdv) && !holdsBeyond(tcb, fin)
}

function holdsBeyond(tcb: Tcb, fin: Seq): boolean {
  const { waiting } = tcb.receiveBuffer
  return waiting.indexPast(fin) < waiting.count
}

function actOnFin(tcb: Tcb, now: number, out: Outbox): void {
  tcb.rcvNxt = add(tcb.rcvFin, 1)
  if (lt(tcb.rcvAdv, tcb.rcvNxt)) tcb.rcvAdv = tcb.rcvNxt // a FIN at the edge takes no room
  tell(tcb, Event.ENDED, out)
  oweAck(tcb, out)
  switch (tcb.state) {
    case State.ESTABLISHED:
      setState(tcb, State.CLOSE_WAIT, 'FIN', out)
      break
    case State.FIN_WAIT_1: // our FIN is not acknowledged, else the fifth step had left this state
      setState(tcb, State.CLOSING, 'FIN', out)
      break
    case State.FIN_WAIT_2:
      enterTimeWait(tcb, 'FIN', now, out)
  }
}
