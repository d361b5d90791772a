// What leaves: every segment of a connection is made by `begin` and its callers here. Decides what may be sent (§3.8.4
// to §3.8.6 of RFC 9293, Nagle, silly windows, RFC 5681's window), not what is lost (recovery.ts) nor when time is up
// (timeouts.ts).

import { ACK, ECE, FIN, PSH, RST, type Segment, SYN } from '../wire/segment.ts'
import { retryLargeSegments } from './black-hole.ts'
import { noteWindowUse } from './congestion/usage.ts'
import { ecnOnSyn, markNewText } from './ecn.ts'
import { DEFAULT_MSS, offerOptions } from './handshake.ts'
import type { SocketValues } from './options.ts'
import { type Outbox, tell } from './outbox.ts'
import { mustWait, paceLimit, paceSent } from './pacing.ts'
import { addSackBlocks, sackRoom } from './sack-blocks.ts'
import { add, ahead, leq, lt, type Seq, toSeq } from './seq.ts'
import { State } from './state.ts'
import { Event, Repair, roomToWrite, type Tcb } from './tcb.ts'
import { timestampNow } from './timestamps.ts'
import { pointAtUrgent } from './urgent.ts'
import { advertise, awaitAnswer } from './user-timeout.ts'
import { offerWindow } from './window.ts'

const TIMESTAMP_OPTION = 12
const USER_TIMEOUT_OPTION = 4
const ECN_BITS = 3

/** Sends what may go now: what is to be repeated, new text, a FIN, and an ACK that is owed and found no company. */
export function output(tcb: Tcb, now: number, out: Outbox): void {
  if (hasSendingState(tcb.state)) {
    if (tcb.repair === Repair.TIMEOUT) repeatLost(tcb, now, out)
    if (tcb.sendBuffer.length > 0 || tcb.finQueued) sendNew(tcb, now, out)
  }
  if (tcb.ackOwed) sendAck(tcb, now, out)
}

function hasSendingState(state: State): boolean {
  return state >= State.ESTABLISHED && state !== State.FIN_WAIT_2 && state !== State.TIME_WAIT
}

function sendNew(tcb: Tcb, now: number, out: Outbox): void {
  const hasPaused = tcb.sndNxt === tcb.sndUna && now - tcb.lastSentAt > tcb.rtoMs
  if (hasPaused && tcb.options.slowStartAfterIdle) tcb.congestion.idled(tcb, now)
  if (tcb.heldUntil !== Number.POSITIVE_INFINITY) return
  retryLargeSegments(tcb, now)
  const limit = paceLimit(tcb, now)
  while (!tcb.finSent) {
    const unsent = ahead(tcb.sendBuffer.end, tcb.sndNxt)
    if (unsent === 0 && !tcb.finQueued) return
    const mss = textRoom(tcb)
    const flight = inFlight(tcb)
    if (flight > 0 && flight + Math.min(unsent, mss) > tcb.cwnd) return noteWindowUse(tcb, true)
    const window = ahead(add(tcb.sndUna, tcb.sndWnd), tcb.sndNxt)
    const length = Math.max(0, Math.min(unsent, mss, window))
    if (length === unsent && length < mss && isCorked(tcb, now)) return
    if (!isWorthSending(tcb, length, unsent, mss, window)) {
      if (tcb.sndNxt === tcb.sndUna && tcb.persistAt === Number.POSITIVE_INFINITY) {
        tcb.persistAt = now + tcb.rtoMs
        awaitAnswer(tcb, now)
      }
      return
    }
    if (length > 0 && mustWait(tcb, limit)) return
    sendText(tcb, length, now, out)
    noteWindowUse(tcb, inFlight(tcb) + mss > tcb.cwnd)
  }
}

/** Silly window avoidance of the sender with Nagle's algorithm: §3.8.6.2.1 and §3.7.4. */
function isWorthSending(tcb: Tcb, length: number, unsent: number, mss: number, window: number): boolean {
  if (length === mss) return true
  if (length === unsent) {
    if (length === 0) return window > 0 // the FIN alone
    return tcb.options.noDelay || tcb.finQueued || tcb.urgentUnacked || tcb.sndNxt === tcb.sndUna || tcb.corkReleased
  }
  return length > 0 && 2 * length >= tcb.maxSndWnd
}

/** How long a partial segment waits for more: Linux's 200 ms. */
const CORK_MS = 200

/** The last segment is not full, and the user has said that more will come. */
function isCorked(tcb: Tcb, now: number): boolean {
  if (tcb.finQueued || tcb.corkReleased || !(tcb.options.cork || tcb.moreFollows)) {
    tcb.corkedUntil = Number.POSITIVE_INFINITY
    return false
  }
  if (tcb.corkedUntil === Number.POSITIVE_INFINITY) tcb.corkedUntil = now + CORK_MS
  return true
}

/** Sends `length` bytes of new text, with the FIN if they are the last ones and the window has room for it. */
export function sendText(tcb: Tcb, length: number, now: number, out: Outbox): void {
  const seq = tcb.sndNxt
  if (length > 0 && seq === tcb.sndUna) tcb.congestion.resumed(tcb, now)
  const last = add(seq, length) === tcb.sendBuffer.end
  const fin = last && tcb.finQueued && lt(add(seq, length), add(tcb.sndUna, tcb.sndWnd))
  if (length === 0 && !fin) return
  const segment = begin(tcb, seq, ACK | (last && length > 0 ? PSH : 0) | (fin ? FIN : 0), now, out)
  if (length > 0) {
    tcb.sendBuffer.locate(segment, seq, length, out.slab)
    markNewText(tcb, segment)
  }
  paceSent(tcb, length)
  tcb.sndNxt = add(seq, length + (fin ? 1 : 0))
  tcb.finSent = fin
  tcb.bytesSent += length
  tcb.lastSentAt = now
  tcb.persistAt = Number.POSITIVE_INFINITY
  tcb.corkedUntil = Number.POSITIVE_INFINITY
  tcb.corkReleased = false
  awaitAnswer(tcb, now)
  if (tcb.retransmitAt === Number.POSITIVE_INFINITY) tcb.retransmitAt = now + tcb.rtoMs
  if (Number.isNaN(tcb.timedSince)) {
    tcb.timedSeq = tcb.sndNxt
    tcb.timedSince = now
  }
  transmit(tcb, out)
  // Below the mark there is room for the user again; without a mark only an ACK makes room.
  if (tcb.writerWaits && tcb.options.notSentLowat > 0 && roomToWrite(tcb) > 0) {
    tcb.writerWaits = false
    tell(tcb, Event.WRITABLE, out)
  }
}

/** After a timeout: sends again what was in flight then, as far as the window of congestion allows, past what the peer holds. */
function repeatLost(tcb: Tcb, now: number, out: Outbox): void {
  const limit = paceLimit(tcb, now)
  while (lt(tcb.rtxNxt, tcb.recover)) {
    const held = tcb.sacked.indexOf(tcb.rtxNxt)
    if (held >= 0) {
      tcb.rtxNxt = tcb.sacked.right(held)
      continue
    }
    const flight = inFlight(tcb)
    if (flight > 0 && flight + textRoom(tcb) > tcb.cwnd) return
    if (mustWait(tcb, limit)) return
    tcb.rtxNxt = repeat(tcb, tcb.rtxNxt, now, out)
  }
}

/**
 * Sends again one segment from `seq`, never more than was sent before, and answers where it ended. The text may be cut
 * anew: the MSS may have changed since.
 */
export function repeat(tcb: Tcb, seq: Seq, now: number, out: Outbox): Seq {
  out.counters.segmentsRetransmitted++
  tcb.retransmits++
  tcb.timedSince = Number.NaN // Karn's rule: what was sent twice is not timed
  if (seq === tcb.iss) {
    tcb.synRetransmitted = true
    out.counters.synRetransmissions++
    sendSyn(tcb, now, out)
    return add(tcb.iss, 1)
  }
  const textEnd = tcb.finSent ? add(tcb.sndNxt, -1) : tcb.sndNxt
  const length = Math.min(ahead(textEnd, seq), textRoom(tcb))
  const end = add(seq, length)
  const fin = tcb.finSent && end === textEnd
  const segment = begin(tcb, seq, ACK | (end === textEnd && length > 0 ? PSH : 0) | (fin ? FIN : 0), now, out)
  if (length > 0) tcb.sendBuffer.locate(segment, seq, length, out.slab)
  tcb.bytesRetransmitted += length
  paceSent(tcb, length)
  tcb.lastSentAt = now
  tcb.segmentsSent++
  out.retransmit()
  return fin ? add(end, 1) : end
}

/** SYN, or SYN-ACK where the peer's SYN has come. Also sends it again. */
export function sendSyn(tcb: Tcb, now: number, out: Outbox): void {
  const segment = begin(tcb, tcb.iss, synFlags(tcb), now, out)
  offerOptions(tcb, segment, tcb.state !== State.SYN_SENT && !tcb.options.repeatOffer, now)
  transmit(tcb, out)
}

function synFlags(tcb: Tcb): number {
  if (tcb.state === State.SYN_SENT) return SYN | ecnOnSyn(tcb)
  return SYN | ACK | (tcb.ecnOn ? ECE : 0)
}

/** An ACK leaves at the end of the batch, alone if nothing else does. */
export function oweAck(tcb: Tcb, out: Outbox): void {
  tcb.ackOwed = true
  out.schedule(tcb)
}

export function sendAck(tcb: Tcb, now: number, out: Outbox): void {
  begin(tcb, tcb.sndNxt, ACK, now, out)
  transmit(tcb, out)
}

/**
 * Forces an ACK out of a peer whose window is closed (§3.8.6.1), or who is silent (§3.8.4): no text, one before the window, so that the peer must
 * answer and nothing is ever sent outside the window that it offered.
 */
export function sendProbe(tcb: Tcb, now: number, out: Outbox): void {
  begin(tcb, add(tcb.sndUna, -1), ACK, now, out)
  transmit(tcb, out)
}

export function sendReset(tcb: Tcb, now: number, out: Outbox): void {
  out.counters.resetsSent++
  begin(tcb, tcb.sndNxt, RST | ACK, now, out)
  transmit(tcb, out)
}

/** <SEQ=SEG.ACK><CTL=RST>: the answer to an ACK of something never sent, on a connection not yet synchronized. */
export function sendResetFor(tcb: Tcb, ack: number, now: number, out: Outbox): void {
  out.counters.resetsSent++
  const segment = begin(tcb, toSeq(ack), RST, now, out)
  segment.hasTimestamps = false
  transmit(tcb, out)
}

/**
 * Text that one segment may carry now: the options take from it (RFC 6691 §2, RFC 9293 §3.7.1). No more than half of what
 * the peer's window ever was, so that it need not close before it can be acknowledged (as on Linux).
 */
export function textRoom(tcb: Tcb): number {
  const segment = tcb.sndMss - (tcb.timestampsOn ? TIMESTAMP_OPTION : 0)
  const halfWindow = tcb.maxSndWnd > DEFAULT_MSS ? tcb.maxSndWnd >> 1 : segment
  return Math.max(1, Math.min(segment, halfWindow) - sackRoom(tcb) - (tcb.userTimeoutOwed ? USER_TIMEOUT_OPTION : 0))
}

/** Octets sent and, as far as we know, still on their way. */
export function inFlight(tcb: Tcb): number {
  if (tcb.repair !== Repair.TIMEOUT || !lt(tcb.rtxNxt, tcb.recover)) return ahead(tcb.sndNxt, tcb.sndUna)
  // What was in flight at the timeout counts as lost until it goes again; what the peer holds has left the network.
  const repeated = ahead(tcb.rtxNxt, tcb.sndUna) - tcb.sacked.bytesBelow(tcb.rtxNxt)
  return repeated + ahead(tcb.sndNxt, tcb.recover)
}

/** The header that all segments of a connection share. An ACK that rides on it is paid. */
function begin(tcb: Tcb, seq: Seq, flags: number, now: number, out: Outbox): Segment {
  const segment = out.segment
  address(segment, tcb)
  segment.seq = seq
  segment.flags = flags
  if ((flags & RST) === 0) segment.window = offerWindow(tcb, (flags & SYN) !== 0)
  if ((flags & ACK) !== 0) {
    segment.ack = tcb.rcvNxt
    tcb.lastAckSent = tcb.rcvNxt
    if (tcb.quickAcks > 0 && (tcb.ackOwed || tcb.delayedAckAt !== Number.POSITIVE_INFINITY)) tcb.quickAcks--
    tcb.ackOwed = false
    tcb.delayedAckAt = Number.POSITIVE_INFINITY
    if ((flags & (SYN | RST)) === 0) {
      addSackBlocks(tcb, segment)
      if (tcb.echoesCe) segment.flags |= ECE
    }
  }
  if (tcb.timestampsOn && (flags & SYN) === 0) {
    segment.hasTimestamps = true
    segment.tsVal = timestampNow(tcb.tsOffset, now)
    segment.tsEcr = tcb.tsRecent
  }
  pointAtUrgent(tcb, segment, seq)
  heedService(segment, tcb.options)
  if (tcb.userTimeoutOwed && (flags & RST) === 0) {
    tcb.userTimeoutOwed = false
    advertise(tcb.options.advertisedUserTimeoutMs, segment)
  }
  return segment
}

/** Two addresses and two ports, from our side: what names a connection. */
export interface FourTuple {
  localAddress: number
  remoteAddress: number
  localPort: number
  remotePort: number
}

/** An empty segment from us to the peer. */
export function address(segment: Segment, tuple: FourTuple): void {
  segment.reset()
  segment.sourceAddress = tuple.localAddress
  segment.destinationAddress = tuple.remoteAddress
  segment.sourcePort = tuple.localPort
  segment.destinationPort = tuple.remotePort
}

/** What of the IPv4 header the user has a say in. */
export function heedService(segment: Segment, options: SocketValues): void {
  segment.tos |= options.typeOfService & ~ECN_BITS
  segment.ttl = options.timeToLive
  segment.mayFragment = options.pathMtuDiscovery === 'off'
}

function transmit(tcb: Tcb, out: Outbox): void {
  tcb.segmentsSent++
  out.transmit()
}

/** §3.10.7.1: the answer to a segment for which there is no connection. The caller has seen that it is no RST. */
export function answerWithReset(seg: Segment, out: Outbox): void {
  const { sourceAddress, destinationAddress, sourcePort, destinationPort, flags, ack } = seg
  const expected = toSeq(seg.seq + seg.length)
  const reply = out.segment
  reply.reset()
  reply.sourceAddress = destinationAddress
  reply.destinationAddress = sourceAddress
  reply.sourcePort = destinationPort
  reply.destinationPort = sourcePort
  if ((flags & ACK) !== 0) {
    reply.seq = ack
    reply.flags = RST
  } else {
    reply.ack = expected
    reply.flags = RST | ACK
  }
  out.counters.resetsSent++
  out.transmit()
}

/** Whether an ACK of `seq` is one of something that was sent and not yet acknowledged. */
export const acknowledgesNew = (tcb: Tcb, seq: Seq): boolean => lt(tcb.sndUna, seq) && leq(seq, tcb.sndNxt)
