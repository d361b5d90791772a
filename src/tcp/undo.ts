// Needless reductions taken back: what was repeated had not been lost, as an echoed timestamp older than the repetition
// tells (Eifel, RFC 3522 and RFC 4015), or D-SACKs for all that was sent again (RFC 3708). Shared by fast recovery and the
// timeout; F-RTO (forward-rto.ts) has reasons of its own.

import type { AckNews } from './ack-news.ts'
import type { Outbox } from './outbox.ts'
import { REO_WND_PERSISTS } from './rack.ts'
import { EVER_RESENT } from './scoreboard.ts'
import { leq } from './seq.ts'
import { Repair, type Tcb } from './tcb.ts'
import { timestampNow } from './timestamps.ts'

const NO_THRESHOLD = 0x3fffffff

/** A reduction is about to be made, as far as it can be taken back: remembers how things are. */
export function rememberWindow(tcb: Tcb): void {
  tcb.priorCwnd = tcb.cwnd
  tcb.priorSsthresh = currentThreshold(tcb)
}

/** A window reduced since is taken into account with three quarters of it (as on Linux). */
function currentThreshold(tcb: Tcb): number {
  if (tcb.repair === Repair.RECOVERY || tcb.inCwr) return tcb.ssthresh
  return Math.max(tcb.ssthresh, (tcb.cwnd >> 1) + (tcb.cwnd >> 2))
}

/** What is sent again from here on, and what is on its way a second time already, must all be reported before all was needless. */
export function beginUndo(tcb: Tcb): void {
  tcb.undoPossible = true
  tcb.undoMarker = tcb.sndUna
  tcb.undoRepeats = tcb.scoreboard.resent + (tcb.probeRepeated && tcb.probeOutstanding ? 1 : 0)
  if (tcb.undoRepeats === 0) tcb.undoRepeats = -1 // nothing was repeated: nothing can have been needless
}

/** A segment leaves again. */
export function repeatedForUndo(tcb: Tcb, segments: number, now: number): void {
  if (!tcb.repeatStamped) {
    tcb.repeatStamped = true
    tcb.repeatStamp = timestampNow(tcb.tsOffset, now)
  }
  tcb.undoRepeats = Math.max(0, tcb.undoRepeats) + segments
}

/** The peer reports duplicates: of so many segments, which lie behind where the repair began. */
export function duplicatesForUndo(tcb: Tcb, segments: number): void {
  if (tcb.undoPossible && tcb.undoRepeats > 0) tcb.undoRepeats = Math.max(0, tcb.undoRepeats - segments)
}

/** Eifel detection (RFC 3522 §3.2 step 5): the ACK answers what was sent before the first repetition. */
export const wasDelayed = (tcb: Tcb, news: AckNews): boolean =>
  tcb.repeatStamped && news.hasEcho && ((news.echo - tcb.repeatStamp) | 0) < 0

const mayUndo = (tcb: Tcb, news: AckNews): boolean =>
  tcb.undoPossible && (tcb.undoRepeats === 0 || wasDelayed(tcb, news))

/** Eifel response (RFC 4015 §3.2): the window and threshold of before. */
export function undoReduction(tcb: Tcb, unlose: boolean, now: number, out: Outbox): void {
  if (unlose) tcb.scoreboard.unloseAll()
  if (tcb.priorSsthresh > 0) {
    tcb.cwnd = Math.max(tcb.cwnd, tcb.priorCwnd)
    if (tcb.priorSsthresh > tcb.ssthresh) {
      tcb.ssthresh = Math.min(NO_THRESHOLD, tcb.priorSsthresh)
      tcb.cwrOwed = false
    }
    tcb.congestion.undone(tcb, now)
  }
  tcb.undoPossible = false
  tcb.rackAdvanced = true // what was not lost by that account may be by another
  out.counters.needlessReductions++
}

/** All that was sent again was reported as duplicate (RFC 3708 §3.2). */
export function tryUndoDuplicates(tcb: Tcb, now: number, out: Outbox): boolean {
  if (!tcb.undoPossible || tcb.undoRepeats !== 0) return false
  tcb.reoWndPersist = Math.min(REO_WND_PERSISTS, tcb.reoWndPersist + 1)
  undoReduction(tcb, false, now, out)
  return true
}

/**
 * The repair is at its end. True when its state has to be kept: without SACK, duplicates of what was acknowledged last are
 * no loss (RFC 6582 §3.2 step 2).
 */
export function tryUndoRecovery(tcb: Tcb, news: AckNews, now: number, out: Outbox): boolean {
  if (mayUndo(tcb, news)) undoReduction(tcb, false, now, out)
  else if (tcb.reoWndPersist > 0) tcb.reoWndPersist--
  if (preventsReopening(tcb)) return true
  tcb.repair = Repair.OPEN
  tcb.hasReneged = false
  return false
}

/** In the repair after a timeout; `byForwardRto`: RFC 5682 says that it was needless. */
export function tryUndoLoss(tcb: Tcb, byForwardRto: boolean, news: AckNews, now: number, out: Outbox): boolean {
  if (!byForwardRto && !mayUndo(tcb, news)) return false
  undoReduction(tcb, true, now, out)
  tcb.retries = 0
  if (preventsReopening(tcb)) return true
  if (byForwardRto || tcb.sacksOn) {
    tcb.repair = Repair.OPEN
    tcb.hasReneged = false
  }
  return true
}

function preventsReopening(tcb: Tcb): boolean {
  if (tcb.sacksOn || tcb.sndUna !== tcb.recover) return false
  if (!hasRepeats(tcb)) tcb.repeatStamped = false
  return true
}

/** Whether something in flight was sent more than once. */
export function hasRepeats(tcb: Tcb): boolean {
  const board = tcb.scoreboard
  if (board.resent > 0) return true
  return board.count > 0 && (board.flags(board.at(0)) & EVER_RESENT) !== 0
}

/** Whether the repair of what was in flight when it began is over. */
export const isRepaired = (tcb: Tcb): boolean => leq(tcb.recover, tcb.sndUna)
