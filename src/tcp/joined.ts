// Segments that the driver, or a kernel before it, has joined to one (GRO). The state machine shall not be able to tell: whole
// they are taken where that is the same as one after another, which is text in order on an open connection without
// troubles. In all other cases they are taken apart again: each duplicate counts, each segment behind a hole gets its own ACK.

import { ACK, CWR, FIN, PSH, type Segment } from '../wire/segment.ts'
import type { Outbox } from './outbox.ts'
import { add, leq, toSeq } from './seq.ts'
import { mayReceive } from './state.ts'
import { Repair, type Tcb } from './tcb.ts'
import { isOldDuplicate } from './timestamps.ts'

export function takesWhole(tcb: Tcb, seg: Segment, now: number, out: Outbox): boolean {
  return isPlainText(seg) && !isOldDuplicate(tcb, seg, now) && isInOrder(tcb, seg, out) && isAckOrdinary(tcb, seg)
}

/** SACK blocks tell of duplicates, once with each segment. */
const isPlainText = (seg: Segment): boolean => (seg.flags & ~PSH) === ACK && seg.sackBlocks === 0

/** All of it is taken, at once. */
function isInOrder(tcb: Tcb, seg: Segment, out: Outbox): boolean {
  return (
    mayReceive(tcb.state) &&
    toSeq(seg.seq) === tcb.rcvNxt &&
    leq(add(tcb.rcvNxt, seg.payloadLength), tcb.rcvAdv) &&
    tcb.receiveBuffer.waiting.count === 0 &&
    !tcb.finKnown &&
    !tcb.readerGone &&
    out.arena.hasRoomFor(seg.payloadLength)
  )
}

/** What it acknowledges is news with the first segment only, and no repair goes on to which every segment is news. Accurate ECN counts packets. */
function isAckOrdinary(tcb: Tcb, seg: Segment): boolean {
  const ack = toSeq(seg.ack)
  return (
    leq(tcb.sndUna, ack) &&
    leq(ack, tcb.sndNxt) &&
    tcb.repair === Repair.OPEN &&
    !tcb.probeOutstanding &&
    tcb.accurateEcn === null
  )
}

/** As whoever cuts a super-segment has it: what ends the text is with the last segment, a reduction is told with the first. */
export function flagsOfPart(flags: number, isFirst: boolean, isLast: boolean): number {
  return flags & ~(isFirst ? 0 : CWR) & ~(isLast ? 0 : FIN | PSH)
}
