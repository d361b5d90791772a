// What holds between two events. Checked after each when CHECKS is on.

import { invariant } from '../assert.ts'
import { LOST, RESENT, SACKED } from './scoreboard.ts'
import { add, ahead, leq, type Seq } from './seq.ts'
import { isSynchronized, State } from './state.ts'
import { isSynUnacked, type Tcb } from './tcb.ts'

export function checkInvariants(tcb: Tcb): void {
  if (tcb.state === State.CLOSED || tcb.state === State.TIME_WAIT) return checkReleased(tcb)
  invariant(leq(tcb.sndUna, tcb.sndNxt), 'SND.UNA =< SND.NXT')
  invariant(leq(tcb.sendBuffer.start, tcb.sendBuffer.end), 'the send buffer has a length')
  const textEnd = tcb.finSent ? ahead(tcb.sndNxt, tcb.sendBuffer.end) === 1 : leq(tcb.sndNxt, tcb.sendBuffer.end)
  invariant(textEnd, 'SND.NXT is not past what was written and the FIN')
  invariant(
    !isFlying(tcb) || tcb.retransmitAt !== Number.POSITIVE_INFINITY,
    'what is in flight has a retransmission timer'
  )
  invariant(
    isFlying(tcb) || tcb.retransmitAt === Number.POSITIVE_INFINITY,
    'without flight there is no retransmission timer'
  )
  checkScoreboard(tcb)
  // FIN-WAIT-1 may come before our SYN is acknowledged.
  if (tcb.synchronized) checkSynchronized(tcb)
}

function checkSynchronized(tcb: Tcb): void {
  invariant(leq(tcb.rcvNxt, tcb.rcvAdv), 'RCV.NXT is inside the window offered')
  invariant(leq(tcb.lastAckSent, tcb.rcvNxt), 'nothing is acknowledged that has not arrived')
  const waiting = tcb.receiveBuffer.waiting
  for (let i = 0; i < waiting.count; i++) {
    invariant(ahead(waiting.left(i), tcb.rcvNxt) > 0, 'what waits is behind a hole')
    invariant(leq(waiting.right(i), tcb.rcvAdv), 'what waits was inside the window')
    invariant(i === 0 || ahead(waiting.left(i), waiting.right(i - 1) as Seq) > 0, 'ranges are apart')
  }
  invariant(tcb.ecnOn || !(tcb.ectOn || tcb.echoesCe || tcb.cwrOwed || tcb.inCwr), 'ECN is agreed on before it is used')
  invariant(tcb.cwnd >= 1, 'the congestion window lets something pass')
  invariant(tcb.sndMss > 0, 'the MSS lets something pass')
  const isOrphan = tcb.state === State.FIN_WAIT_2 && tcb.readerGone
  invariant(!isOrphan || tcb.finWait2At !== Number.POSITIVE_INFINITY, 'an orphan in FIN-WAIT-2 has a timer')
  const probes = tcb.options.keepAlive
  invariant(!probes || tcb.keepAliveAt !== Number.POSITIVE_INFINITY, 'a keepalive has a timer')
  invariant(!isFlying(tcb) || tcb.persistAt === Number.POSITIVE_INFINITY, 'what is in flight needs no probe')
  const owes = tcb.rcvNxt !== tcb.lastAckSent
  const willAck = tcb.ackOwed || tcb.delayedAckAt !== Number.POSITIVE_INFINITY
  invariant(!owes || willAck, 'what has arrived will be acknowledged')
}

/** The records cover what is in flight without gaps, the lists hold what the flags say, and the counters are what a count yields. */
function checkScoreboard(tcb: Tcb): void {
  const board = tcb.scoreboard
  const opening = isSynUnacked(tcb) ? 1 : 0
  let next = add(tcb.sndUna, opening)
  let [sent, sacked, lost, resent] = [0, 0, 0, 0]
  for (let place = 0; place < board.count; place++) {
    const id = board.at(place)
    const flags = board.flags(id)
    const segments = board.segments(id)
    invariant(board.start(id) === next, 'records follow each other')
    invariant(segments > 0 && board.bytes(id) > 0, 'a record stands for something')
    invariant((flags & SACKED) === 0 || (flags & (LOST | RESENT)) === 0, 'what the peer holds is not lost')
    next = board.end(id)
    sent += segments
    if ((flags & SACKED) !== 0) sacked += segments
    if ((flags & LOST) !== 0) lost += segments
    if ((flags & RESENT) !== 0) resent += segments
  }
  invariant(board.count === 0 ? !isFlying(tcb) || opening === 1 : next === tcb.sndNxt, 'records reach SND.NXT')
  invariant(sent === board.sent && lost === board.lost && resent === board.resent, 'counters of the scoreboard')
  invariant(!tcb.sacksOn || sacked === board.sacked, 'what is selectively acknowledged is counted')
  invariant(board.sacked + board.lost <= board.sent && board.sacked >= 0, 'no more has left the network than was sent')
  checkLists(tcb)
  const { held } = board
  invariant(held.count === 0 || leq(tcb.sndUna, held.left(0)), 'what the peer holds is not acknowledged')
}

function checkLists(tcb: Tcb): void {
  const board = tcb.scoreboard
  let listed = 0
  for (let id = board.oldest, before = -1; id >= 0; before = id, id = board.next(id)) {
    const flags = board.flags(id)
    invariant((flags & SACKED) === 0 && (flags & (LOST | RESENT)) !== LOST, 'what is listed by time is in flight')
    invariant(before < 0 || board.sentAt(before) <= board.sentAt(id), 'the list is in the order of time')
    listed++
  }
  for (let id = board.firstLost, before = -1; id >= 0; before = id, id = board.next(id)) {
    invariant((board.flags(id) & (LOST | RESENT)) === LOST, 'what is listed as lost is lost')
    invariant(
      before < 0 || ahead(board.start(id), board.start(before)) > 0,
      'the list is in the order of sequence numbers'
    )
    listed++
  }
  let unlisted = 0
  for (let place = 0; place < board.count; place++) {
    if ((board.flags(board.at(place)) & SACKED) !== 0) unlisted++
  }
  invariant(listed + unlisted === board.count, 'each record is in one list, or held by the peer')
}

const isFlying = (tcb: Tcb): boolean => tcb.sndUna !== tcb.sndNxt

function checkReleased(tcb: Tcb): void {
  invariant(tcb.retransmitAt === Number.POSITIVE_INFINITY, 'a finished connection retransmits nothing')
  invariant(tcb.receiveBuffer.waiting.count === 0, 'a finished connection waits for nothing')
}

/** At the end of a batch: what may be sent has been sent, or something is going to send it. */
export function checkNoStall(tcb: Tcb): void {
  if (!isSynchronized(tcb.state) || tcb.state === State.TIME_WAIT || tcb.scheduled) return
  const pending = ahead(tcb.sendBuffer.end, tcb.sndNxt) > 0 || (tcb.finQueued && !tcb.finSent)
  const timers = Math.min(tcb.retransmitAt, tcb.persistAt, tcb.heldUntil, tcb.corkedUntil, tcb.pacedUntil)
  invariant(!pending || timers !== Number.POSITIVE_INFINITY, 'text that waits has a timer')
}
