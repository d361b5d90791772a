// What leaves: every segment of a connection is made by `begin` and its callers here. Decides what may be sent (§3.8.4
// to §3.8.6 of RFC 9293, Nagle, silly windows, RFC 5681's window), not what is lost (recovery.ts) nor when time is up
// (timeouts.ts).

import { MAX_OPTIONS_LENGTH, optionsLength } from '../wire/options.ts'
import { ACK, ECE, FIN, PSH, RST, type Segment, SYN } from '../wire/segment.ts'
import { repeatedAnswer } from './accurate-ecn.ts'
import { retryLargeSegments } from './black-hole.ts'
import { smss } from './congestion/congestion.ts'
import { noteWindowUse } from './congestion/usage.ts'
import { stampRecord } from './delivery-rate.ts'
import { ecnOnSyn, markNewText } from './ecn.ts'
import { addFastOpen } from './fast-open.ts'
import { type CookieOffer, writeCookie } from './fast-open-keys.ts'
import { inFlight, inFlightAndHeld } from './flight.ts'
import { DEFAULT_MSS, offerOptions } from './handshake.ts'
import type { SocketValues } from './options.ts'
import { type Outbox, tell } from './outbox.ts'
import { mustWait, paceLimit, paceRoom, paceSent } from './pacing.ts'
import { setTimer, textSent } from './retransmission-timer.ts'
import { addSackBlocks, sackRoom } from './sack-blocks.ts'
import { LOST, RESENT, SACKED, segmentsOf } from './scoreboard.ts'
import { add, ahead, leq, lt, type Seq, toSeq } from './seq.ts'
import { State } from './state.ts'
import { Event, FastOpen, oldestText, Repair, roomToWrite, type Tcb, Timer } from './tcb.ts'
import { timestampNow } from './timestamps.ts'
import { repeatedForUndo } from './undo.ts'
import { pointAtUrgent } from './urgent.ts'
import { advertise, awaitAnswer } from './user-timeout.ts'
import { offerWindow } from './window.ts'

const TIMESTAMP_OPTION = 12
const USER_TIMEOUT_OPTION = 4
const ECN_BITS = 3

/** Sends what may go now: what is to be repeated, new text, a FIN, and an ACK that is owed and found no company. */
export function output(tcb: Tcb, now: number, out: Outbox): void {
  if (tcb.fastOpen === FastOpen.WAITING) sendSyn(tcb, now, out)
  if (hasSendingState(tcb)) {
    if (tcb.sendsNewFirst) sendNewFirst(tcb, now, out)
    if (tcb.scoreboard.firstLost >= 0 && !tcb.repeatsHeld) repeatLost(tcb, now, out)
    if (tcb.sendBuffer.length > 0 || tcb.finQueued) sendNew(tcb, false, now, out)
    tcb.prrGranted = 0
  }
  if (tcb.ackOwed) sendAck(tcb, now, out)
}

function hasSendingState({ state, synchronized, fastOpen }: Tcb): boolean {
  // "It may send the response data before the handshake finishes" (RFC 7413 §3).
  if (!synchronized) return fastOpen === FastOpen.PASSIVE
  return state >= State.ESTABLISHED
}

/** RFC 5682 §3.1 step 2.b: new text, to see what becomes of it, before any more is repeated. */
function sendNewFirst(tcb: Tcb, now: number, out: Outbox): void {
  tcb.sendsNewFirst = false
  sendNew(tcb, true, now, out)
  if (lt(tcb.recover, tcb.sndNxt)) tcb.repeatsHeld = true
  else tcb.forwardRto = false
}

/** `hurry`: not held back by Nagle's algorithm or a cork. */
function sendNew(tcb: Tcb, hurry: boolean, now: number, out: Outbox): void {
  const hasPaused = tcb.sndNxt === tcb.sndUna && now - tcb.lastSentAt > tcb.rtoMs
  if (hasPaused && tcb.options.slowStartAfterIdle) tcb.congestion.idled(tcb, now)
  if (tcb.heldUntil !== Number.POSITIVE_INFINITY) return
  retryLargeSegments(tcb, now)
  const limit = paceLimit(tcb, now)
  while (!tcb.finSent) {
    const unsent = ahead(tcb.sendBuffer.end, tcb.sndNxt)
    if (unsent === 0 && !tcb.finQueued) return
    const mss = textRoom(tcb)
    const flight = tcb.options.limitedTransmit ? inFlight(tcb) : inFlightAndHeld(tcb)
    if (isWindowFull(tcb, flight)) return noteWindowUse(tcb, true)
    const window = ahead(add(oldestText(tcb), tcb.sndWnd), tcb.sndNxt)
    const length = Math.max(0, Math.min(unsent, mss, window))
    if (length === unsent && length < mss && !hurry && isCorked(tcb, now)) return
    if (!(hurry && length > 0) && !isWorthSending(tcb, length, unsent, mss, window)) {
      if (tcb.sndNxt === tcb.sndUna && tcb.persistAt === Number.POSITIVE_INFINITY) {
        tcb.persistAt = now + tcb.rtoMs
        awaitAnswer(tcb, now)
      }
      return
    }
    if (length > 0 && mustWait(tcb, limit)) return
    if (out.isHeldBack) return out.schedule(tcb)
    const room = Math.min(unsent, window, tcb.cwnd - flight, paceRoom(tcb, limit))
    if (length === mss) sendText(tcb, superSegment(tcb, mss, room, limit, out), now, out, mss)
    else {
      sendText(tcb, length, now, out)
      tcb.sndSml = tcb.sndNxt
    }
    noteWindowUse(tcb, isWindowFull(tcb, inFlight(tcb)))
  }
}

/** The window of congestion has no room for one more segment. One may always be out: segments can be larger than they were. */
function isWindowFull(tcb: Tcb, flight: number): boolean {
  return flight > 0 && flight + smss(tcb) > tcb.cwnd
}

/** IPv4's header and the longest of TCP's. */
const MOST_HEADERS = 80

/**
 * Bytes of text for one super-segment: full segments only, as many as `room` has place for and the link takes at once. What the
 * header says of one place in the text cannot be said of several.
 */
function superSegment(tcb: Tcb, mss: number, room: number, limit: number, out: Outbox): number {
  if (tcb.urgentUnacked || tcb.userTimeoutOwed || sackRoom(tcb) > 0) return mss
  // Where few leave at once there is little to be gained by cutting them ourselves.
  if (out.cutsSuperSegments && limit !== Number.POSITIVE_INFINITY) return mss
  const segments = Math.floor(Math.min(room, out.superSegmentBytes - MOST_HEADERS) / mss)
  return Math.max(1, segments) * mss
}

/** A segment of new text as a probe for a lost tail, whatever the window of congestion; false where there is none, or no room. */
export function sendProbeText(tcb: Tcb, now: number, out: Outbox): boolean {
  const unsent = ahead(tcb.sendBuffer.end, tcb.sndNxt)
  if (tcb.finSent || (unsent === 0 && !tcb.finQueued)) return false
  const length = Math.min(unsent, textRoom(tcb))
  if (ahead(add(tcb.sndUna, tcb.sndWnd), tcb.sndNxt) < Math.max(1, length)) return false
  sendText(tcb, length, now, out)
  return true
}

/** Silly window avoidance of the sender with Nagle's algorithm: §3.8.6.2.1 and §3.7.4. */
function isWorthSending(tcb: Tcb, length: number, unsent: number, mss: number, window: number): boolean {
  if (length === mss) return true
  if (length === unsent) {
    if (length === 0) return window > 0 // the FIN alone
    return tcb.options.noDelay || tcb.finQueued || tcb.urgentUnacked || !isSmallInFlight(tcb) || tcb.corkReleased
  }
  return length > 0 && 2 * length >= tcb.maxSndWnd
}

/**
 * Nagle's algorithm lets one small segment be in flight; full ones do no harm (Minshall's version, as Linux has it: else the
 * last segment of each large write would wait for the ACK of those before it).
 */
function isSmallInFlight(tcb: Tcb): boolean {
  return lt(tcb.sndUna, tcb.sndSml) && leq(tcb.sndSml, tcb.sndNxt)
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

/**
 * Sends `length` bytes of new text, with the FIN if they are the last ones and the window has room for it; more than
 * `segmentText` as a super-segment.
 */
export function sendText(tcb: Tcb, length: number, now: number, out: Outbox, segmentText = length): void {
  const seq = tcb.sndNxt
  if (seq === tcb.sndUna) tcb.congestion.resumed(tcb, now)
  const last = add(seq, length) === tcb.sendBuffer.end
  const fin = last && tcb.finQueued && lt(add(seq, length), add(oldestText(tcb), tcb.sndWnd))
  const segment = begin(tcb, seq, ACK | (last && length > 0 ? PSH : 0) | (fin ? FIN : 0), now, out)
  if (length > 0) {
    tcb.sendBuffer.locate(segment, seq, length, out.slab)
    markNewText(tcb, segment)
    if (length > segmentText) segment.segmentText = segmentText
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
  const board = tcb.scoreboard
  const idle = board.count === 0
  const segments = segmentsOf(length, smss(tcb))
  stampRecord(tcb, board.append(seq, tcb.sndNxt, segments, now, out.records), idle, now)
  out.counters.newSegmentsSent += segments
  if (tcb.repair === Repair.RECOVERY) tcb.prrOut += segments
  textSent(tcb, idle, now)
  transmit(tcb, out)
  // Below the mark there is room for the user again; without a mark only an ACK makes room.
  if (tcb.writerWaits && tcb.options.notSentLowat > 0 && roomToWrite(tcb) > 0) {
    tcb.writerWaits = false
    tell(tcb, Event.WRITABLE, out)
  }
}

/** Sends again what is lost, the lowest first, as far as the window of congestion allows (RFC 6675 §5, NextSeg rule 1). */
function repeatLost(tcb: Tcb, now: number, out: Outbox): void {
  const board = tcb.scoreboard
  const limit = paceLimit(tcb, now)
  for (let id = board.firstLost; id >= 0; id = board.firstLost) {
    if (isWindowFull(tcb, inFlight(tcb)) || mustWait(tcb, limit)) return
    const isFirst = id === board.at(0)
    if (!repeatRecord(tcb, id, now, out)) return
    if (tcb.repair === Repair.RECOVERY) tcb.prrOut += board.segments(id)
    // It is due a round trip from now (RFC 6675 §5, the last paragraph).
    if (isFirst && tcb.timer !== Timer.REORDERING) setTimer(tcb, Timer.TIMEOUT, now + tcb.rtoMs)
  }
}

/** False when a window that shrank holds it back. */
function repeatRecord(tcb: Tcb, id: number, now: number, out: Outbox): boolean {
  const board = tcb.scoreboard
  const room = repeatRoom(tcb, id)
  if (room === 0) return false
  const text = textOf(tcb, id)
  if (text > room) cutRecord(tcb, id, room, out)
  else if (text < room) joinLost(tcb, id, room)
  repeatedForUndo(tcb, board.segments(id), now)
  sendRecord(tcb, id, now, out)
  return true
}

/**
 * Text that a segment may repeat where a record begins: up to the peer's right edge, and where that was taken back, only what the peer waits for
 * (RFC 9293 §3.8.6, SHLD-16; as Linux), which asks for its window too. Rounding alone may have taken some bytes back: nothing is cut for
 * those (RFC 7323 §2.4).
 */
function repeatRoom(tcb: Tcb, id: number): number {
  const start = tcb.scoreboard.start(id)
  const room = textRoom(tcb)
  const offered = ahead(add(tcb.sndUna, tcb.sndWnd), start)
  const rounded = offered + (1 << tcb.sndWndShift) - 1
  if (rounded >= Math.min(room, textOf(tcb, id))) return Math.min(room, Math.max(1, rounded))
  if (offered > 0) return offered
  return start === tcb.sndUna ? room : 0
}

/** Of a record's sequence numbers, those that are not the FIN's. */
function textOf(tcb: Tcb, id: number): number {
  const board = tcb.scoreboard
  return tcb.finSent && board.end(id) === tcb.sndNxt ? board.bytes(id) - 1 : board.bytes(id)
}

/** The MSS, or the window, is smaller than it was. */
function cutRecord(tcb: Tcb, id: number, length: number, out: Outbox): void {
  const board = tcb.scoreboard
  const at = add(board.start(id), length)
  const right = segmentsOf(textOf(tcb, id) - length, smss(tcb))
  board.split(board.find(board.start(id)), at, segmentsOf(length, smss(tcb)), right, out.records)
}

/** What is lost and was sent in small pieces goes again in one, as far as a segment holds it. */
function joinLost(tcb: Tcb, id: number, room: number): void {
  const board = tcb.scoreboard
  const place = board.find(board.start(id))
  while (place + 1 < board.count) {
    const next = board.at(place + 1)
    const isLost = (board.flags(next) & (LOST | RESENT | SACKED)) === LOST
    if (!isLost || ahead(board.end(next), board.start(id)) > room) return
    board.join(place, 1)
  }
}

/** The last segment again, as a probe (RFC 8985 §7.3); false when a window that shrank holds it back. */
export function repeatTail(tcb: Tcb, now: number, out: Outbox): boolean {
  const board = tcb.scoreboard
  const segments = board.segments(board.at(board.count - 1))
  if (segments > 1) cutRecord(tcb, board.at(board.count - 1), (segments - 1) * smss(tcb), out)
  const last = board.at(board.count - 1)
  const room = repeatRoom(tcb, last)
  if (room === 0) return false
  if (textOf(tcb, last) > room) cutRecord(tcb, last, room, out)
  sendRecord(tcb, last, now, out)
  return true
}

function sendRecord(tcb: Tcb, id: number, now: number, out: Outbox): void {
  const board = tcb.scoreboard
  const seq = board.start(id)
  const length = textOf(tcb, id)
  const end = board.end(id)
  const isLast = end === tcb.sndNxt && length > 0
  const fin = board.bytes(id) > length
  const segment = begin(tcb, seq, ACK | (isLast ? PSH : 0) | (fin ? FIN : 0), now, out)
  if (length > 0) tcb.sendBuffer.locate(segment, seq, length, out.slab)
  const segments = board.segments(id)
  out.counters.segmentsRetransmitted += segments
  if (tcb.repair === Repair.RECOVERY) out.counters.fastRetransmits += segments
  if (tcb.repair === Repair.LOSS) out.counters.slowStartRetransmits += segments
  tcb.retransmits += segments
  tcb.bytesRetransmitted += length
  paceSent(tcb, length)
  tcb.lastSentAt = now
  tcb.segmentsSent++
  board.resend(id, now)
  stampRecord(tcb, id, false, now)
  out.retransmit()
}

/** Our SYN, or SYN-ACK, once more. */
export function repeatSyn(tcb: Tcb, now: number, out: Outbox): void {
  out.counters.segmentsRetransmitted++
  out.counters.synRetransmissions++
  tcb.retransmits++
  tcb.synSentAt = Number.NaN // Karn's rule: what was sent twice is not timed
  tcb.synRetransmitted = true
  sendSyn(tcb, now, out)
}

/** SYN, or SYN-ACK where the peer's SYN has come. Also sends it again. */
export function sendSyn(tcb: Tcb, now: number, out: Outbox, offer?: CookieOffer): void {
  const segment = begin(tcb, tcb.iss, synFlags(tcb), now, out)
  const mayOfferAnew = tcb.state === State.SYN_SENT || (tcb.options.repeatOffer && tcb.fastOpen !== FastOpen.PASSIVE)
  offerOptions(tcb, segment, !mayOfferAnew, now)
  // Only the first time: again it goes as "a SYN packet without data and Fast Open options" (RFC 7413 §4.2.2).
  if (tcb.fastOpen === FastOpen.WAITING) addFastOpen(tcb, segment, now, out)
  if (offer !== undefined) writeCookie(offer, segment)
  transmit(tcb, out)
}

function synFlags(tcb: Tcb): number {
  if (tcb.state === State.SYN_SENT) return SYN | ecnOnSyn(tcb)
  if (tcb.accurateEcn !== null) return SYN | ACK | repeatedAnswer(tcb.accurateEcn.answer, tcb.retries)
  return SYN | ACK | (tcb.ecnOn ? ECE : 0)
}

/** An ACK leaves at the end of the batch, alone if nothing else does. */
export function oweAck(tcb: Tcb, out: Outbox): void {
  tcb.ackOwed = true
  out.schedule(tcb)
}

export function sendAck(tcb: Tcb, now: number, out: Outbox): void {
  const segment = begin(tcb, tcb.sndNxt, ACK, now, out)
  // On text it would take room from it.
  tcb.accurateEcn?.addOption(segment, MAX_OPTIONS_LENGTH - optionsLength(segment))
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

/** <SEQ=SEG.ACK><CTL=RST>: the answer to an ACK of something never sent, on a connection not yet synchronized, and to text that nobody will read. */
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

/** The header that all segments of a connection share. An ACK that rides on it is paid. */
function begin(tcb: Tcb, seq: Seq, flags: number, now: number, out: Outbox): Segment {
  const segment = out.segment
  address(segment, tcb)
  segment.seq = seq
  segment.flags = flags
  if ((flags & RST) === 0) {
    segment.window = offerWindow(tcb, (flags & SYN) !== 0)
    if ((segment.window === 0) !== tcb.windowClosed) noteWindow(tcb, out)
  }
  if ((flags & ACK) !== 0) {
    segment.ack = tcb.rcvNxt
    tcb.lastAckSent = tcb.rcvNxt
    if (tcb.ackOwed && tcb.quickAcks > 0) tcb.quickAcks--
    tcb.ackOwed = false
    tcb.delayedAckAt = Number.POSITIVE_INFINITY
    if ((flags & (SYN | RST)) === 0) {
      addSackBlocks(tcb, segment)
      if (tcb.accurateEcn !== null) segment.flags |= tcb.accurateEcn.flagsToSend()
      else if (tcb.echoesCe) segment.flags |= ECE
    }
  }
  if (tcb.timestampsOn) {
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

function noteWindow(tcb: Tcb, out: Outbox): void {
  tcb.windowClosed = !tcb.windowClosed
  if (tcb.windowClosed) out.counters.windowsClosed++
  else out.counters.windowsReopened++
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
  tcb.segmentsSent += out.segment.count
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
export function acknowledgesNew(tcb: Tcb, seq: Seq): boolean {
  return lt(tcb.sndUna, seq) && leq(seq, tcb.sndNxt)
}
