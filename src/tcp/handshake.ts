// What the two SYNs agree on: MSS (RFC 9293 §3.7.1), window scale and timestamps (RFC 7323), SACK (RFC 2018).

import type { Segment } from '../wire/segment.ts'
import { firstReceiveBuffer, largestReceiveBuffer } from './buffer-tuning.ts'
import type { TcpCounters } from './counters.ts'
import type { SocketValues } from './options.ts'
import { add, type Seq, toSeq } from './seq.ts'
import type { Tcb } from './tcb.ts'
import { timestampNow } from './timestamps.ts'
import { advertise } from './user-timeout.ts'
import { windowOffered, windowShift } from './window.ts'

/** What a peer that sends no MSS option takes (§3.7.1). */
export const DEFAULT_MSS = 536
/** The least that a peer can make us cut text to: below, headers outweigh it and a peer could make us work for nothing. */
const LEAST_MSS = 48
const HEADERS = 40
/** A window scale above counts as this, and the error is noted (RFC 7323 §2.3). */
const MOST_SHIFT = 14

/** What the MSS option of ours says: what the way there carries, unless the user wants less. */
export function mssToOffer(mtu: number, wanted: number): number {
  const most = Math.max(LEAST_MSS, mtu - HEADERS)
  return wanted > 0 ? Math.min(wanted, most) : most
}

/** The part of a connection that the two SYNs settle: of a TCB, and of the small record of a half-open connection. */
export interface Handshake {
  readonly options: SocketValues
  iss: Seq
  irs: Seq
  offeredMss: number
  peerMss: number
  sndMss: number
  sndWnd: number
  sndWndShift: number
  rcvWndShift: number
  windowScalingOn: boolean
  timestampsOn: boolean
  sacksOn: boolean
  tsRecent: number
  tsRecentAt: number
  tsOffset: number
}

/** What we shall offer, on a way that carries packets of `mtu` bytes. */
export function prepareOffer(to: Handshake, mtu: number): void {
  to.offeredMss = mssToOffer(mtu, to.options.maximumSegmentSize)
  to.sndMss = to.offeredMss
  to.rcvWndShift = to.options.windowScaling ? windowShift(largestReceiveBuffer(to.options)) : 0
}

/** Puts our options on a SYN or SYN-ACK; where it answers the peer's SYN, only those that both sides want. */
export function offerOptions(from: Handshake, segment: Segment, answers: boolean, now: number): void {
  segment.mss = from.offeredMss
  if (answers ? from.windowScalingOn : from.options.windowScaling) {
    segment.windowScale = from.rcvWndShift === 0 ? windowShift(largestReceiveBuffer(from.options)) : from.rcvWndShift
  }
  segment.sackPermitted = answers ? from.sacksOn : from.options.selectiveAcks
  if (from.options.userTimeoutOption) advertise(from.options.advertisedUserTimeoutMs, segment)
  if (answers ? from.timestampsOn : from.options.timestamps) {
    segment.hasTimestamps = true
    segment.tsVal = timestampNow(from.tsOffset, now)
    segment.tsEcr = from.tsRecent
  }
}

/** Takes from the peer's SYN what both want. */
export function agree(to: Handshake, seg: Segment, now: number, counters: TcpCounters): void {
  to.irs = toSeq(seg.seq)
  // An MSS of 0 makes no sense and counts as absent.
  to.peerMss = seg.mss > 0 ? Math.max(LEAST_MSS, seg.mss) : DEFAULT_MSS
  to.sndMss = Math.min(to.peerMss, to.sndMss)
  to.windowScalingOn = to.options.windowScaling && seg.windowScale >= 0
  if (seg.windowScale > MOST_SHIFT) counters.excessiveScales++
  if (to.windowScalingOn) to.sndWndShift = Math.min(MOST_SHIFT, seg.windowScale)
  else to.rcvWndShift = 0
  to.sacksOn = to.options.selectiveAcks && seg.sackPermitted
  to.timestampsOn = to.options.timestamps && seg.hasTimestamps
  if (to.timestampsOn) {
    to.tsRecent = seg.tsVal
    to.tsRecentAt = now
  }
  to.sndWnd = seg.window // a SYN's window is never scaled (RFC 7323 §2.2)
}

/** The window that a SYN of ours offers, bytes. */
export const firstWindow = (options: SocketValues): number => Math.min(65_535, firstReceiveBuffer(options))

/** The peer's SYN has been taken: the variables of a TCB that begin with it. */
export function beginSequences(tcb: Tcb): void {
  const offered = windowOffered(tcb) // by our SYN; the user may have changed the buffer since
  tcb.rcvNxt = add(tcb.irs, 1)
  tcb.rcvAdv = add(tcb.rcvNxt, offered)
  tcb.lastAckSent = tcb.rcvNxt
  tcb.maxSndWnd = tcb.sndWnd
  tcb.sndWl1 = tcb.irs
  tcb.sndWl2 = tcb.iss // not later than what any segment acknowledges
}
