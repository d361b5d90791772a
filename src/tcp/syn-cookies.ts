// SYN cookies (RFC 4987 §3.6): a listener that has no room for one more half-open connection puts what it has to remember
// into the ISN of its SYN-ACK, and forgets it. An ACK of that number is as good as the record.
//
//   ISN = F(four-tuple) + IRS + (minute << 24) + ((G(four-tuple, IRS, minute) + class of the MSS) mod 2^24)
//
// What has no room there (window scale, SACK, ECN) goes into the low bits of the timestamp where the peer offered
// timestamps, since it echoes them; where it did not, the connection goes without.

import type { SipHash } from '../siphash.ts'
import { ECE, type Segment } from '../wire/segment.ts'
import { DEFAULT_MSS, prepareOffer } from './handshake.ts'
import type { Outbox } from './outbox.ts'
import type { FourTuple } from './output.ts'
import { type SynReceived, takeSyn, writeSynAck } from './passive.ts'
import { add, ahead, type Seq, toSeq } from './seq.ts'
import { timestampNow } from './timestamps.ts'

const MINUTE_MS = 60_000
/** This minute's cookies and the last one's: two minutes at most, as on Linux. */
const MINUTES_VALID = 2
export const COOKIE_LIFE_MS = MINUTES_VALID * MINUTE_MS

/** The largest that is not above the peer's stands for it. Ethernet's, tunnels', the Internet's least, and next to none. */
const MSS_CLASSES = [64, 536, 1220, 1300, 1360, 1400, 1440, 1460] as const
const LOW = 0xff_ffff

const OPTION_BITS = 6
const OPTION_MASK = (1 << OPTION_BITS) - 1
/** In the place of a shift, 0 to 14. */
const NO_SCALE = 15
const SACK_BIT = 16
const ECN_BIT = 32

/** Answers a SYN and keeps nothing. The record, which the caller may use again, has its four-tuple and timestamp offset. */
export function answerWithCookie(
  record: SynReceived,
  seg: Segment,
  mtu: number,
  secret: SipHash,
  now: number,
  out: Outbox
): void {
  takeSyn(record, seg, mtu, now, out.counters)
  if (!record.timestampsOn) forgoOptions(record)
  // Accurate feedback has counters to begin with, and no room here: who asks for it takes classic ECN as well (RFC 9768 §3.1.1).
  else if (record.ecnAnswer !== 0) record.ecnAnswer = ECE
  const mss = mssClass(seg.mss > 0 ? seg.mss : DEFAULT_MSS)
  record.iss = cookie(secret, record, record.irs, Math.floor(now / MINUTE_MS), mss)
  const segment = out.segment
  writeSynAck(record, segment, now)
  if (record.timestampsOn) {
    const clock = timestampNow(record.tsOffset, now)
    segment.tsVal = add(toSeq(record.tsOffset), withOptions((clock - record.tsOffset) | 0, optionBits(record)))
  }
  out.counters.synCookiesSent++
  out.transmit()
}

/**
 * Fills the record from an ACK that nothing else belongs to: the four-tuple and timestamp offset stand in it. False where
 * the number acknowledged is no cookie of ours, or too old.
 */
export function openWithCookie(record: SynReceived, seg: Segment, mtu: number, secret: SipHash, now: number): boolean {
  record.irs = add(toSeq(seg.seq), -1)
  record.iss = add(toSeq(seg.ack), -1)
  const mss = mssOfCookie(secret, record, record.irs, record.iss, now)
  if (mss < 0) return false
  prepareOffer(record, mtu)
  record.peerMss = mss
  record.sndMss = Math.min(mss, record.sndMss)
  record.sndWnd = seg.window
  record.timestampsOn = record.options.timestamps && seg.hasTimestamps
  if (!record.timestampsOn) {
    forgoOptions(record)
    return true
  }
  record.tsRecent = seg.tsVal
  record.tsRecentAt = now
  const bits = (seg.tsEcr - record.tsOffset) & OPTION_MASK
  const shift = bits & NO_SCALE
  record.windowScalingOn = record.options.windowScaling && shift !== NO_SCALE
  if (record.windowScalingOn) record.sndWndShift = shift
  else record.rcvWndShift = 0
  record.sacksOn = record.options.selectiveAcks && (bits & SACK_BIT) !== 0
  record.ecnAnswer = record.options.ecn !== 'off' && (bits & ECN_BIT) !== 0 ? ECE : 0
  return true
}

function forgoOptions(record: SynReceived): void {
  record.windowScalingOn = false
  record.sndWndShift = 0
  record.rcvWndShift = 0
  record.sacksOn = false
  record.ecnAnswer = 0
}

function mssClass(mss: number): number {
  let index = MSS_CLASSES.length - 1
  while (index > 0 && MSS_CLASSES[index] > mss) index--
  return index
}

function cookie(secret: SipHash, tuple: FourTuple, irs: Seq, minute: number, mss: number): Seq {
  return add(base(secret, tuple, irs), (minute << 24) | ((hash(secret, tuple, irs, minute) + mss) & LOW))
}

/** -1 for a number that is no cookie, or an old one. */
function mssOfCookie(secret: SipHash, tuple: FourTuple, irs: Seq, number: Seq, now: number): number {
  const rest = ahead(number, base(secret, tuple, irs))
  const thisMinute = Math.floor(now / MINUTE_MS)
  const age = (thisMinute - (rest >>> 24)) & 0xff
  if (age >= MINUTES_VALID) return -1
  return MSS_CLASSES[(rest - hash(secret, tuple, irs, thisMinute - age)) & LOW] ?? -1
}

function base(secret: SipHash, tuple: FourTuple, irs: Seq): Seq {
  return add(irs, secret.hash(tuple.localAddress, tuple.remoteAddress, (tuple.localPort << 16) | tuple.remotePort, 6))
}

/** Over the IRS too: one that is off by a little must not look like another class. */
function hash(secret: SipHash, tuple: FourTuple, irs: Seq, minute: number): number {
  return secret.hash(irs, tuple.remoteAddress, (tuple.localPort << 16) | tuple.remotePort, (minute << 3) | 7)
}

function optionBits(record: SynReceived): number {
  const scale = record.windowScalingOn ? record.sndWndShift : NO_SCALE
  return scale | (record.sacksOn ? SACK_BIT : 0) | (record.ecnAnswer === 0 ? 0 : ECN_BIT)
}

/** The latest time, not after `clock`, that ends in these bits: the clock must not be seen to go back. */
function withOptions(clock: number, bits: number): number {
  const stamped = (clock & ~OPTION_MASK) | bits
  return ((stamped - clock) | 0) > 0 ? (stamped - (1 << OPTION_BITS)) | 0 : stamped
}
