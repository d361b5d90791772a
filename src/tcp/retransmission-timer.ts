// One deadline for three timers (RFC 8985 §8): the retransmission timeout (RFC 6298), the probe of a lost tail, and the wait
// for what may only be reordered. While one of the latter two is set, the timeout is counted from when the oldest
// segment left.

import { Repair, type Tcb, Timer } from './tcb.ts'

/** Added to a probe's timeout, so that it does not run out a tick too early: Linux's two jiffies. */
const PROBE_SLACK_MS = 2

/** Something new was acknowledged (RFC 6298 §5.2, §5.3; RFC 8985 §7.2). */
export function startTimer(tcb: Tcb, now: number): void {
  if (!scheduleProbe(tcb, true, now)) restartTimeout(tcb, now)
}

/** The timeout takes over from whatever is set. */
export function restartTimeout(tcb: Tcb, now: number): void {
  const board = tcb.scoreboard
  if (tcb.sndUna === tcb.sndNxt) return stopTimer(tcb)
  const isCounted = tcb.timer !== Timer.TIMEOUT
  const at = isCounted ? Math.max(now + 1, board.sentAt(board.at(0)) + tcb.rtoMs) : now + tcb.rtoMs
  setTimer(tcb, Timer.TIMEOUT, at)
}

export function setTimer(tcb: Tcb, timer: Timer, at: number): void {
  tcb.timer = timer
  tcb.retransmitAt = at
}

export function stopTimer(tcb: Tcb): void {
  setTimer(tcb, Timer.TIMEOUT, Number.POSITIVE_INFINITY)
}

/** New text has left; `idle`: nothing was in flight before. */
export function textSent(tcb: Tcb, idle: boolean, now: number): void {
  if (!tcb.synchronized) return // the timer is that of our SYN-ACK, which goes again alone (RFC 7413 §4.2.2)
  if (idle || tcb.timer === Timer.PROBE) restartTimeout(tcb, now)
  scheduleProbe(tcb, false, now)
}

/**
 * RFC 8985 §7.2: where nothing is lost or out of order, a probe of the tail comes before the timeout. `anew`: the timeout
 * would start now; else it runs since the oldest segment left.
 */
export function scheduleProbe(tcb: Tcb, anew: boolean, now: number): boolean {
  const board = tcb.scoreboard
  if (!tcb.options.tailLossProbe || !tcb.sacksOn || board.count === 0 || tcb.repair !== Repair.OPEN) return false
  let timeout = tcb.options.initialRtoMs
  // With one segment out its ACK may be a delayed one.
  if (tcb.srttMs >= 0) timeout = 2 * tcb.srttMs + (board.sent === 1 ? tcb.options.minRtoMs : PROBE_SLACK_MS)
  const left = anew ? tcb.rtoMs : board.sentAt(board.at(0)) + tcb.rtoMs - now
  if (left > 0) timeout = Math.min(timeout, left)
  setTimer(tcb, Timer.PROBE, now + timeout)
  return true
}
