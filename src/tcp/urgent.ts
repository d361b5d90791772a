// The urgent mechanism (RFC 9293 §3.8.5, RFC 6093): a mark in the stream, which the sender points at until what lies before
// it is acknowledged. All text stays in the stream and in order (RFC 6093 §6 and §7).

import { type Segment, URG } from '../wire/segment.ts'
import { type Outbox, tell } from './outbox.ts'
import { add, ahead, leq, lt, type Seq, toSeq } from './seq.ts'
import { State } from './state.ts'
import { Event, type Tcb } from './tcb.ts'

/** The user has written urgent text. */
export function urgentWritten(tcb: Tcb): void {
  tcb.urgentUnacked = true
  tcb.sndUp = tcb.sendBuffer.end
}

/** The pointer is an offset from the segment's first octet to the one that follows the urgent text (MUST-62). */
export function pointAtUrgent(tcb: Tcb, segment: Segment, seq: Seq): void {
  if (!tcb.urgentUnacked || !lt(seq, tcb.sndUp)) return
  const offset = ahead(tcb.sndUp, seq)
  // Farther away than the field can tell: as far as it goes, or not yet (as on Linux).
  if (offset > 0xffff && lt(add(seq, 0xffff), tcb.sndNxt)) return
  segment.flags |= URG
  segment.urgentPointer = Math.min(offset, 0xffff)
}

export function urgentAcknowledged(tcb: Tcb): void {
  if (tcb.urgentUnacked && leq(tcb.sndUp, tcb.sndUna)) tcb.urgentUnacked = false
}

/** Sixth step of §3.10.7.4: the user is told when there is urgent text again, or more of it (MUST-32). */
export function checkUrg(tcb: Tcb, seg: Segment, out: Outbox): void {
  if ((seg.flags & URG) === 0) return
  if (tcb.state !== State.ESTABLISHED && tcb.state !== State.FIN_WAIT_1 && tcb.state !== State.FIN_WAIT_2) return
  const pointer = add(toSeq(seg.seq), seg.urgentPointer)
  if (urgentBytes(tcb) > 0 ? leq(pointer, tcb.rcvUp) : leq(pointer, firstUnread(tcb))) return
  tcb.urgentUnread = true
  tcb.rcvUp = pointer
  tell(tcb, Event.URGENT, out)
}

/** Octets that the user has still to read until the end of the urgent text, whether they have come or not (MUST-33). */
export function urgentBytes(tcb: Tcb): number {
  if (!tcb.urgentUnread) return 0
  const left = ahead(tcb.rcvUp, firstUnread(tcb))
  if (left <= 0) tcb.urgentUnread = false
  return Math.max(0, left)
}

/** A FIN takes a number too, but no room in the buffer. */
function firstUnread(tcb: Tcb): Seq {
  const received = tcb.finKnown && lt(tcb.rcvFin, tcb.rcvNxt) ? tcb.rcvFin : tcb.rcvNxt
  return add(received, -tcb.receiveBuffer.readable)
}
