// The transmission control block (RFC 9293 §3.3.1): a flat record of all that a connection knows. The RFC's variables
// keep their names with the dots removed. Every field is set in the constructor, once and in one order, and keeps its
// representation for life: int32 stays int32, times are doubles (Infinity for never). Each has a value where it is declared:
// what begins as undefined is no number for V8, ever, and costs an object with each value.

import type { AccurateEcn } from './accurate-ecn.ts'
import { firstReceiveBuffer, firstSendBuffer, type ReceiveTuning } from './buffer-tuning.ts'
import { type CongestionControl, NO_THRESHOLD } from './congestion/congestion.ts'
import type { SocketValues } from './options.ts'
import type { PackedTcb } from './packed.ts'
import { ReceiveBuffer } from './receive-buffer.ts'
import { Scoreboard } from './scoreboard.ts'
import { SendBuffer } from './send-buffer.ts'
import { add, ahead, type Seq, toSeq } from './seq.ts'
import { State } from './state.ts'

/** What is done about loss (recovery.ts). The order counts: from RECOVERY on the window has been reduced. */
export const Repair = {
  /** All is in order. */
  OPEN: 0,
  /** Something has come out of order, or twice: it may be lost, or late. */
  DISORDER: 1,
  /** Fast recovery: what is lost goes again. */
  RECOVERY: 2,
  /** After a retransmission timeout: all that was in flight goes again, as the window allows. */
  LOSS: 3
} as const

export type Repair = (typeof Repair)[keyof typeof Repair]

/** What `retransmitAt` is the deadline of (retransmission-timer.ts). */
export const Timer = {
  /** The retransmission timeout (RFC 6298). */
  TIMEOUT: 0,
  /** The tail loss probe (RFC 8985 §7). */
  PROBE: 1,
  /** The wait for what may be reordered (RFC 8985 §6.2). */
  REORDERING: 2
} as const

export type Timer = (typeof Timer)[keyof typeof Timer]

/** What Fast Open (RFC 7413) is to a connection. */
export const FastOpen = {
  NONE: 0,
  /** Our SYN is still to leave, with the text that is written in the same turn. */
  WAITING: 1,
  /** Our SYN has asked for a cookie. */
  ASKED: 2,
  /** Our SYN was one: it had a cookie, or needed none, and text if there was any. */
  USED: 3,
  /** The peer's SYN was one: the connection was given to its user with it. */
  PASSIVE: 4
} as const

export type FastOpen = (typeof FastOpen)[keyof typeof FastOpen]

/** What the user is to be told, as bits that add up until the stack delivers them. */
export const Event = {
  CONNECTED: 1,
  /** Urgent text is on its way, or more of it. */
  URGENT: 2,
  READABLE: 4,
  WRITABLE: 8,
  /** The peer's FIN: no text follows what is readable. */
  ENDED: 16,
  /** Nothing gets through at the moment: R1 of §3.8.3, or an ICMP error that is not final. */
  TROUBLED: 32,
  /** The connection is no more; `tcb.error` says why, if it was not in order. */
  CLOSED: 64
} as const

export type ErrorName =
  | 'ECONNREFUSED'
  | 'ECONNRESET'
  | 'ECONNABORTED'
  | 'ETIMEDOUT'
  | 'EHOSTUNREACH'
  | 'ENETUNREACH'
  | 'EPIPE'

export class Tcb {
  /** The stack's number for this connection: its place in the tables of the demultiplexer and the timer wheel. */
  slot = -1
  state: State = State.CLOSED

  // The four-tuple, addresses as int32.
  localAddress = 0
  remoteAddress = 0
  localPort = 0
  remotePort = 0

  // Send sequence variables (§3.3.1).
  iss: Seq = toSeq(0)
  sndUna: Seq = toSeq(0)
  sndNxt: Seq = toSeq(0)
  /** SND.WND, scaled, bytes. */
  sndWnd = 0
  sndWl1: Seq = toSeq(0)
  sndWl2: Seq = toSeq(0)
  /** The largest window the peer has offered: Max(SND.WND) of §3.8.6.2.1. */
  maxSndWnd = 0
  sndWndShift = 0
  /** SND.UP: the octet after the urgent text, while that is not all acknowledged. */
  sndUp: Seq = toSeq(0)
  urgentUnacked = false
  /** SND.SML: where the last segment ended that was not full. */
  sndSml: Seq = toSeq(0)
  /** The last write said that more will follow. */
  moreFollows = false
  /** How long a partial segment is held back for more, ms. */
  corkedUntil = Number.POSITIVE_INFINITY
  /** It has been held long enough, or the user has asked for it. */
  corkReleased = false

  // Receive sequence variables.
  irs: Seq = toSeq(0)
  rcvNxt: Seq = toSeq(0)
  /** The right edge of the window that we have offered, RCV.NXT + RCV.WND: it never moves left. */
  rcvAdv: Seq = toSeq(0)
  rcvWndShift = 0
  /** The window in the last segment sent was nothing. */
  windowClosed = false
  /** RCV.UP, while the user has not read up to there. */
  rcvUp: Seq = toSeq(0)
  urgentUnread = false
  /** Where the peer's FIN stands, once `finKnown`; it is acted on when RCV.NXT reaches it. */
  rcvFin: Seq = toSeq(0)
  finKnown = false
  /** RCV.NXT in the last segment sent: Last.ACK.sent of RFC 7323 §4.3. */
  lastAckSent: Seq = toSeq(0)
  /** The largest text seen in one segment, up to the MSS we offered: what "full-sized" means to the delayed ACK. */
  rcvMss = 536

  // What the handshake agreed on.
  /** Largest segment to send, bytes of text and options together (SendMSS of §3.7.1). */
  sndMss = 536
  /** What the peer's MSS option said, or 536. */
  peerMss = 536
  /** The MSS option that we sent. */
  offeredMss = 1460
  windowScalingOn = false
  timestampsOn = false
  sacksOn = false

  // Fast Open (RFC 7413).
  fastOpen: FastOpen = FastOpen.NONE
  /** Bytes of text in our SYN, then those that its answer left out. */
  synText = 0
  /** Text of a SYN, ours or the peer's, was taken. */
  synTextTaken = false

  // Timestamps (RFC 7323 §4).
  tsRecent = 0
  tsRecentAt = Number.NEGATIVE_INFINITY
  /** Added to the clock for TSval, so that it tells nobody our uptime. */
  tsOffset = 0

  // Acknowledging.
  /** An ACK is to leave at the end of this batch. */
  ackOwed = false
  /** ACKs that are still to leave at once, one for each segment of text. */
  quickAcks = 0
  /** When text in order last arrived, ms. */
  textAt = Number.NEGATIVE_INFINITY
  /** A range that came twice, until the peer has been told (RFC 2883). */
  duplicateKnown = false
  duplicateLeft: Seq = toSeq(0)
  duplicateRight: Seq = toSeq(0)
  /** Left edges of the ranges that grew last, the latest first (RFC 2018 §4). */
  recentSack0: Seq = toSeq(0)
  recentSack1: Seq = toSeq(0)
  recentSack2: Seq = toSeq(0)
  recentSack3: Seq = toSeq(0)
  /** Challenge ACKs (RFC 5961 §7): how many in the period that began at `challengeSince`. */
  challenges = 0
  challengeSince = Number.NEGATIVE_INFINITY
  nonsense = 0
  nonsenseAt = 0

  // Round trip and retransmission (RFC 6298).
  srttMs = -1
  rttvarMs = 0
  minRttMs = Number.POSITIVE_INFINITY
  rtoMs = 1000
  /** How often it was doubled since it was last computed. */
  backoff = 0
  /** When our SYN, or SYN-ACK, left; not a number once it was sent again, or has been acknowledged. */
  synSentAt = Number.NaN
  /** Timeouts in a row without progress. */
  retries = 0
  /** Since when text, or a SYN, waits for an answer, ms. */
  unansweredSince = Number.POSITIVE_INFINITY
  /** From the exchange of RFC 5482, ms; 0 for none. */
  adoptedUserTimeoutMs = 0
  peerUserTimeoutMs = 0
  /** The next segment is to tell the peer of our user timeout. */
  userTimeoutOwed = false
  /** While smaller segments are tried: until when, and the MSS before. */
  reducedUntil = Number.POSITIVE_INFINITY
  fullMss = 0
  /** The peer has sent something since the last timeout or probe. */
  heardSinceTimeout = false
  synRetransmitted = false
  /** The peer has opened the connection. */
  passive = false
  /** When the peer last sent something acceptable, ms. */
  heardAt = Number.NEGATIVE_INFINITY
  /** Keepalive probes since then. */
  keepAlivesSent = 0

  // Loss repair.
  repair: Repair = Repair.OPEN
  timer: Timer = Timer.TIMEOUT
  readonly scoreboard = new Scoreboard()
  /** SND.NXT when the repair began: it ends when this is acknowledged ("recover" of RFC 6582). */
  recover: Seq = toSeq(0)
  /** What is lost waits: the ACKs say that it may only be late. */
  repeatsHeld = false
  /** The peer has thrown away what it had selectively acknowledged. */
  hasReneged = false

  // RACK (RFC 8985 §5.3): of the segment delivered last, by when it was sent.
  rackSentAt = Number.NEGATIVE_INFINITY
  rackEnd: Seq = toSeq(0)
  rackRttMs = 0
  /** A segment has been delivered since losses were last looked for. */
  rackAdvanced = false
  /** The reordering window, in quarters of the shortest round trip; the recoveries it keeps its width for. */
  reoWndMultiplier = 1
  reoWndPersist = 0
  /** A D-SACK asks for a wider one; `delivered` when it was last widened. */
  reoWndDuplicate = false
  reoWndDelivered = 0
  /** Duplicate ACKs that show a loss: more where the network is seen to reorder. How often it was seen. */
  reordering = 3
  reorderingSeen = 0
  duplicatesReported = 0

  // The tail loss probe (RFC 8985 §7): TLP.end_seq, and TLP.is_retrans.
  probeOutstanding = false
  probeRepeated = false
  probeEnd: Seq = toSeq(0)

  // F-RTO (RFC 5682).
  forwardRto = false
  sendsNewFirst = false

  // Proportional rate reduction (RFC 9937), segments.
  prrDelivered = 0
  prrOut = 0
  /** What ACKs of this turn have let go, and has not left yet. */
  prrGranted = 0
  prrFlight = 1

  // What it takes to undo a reduction (undo.ts).
  undoPossible = false
  undoMarker: Seq = toSeq(0)
  /** Segments sent again that are not reported as duplicates; -1 for none sent. */
  undoRepeats = -1
  priorCwnd = 0
  priorSsthresh = 0
  /** TSval of the first repetition. */
  repeatStamped = false
  repeatStamp = 0

  // Delivery (delivery-rate.ts), bytes in the connection's life.
  delivered = 0
  lost = 0
  deliveredSegments = 0
  deliveredAt = Number.NEGATIVE_INFINITY
  firstSentAt = Number.NEGATIVE_INFINITY
  /** `delivered` when what is in flight now, sent for want of more, will have been delivered; 0 for none. */
  appLimitedUntil = 0

  // Congestion control, bytes.
  cwnd = 0
  ssthresh = NO_THRESHOLD
  /** Bytes a millisecond at which text leaves, Infinity for as fast as the window allows. */
  pacingRate = Number.POSITIVE_INFINITY
  /** When the next byte is due at that rate, ms. */
  nextSendAt = Number.NEGATIVE_INFINITY
  /** Text waits, or has waited, for that time. */
  paceWaits = false
  /** In the round trip that ends at `usageEnd`: the window held something back; and if it did not, the most that was out, bytes. */
  cwndLimited = false
  mostOut = 0
  usageEnd: Seq = toSeq(0)
  lastSentAt = Number.NEGATIVE_INFINITY

  // Explicit congestion notification (RFC 3168 §6.1).
  /** Agreed: marks on the peer's text are echoed, echoes of marks on ours are heeded. */
  ecnOn = false
  /** Accurate feedback has been agreed on (RFC 9768). */
  accurateEcn: AccurateEcn | null = null
  /** Our text may be marked. */
  ectOn = false
  /** The peer's text has come with a codepoint. */
  ecnSeen = false
  /** ACKs carry ECE, until the peer's CWR. */
  echoesCe = false
  /** The next new text carries CWR. */
  cwrOwed = false
  /** The window was reduced, and is not again for an echo before text sent after SND.NXT of then is acknowledged. */
  reducedLately = false
  /** It was reduced for an echo. */
  inCwr = false
  cwrEnd: Seq = toSeq(0)

  // Closing.
  /** The user has closed the sending side: a FIN follows the last byte. */
  finQueued = false
  finSent = false
  /** The user has closed both ways: text that arrives now has no reader. */
  readerGone = false
  /** A `write` found no room: the user waits for `WRITABLE`. */
  writerWaits = false
  error: ErrorName | null = null
  /** The connection was open once: what ends it now is no failure to connect. */
  synchronized = false
  /** An ICMP error that was no reason to give up, but is the reason to name when time runs out (RFC 1122 §4.2.3.9). */
  softError: ErrorName | null = null
  /** Bits of `Event` that the user has not been told. */
  events = 0
  /** What the stack knows the connection by: its face to the user. */
  user: unknown = null
  /** What stood for it while it was packed, and will again. */
  packed: PackedTcb | null = null
  /** In the stack's list of those that `output` is to run for. */
  scheduled = false
  /** In the stack's list of those whose users have news. */
  told = false

  // Deadlines, ms on the stack's clock.
  retransmitAt = Number.POSITIVE_INFINITY
  persistAt = Number.POSITIVE_INFINITY
  delayedAckAt = Number.POSITIVE_INFINITY
  finWait2At = Number.POSITIVE_INFINITY
  keepAliveAt = Number.POSITIVE_INFINITY
  /** The timer for `nextSendAt`. */
  pacedUntil = Number.POSITIVE_INFINITY
  /** No new text before this: a window of one segment cannot be halved any more (RFC 3168 §6.1.2). */
  heldUntil = Number.POSITIVE_INFINITY

  // What `info` tells.
  createdAt = Number.NEGATIVE_INFINITY
  bytesSent = 0
  bytesAcked = 0
  bytesReceived = 0
  bytesRetransmitted = 0
  segmentsSent = 0
  segmentsReceived = 0
  retransmits = 0

  readonly sendBuffer: SendBuffer
  readonly receiveBuffer: ReceiveBuffer
  /** Once enough has come. */
  receiveTuning: ReceiveTuning | null = null

  constructor(
    /** Shared with others until the user changes one (`setOptions`). */
    public options: SocketValues,
    public congestion: CongestionControl,
    now: number
  ) {
    this.createdAt = now
    this.rtoMs = options.initialRtoMs
    this.sendBuffer = new SendBuffer(firstSendBuffer(options))
    this.receiveBuffer = new ReceiveBuffer(firstReceiveBuffer(options))
    this.heardAt = now
    this.reordering = options.reordering
    this.deliveredAt = now
    this.firstSentAt = now
  }
}

/** The oldest text that is not acknowledged: our SYN, which stands before it, may not be either. */
export function oldestText(tcb: Tcb): Seq {
  return isSynUnacked(tcb) && !tcb.synchronized ? add(tcb.iss, 1) : tcb.sndUna
}

/** Bytes that `write` takes now. */
export function roomToWrite(tcb: Tcb): number {
  const { notSentLowat } = tcb.options
  if (notSentLowat > 0 && ahead(tcb.sendBuffer.end, tcb.sndNxt) >= notSentLowat) return 0
  return Math.max(0, tcb.sendBuffer.space)
}

/** Our SYN is not acknowledged. After 4 GiB SND.UNA stands at the ISS once more, and that is no SYN. */
export const isSynUnacked = (tcb: Tcb): boolean => tcb.sndUna === tcb.iss && tcb.bytesAcked === 0
