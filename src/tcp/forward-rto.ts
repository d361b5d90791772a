// F-RTO (RFC 5682): was a retransmission timeout needless? After it the first segment goes again, and then new text instead
// of more that may not be lost. An ACK of something that was sent once, before the timeout, says that only time was lost.

import type { AckNews } from './ack-news.ts'
import type { Outbox } from './outbox.ts'
import { addDuplicateAck } from './reordering.ts'
import { add, ahead, lt } from './seq.ts'
import type { Tcb } from './tcb.ts'
import { isRepaired, tryUndoLoss, tryUndoRecovery } from './undo.ts'

/** An ACK in the repair after a timeout; the steps are those of §3.1, the form with SACK. */
export function takeAckAfterTimeout(tcb: Tcb, news: AckNews, isDuplicate: boolean, now: number, out: Outbox): void {
  const repaired = isRepaired(tcb)
  if (news.advanced && tryUndoLoss(tcb, false, news, now, out)) return
  if (tcb.forwardRto) {
    // Step 3.b: what was never sent again has arrived.
    if (news.originalDelivered && tryUndoLoss(tcb, true, news, now, out)) return
    if (lt(tcb.recover, tcb.sndNxt)) {
      if (news.sacked || isDuplicate) tcb.forwardRto = false // step 3.a: the loss was real
    } else if (news.advanced && !repaired) {
      tcb.recover = tcb.sndNxt
      // Step 2.b: new text, if there is any and the peer has room.
      const unsent = ahead(tcb.sendBuffer.end, tcb.sndNxt)
      if (unsent > 0 && lt(tcb.sndNxt, add(tcb.sndUna, tcb.sndWnd))) {
        tcb.sendsNewFirst = true
        return
      }
      tcb.forwardRto = false
    }
  }
  if (repaired) {
    // Step 2.a, and the first part of 3.a.
    tryUndoRecovery(tcb, news, now, out)
    return
  }
  if (tcb.sacksOn) return
  if (lt(tcb.recover, tcb.sndNxt) && isDuplicate) news.segments += addDuplicateAck(tcb)
  else if (news.advanced) tcb.scoreboard.sacked = 0
}
