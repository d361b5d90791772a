// What is done about loss: the states Open, Disorder, Recovery and Loss (`tcb.repair`), and how an ACK leads from one to the
// other. Fast recovery is that of RFC 6675 with RACK (RFC 8985) to find the losses, or with its own rule where that is off,
// and that of RFC 6582 where there is no SACK; the repair after a timeout that of RFC 5681 §3.1 with F-RTO. What goes
// again, and when, is for output.ts, which is held back by `tcb.cwnd` alone.

import type { AckNews } from './ack-news.ts'
import { smss } from './congestion/congestion.ts'
import { isEvident, markEvident } from './duplicate-threshold.ts'
import { windowReduced } from './ecn.ts'
import { segmentsInFlight } from './flight.ts'
import { takeAckAfterTimeout } from './forward-rto.ts'
import type { Outbox } from './outbox.ts'
import { beginReduction, reduceProportionally } from './proportional-rate.ts'
import { isRackOn, rackDetectLoss, rackMarkLost, rackTimeLeft } from './rack.ts'
import { addDuplicateAck, checkReordering } from './reordering.ts'
import { restartTimeout, setTimer } from './retransmission-timer.ts'
import { LOST, RESENT, SACKED, segmentsOf } from './scoreboard.ts'
import { add, type Seq } from './seq.ts'
import { Repair, type Tcb, Timer } from './tcb.ts'
import {
  beginUndo,
  hasRepeats,
  isRepaired,
  rememberWindow,
  tryUndoDuplicates,
  tryUndoRecovery,
  undoReduction,
  wasDelayed
} from './undo.ts'

/** The ACK has been taken into the scoreboard. `una`: SND.UNA before it; `isDuplicate` as RFC 5681 §2 has it. */
export function repairAfterAck(
  tcb: Tcb,
  una: Seq,
  isDuplicate: boolean,
  news: AckNews,
  now: number,
  out: Outbox
): void {
  tcb.repeatsHeld = false
  if (news.echoed) tcb.priorSsthresh = 0 // a router has marked: the reduction stands
  if (news.reneging && news.advanced) return suspectReneging(tcb, news, now)
  if (endsRecovery(tcb, news, now, out)) return
  switch (tcb.repair) {
    case Repair.RECOVERY:
      return ackInRecovery(tcb, una, isDuplicate, news, now, out)
    case Repair.LOSS: {
      takeAckAfterTimeout(tcb, news, isDuplicate, now, out)
      const resentBefore = tcb.scoreboard.resent
      findLosses(tcb, news, now, out)
      const lostAgain = resentBefore > tcb.scoreboard.resent
      if (tcb.repair === Repair.LOSS && !lostAgain) return
      break
    }
    default:
      if (!tcb.sacksOn) {
        if (news.advanced) tcb.scoreboard.sacked = 0
        if (isDuplicate) news.segments += addDuplicateAck(tcb)
      }
      tryUndoDuplicates(tcb, now, out)
      findLosses(tcb, news, now, out)
  }
  if (isTimeToRecover(tcb)) enterRecovery(tcb, news, now, out)
  else tryToOpen(tcb)
}

/** True when nothing more is to be made of this ACK. */
function endsRecovery(tcb: Tcb, news: AckNews, now: number, out: Outbox): boolean {
  if (tcb.repair === Repair.OPEN) tcb.repeatStamped = false
  if (tcb.repair !== Repair.RECOVERY || !isRepaired(tcb)) return false
  if (!tcb.sacksOn) tcb.scoreboard.sacked = 0
  if (tryUndoRecovery(tcb, news, now, out)) return true
  if (tcb.undoPossible) tcb.congestion.recovered(tcb, now)
  return false
}

function ackInRecovery(tcb: Tcb, una: Seq, isDuplicate: boolean, news: AckNews, now: number, out: Outbox): void {
  if (!news.advanced) {
    if (!tcb.sacksOn && isDuplicate) news.segments += addDuplicateAck(tcb)
  } else if (undoesPartially(tcb, una, news, now, out)) return
  if (tryUndoDuplicates(tcb, now, out)) tryToOpen(tcb)
  findLosses(tcb, news, now, out)
  if (tcb.repair !== Repair.RECOVERY && isTimeToRecover(tcb)) enterRecovery(tcb, news, now, out)
}

/** A partial ACK that answers what was sent first: the hole was filled by something late. True: nothing more is repeated for now. */
function undoesPartially(tcb: Tcb, una: Seq, news: AckNews, now: number, out: Outbox): boolean {
  if (!tcb.undoPossible || !wasDelayed(tcb, news)) return false
  checkReordering(tcb, una)
  if (tcb.scoreboard.resent > 0) {
    // Repetitions are out: nothing more is held for lost, only new text is clocked out.
    tcb.repeatsHeld = true
    return true
  }
  if (!hasRepeats(tcb)) tcb.repeatStamped = false
  undoReduction(tcb, true, now, out)
  tryToOpen(tcb)
  return false
}

/** Evidence of loss, or three duplicate ACKs without SACK. */
function isTimeToRecover(tcb: Tcb): boolean {
  return tcb.scoreboard.lost > 0 || isEvident(tcb)
}

function tryToOpen(tcb: Tcb): void {
  const board = tcb.scoreboard
  const repeats = hasRepeats(tcb)
  if (!repeats) tcb.repeatStamped = false
  const state = board.sacked + board.lost > 0 || repeats ? Repair.DISORDER : Repair.OPEN
  if (state === tcb.repair) return
  tcb.repair = state
  tcb.recover = tcb.sndNxt
}

function enterRecovery(tcb: Tcb, news: AckNews | undefined, now: number, out: Outbox): void {
  if (tcb.sacksOn) out.counters.sackRecoveries++
  else out.counters.renoRecoveries++
  if (!hasRepeats(tcb)) tcb.repeatStamped = false
  tcb.priorSsthresh = 0
  beginUndo(tcb)
  // Once a window: an echo may have reduced it already (RFC 3168 §6.1.2).
  if (!tcb.inCwr) {
    if (news === undefined || !news.echoed) rememberWindow(tcb)
    startReduction(tcb, now)
  }
  tcb.inCwr = false
  tcb.recover = tcb.sndNxt
  beginReduction(tcb, news)
  tcb.repair = Repair.RECOVERY
}

function startReduction(tcb: Tcb, now: number): void {
  tcb.recover = tcb.sndNxt
  tcb.probeOutstanding = false
  tcb.congestion.lossDetected(tcb, now)
  windowReduced(tcb)
}

/** One segment was lost and is repaired already: the window is reduced, and that is all. */
export function enterReductionOnce(tcb: Tcb, now: number, out: Outbox): void {
  tcb.undoPossible = false
  if (!tcb.inCwr) startReduction(tcb, now)
  tcb.probeOutstanding = false
  tcb.congestion.recovered(tcb, now)
  tryToOpen(tcb)
  out.schedule(tcb)
}

/** While the window is being reduced, PRR governs it; answers whether it did. */
export function governReduction(tcb: Tcb, delivered: number, lost: number, advanced: boolean): boolean {
  if (tcb.repair !== Repair.RECOVERY) return false
  if (tcb.options.proportionalRate) reduceProportionally(tcb, delivered, lost, advanced)
  else {
    // RFC 6675 §5 (4.2), and (4.3): the first repetition goes whatever the window.
    const first = tcb.prrOut === 0 ? segmentsInFlight(tcb) + 1 : 1
    tcb.cwnd = Math.max(tcb.ssthresh, first * smss(tcb))
  }
  return true
}

// --- What is lost ---

/** A record is lost, the first time or again. */
export function markLost(tcb: Tcb, id: number): void {
  const board = tcb.scoreboard
  const flags = board.flags(id)
  if ((flags & SACKED) !== 0 || (flags & (LOST | RESENT)) === LOST) return
  tcb.lost += board.bytes(id)
  board.lose(id)
}

function findLosses(tcb: Tcb, news: AckNews, now: number, out: Outbox): void {
  const board = tcb.scoreboard
  if (board.count === 0) return
  if (!tcb.sacksOn) {
    const isDue =
      tcb.repair < Repair.RECOVERY ? board.sacked >= tcb.reordering : tcb.repair === Repair.RECOVERY && news.advanced
    if (isDue) loseFirstSegment(tcb, out)
  } else if (isRackOn(tcb)) {
    if (waitForReordering(tcb, rackMarkLost(tcb, now, markLost), now)) news.startsTimer = false
  } else markEvident(tcb, markLost, out)
}

/** RFC 6582 §3.2 steps 2 and 3: the first segment that is not acknowledged. */
export function loseFirstSegment(tcb: Tcb, out: Outbox): void {
  const board = tcb.scoreboard
  const id = board.at(0)
  if ((board.flags(id) & LOST) !== 0) return
  const size = smss(tcb)
  if (board.segments(id) > 1) {
    board.split(0, add(board.start(id), size), 1, segmentsOf(board.bytes(id) - size, size), out.records)
  }
  markLost(tcb, board.at(0))
}

/** RFC 8985 §6.2 step 5: what was to be waited for has not come. */
export function reorderingTimeout(tcb: Tcb, now: number, out: Outbox): void {
  const board = tcb.scoreboard
  const before = segmentsInFlight(tcb)
  const lostBefore = board.lost
  const left = rackDetectLoss(tcb, now, markLost)
  tcb.repeatsHeld = false
  if (before !== segmentsInFlight(tcb)) {
    if (tcb.repair !== Repair.RECOVERY) {
      enterRecovery(tcb, undefined, now, out)
      if (!tcb.congestion.governsRecovery) governReduction(tcb, 1, board.lost - lostBefore, false)
    }
    out.schedule(tcb)
  }
  if (!waitForReordering(tcb, left > 0 ? left + 1 : 0, now)) restartTimeout(tcb, now)
}

/**
 * Sets RACK's timer (RFC 8985 §5.4), where there is something to wait for and the timeout would not come before. It would
 * when the round trip, of a segment that took very long, is more than the timeout, which may know nothing of that segment.
 */
function waitForReordering(tcb: Tcb, left: number, now: number): boolean {
  if (left <= 0 || left > tcb.rtoMs) return false
  setTimer(tcb, Timer.REORDERING, now + left)
  return true
}

// --- The timeout (RFC 5681 §3.1, RFC 8985 §6.3) ---

/** The retransmission timer has run out; the caller has counted it in `tcb.retries`. */
export function enterLoss(tcb: Tcb, now: number, out: Outbox): void {
  const { repair, scoreboard: board } = tcb
  const isNewRepair = repair < Repair.RECOVERY
  loseOnTimeout(tcb, now, out)
  // Once for what was in flight: not again for a timeout of what is being repaired.
  const again = tcb.inCwr || !(isNewRepair || isRepaired(tcb) || (repair === Repair.LOSS && tcb.retries <= 1))
  if (!again) {
    rememberWindow(tcb)
    beginUndo(tcb)
  }
  tcb.congestion.timedOut(tcb, again, now)
  if (!tcb.congestion.governsRecovery) tcb.cwnd = (segmentsInFlight(tcb) + 1) * smss(tcb)
  // So many duplicates, and yet a loss: the degree of reordering was overestimated.
  if (isNewRepair && board.sacked >= tcb.options.reordering) {
    tcb.reordering = Math.min(tcb.reordering, tcb.options.reordering)
  }
  tcb.inCwr = false
  tcb.repair = Repair.LOSS
  tcb.recover = tcb.sndNxt
  tcb.probeOutstanding = false
  tcb.repeatsHeld = false
  tcb.sendsNewFirst = false
  windowReduced(tcb)
  // RFC 5682 §3.1 step 1, and §3.2 for a timeout of the same segment again.
  tcb.forwardRto = tcb.options.forwardRto && (isNewRepair || tcb.retries > 1)
  out.schedule(tcb)
}

/** §6.3: the first segment, and all that is older than a round trip; what left lately may yet be acknowledged. */
function loseOnTimeout(tcb: Tcb, now: number, out: Outbox): void {
  const board = tcb.scoreboard
  if (board.count === 0) return
  if (!tcb.sacksOn) board.sacked = 0
  else if ((board.flags(board.at(0)) & SACKED) !== 0) {
    // RFC 2018 §8: it was acknowledged and is not, nor is anything else to be relied on.
    board.renege()
    out.counters.sackRenegings++
    tcb.hasReneged = true
  }
  const spares = isRackOn(tcb) && !tcb.hasReneged
  for (let place = 0; place < board.count; place++) {
    const id = board.at(place)
    if (place > 0 && spares && tcb.rackRttMs > 0 && rackTimeLeft(tcb, board.sentAt(id), 0, now) > 0) continue
    markLost(tcb, id)
  }
}

/** The peer has thrown away what it held. It may be an accident of timing, so the timeout says, but soon. */
function suspectReneging(tcb: Tcb, news: AckNews, now: number): void {
  setTimer(tcb, Timer.TIMEOUT, now + Math.max(10, tcb.srttMs / 2))
  news.startsTimer = false
}

/** The path takes only smaller segments (RFC 1191 §6.4): what is too long goes again, cut anew. Nothing was lost to congestion. */
export function repeatTooLong(tcb: Tcb, now: number, out: Outbox): void {
  const board = tcb.scoreboard
  const size = smss(tcb)
  for (let place = 0; place < board.count; place++) {
    const id = board.at(place)
    const count = segmentsOf(board.bytes(id), size)
    if (count > board.segments(id)) markLost(tcb, id)
  }
  if (board.lost === 0) return
  joinNeighbours(tcb)
  if (tcb.repair < Repair.RECOVERY) {
    tcb.repair = Repair.LOSS
    tcb.recover = tcb.sndNxt
    tcb.undoPossible = false
    tcb.forwardRto = false
  }
  tcb.repeatsHeld = false
  setTimer(tcb, Timer.TIMEOUT, now + tcb.rtoMs)
  out.schedule(tcb)
}

/** What is lost and lies side by side is cut as a whole, not the rest of each segment apart. */
function joinNeighbours(tcb: Tcb): void {
  const board = tcb.scoreboard
  const isLost = (place: number): boolean => (board.flags(board.at(place)) & (LOST | RESENT)) === LOST
  for (let place = 0; place + 1 < board.count; place++) {
    while (place + 1 < board.count && isLost(place) && isLost(place + 1)) {
      const bytes = board.bytes(board.at(place)) + board.bytes(board.at(place + 1))
      board.join(place, segmentsOf(bytes, smss(tcb)))
    }
  }
}
