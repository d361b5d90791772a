// TIME-WAIT (§3.10.7.4, §3.6.1) on a small record: it answers what the peer repeats, keeps the four-tuple for 2MSL, and
// gives way to a new SYN that cannot be an old one (RFC 6191, RFC 9293 §3.10.7.4).

import { ACK, FIN, RST, type Segment, SYN } from '../wire/segment.ts'
import { type Challenger, mayChallenge } from './challenge.ts'
import type { SocketValues } from './options.ts'
import type { Outbox } from './outbox.ts'
import { address, type FourTuple, heedService } from './output.ts'
import { add, leq, type Seq, toSeq } from './seq.ts'
import type { Tcb } from './tcb.ts'
import { timestampNow } from './timestamps.ts'
import { windowField, windowOffered } from './window.ts'

export class TimeWait implements FourTuple, Challenger {
  slot: number
  readonly localAddress: number
  readonly remoteAddress: number
  readonly localPort: number
  readonly remotePort: number
  readonly sndNxt: Seq
  readonly rcvNxt: Seq
  readonly windowField: number
  readonly timestampsOn: boolean
  tsRecent: number
  readonly tsOffset: number
  readonly options: SocketValues
  expiresAt: number
  challenges = 0
  challengeSince = Number.NEGATIVE_INFINITY
  nonsense = 0
  nonsenseAt = 0

  constructor(tcb: Tcb, now: number) {
    this.slot = tcb.slot
    this.localAddress = tcb.localAddress
    this.remoteAddress = tcb.remoteAddress
    this.localPort = tcb.localPort
    this.remotePort = tcb.remotePort
    this.sndNxt = tcb.sndNxt
    this.rcvNxt = tcb.rcvNxt
    this.windowField = windowField(windowOffered(tcb), tcb.rcvWndShift)
    this.timestampsOn = tcb.timestampsOn
    this.tsRecent = tcb.tsRecent
    this.tsOffset = tcb.tsOffset
    this.options = tcb.options
    this.expiresAt = now + tcb.options.timeWaitMs
  }
}

export type TimeWaitVerdict = 'waiting' | 'restarted' | 'reopen'

/** `reopen`: a SYN that may begin a new connection in this one's place, if anybody listens; with timestamps, if `stamps`. */
export function arrivesInTimeWait(
  record: TimeWait,
  seg: Segment,
  stamps: boolean,
  now: number,
  out: Outbox
): TimeWaitVerdict {
  if ((seg.flags & RST) !== 0) {
    out.counters.droppedInTimeWait++ // it would end the wait that old duplicates need (RFC 1337 §3, fix F1)
    return 'waiting'
  }
  if ((seg.flags & (SYN | ACK)) === SYN && isNewer(record, seg, stamps)) return 'reopen'
  const seq = toSeq(seg.seq)
  out.counters.droppedInTimeWait++
  if ((seg.flags & FIN) !== 0 && add(seq, seg.payloadLength + 1) === record.rcvNxt) {
    // The FIN again: our ACK of it was lost. The only thing that can arrive here by right.
    record.expiresAt = now + record.options.timeWaitMs
    sendAck(record, now, out)
    return 'restarted'
  }
  // A bare ACK is not answered: two ends in doubt would answer each other for ever.
  if (seg.length > 0 && mayChallenge(record, seg, now, out)) sendAck(record, now, out)
  return 'waiting'
}

/** A new SYN for which nobody listens gets what any SYN gets that comes in a synchronized state (RFC 5961 §4.2). */
export function refuseInTimeWait(record: TimeWait, seg: Segment, now: number, out: Outbox): void {
  out.counters.droppedInTimeWait++
  if (mayChallenge(record, seg, now, out)) sendAck(record, now, out)
}

/** RFC 6191 §2: by timestamp where both connections have them, else by sequence number. */
function isNewer(record: TimeWait, seg: Segment, stamps: boolean): boolean {
  const age = record.timestampsOn && seg.hasTimestamps && stamps ? (seg.tsVal - record.tsRecent) | 0 : 0
  return age > 0 || (age === 0 && leq(record.rcvNxt, toSeq(seg.seq)))
}

function sendAck(record: TimeWait, now: number, out: Outbox): void {
  const segment = out.segment
  address(segment, record)
  heedService(segment, record.options)
  segment.flags = ACK
  segment.seq = record.sndNxt
  segment.ack = record.rcvNxt
  segment.window = record.windowField
  if (record.timestampsOn) {
    segment.hasTimestamps = true
    segment.tsVal = timestampNow(record.tsOffset, now)
    segment.tsEcr = record.tsRecent
  }
  out.transmit()
}
