// The only places where a connection changes its state or ends.

import { CHECKS, invariant } from '../assert.ts'
import { fastOpenEnds } from './fast-open.ts'
import { type Outbox, tell } from './outbox.ts'
import { sendAck } from './output.ts'
import { isEdge, isSynchronized, STATE_NAMES, State } from './state.ts'
import { type ErrorName, Event, type Tcb } from './tcb.ts'

export function setState(tcb: Tcb, to: State, why: string, out: Outbox): void {
  const from = tcb.state
  if (!isEdge(from, to)) {
    out.counters.impossibleTransitions++
    if (CHECKS) invariant(false, `no edge leads from ${STATE_NAMES[from]} to ${STATE_NAMES[to]}`)
  }
  tcb.state = to
  out.stateChanged(tcb, from, to, why)
}

/** Deletes the TCB (§3.10), once. Text that was received and not read stays readable. */
export function end(tcb: Tcb, error: ErrorName | null, why: string, out: Outbox): void {
  if (!isSynchronized(tcb.state)) out.counters.attemptFails++
  else if (tcb.state === State.ESTABLISHED || tcb.state === State.CLOSE_WAIT) out.counters.establishedResets++
  tcb.error = error
  release(tcb, out)
  setState(tcb, State.CLOSED, why, out)
  out.forget(tcb)
  tell(tcb, Event.CLOSED, out)
}

/** Both FINs are acknowledged: the user is done with the connection, the network may not be. */
export function enterTimeWait(tcb: Tcb, why: string, now: number, out: Outbox): void {
  // The ACK of the peer's FIN, as a rule: the record that takes over owes nothing.
  if (tcb.ackOwed) sendAck(tcb, now, out)
  release(tcb, out)
  setState(tcb, State.TIME_WAIT, why, out)
  out.enterTimeWait(tcb, now)
  tell(tcb, Event.CLOSED, out)
}

function release(tcb: Tcb, out: Outbox): void {
  fastOpenEnds(tcb, out)
  tcb.sendBuffer.free(out)
  tcb.receiveBuffer.forgetWaiting(out)
  tcb.receiveBuffer.disown()
  tcb.scoreboard.clear(out.records)
  tcb.ackOwed = false
  tcb.retransmitAt = Number.POSITIVE_INFINITY
  tcb.persistAt = Number.POSITIVE_INFINITY
  tcb.delayedAckAt = Number.POSITIVE_INFINITY
  tcb.finWait2At = Number.POSITIVE_INFINITY
  tcb.keepAliveAt = Number.POSITIVE_INFINITY
  tcb.heldUntil = Number.POSITIVE_INFINITY
  tcb.corkedUntil = Number.POSITIVE_INFINITY
  tcb.pacedUntil = Number.POSITIVE_INFINITY
  tcb.unansweredSince = Number.POSITIVE_INFINITY
}
