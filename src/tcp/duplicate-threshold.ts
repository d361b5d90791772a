// Loss by count instead of time: what RFC 6675 calls IsLost, used where RACK is off, and the three duplicate ACKs of
// RFC 5681 where there is no SACK.

import { smss } from './congestion/congestion.ts'
import type { Outbox } from './outbox.ts'
import { isRackOn } from './rack.ts'
import { EVER_RESENT, LOST, SACKED } from './scoreboard.ts'
import { ahead, lt } from './seq.ts'
import type { Tcb } from './tcb.ts'

/** RFC 6675 §5 step 2 and 3, RFC 5681 §3.2: enough has come after what is missing. */
export function isEvident(tcb: Tcb): boolean {
  const board = tcb.scoreboard
  if (isRackOn(tcb) || board.count === 0) return false
  if (!tcb.sacksOn) return board.sacked >= tcb.reordering
  return board.sacked >= tcb.reordering || board.held.bytes > (tcb.reordering - 1) * smss(tcb)
}

/**
 * IsLost (§4): DupThresh ranges, or more than DupThresh - 1 segments' worth of bytes, lie above it. Walks down from the
 * top no farther than that takes, then what lies below, until it meets what it has marked before.
 */
export function markEvident(tcb: Tcb, lose: (tcb: Tcb, id: number) => void, _out: Outbox): void {
  const board = tcb.scoreboard
  if (!isEvident(tcb)) return
  const { held } = board
  const size = smss(tcb)
  let bytes = 0
  let segments = 0
  let range = held.count - 1
  // The highest range above which, itself included, there is evidence enough.
  for (; range >= 0; range--) {
    const length = ahead(held.right(range), held.left(range))
    bytes += length
    segments += Math.max(1, Math.floor(length / size))
    if (segments >= tcb.reordering || bytes > (tcb.reordering - 1) * size) break
  }
  if (range < 0) return
  const edge = held.left(range)
  for (let id = board.oldest, next = -1; id >= 0; id = next) {
    next = board.next(id)
    const flags = board.flags(id)
    // In the order of sending; what was sent again stands behind all that was not.
    if ((flags & EVER_RESENT) !== 0) return
    if (!lt(board.start(id), edge)) return
    if ((flags & (LOST | SACKED)) === 0) lose(tcb, id)
  }
}
