// Black holes (RFC 2923 §2.1): somewhere on the path large packets are lost, and nobody says so. When text has been
// repeated in vain, smaller segments are tried (RFC 4821 §7.7, RFC 8899 §4.3), and after a while large ones again.

import type { Outbox } from './outbox.ts'
import { ahead } from './seq.ts'
import type { Tcb } from './tcb.ts'

/** Large segments are tried again after that long, ms (RFC 1191 §6.3 has 10 minutes). */
const HOLDS_MS = 600_000
/** Smaller than that no segment is cut: Linux's tcp_mtu_probe_floor. */
const LEAST_MSS = 48

/** A timeout beyond R1. As on Linux, `baseMss` is tried first, then half of that, and so on. */
export function suspectBlackHole(tcb: Tcb, now: number, out: Outbox): void {
  const { blackHoleDetection, baseMss } = tcb.options
  if (!blackHoleDetection) return
  const smaller = tcb.sndMss > baseMss ? baseMss : Math.max(LEAST_MSS, tcb.sndMss >> 1)
  // What is small already is not lost for its size.
  if (smaller >= tcb.sndMss || ahead(tcb.sndNxt, tcb.sndUna) <= smaller) return
  reduceMss(tcb, smaller, now)
  out.counters.blackHolesSuspected++
}

/** For a while: the path carries no more, as a router has said or as it seems. */
export function reduceMss(tcb: Tcb, mss: number, now: number): void {
  if (tcb.reducedUntil === Number.POSITIVE_INFINITY) tcb.fullMss = tcb.sndMss
  tcb.sndMss = mss
  tcb.reducedUntil = now + HOLDS_MS
}

/** The path may be another one by now. */
export function retryLargeSegments(tcb: Tcb, now: number): void {
  if (now < tcb.reducedUntil) return
  tcb.reducedUntil = Number.POSITIVE_INFINITY
  // It may have been made smaller before the peer's SYN came.
  tcb.sndMss = Math.max(tcb.sndMss, Math.min(tcb.fullMss, tcb.peerMss))
}
