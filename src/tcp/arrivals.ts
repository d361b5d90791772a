// SEGMENT ARRIVES: RFC 9293 §3.10.7, step by step in its order, with the hardening of RFC 5961. What no case takes is
// a named, counted drop. The states without a whole TCB are elsewhere: CLOSED in output.ts (answerWithReset), LISTEN
// and SYN-RECEIVED of a passive open in passive.ts, TIME-WAIT in time-wait.ts.

import { ACK, ECE, FIN, RST, type Segment, SYN } from '../wire/segment.ts'
import { checkAck, tellOfRoom } from './acks.ts'
import { challengeAck } from './challenge.ts'
import { agreeOnEcn, confirmEcn, countCodepoint } from './ecn.ts'
import { becomeEstablished } from './established.ts'
import { learnFromSynAck, resetPastText, synAnswered } from './fast-open.ts'
import { agree, beginSequences } from './handshake.ts'
import type { Outbox } from './outbox.ts'
import { acknowledgesNew, oweAck, sendResetFor, sendSyn } from './output.ts'
import { sampleHandshake } from './rto.ts'
import { add, ahead, earlier, leq, lt, toSeq, within } from './seq.ts'
import { State } from './state.ts'
import { FastOpen, isSynUnacked, type Tcb } from './tcb.ts'
import { duplicateArrives, takeFin, takeText } from './text.ts'
import { isOldDuplicate } from './timestamps.ts'
import { end, setState } from './transitions.ts'
import { checkUrg } from './urgent.ts'
import { takeUserTimeout } from './user-timeout.ts'
import { windowOffered } from './window.ts'

export function segmentArrives(tcb: Tcb, seg: Segment, now: number, out: Outbox): void {
  tcb.segmentsReceived += seg.count
  if (tcb.state === State.SYN_SENT) return arrivesInSynSent(tcb, seg, now, out) // §3.10.7.3
  if (isSynAgain(tcb, seg)) return sendSyn(tcb, now, out)
  if (isSynUnacked(tcb) && isSynAckOfBoth(tcb, seg)) leaveOutSyn(tcb, seg, out)
  // §3.10.7.4, all other states. A check that answers false has dealt with the segment.
  if (!checkSeq(tcb, seg, now, out)) return // first
  if (!checkRst(tcb, seg, now, out)) return // second
  //                                           third: security, not kept
  if (!checkSyn(tcb, seg, now, out)) return // fourth
  countCodepoint(tcb, seg, now, out)
  if (!checkAck(tcb, seg, now, out)) return // fifth
  checkUrg(tcb, seg, out) // sixth
  takeText(tcb, seg, now, out) // seventh
  takeFin(tcb, seg, now, out) // eighth
}

/** §3.10.7.3. */
function arrivesInSynSent(tcb: Tcb, seg: Segment, now: number, out: Outbox): void {
  const ack = toSeq(seg.ack)
  if ((seg.flags & ACK) !== 0 && (leq(ack, tcb.iss) || lt(tcb.sndNxt, ack))) {
    out.counters.droppedBadAck++
    if ((seg.flags & RST) === 0) sendResetFor(tcb, ack, now, out)
    return
  }
  if ((seg.flags & RST) !== 0) {
    // Only a RST that acknowledges our SYN comes from somebody who has seen it.
    if ((seg.flags & ACK) !== 0) {
      out.counters.resetsReceived++
      end(tcb, 'ECONNREFUSED', 'RST', out)
    } else out.counters.droppedBadReset++
    return
  }
  if ((seg.flags & SYN) === 0) {
    out.counters.droppedInSynSent++
    return
  }
  agree(tcb, seg, now, out.counters)
  agreeOnEcn(tcb, seg)
  takeUserTimeout(tcb, seg.userTimeout)
  beginSequences(tcb)
  if ((seg.flags & ACK) === 0) {
    // Simultaneous open. Text on the SYN is not kept: the peer repeats it. An ACK that comes may be one of the SYN or of
    // the SYN-ACK, and tells no round trip (RFC 6298 §3).
    setState(tcb, State.SYN_RECEIVED, 'SYN', out)
    tcb.synSentAt = Number.NaN
    sendSyn(tcb, now, out)
    return
  }
  tcb.sndUna = ack
  sampleHandshake(tcb, now)
  if (tcb.fastOpen !== FastOpen.NONE) {
    takeAckOfText(tcb, out)
    learnFromSynAck(tcb, seg, now, out)
  }
  becomeEstablished(tcb, 'SYN-ACK', now, out)
  oweAck(tcb, out)
  seg.seq = add(toSeq(seg.seq), 1)
  seg.flags &= ~SYN
  checkUrg(tcb, seg, out)
  takeText(tcb, seg, now, out)
  takeFin(tcb, seg, now, out)
}

/** The SYN that a Fast Open began with: our answer was lost. */
function isSynAgain(tcb: Tcb, seg: Segment): boolean {
  if (tcb.fastOpen !== FastOpen.PASSIVE || tcb.synchronized) return false
  return (seg.flags & (SYN | ACK | RST)) === SYN && toSeq(seg.seq) === tcb.irs
}

/** Text of our SYN that the SYN-ACK acknowledges (RFC 7413 §4.2.2). */
function takeAckOfText(tcb: Tcb, out: Outbox): void {
  const taken = ahead(tcb.sndUna, add(tcb.iss, 1))
  tcb.bytesAcked += taken
  tcb.sendBuffer.acknowledge(tcb.sndUna, out)
  synAnswered(tcb, out)
  tellOfRoom(tcb, out)
}

/** A simultaneous open, line 6 of figure 7 (§3.5): the SYN that has come before, and with it the ACK of ours. */
function isSynAckOfBoth(tcb: Tcb, seg: Segment): boolean {
  const both = SYN | ACK
  return (seg.flags & (both | RST)) === both && toSeq(seg.seq) === tcb.irs && acknowledgesNew(tcb, toSeq(seg.ack))
}

/** What lies left of the window is trimmed off (§3.10.7.4, first). A peer that takes no SYN-ACK in its place waits for an ACK. */
function leaveOutSyn(tcb: Tcb, seg: Segment, out: Outbox): void {
  confirmEcn(tcb, seg)
  seg.seq = add(toSeq(seg.seq), 1)
  seg.flags &= ~(SYN | ECE) // on a SYN-ACK it is consent, no echo (RFC 3168 §6.1.1)
  oweAck(tcb, out)
}

/** First: is it old, and is it in the window? */
function checkSeq(tcb: Tcb, seg: Segment, now: number, out: Outbox): boolean {
  if (isOldDuplicate(tcb, seg, now)) out.counters.droppedOldTimestamp++
  else if (isAcceptable(tcb, seg)) return true
  else out.counters.droppedUnacceptable++
  if ((seg.flags & RST) !== 0) return false
  // Old text means that our ACK was lost, and is always answered; answering each bare ACK could go back and forth for ever.
  if (seg.payloadLength > 0 || (seg.flags & FIN) !== 0) {
    const seq = toSeq(seg.seq)
    if (lt(seq, tcb.rcvNxt)) duplicateArrives(tcb, seq, earlier(add(seq, seg.length), tcb.rcvNxt), now, out)
    oweAck(tcb, out)
  } else challengeAck(tcb, seg, now, out)
  return false
}

/** The four cases of §3.4, table 5, with the allowance of §3.10.7.4 for a closed window. */
function isAcceptable(tcb: Tcb, seg: Segment): boolean {
  const seq = toSeq(seg.seq)
  const length = seg.length
  const window = windowOffered(tcb)
  // Control of a peer that has filled our window stands at its right edge; its ACKs must count, or both could wait for ever.
  if (seq === tcb.rcvNxt) return true
  if (length === 0) return within(seq, tcb.rcvNxt, window) || ((seg.flags & RST) === 0 && seq === tcb.rcvAdv)
  return within(seq, tcb.rcvNxt, window) || within(add(seq, length - 1), tcb.rcvNxt, window)
}

/** Second. Only an exact RCV.NXT shows that the peer sent it: a blind attacker has to hit that one number (RFC 5961 §3.2). */
function checkRst(tcb: Tcb, seg: Segment, now: number, out: Outbox): boolean {
  if ((seg.flags & RST) === 0) return true
  if (toSeq(seg.seq) !== tcb.rcvNxt) {
    out.counters.droppedBadReset++
    resetPastText(tcb, now, out)
    challengeAck(tcb, seg, now, out)
    return false
  }
  out.counters.resetsReceived++
  switch (tcb.state) {
    case State.SYN_RECEIVED: // after an active open, or a Fast Open: any other passive one has no TCB yet
      end(tcb, tcb.fastOpen === FastOpen.PASSIVE ? 'ECONNRESET' : 'ECONNREFUSED', 'RST', out)
      break
    case State.CLOSING:
    case State.LAST_ACK:
      end(tcb, null, 'RST', out)
      break
    case State.CLOSE_WAIT: // as Linux has it: who could still come to know is one who writes
      end(tcb, 'EPIPE', 'RST', out)
      break
    default:
      end(tcb, 'ECONNRESET', 'RST', out)
  }
  return false
}

/** Fourth: a SYN where there is none to be expected (RFC 5961 §4.2). */
function checkSyn(tcb: Tcb, seg: Segment, now: number, out: Outbox): boolean {
  if ((seg.flags & SYN) === 0) return true
  out.counters.droppedUnexpectedSyn++
  challengeAck(tcb, seg, now, out)
  return false
}
