// RACK (RFC 8985 §6): a segment is lost when one sent later has arrived and a round trip has passed since it left, and
// then some, as much as the network is seen to reorder. Needs SACK. The steps stand in the margin.

import type { AckNews } from './ack-news.ts'
import { EVER_RESENT } from './scoreboard.ts'
import { lt } from './seq.ts'
import { Repair, type Tcb } from './tcb.ts'

/** Recoveries that the widened window outlasts without another D-SACK (§6.2 step 4). */
export const REO_WND_PERSISTS = 16
const MOST_REO_WND_MULTIPLIER = 255
/** Added to the timer, so that it does not run out a tick too early: Linux's two jiffies. */
const TIMER_SLACK_MS = 2
/** How many records that are not due are looked at for the time of the last one. */
const LOOK_AHEAD = 32

export const isRackOn = (tcb: Tcb): boolean => tcb.sacksOn && tcb.options.rack

/** §6.2 steps 1 and 2, for each segment that is acknowledged, selectively or not. */
export function rackAdvance(tcb: Tcb, id: number, now: number): void {
  const board = tcb.scoreboard
  const sentAt = board.sentAt(id)
  const rtt = now - sentAt
  // Step 2: an ACK sooner than any round trip is one of the segment as it left before.
  if ((board.flags(id) & EVER_RESENT) !== 0 && rtt < tcb.minRttMs) return
  tcb.rackAdvanced = true
  tcb.rackRttMs = rtt
  if (isSentAfterNewest(tcb, id)) {
    tcb.rackSentAt = sentAt
    tcb.rackEnd = board.end(id)
  }
}

// RACK_sent_after of §6.2, against the segment delivered last. Times stay where they are: V8 makes an object of each double that it passes on.

function isSentAfterNewest(tcb: Tcb, id: number): boolean {
  const at = tcb.scoreboard.sentAt(id)
  return at > tcb.rackSentAt || (at === tcb.rackSentAt && lt(tcb.rackEnd, tcb.scoreboard.end(id)))
}

function isSentBeforeNewest(tcb: Tcb, id: number): boolean {
  const at = tcb.scoreboard.sentAt(id)
  return at < tcb.rackSentAt || (at === tcb.rackSentAt && lt(tcb.scoreboard.end(id), tcb.rackEnd))
}

/** §6.2 step 4, the part that follows D-SACKs: once a round trip the multiplier grows by one. */
export function rackAdaptWindow(tcb: Tcb, news: AckNews): void {
  if (!news.hasRate) return
  if (news.priorDelivered < tcb.reoWndDelivered) tcb.reoWndDuplicate = false
  if (tcb.reoWndDuplicate) {
    tcb.reoWndDuplicate = false
    tcb.reoWndMultiplier = Math.min(MOST_REO_WND_MULTIPLIER, tcb.reoWndMultiplier + 1)
    tcb.reoWndDelivered = tcb.delivered
    tcb.reoWndPersist = REO_WND_PERSISTS
  } else if (tcb.reoWndPersist === 0) tcb.reoWndMultiplier = 1
}

/** RACK_update_reo_wnd of §6.2 step 4: none as long as nothing was ever reordered and the losses are evident. */
export function reorderingWindow(tcb: Tcb): number {
  if (tcb.reorderingSeen === 0) {
    if (tcb.repair >= Repair.RECOVERY) return 0
    if (tcb.scoreboard.sacked >= tcb.reordering) return 0
  }
  return Math.min((tcb.minRttMs / 4) * tcb.reoWndMultiplier, Math.max(0, tcb.srttMs))
}

/** How long until a record that left at `sentAt` counts as lost, ms. */
export const rackTimeLeft = (tcb: Tcb, sentAt: number, window: number, now: number): number =>
  sentAt + tcb.rackRttMs + window - now

/**
 * RACK_detect_loss of §6.2 step 5: what is due is given to `lose`; answers the time until the rest is, 0 for nothing. What
 * was sent first is due first: nothing behind the first that is not is looked at for that. The timer waits for the last.
 */
export function rackDetectLoss(tcb: Tcb, now: number, lose: (tcb: Tcb, id: number) => void): number {
  const board = tcb.scoreboard
  const window = reorderingWindow(tcb)
  let left = 0
  let looks = 0
  for (let id = board.oldest, next = -1; id >= 0; id = next) {
    next = board.next(id)
    const sentAt = board.sentAt(id)
    if (!isSentBeforeNewest(tcb, id)) break
    const time = rackTimeLeft(tcb, sentAt, window, now)
    if (time <= 0) lose(tcb, id)
    else if (++looks > LOOK_AHEAD) return Math.max(left, rackTimeLeft(tcb, tcb.rackSentAt, window, now))
    else left = Math.max(left, time)
  }
  return left
}

/** §6.2 step 5: looks for losses after an ACK that brought news; true when a timer has to look again. */
export function rackMarkLost(tcb: Tcb, now: number, lose: (tcb: Tcb, id: number) => void): number {
  if (!tcb.rackAdvanced) return 0
  tcb.rackAdvanced = false
  const left = rackDetectLoss(tcb, now, lose)
  return left > 0 ? left + TIMER_SLACK_MS : 0
}
