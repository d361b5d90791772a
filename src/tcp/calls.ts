// USER CALLS: RFC 9293 §3.10.1 to §3.10.5. A call that makes no sense in the connection's state answers so; what the
// user is then told is the business of stack/connection.ts.

import { tuneReceiveBuffer } from './buffer-tuning.ts'
import { makeController } from './congestion/choice.ts'
import { noteAppLimited } from './delivery-rate.ts'
import { prepareOffer } from './handshake.ts'
import type { SocketValues } from './options.ts'
import { type Outbox, tell } from './outbox.ts'
import { oweAck, sendReset, sendSyn } from './output.ts'
import { add, type Seq } from './seq.ts'
import { isSynchronized, mayReceive, State } from './state.ts'
import { Event, FastOpen, roomToWrite, type Tcb } from './tcb.ts'
import { end, setState } from './transitions.ts'
import { urgentWritten } from './urgent.ts'
import { owesWindowUpdate } from './window.ts'

/** OPEN, active (§3.10.1). The four-tuple and TS offset stand in the TCB, and whether the SYN is to wait for text. */
export function open(tcb: Tcb, iss: Seq, mtu: number, now: number, out: Outbox): void {
  prepareOffer(tcb, mtu)
  tcb.iss = iss
  tcb.sndUna = iss
  tcb.sndNxt = add(iss, 1)
  tcb.recover = iss
  tcb.sndSml = iss
  tcb.sendBuffer.beginAt(tcb.sndNxt)
  tcb.synSentAt = now
  tcb.retransmitAt = now + tcb.rtoMs
  tcb.unansweredSince = now
  out.counters.activeOpens++
  setState(tcb, State.SYN_SENT, 'active open', out)
  if (tcb.fastOpen === FastOpen.WAITING) out.schedule(tcb)
  else sendSyn(tcb, now, out)
}

/**
 * SEND (§3.10.2): takes what there is room for and answers how much. Text given before the connection is open waits for
 * it. -1 after CLOSE, or when there is no connection. `more` holds back a segment that is not full; `urgent` marks the end of
 * the text, if all of it was taken.
 */
export function send(tcb: Tcb, bytes: Uint8Array, more: boolean, urgent: boolean, out: Outbox): number {
  if (tcb.finQueued || tcb.state === State.CLOSED) return -1
  noteAppLimited(tcb)
  const taken = roomToWrite(tcb) === 0 ? 0 : tcb.sendBuffer.write(bytes, out)
  if (taken < bytes.length) {
    tcb.writerWaits = true
    // Not our limit but the stack's: no ACK may ever come that makes room, so others have to.
    if (roomToWrite(tcb) > 0) out.awaitMemory(tcb)
  }
  if (taken > 0) tcb.moreFollows = more
  if (urgent && taken > 0 && taken === bytes.length) {
    urgentWritten(tcb)
    // The peer is to hear of it, by a segment without text if need be.
    if (tcb.state === State.ESTABLISHED || tcb.state === State.CLOSE_WAIT) oweAck(tcb, out)
  }
  if (taken > 0) out.schedule(tcb)
  return taken
}

/** RECEIVE (§3.10.3): the oldest unread text, at most `most` bytes, undefined when there is none. */
export function receive(tcb: Tcb, most: number, now: number, out: Outbox): Uint8Array | undefined {
  const bytes = tcb.receiveBuffer.read(most)
  if (bytes === undefined) return undefined
  tuneReceiveBuffer(tcb, now, out)
  updateWindow(tcb, out)
  return bytes
}

/** RECEIVE into memory of the user's: as much as there is, and room for. Answers how much. */
export function receiveInto(tcb: Tcb, target: Uint8Array, now: number, out: Outbox): number {
  const bytes = tcb.receiveBuffer.readInto(target)
  if (bytes === 0) return 0
  tuneReceiveBuffer(tcb, now, out)
  updateWindow(tcb, out)
  return bytes
}

/** RECEIVE, by a user who only wants to know how much it is. */
export function discard(tcb: Tcb, now: number, out: Outbox): number {
  const bytes = tcb.receiveBuffer.discard(out.arena)
  if (bytes === 0) return 0
  tuneReceiveBuffer(tcb, now, out)
  updateWindow(tcb, out)
  return bytes
}

/** A peer that can send no more text has no use for a window. */
function updateWindow(tcb: Tcb, out: Outbox): void {
  // Text of a Fast Open's SYN may have filled the window that the SYN-ACK has told.
  const maySend = mayReceive(tcb.state) || (tcb.state === State.SYN_RECEIVED && tcb.fastOpen === FastOpen.PASSIVE)
  if (!maySend || !owesWindowUpdate(tcb)) return
  out.counters.windowUpdates++
  oweAck(tcb, out)
}

/** Other options from here on: what they hold back or let go is seen to at once. */
export function setOptions(tcb: Tcb, options: SocketValues, now: number, out: Outbox): void {
  const before = tcb.options
  tcb.options = options
  // One that tunes itself goes on from where it is.
  if (options.sendBuffer > 0) tcb.sendBuffer.limit = options.sendBuffer
  if (options.receiveBuffer > 0) tcb.receiveBuffer.limit = options.receiveBuffer
  const newUserTimeout =
    options.userTimeoutMs !== before.userTimeoutMs || options.advertisedUserTimeoutMs !== before.advertisedUserTimeoutMs
  if (newUserTimeout) tcb.userTimeoutOwed = options.userTimeoutOption
  if (options.keepAlive !== before.keepAlive || options.keepAliveIdleMs !== before.keepAliveIdleMs) {
    tcb.keepAlivesSent = 0
    // The timer looks for how long the peer has been silent.
    tcb.keepAliveAt = options.keepAlive ? now : Number.POSITIVE_INFINITY
  }
  // It asks for what is there, cork or not (man 7 tcp).
  if (options.noDelay && !before.noDelay) tcb.corkReleased = tcb.corkedUntil !== Number.POSITIVE_INFINITY
  if (tcb.writerWaits && roomToWrite(tcb) > 0) {
    tcb.writerWaits = false
    tell(tcb, Event.WRITABLE, out)
  }
  if (options.congestionControl !== before.congestionControl) changeController(tcb, now)
  updateWindow(tcb, out)
  out.schedule(tcb)
}

/** Another controller takes the window over as it is. */
function changeController(tcb: Tcb, now: number): void {
  const { cwnd, ssthresh } = tcb
  tcb.congestion = makeController(tcb.options.congestionControl)
  tcb.pacingRate = Number.POSITIVE_INFINITY
  tcb.congestion.opened(tcb, now)
  if (tcb.congestion.governsRecovery) return
  tcb.cwnd = cwnd
  tcb.ssthresh = ssthresh
}

/** CLOSE (§3.10.4): a FIN follows the last byte; the peer may go on sending. */
export function shutdown(tcb: Tcb, out: Outbox): void {
  switch (tcb.state) {
    case State.SYN_SENT:
      return end(tcb, null, 'close', out)
    case State.SYN_RECEIVED:
    case State.ESTABLISHED:
      tcb.finQueued = true
      setState(tcb, State.FIN_WAIT_1, 'close', out)
      out.schedule(tcb)
      return
    case State.CLOSE_WAIT:
      tcb.finQueued = true
      setState(tcb, State.LAST_ACK, 'close', out)
      out.schedule(tcb)
  }
}

/** Closes both ways (§3.6.1): nobody will read any more, and where text is unread the peer is told so by a RST. */
export function close(tcb: Tcb, now: number, out: Outbox): void {
  if (tcb.readerGone) return
  tcb.readerGone = true
  if (tcb.options.resetOnClose) {
    out.counters.abortsOnLinger++
    return abort(tcb, now, out)
  }
  const isOpen = isSynchronized(tcb.state) || tcb.fastOpen === FastOpen.PASSIVE
  if (tcb.receiveBuffer.readable > 0 && isOpen && tcb.state !== State.TIME_WAIT) {
    out.counters.abortsOnUnread++
    return abort(tcb, now, out)
  }
  shutdown(tcb, out)
  if (tcb.state === State.FIN_WAIT_2) tcb.finWait2At = now + tcb.options.finWait2Ms
}

/** ABORT (§3.10.5): a RST where the peer may still believe in the connection. */
export function abort(tcb: Tcb, now: number, out: Outbox): void {
  switch (tcb.state) {
    case State.CLOSED:
    case State.TIME_WAIT:
      return
    case State.SYN_RECEIVED:
    case State.ESTABLISHED:
    case State.FIN_WAIT_1:
    case State.FIN_WAIT_2:
    case State.CLOSE_WAIT:
      sendReset(tcb, now, out)
  }
  end(tcb, null, 'abort', out)
}
