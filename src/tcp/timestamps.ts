// Timestamps and PAWS (RFC 7323 §3 to §5). The timestamp clock ticks once a millisecond, from an offset that differs
// from peer to peer.

import { RST, type Segment, SYN } from '../wire/segment.ts'
import { leq, toSeq } from './seq.ts'
import type { Tcb } from './tcb.ts'

/** After so long without a timestamp the peer's clock may have wrapped: TS.Recent is void (§5.5). 24 days, ms. */
const TS_RECENT_LIFE = 24 * 86_400_000

export function timestampNow(offset: number, now: number): number {
  return (offset + Math.floor(now)) | 0
}

/** What has to be known of a connection, half open or whole, to tell an old duplicate. */
interface TimestampState {
  readonly timestampsOn: boolean
  readonly tsRecent: number
  readonly tsRecentAt: number
}

/** §5.3 R1: the segment is older than one that was taken. A RST is exempt (§5.2). */
export function isOldDuplicate(tcb: TimestampState, seg: Segment, now: number): boolean {
  if (!tcb.timestampsOn || !seg.hasTimestamps || (seg.flags & RST) !== 0) return false
  return ((seg.tsVal - tcb.tsRecent) | 0) < 0 && now - tcb.tsRecentAt < TS_RECENT_LIFE
}

/** §4.3: TS.Recent follows the segment at the left edge of the window, which the next ACK is about. */
export function rememberTimestamp(tcb: Tcb, seg: Segment, now: number): void {
  if (!tcb.timestampsOn || !seg.hasTimestamps) return
  if (leq(toSeq(seg.seq), tcb.lastAckSent) || (seg.flags & SYN) !== 0) {
    tcb.tsRecent = seg.tsVal
    tcb.tsRecentAt = now
  }
}
