// A passive open until it is one: LISTEN (§3.10.7.2) and SYN-RECEIVED (§3.10.7.4) on a small record, so that half-open
// connections cost little. A whole TCB is made when the peer has acknowledged our SYN.

import { ACK, ECE, RST, type Segment, SYN } from '../wire/segment.ts'
import { AccurateEcn, addFirstCounters, repeatedAnswer } from './accurate-ecn.ts'
import { type Challenger, mayChallenge } from './challenge.ts'
import type { CongestionControl } from './congestion/congestion.ts'
import type { TcpCounters } from './counters.ts'
import { ecnOnSynAck } from './ecn.ts'
import { type CookieOffer, writeCookie } from './fast-open-keys.ts'
import { agree, beginSequences, firstWindow, type Handshake, offerOptions, prepareOffer } from './handshake.ts'
import type { SocketValues } from './options.ts'
import type { Outbox } from './outbox.ts'
import { address, answerWithReset, type FourTuple, heedService } from './output.ts'
import { add, type Seq, toSeq, within } from './seq.ts'
import { State } from './state.ts'
import { Tcb } from './tcb.ts'
import { isOldDuplicate, timestampNow } from './timestamps.ts'
import { takeUserTimeout } from './user-timeout.ts'
import { windowField } from './window.ts'

export class SynReceived implements Handshake, FourTuple, Challenger {
  slot = -1
  localAddress = 0
  remoteAddress = 0
  localPort = 0
  remotePort = 0
  iss: Seq = toSeq(0)
  irs: Seq = toSeq(0)
  offeredMss = 0
  peerMss = 0
  sndMss = 0
  sndWnd = 0
  sndWndShift = 0
  rcvWndShift = 0
  /** RCV.WND as the peer knows it, bytes. */
  offeredWindow: number
  windowScalingOn = false
  timestampsOn = false
  sacksOn = false
  /** AE, CWR and ECE of the SYN-ACK (RFC 3168 §6.1.1, RFC 9768 §3.1.1): 0 for no ECN. */
  ecnAnswer = 0
  tsRecent = 0
  tsRecentAt = 0
  tsOffset = 0
  /** The peer's option of RFC 5482 as it came, -1 for none. */
  userTimeout = -1
  challenges = 0
  challengeSince = Number.NEGATIVE_INFINITY
  nonsense = 0
  nonsenseAt = 0
  /** Timeouts so far, with and without a SYN-ACK. */
  retries = 0
  /** SYN-ACKs that were sent again. */
  resent = 0
  /** The peer has acknowledged our SYN, and was not let in: for want of text (deferred accept), or of room. */
  acked = false
  /** Timeouts for which an ACK without text does not open the connection. */
  deferRetries = 0
  rtoMs: number
  /** NaN where nobody knows. */
  sentAt = Number.NaN
  retransmitAt = Number.POSITIVE_INFINITY

  /** Who listens, as the stack knows it. */
  listener: unknown = null

  constructor(readonly options: SocketValues) {
    this.rtoMs = options.initialRtoMs
    this.offeredWindow = firstWindow(options)
  }
}

export type PassiveVerdict = 'waiting' | 'gone' | 'open'

/**
 * §3.10.7.2, LISTEN: what a segment that is no plain SYN gets. True for a SYN, which the caller answers with `answerSyn`
 * if it has room for one more.
 */
export function isSynToListen(seg: Segment, out: Outbox): boolean {
  if ((seg.flags & RST) !== 0) {
    out.counters.droppedInListen++ // first: nothing here can be reset
    return false
  }
  if ((seg.flags & ACK) !== 0) {
    out.counters.droppedInListen++ // second: nothing was sent that could be acknowledged
    answerWithReset(seg, out)
    return false
  }
  if ((seg.flags & SYN) !== 0) return true // third
  out.counters.droppedInListen++
  return false
}

/**
 * LISTEN, third: takes a SYN and answers it, with a cookie for the next one if the client wants one. The caller has set the
 * four-tuple, ISS and the timestamp offset.
 */
export function answerSyn(
  record: SynReceived,
  seg: Segment,
  mtu: number,
  offer: CookieOffer | undefined,
  now: number,
  out: Outbox
): void {
  takeSyn(record, seg, mtu, now, out.counters)
  record.retransmitAt = now + record.rtoMs
  record.sentAt = now
  writeSynAck(record, out.segment, now)
  if (offer !== undefined) writeCookie(offer, out.segment)
  if (isAccurate(record)) addFirstCounters(out.segment)
  out.transmit()
}

/** What the peer offers, as far as it is wanted here. */
export function takeSyn(record: SynReceived, seg: Segment, mtu: number, now: number, counters: TcpCounters): void {
  prepareOffer(record, mtu)
  agree(record, seg, now, counters)
  record.userTimeout = seg.userTimeout
  record.ecnAnswer = ecnOnSynAck(record.options.ecn, seg)
}

/** §3.10.7.4 for SYN-RECEIVED: `open` means that this ACK opens the connection and is then to arrive there. */
export function arrivesInSynReceived(record: SynReceived, seg: Segment, now: number, out: Outbox): PassiveVerdict {
  const seq = toSeq(seg.seq)
  const rcvNxt = add(record.irs, 1)
  if (seq === record.irs && (seg.flags & (SYN | ACK | RST)) === SYN) {
    // The peer's SYN again: our answer was lost. It may have given up on ECN meanwhile (RFC 3168 §6.1.1.1).
    if (record.ecnAnswer !== 0) record.ecnAnswer = ecnOnSynAck(record.options.ecn, seg)
    sendSynAck(record, now, out)
    return 'waiting'
  }
  const isInWindow = within(seq, rcvNxt, record.offeredWindow) || reachesWindow(seg, rcvNxt)
  if (!isInWindow || isOldDuplicate(record, seg, now)) {
    if (isInWindow) out.counters.droppedOldTimestamp++
    else out.counters.droppedUnacceptable++
    if ((seg.flags & RST) === 0) sendBareAck(record, seg, now, out)
    return 'waiting'
  }
  if ((seg.flags & RST) !== 0) {
    if (seq === rcvNxt) {
      out.counters.resetsReceived++
      out.counters.embryonicResets++
      return 'gone'
    }
    out.counters.droppedBadReset++
    sendBareAck(record, seg, now, out)
    return 'waiting'
  }
  if ((seg.flags & SYN) !== 0) {
    out.counters.droppedUnexpectedSyn++
    sendBareAck(record, seg, now, out)
    return 'waiting'
  }
  if ((seg.flags & ACK) === 0) {
    out.counters.droppedNoAck++
    return 'waiting'
  }
  if (toSeq(seg.ack) !== add(record.iss, 1)) {
    out.counters.droppedBadAck++
    answerWithReset(seg, out)
    return 'waiting'
  }
  return 'open'
}

/** A text that begins before RCV.NXT and reaches past it: acceptable by its end (§3.4). */
function reachesWindow(seg: Segment, rcvNxt: Seq): boolean {
  return within(rcvNxt, toSeq(seg.seq), seg.length)
}

/**
 * Sends the SYN-ACK again, or answers false when it has been sent often enough. A peer that has acknowledged it and is to
 * send text first hears of it only at the end of that time: the last chance for its text, or for an ACK that opens.
 */
export function synAckTimeout(record: SynReceived, now: number, out: Outbox): boolean {
  const { retries, deferRetries, acked } = record
  if (retries >= record.options.synAckRetries && !(acked && retries < deferRetries)) return false
  record.retries++
  record.rtoMs = Math.min(record.options.maxRtoMs, 2 * record.rtoMs)
  record.retransmitAt = now + record.rtoMs
  if (acked && retries < deferRetries - 1) return true
  record.resent++
  out.counters.retransmissionTimeouts++
  out.counters.segmentsRetransmitted++
  out.counters.synRetransmissions++
  sendSynAck(record, now, out)
  return true
}

/** The whole TCB of a half-open connection, still SYN-RECEIVED: the ACK that opens it arrives next. */
export function toTcb(record: SynReceived, congestion: CongestionControl, now: number): Tcb {
  const tcb = new Tcb(record.options, congestion, now)
  tcb.state = State.SYN_RECEIVED
  tcb.localAddress = record.localAddress
  tcb.remoteAddress = record.remoteAddress
  tcb.localPort = record.localPort
  tcb.remotePort = record.remotePort
  tcb.iss = record.iss
  tcb.sndUna = record.iss
  tcb.sndNxt = add(record.iss, 1)
  tcb.recover = record.iss
  tcb.sndSml = record.iss
  tcb.sendBuffer.beginAt(tcb.sndNxt)
  tcb.irs = record.irs
  tcb.offeredMss = record.offeredMss
  tcb.peerMss = record.peerMss
  tcb.sndMss = record.sndMss
  tcb.sndWnd = record.sndWnd
  tcb.sndWndShift = record.sndWndShift
  tcb.rcvWndShift = record.rcvWndShift
  tcb.windowScalingOn = record.windowScalingOn
  tcb.timestampsOn = record.timestampsOn
  tcb.sacksOn = record.sacksOn
  tcb.passive = true
  tcb.ecnOn = record.ecnAnswer !== 0
  tcb.ectOn = tcb.ecnOn
  if (isAccurate(record)) tcb.accurateEcn = new AccurateEcn(record.ecnAnswer)
  tcb.tsRecent = record.tsRecent
  tcb.tsRecentAt = record.tsRecentAt
  tcb.tsOffset = record.tsOffset
  tcb.rtoMs = record.rtoMs
  tcb.retransmitAt = record.retransmitAt
  tcb.synRetransmitted = record.resent > 0
  if (record.resent === 0) tcb.synSentAt = record.sentAt
  tcb.segmentsSent = 1 + record.resent
  tcb.segmentsReceived = 1
  takeUserTimeout(tcb, record.userTimeout)
  beginSequences(tcb)
  tcb.rcvAdv = add(tcb.rcvNxt, record.offeredWindow)
  return tcb
}

/** What the peer is told when the listener goes away before it has opened (§3.10.4, CLOSE in LISTEN and its children). */
export function resetHalfOpen(record: SynReceived, out: Outbox): void {
  const segment = out.segment
  address(segment, record)
  heedService(segment, record.options)
  segment.flags = RST
  segment.seq = add(record.iss, 1)
  out.counters.resetsSent++
  out.transmit()
}

const isAccurate = ({ ecnAnswer }: SynReceived): boolean => ecnAnswer !== 0 && ecnAnswer !== ECE

function sendSynAck(record: SynReceived, now: number, out: Outbox): void {
  writeSynAck(record, out.segment, now)
  out.transmit()
}

export function writeSynAck(record: SynReceived, segment: Segment, now: number): void {
  address(segment, record)
  segment.flags = SYN | ACK | (isAccurate(record) ? repeatedAnswer(record.ecnAnswer, record.resent) : record.ecnAnswer)
  segment.seq = record.iss
  segment.ack = add(record.irs, 1)
  segment.window = firstWindow(record.options)
  offerOptions(record, segment, true, now)
  heedService(segment, record.options)
}

function sendBareAck(record: SynReceived, seg: Segment, now: number, out: Outbox): void {
  if (!mayChallenge(record, seg, now, out)) return
  const segment = out.segment
  address(segment, record)
  segment.flags = ACK
  segment.seq = add(record.iss, 1)
  segment.ack = add(record.irs, 1)
  segment.window = windowField(record.offeredWindow, record.rcvWndShift)
  record.offeredWindow = segment.window << record.rcvWndShift // rounding up has offered a little more
  if (record.timestampsOn) {
    segment.hasTimestamps = true
    segment.tsVal = timestampNow(record.tsOffset, now)
    segment.tsEcr = record.tsRecent
  }
  heedService(segment, record.options)
  out.transmit()
}
