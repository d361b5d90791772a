// When text in order is acknowledged (§3.8.6.3, RFC 5681 §4.2): while the peer may be in slow start each segment at once,
// as Linux does, then every second full one, or after a short while.

import type { Outbox } from './outbox.ts'
import { oweAck } from './output.ts'
import { ahead } from './seq.ts'
import type { Tcb } from './tcb.ts'
import { windowOffered } from './window.ts'

/** Segments of `length` bytes have come in order, and what waited behind a hole if they filled one. */
export function textTaken(tcb: Tcb, length: number, fillsHole: boolean, now: number, out: Outbox): void {
  if (length > tcb.rcvMss) tcb.rcvMss = Math.min(length, tcb.offeredMss)
  // The first text, or after so long a pause that the peer begins with a small window again.
  if (now - tcb.textAt > tcb.rtoMs) expectSlowStart(tcb)
  tcb.textAt = now
  const isDue =
    tcb.quickAcks > 0 ||
    fillsHole ||
    ahead(tcb.rcvNxt, tcb.lastAckSent) >= 2 * tcb.rcvMss ||
    windowOffered(tcb) === 0 ||
    tcb.options.delayedAckMs === 0
  if (isDue) oweAck(tcb, out)
  else if (tcb.delayedAckAt === Number.POSITIVE_INFINITY) tcb.delayedAckAt = now + tcb.options.delayedAckMs
}

/** The peer's window grows with each ACK, and is small: quick ACKs, for half of what our window takes. */
export function expectSlowStart(tcb: Tcb): void {
  const segments = Math.max(2, Math.floor(ahead(tcb.rcvAdv, tcb.lastAckSent) / (2 * tcb.rcvMss)))
  tcb.quickAcks = Math.max(tcb.quickAcks, Math.min(tcb.options.quickAcks, segments))
}
