// The window that we offer (RFC 9293 §3.8.6): its right edge never moves left, but for what
// mayRoundUp says, and it opens in steps worth an ACK.

import { add, ahead } from './seq.ts'
import { FastOpen, type Tcb } from './tcb.ts'

/** An eighth of the receive buffer: more than rounding up asks of a peer's full-sized segments, for all but huge buffers. */
const OVERDRAFT_SHIFT = 3

/** The shift for a receive buffer, RFC 7323 §2.3: as many bits of its size as the field has no place for, 14 at most. */
export function windowShift(receiveBuffer: number): number {
  return Math.min(14, Math.max(0, 16 - Math.clz32(receiveBuffer)))
}

/** The window field for a segment that leaves now; what it offers is remembered in RCV.ADV. SYNs are never scaled. */
export function offerWindow(tcb: Tcb, onSyn: boolean): number {
  const shift = onSyn ? 0 : tcb.rcvWndShift
  const offered = windowOffered(tcb)
  const wanted = isWorthOpening(tcb) ? freeSpace(tcb) : offered
  let field = wanted >> shift
  if (field << shift < offered && mayRoundUp(tcb, offered, shift)) field = windowField(offered, shift)
  field = Math.min(field, 65_535)
  tcb.rcvAdv = add(tcb.rcvNxt, Math.max(field << shift, offered))
  return field
}

/**
 * Rounding up offers a little more than before, again with each ACK: for as long as nobody reads, that must end. Then the
 * window is rounded down, which seems to take some of it back, but what was offered is still taken (RFC 7323 §2.4).
 */
function mayRoundUp(tcb: Tcb, offered: number, shift: number): boolean {
  const { limit, readable } = tcb.receiveBuffer
  return readable + (windowField(offered, shift) << shift) <= limit + (limit >> OVERDRAFT_SHIFT)
}

/** The field for a window that was offered already: rounding down to the scale would take some of it back. */
export function windowField(offered: number, shift: number): number {
  return (offered + (1 << shift) - 1) >> shift
}

/** RCV.WND as the peer knows it, bytes. */
export function windowOffered(tcb: Tcb): number {
  return ahead(tcb.rcvAdv, tcb.rcvNxt)
}

/**
 * Whether a reader has made so much room that the peer should know at once. Beyond the rule against silly windows, the
 * window must have at least doubled: as long as the peer has plenty, the ordinary ACKs tell it.
 */
export function owesWindowUpdate(tcb: Tcb): boolean {
  // Text that came with a Fast Open's SYN is no reason: what the SYN-ACK could tell is less than there is, the next ACK tells it all.
  if (tcb.fastOpen === FastOpen.PASSIVE && tcb.segmentsSent <= 1 && windowOffered(tcb) > 0) return false
  return isWorthOpening(tcb) && freeSpace(tcb) >= 2 * windowOffered(tcb)
}

/** Silly window avoidance of the receiver, §3.8.6.2.2. */
function isWorthOpening(tcb: Tcb): boolean {
  return freeSpace(tcb) - windowOffered(tcb) >= Math.min(tcb.receiveBuffer.limit >> 1, tcb.offeredMss)
}

/** Room in the buffer, as far as the window field can tell it: a reader who makes more has no news for the peer. */
function freeSpace(tcb: Tcb): number {
  const { limit, readable } = tcb.receiveBuffer
  return Math.max(0, Math.min(limit - readable, 65_535 << tcb.rcvWndShift))
}
