// How far the network is seen to reorder: what the threshold of duplicate ACKs follows where RACK is off or there is no
// SACK (RFC 4653 in spirit, in the measure that Linux takes), and the first sight of it, which opens RACK's window.

import { smss } from './congestion/congestion.ts'
import { ahead, lt, type Seq } from './seq.ts'
import type { Tcb } from './tcb.ts'

/** Linux's tcp_max_reordering. */
const MOST_REORDERING = 300

/** What begins at `from` came late, and had not been sent again: the distance to the highest that had come is the degree. */
export function checkReordering(tcb: Tcb, from: Seq): void {
  const highest = tcb.scoreboard.highestSacked(tcb.sndUna)
  noteReordering(tcb, from, highest)
}

export function noteReordering(tcb: Tcb, from: Seq, highest: Seq): void {
  if (!lt(from, highest)) return
  const size = smss(tcb)
  const distance = ahead(highest, from)
  if (distance > tcb.reordering * size) tcb.reordering = Math.min(MOST_REORDERING, Math.ceil(distance / size))
  tcb.reorderingSeen++
}

// --- Without SACK: duplicate ACKs stand for segments that the peer holds (RFC 6675 §5 does the same with `pipe`) ---

/** A duplicate ACK; answers how many segments it says were delivered. */
export function addDuplicateAck(tcb: Tcb): number {
  const board = tcb.scoreboard
  const before = board.sacked
  board.sacked++
  limitDuplicates(tcb, 0)
  return Math.max(0, board.sacked - before)
}

/** The ACK of `acked` segments: one of them filled the hole, the rest had sent duplicates; answers how many were delivered now. */
export function takeBackDuplicates(tcb: Tcb, acked: number): number {
  const board = tcb.scoreboard
  let delivered = 0
  if (acked > 0) {
    delivered = Math.max(acked - board.sacked, 1)
    board.sacked = acked - 1 >= board.sacked ? 0 : board.sacked - (acked - 1)
  }
  limitDuplicates(tcb, acked)
  return delivered
}

/** More duplicates than segments that could have caused them: the network has reordered, or copied. */
function limitDuplicates(tcb: Tcb, acked: number): void {
  const board = tcb.scoreboard
  const holes = Math.min(Math.max(board.lost, 1), board.sent)
  if (board.sacked + holes <= board.sent) return
  board.sacked = board.sent - holes
  tcb.reordering = Math.min(MOST_REORDERING, Math.max(tcb.reordering, board.sent + acked))
  tcb.reorderingSeen++
}
