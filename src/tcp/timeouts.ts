// TIMEOUTS: §3.10.8, and the timers of §3.8. Deadlines are fields of the TCB; the stack asks for the earliest and calls
// back when it has passed.

import { suspectBlackHole } from './black-hole.ts'
import { suspectFastOpen } from './fast-open.ts'
import { type Outbox, tell } from './outbox.ts'
import { output, repeatSyn, sendAck, sendProbe, sendReset, sendText, textRoom } from './output.ts'
import { enterLoss, reorderingTimeout } from './recovery.ts'
import { setTimer } from './retransmission-timer.ts'
import { backOff } from './rto.ts'
import { ahead } from './seq.ts'
import { isSynchronized, State } from './state.ts'
import { sendLossProbe } from './tail-loss-probe.ts'
import { Event, FastOpen, isSynUnacked, type Tcb, Timer } from './tcb.ts'
import { end } from './transitions.ts'
import { userTimeout, userTimeoutAt } from './user-timeout.ts'

/** The earliest deadline of the connection, Infinity for none. */
export function nextDeadline(tcb: Tcb): number {
  return Math.min(
    tcb.retransmitAt,
    tcb.persistAt,
    tcb.delayedAckAt,
    tcb.finWait2At,
    tcb.keepAliveAt,
    tcb.heldUntil,
    tcb.corkedUntil,
    tcb.pacedUntil,
    userTimeoutAt(tcb)
  )
}

/** Acts on the deadlines that have passed at `heardUntil`: the peer may have answered since, and not been heard yet. */
export function deadlinePassed(tcb: Tcb, heardUntil: number, now: number, out: Outbox): void {
  if (tcb.finWait2At <= heardUntil) return end(tcb, null, 'FIN-WAIT-2 timeout', out)
  if (userTimeoutAt(tcb) <= heardUntil) return giveUp(tcb, out)
  if (tcb.delayedAckAt <= heardUntil) {
    out.counters.delayedAcks++
    sendAck(tcb, now, out)
  }
  if (tcb.corkedUntil <= heardUntil) {
    tcb.corkedUntil = Number.POSITIVE_INFINITY
    tcb.corkReleased = true
    out.schedule(tcb)
  }
  if (tcb.pacedUntil <= heardUntil) {
    tcb.pacedUntil = Number.POSITIVE_INFINITY
    out.schedule(tcb)
  }
  if (tcb.heldUntil <= heardUntil) {
    tcb.heldUntil = Number.POSITIVE_INFINITY
    out.schedule(tcb)
  }
  if (tcb.retransmitAt <= heardUntil) timerRunsOut(tcb, now, out)
  if (tcb.persistAt <= heardUntil) persistTimeout(tcb, now, out)
  if (tcb.keepAliveAt <= heardUntil) keepAliveTimeout(tcb, now, out)
}

/** Which of the three it was (RFC 8985 §8). */
function timerRunsOut(tcb: Tcb, now: number, out: Outbox): void {
  switch (tcb.timer) {
    case Timer.REORDERING:
      return reorderingTimeout(tcb, now, out)
    case Timer.PROBE:
      return sendLossProbe(tcb, now, out)
    default:
      return retransmissionTimeout(tcb, now, out)
  }
}

function retransmissionTimeout(tcb: Tcb, now: number, out: Outbox): void {
  // A peer that answers but keeps its window closed lives (§3.8.6.1): it may hold back what was sent before it closed.
  if (tcb.sndWnd === 0 && tcb.heardSinceTimeout) tcb.retries = 0
  tcb.heardSinceTimeout = false
  if (tcb.retries >= mostRetries(tcb)) {
    suspectFastOpen(tcb, true, now, out)
    return giveUp(tcb, out)
  }
  tcb.retries++
  suspectFastOpen(tcb, false, now, out)
  out.counters.retransmissionTimeouts++
  if (tcb.state !== State.SYN_SENT || tcb.retries > tcb.options.synLinearTimeouts) backOff(tcb)
  if (tcb.retries >= tcb.options.troubleRetries) reachedR1(tcb, now, out)
  setTimer(tcb, Timer.TIMEOUT, now + tcb.rtoMs)
  if (isSynUnacked(tcb)) return repeatSyn(tcb, now, out)
  enterLoss(tcb, now, out)
  output(tcb, now, out)
}

function mostRetries(tcb: Tcb): number {
  // One more than for a half-open connection: the user has this one already (as Linux has it).
  if (tcb.fastOpen === FastOpen.PASSIVE && !tcb.synchronized) return tcb.options.synAckRetries + 1
  // SYN-RECEIVED of an active open: the SYN-ACK is our SYN again, on the same timer.
  if (tcb.state === State.SYN_SENT || tcb.state === State.SYN_RECEIVED) return tcb.options.synRetries
  return retriesOrTime(tcb)
}

/** R2: the user timeout, if there is one, takes the place of counting. */
function retriesOrTime(tcb: Tcb): number {
  return userTimeout(tcb) > 0 ? Number.POSITIVE_INFINITY : tcb.options.retries
}

/** R1 of §3.8.3: others may know more. */
function reachedR1(tcb: Tcb, now: number, out: Outbox): void {
  if (tcb.retries === tcb.options.troubleRetries) {
    out.counters.troubles++
    out.adviseAgainst(tcb)
    tell(tcb, Event.TROUBLED, out)
  }
  if (isSynchronized(tcb.state)) suspectBlackHole(tcb, now, out)
}

function persistTimeout(tcb: Tcb, now: number, out: Outbox): void {
  if (tcb.heardSinceTimeout) tcb.retries = 0
  tcb.heardSinceTimeout = false
  if (tcb.retries >= retriesOrTime(tcb)) return giveUp(tcb, out)
  tcb.retries++
  tcb.persistAt = Number.POSITIVE_INFINITY
  if (tcb.sndWnd > 0) {
    // Too little for good manners, but it has waited long enough: the override of §3.8.6.2.1.
    sendText(tcb, Math.min(tcb.sndWnd, ahead(tcb.sendBuffer.end, tcb.sndNxt), textRoom(tcb)), now, out)
    tcb.retries = 0 // it leaves for the first time: R2 counts from here
    return
  }
  out.counters.zeroWindowProbes++
  sendProbe(tcb, now, out)
  backOff(tcb)
  tcb.persistAt = now + tcb.rtoMs
}

/** §3.8.4. What is in flight, or waits for a window, has a timer of its own that finds out whether the peer lives. */
function keepAliveTimeout(tcb: Tcb, now: number, out: Outbox): void {
  const silentUntil = tcb.heardAt + tcb.options.keepAliveIdleMs
  if (silentUntil > now) {
    tcb.keepAliveAt = silentUntil
    return
  }
  if (tcb.sndUna !== tcb.sndNxt || tcb.persistAt !== Number.POSITIVE_INFINITY) {
    tcb.keepAliveAt = now + tcb.options.keepAliveIntervalMs
    return
  }
  if (isPeerGone(tcb, now)) {
    sendReset(tcb, now, out)
    return giveUp(tcb, out)
  }
  tcb.keepAlivesSent++
  out.counters.keepAliveProbes++
  sendProbe(tcb, now, out)
  tcb.keepAliveAt = now + tcb.options.keepAliveIntervalMs
}

/**
 * A user timeout that the user has set takes the place of counting here too, as on Linux. One that was adopted does not: it is the
 * least time (RFC 5482 §4.2), but a single probe without an answer does not mean that the peer is gone (MUST-29).
 */
function isPeerGone(tcb: Tcb, now: number): boolean {
  const { userTimeoutMs, keepAliveProbes } = tcb.options
  const silentFor = now - tcb.heardAt
  if (userTimeoutMs > 0) return tcb.keepAlivesSent > 0 && silentFor >= userTimeoutMs
  return tcb.keepAlivesSent >= keepAliveProbes && silentFor >= userTimeout(tcb)
}

/** R2 of §3.8.3 is reached. An ICMP error heard meanwhile names the reason better than the clock does. */
function giveUp(tcb: Tcb, out: Outbox): void {
  out.counters.abortsOnTimeout++
  end(tcb, tcb.softError ?? 'ETIMEDOUT', 'timeout', out)
}
