// A connection that does nothing, in a tenth of the memory: of the whole record (tcb.ts) what a pause leaves standing, as numbers in
// rows of typed arrays that all connections of a stack share. Idle means: all is acknowledged, read and told, nothing is
// repaired, and no deadline is set but that of keepalive. Then `pack` and `unpack` are inverse to each other, but for what is named
// in `forgetPast`; whether a connection is packed cannot be told from outside.

import type { ReceiveTuning } from './buffer-tuning.ts'
import type { CongestionControl } from './congestion/congestion.ts'
import { Cubic } from './congestion/cubic.ts'
import { FixedWindow } from './congestion/fixed-window.ts'
import type { SocketValues } from './options.ts'
import { type Seq, toSeq } from './seq.ts'
import { State } from './state.ts'
import { type FastOpen, Repair, type Tcb, type Timer } from './tcb.ts'

const ROWS_PER_PAGE_LOG2 = 10
const ROWS_PER_PAGE = 1 << ROWS_PER_PAGE_LOG2
/** Of a row, in units of doubles: its int32 columns, and its doubles behind them. */
const FIRST_DOUBLE = 24
const ROW_DOUBLES = FIRST_DOUBLE + 36
const ROW_INTS = 2 * ROW_DOUBLES
/** Of 64 bytes. */
const LINE_INTS = 16

interface Page {
  readonly ints: Int32Array
  readonly doubles: Float64Array
}

/** Rows for connections that are packed. Pages are not given back while the stack lives; their rows are used again. */
export class PackedRows {
  readonly #pages: Page[] = []
  #free: Int32Array = new Int32Array(ROWS_PER_PAGE)
  #freeCount = 0

  take(): number {
    if (this.#freeCount === 0) this.#addPage()
    return this.#free[--this.#freeCount]
  }

  release(row: number): void {
    this.#free[this.#freeCount++] = row
  }

  pageOf(row: number): Page {
    return this.#pages[row >> ROWS_PER_PAGE_LOG2]
  }

  /** Reads a word of each line of a cache that the row has, so that it is in there. */
  touch(row: number): number {
    const { ints } = this.pageOf(row)
    const first = (row & (ROWS_PER_PAGE - 1)) * ROW_INTS
    let sum = 0
    for (let at = first; at < first + ROW_INTS; at += LINE_INTS) sum ^= ints[at]
    return sum
  }

  #addPage(): void {
    const first = this.#pages.length * ROWS_PER_PAGE
    const bytes = new ArrayBuffer(8 * ROWS_PER_PAGE * ROW_DOUBLES)
    this.#pages.push({ ints: new Int32Array(bytes), doubles: new Float64Array(bytes) })
    if (first + ROWS_PER_PAGE > this.#free.length) this.#free = new Int32Array(2 * (first + ROWS_PER_PAGE))
    // The lowest is the first to be taken.
    for (let row = first + ROWS_PER_PAGE - 1; row >= first; row--) this.#free[this.#freeCount++] = row
  }
}

/** What stands in the table of connections in place of the whole record. A connection that comes and goes keeps it: no garbage. */
export class PackedTcb {
  slot = -1
  row = -1
  options: SocketValues
  /** Null for CUBIC's that has not seen a loss: what it knows is in the row. */
  congestion: CongestionControl | null = null
  receiveTuning: ReceiveTuning | null = null
  readonly localAddress: number
  readonly remoteAddress: number
  readonly localPort: number
  readonly remotePort: number
  readonly user: unknown

  constructor(tcb: Tcb) {
    this.options = tcb.options
    this.localAddress = tcb.localAddress
    this.remoteAddress = tcb.remoteAddress
    this.localPort = tcb.localPort
    this.remotePort = tcb.remotePort
    this.user = tcb.user
  }

  get state(): State {
    return State.ESTABLISHED
  }
}

/** Nothing is under way, owed, held or untold. */
export function mayBePacked(tcb: Tcb): boolean {
  return (
    tcb.state === State.ESTABLISHED &&
    tcb.synchronized &&
    isAllSent(tcb) &&
    isAllTaken(tcb) &&
    isAllTold(tcb) &&
    hasNoTroubles(tcb) &&
    hasNoDeadline(tcb)
  )
}

function isAllSent(tcb: Tcb): boolean {
  const { sendBuffer, scoreboard } = tcb
  return (
    tcb.sndUna === tcb.sndNxt &&
    sendBuffer.start === tcb.sndNxt &&
    sendBuffer.end === tcb.sndNxt &&
    scoreboard.count === 0 &&
    scoreboard.held.count === 0 &&
    !tcb.urgentUnacked &&
    !tcb.finQueued &&
    !tcb.finSent &&
    !tcb.ackOwed &&
    !tcb.duplicateKnown &&
    !tcb.paceWaits
  )
}

function isAllTaken(tcb: Tcb): boolean {
  const { receiveBuffer } = tcb
  return receiveBuffer.readable === 0 && receiveBuffer.waiting.count === 0 && !tcb.urgentUnread && !tcb.finKnown
}

function isAllTold(tcb: Tcb): boolean {
  return (
    tcb.events === 0 &&
    !tcb.scheduled &&
    !tcb.told &&
    !tcb.writerWaits &&
    !tcb.readerGone &&
    tcb.error === null &&
    tcb.softError === null
  )
}

/** Feedback of accurate ECN counts on while nothing is sent: its record is not packed. */
function hasNoTroubles(tcb: Tcb): boolean {
  return (
    tcb.repair === Repair.OPEN &&
    tcb.backoff === 0 &&
    tcb.retries === 0 &&
    !tcb.probeOutstanding &&
    !tcb.forwardRto &&
    !tcb.sendsNewFirst &&
    Number.isNaN(tcb.synSentAt) &&
    tcb.accurateEcn === null
  )
}

function hasNoDeadline(tcb: Tcb): boolean {
  const earliest = Math.min(
    tcb.retransmitAt,
    tcb.persistAt,
    tcb.delayedAckAt,
    tcb.finWait2At,
    tcb.pacedUntil,
    tcb.heldUntil,
    tcb.corkedUntil,
    tcb.unansweredSince,
    tcb.reducedUntil
  )
  return earliest === Number.POSITIVE_INFINITY
}

/** Of what is only looked at while something is under way, behind a hole, urgent or repaired: it begins anew with the next such thing. */
function forgetPast(tcb: Tcb): void {
  tcb.sndUp = tcb.sndNxt
  tcb.rcvUp = tcb.rcvNxt
  tcb.rcvFin = toSeq(0)
  tcb.duplicateLeft = tcb.rcvNxt
  tcb.duplicateRight = tcb.rcvNxt
  tcb.recentSack0 = tcb.rcvNxt
  tcb.recentSack1 = tcb.rcvNxt
  tcb.recentSack2 = tcb.rcvNxt
  tcb.recentSack3 = tcb.rcvNxt
  tcb.fullMss = 0
  tcb.probeEnd = tcb.sndNxt
  tcb.prrDelivered = 0
  tcb.prrOut = 0
  tcb.prrGranted = 0
  tcb.prrFlight = 1
}

/** Only for one that `mayBePacked`. */
export function pack(tcb: Tcb, rows: PackedRows): PackedTcb {
  const row = rows.take()
  const { ints, doubles } = rows.pageOf(row)
  const i = (row & (ROWS_PER_PAGE - 1)) * ROW_INTS
  const d = (row & (ROWS_PER_PAGE - 1)) * ROW_DOUBLES + FIRST_DOUBLE
  ints[i + 0] = tcb.iss
  ints[i + 1] = tcb.sndNxt
  ints[i + 2] = tcb.sndWnd
  ints[i + 3] = tcb.sndWl1
  ints[i + 4] = tcb.sndWl2
  ints[i + 5] = tcb.maxSndWnd
  ints[i + 6] = tcb.sndSml
  ints[i + 7] = tcb.irs
  ints[i + 8] = tcb.rcvNxt
  ints[i + 9] = tcb.rcvAdv
  ints[i + 10] = tcb.lastAckSent
  ints[i + 11] = tcb.rcvMss
  ints[i + 12] = tcb.sndMss
  ints[i + 13] = tcb.peerMss
  ints[i + 14] = tcb.offeredMss
  ints[i + 15] = tcb.tsRecent
  ints[i + 16] = tcb.tsOffset
  ints[i + 17] = tcb.quickAcks
  ints[i + 18] = tcb.challenges
  ints[i + 19] = tcb.nonsense
  ints[i + 20] = tcb.nonsenseAt
  ints[i + 21] = tcb.adoptedUserTimeoutMs
  ints[i + 22] = tcb.peerUserTimeoutMs
  ints[i + 23] = tcb.recover
  ints[i + 24] = tcb.rackEnd
  ints[i + 25] = tcb.undoMarker
  ints[i + 26] = tcb.undoRepeats
  ints[i + 27] = tcb.repeatStamp
  ints[i + 28] = tcb.reordering
  ints[i + 29] = tcb.reorderingSeen
  ints[i + 30] = tcb.duplicatesReported
  ints[i + 31] = tcb.mostOut
  ints[i + 32] = tcb.usageEnd
  ints[i + 33] = tcb.cwrEnd
  ints[i + 34] = tcb.synText
  ints[i + 35] = tcb.keepAlivesSent
  ints[i + 36] = tcb.sndWndShift
  ints[i + 37] = tcb.rcvWndShift
  ints[i + 38] = tcb.fastOpen
  ints[i + 39] = tcb.timer
  ints[i + 40] = tcb.reoWndMultiplier
  ints[i + 41] = tcb.reoWndPersist
  ints[i + 42] = tcb.sendBuffer.limit
  ints[i + 43] = tcb.receiveBuffer.limit
  ints[i + 44] = flagsOf(tcb)
  doubles[d + 0] = tcb.tsRecentAt
  doubles[d + 1] = tcb.textAt
  doubles[d + 2] = tcb.challengeSince
  doubles[d + 3] = tcb.minRttMs
  doubles[d + 4] = tcb.heardAt
  doubles[d + 5] = tcb.rackSentAt
  doubles[d + 6] = tcb.deliveredAt
  doubles[d + 7] = tcb.firstSentAt
  doubles[d + 8] = tcb.nextSendAt
  doubles[d + 9] = tcb.lastSentAt
  doubles[d + 10] = tcb.keepAliveAt
  doubles[d + 11] = tcb.createdAt
  doubles[d + 12] = tcb.srttMs
  doubles[d + 13] = tcb.rttvarMs
  doubles[d + 14] = tcb.rtoMs
  doubles[d + 15] = tcb.rackRttMs
  doubles[d + 16] = tcb.reoWndDelivered
  doubles[d + 17] = tcb.delivered
  doubles[d + 18] = tcb.lost
  doubles[d + 19] = tcb.deliveredSegments
  doubles[d + 20] = tcb.appLimitedUntil
  doubles[d + 21] = tcb.cwnd
  doubles[d + 22] = tcb.ssthresh
  doubles[d + 23] = tcb.priorCwnd
  doubles[d + 24] = tcb.priorSsthresh
  doubles[d + 25] = tcb.pacingRate
  doubles[d + 26] = tcb.bytesSent
  doubles[d + 27] = tcb.bytesAcked
  doubles[d + 28] = tcb.bytesReceived
  doubles[d + 29] = tcb.bytesRetransmitted
  doubles[d + 30] = tcb.segmentsSent
  doubles[d + 31] = tcb.segmentsReceived
  doubles[d + 32] = tcb.retransmits
  const packed = tcb.packed ?? new PackedTcb(tcb)
  const { congestion } = tcb
  packed.row = row
  packed.options = tcb.options
  packed.congestion = congestion
  packed.receiveTuning = tcb.receiveTuning
  if (congestion instanceof Cubic && congestion.pack(ints, i + 45, doubles, d + 33)) packed.congestion = null
  else tcb.congestion = OF_NOBODY
  tcb.receiveTuning = null
  tcb.packed = null
  tcb.user = null
  return packed
}

/** What a record that waits to be used again has in place of a controller that somebody else has now. */
const OF_NOBODY = new FixedWindow()

/** Into `tcb`: a new one, or one that was itself packed. */
export function unpack(packed: PackedTcb, tcb: Tcb, rows: PackedRows): void {
  const { row } = packed
  const { ints, doubles } = rows.pageOf(row)
  const i = (row & (ROWS_PER_PAGE - 1)) * ROW_INTS
  const d = (row & (ROWS_PER_PAGE - 1)) * ROW_DOUBLES + FIRST_DOUBLE
  tcb.state = State.ESTABLISHED
  tcb.synchronized = true
  tcb.synSentAt = Number.NaN
  tcb.localAddress = packed.localAddress
  tcb.remoteAddress = packed.remoteAddress
  tcb.localPort = packed.localPort
  tcb.remotePort = packed.remotePort
  tcb.options = packed.options
  tcb.congestion = packed.congestion ?? unpackCubic(tcb.congestion, ints, i + 45, doubles, d + 33)
  tcb.receiveTuning = packed.receiveTuning
  tcb.packed = packed
  tcb.user = packed.user
  tcb.iss = ints[i + 0] as Seq
  tcb.sndNxt = ints[i + 1] as Seq
  tcb.sndWnd = ints[i + 2]
  tcb.sndWl1 = ints[i + 3] as Seq
  tcb.sndWl2 = ints[i + 4] as Seq
  tcb.maxSndWnd = ints[i + 5]
  tcb.sndSml = ints[i + 6] as Seq
  tcb.irs = ints[i + 7] as Seq
  tcb.rcvNxt = ints[i + 8] as Seq
  tcb.rcvAdv = ints[i + 9] as Seq
  tcb.lastAckSent = ints[i + 10] as Seq
  tcb.rcvMss = ints[i + 11]
  tcb.sndMss = ints[i + 12]
  tcb.peerMss = ints[i + 13]
  tcb.offeredMss = ints[i + 14]
  tcb.tsRecent = ints[i + 15]
  tcb.tsOffset = ints[i + 16]
  tcb.quickAcks = ints[i + 17]
  tcb.challenges = ints[i + 18]
  tcb.nonsense = ints[i + 19]
  tcb.nonsenseAt = ints[i + 20]
  tcb.adoptedUserTimeoutMs = ints[i + 21]
  tcb.peerUserTimeoutMs = ints[i + 22]
  tcb.recover = ints[i + 23] as Seq
  tcb.rackEnd = ints[i + 24] as Seq
  tcb.undoMarker = ints[i + 25] as Seq
  tcb.undoRepeats = ints[i + 26]
  tcb.repeatStamp = ints[i + 27]
  tcb.reordering = ints[i + 28]
  tcb.reorderingSeen = ints[i + 29]
  tcb.duplicatesReported = ints[i + 30]
  tcb.mostOut = ints[i + 31]
  tcb.usageEnd = ints[i + 32] as Seq
  tcb.cwrEnd = ints[i + 33] as Seq
  tcb.synText = ints[i + 34]
  tcb.keepAlivesSent = ints[i + 35]
  tcb.sndWndShift = ints[i + 36]
  tcb.rcvWndShift = ints[i + 37]
  tcb.fastOpen = ints[i + 38] as FastOpen
  tcb.timer = ints[i + 39] as Timer
  tcb.reoWndMultiplier = ints[i + 40]
  tcb.reoWndPersist = ints[i + 41]
  tcb.sndUna = tcb.sndNxt
  tcb.sendBuffer.beginAt(tcb.sndNxt)
  tcb.sendBuffer.limit = ints[i + 42]
  tcb.receiveBuffer.limit = ints[i + 43]
  setFlags(tcb, ints[i + 44])
  tcb.tsRecentAt = doubles[d + 0]
  tcb.textAt = doubles[d + 1]
  tcb.challengeSince = doubles[d + 2]
  tcb.minRttMs = doubles[d + 3]
  tcb.heardAt = doubles[d + 4]
  tcb.rackSentAt = doubles[d + 5]
  tcb.deliveredAt = doubles[d + 6]
  tcb.firstSentAt = doubles[d + 7]
  tcb.nextSendAt = doubles[d + 8]
  tcb.lastSentAt = doubles[d + 9]
  tcb.keepAliveAt = doubles[d + 10]
  tcb.createdAt = doubles[d + 11]
  tcb.srttMs = plain(doubles[d + 12])
  tcb.rttvarMs = plain(doubles[d + 13])
  tcb.rtoMs = plain(doubles[d + 14])
  tcb.rackRttMs = plain(doubles[d + 15])
  tcb.reoWndDelivered = plain(doubles[d + 16])
  tcb.delivered = plain(doubles[d + 17])
  tcb.lost = plain(doubles[d + 18])
  tcb.deliveredSegments = plain(doubles[d + 19])
  tcb.appLimitedUntil = plain(doubles[d + 20])
  tcb.cwnd = plain(doubles[d + 21])
  tcb.ssthresh = plain(doubles[d + 22])
  tcb.priorCwnd = plain(doubles[d + 23])
  tcb.priorSsthresh = plain(doubles[d + 24])
  tcb.pacingRate = plain(doubles[d + 25])
  tcb.bytesSent = plain(doubles[d + 26])
  tcb.bytesAcked = plain(doubles[d + 27])
  tcb.bytesReceived = plain(doubles[d + 28])
  tcb.bytesRetransmitted = plain(doubles[d + 29])
  tcb.segmentsSent = plain(doubles[d + 30])
  tcb.segmentsReceived = plain(doubles[d + 31])
  tcb.retransmits = plain(doubles[d + 32])
  forgetPast(tcb)
  rows.release(row)
}

/** `own`: what the record had when it was packed itself; that of a new one is nobody else's either. */
function unpackCubic(own: CongestionControl, ints: Int32Array, i: number, doubles: Float64Array, d: number): Cubic {
  const cubic = own instanceof Cubic ? own : new Cubic()
  cubic.unpack(ints, i, doubles, d)
  return cubic
}

/** Whole numbers are small integers to V8 again: fields keep their representation. */
const plain = (value: number): number => ((value | 0) === value ? value | 0 : value)

function flagsOf(tcb: Tcb): number {
  return (
    (tcb.windowScalingOn ? 1 : 0) |
    (tcb.timestampsOn ? 2 : 0) |
    (tcb.sacksOn ? 4 : 0) |
    (tcb.synTextTaken ? 8 : 0) |
    (tcb.moreFollows ? 16 : 0) |
    (tcb.corkReleased ? 32 : 0) |
    (tcb.windowClosed ? 64 : 0) |
    (tcb.userTimeoutOwed ? 128 : 0) |
    (tcb.heardSinceTimeout ? 256 : 0) |
    (tcb.synRetransmitted ? 512 : 0) |
    (tcb.passive ? 1024 : 0) |
    (tcb.repeatsHeld ? 2048 : 0) |
    (tcb.hasReneged ? 4096 : 0) |
    (tcb.rackAdvanced ? 8192 : 0) |
    (tcb.reoWndDuplicate ? 16384 : 0) |
    (tcb.repeatStamped ? 32768 : 0) |
    (tcb.undoPossible ? 65536 : 0) |
    (tcb.probeRepeated ? 131072 : 0) |
    (tcb.cwndLimited ? 262144 : 0) |
    (tcb.ecnOn ? 524288 : 0) |
    (tcb.ectOn ? 1048576 : 0) |
    (tcb.ecnSeen ? 2097152 : 0) |
    (tcb.echoesCe ? 4194304 : 0) |
    (tcb.cwrOwed ? 8388608 : 0) |
    (tcb.reducedLately ? 16777216 : 0) |
    (tcb.inCwr ? 33554432 : 0) |
    (tcb.sendBuffer.sendsZeros ? 67108864 : 0) |
    (tcb.receiveBuffer.keepsNothing ? 134217728 : 0)
  )
}

function setFlags(tcb: Tcb, flags: number): void {
  tcb.windowScalingOn = (flags & 1) !== 0
  tcb.timestampsOn = (flags & 2) !== 0
  tcb.sacksOn = (flags & 4) !== 0
  tcb.synTextTaken = (flags & 8) !== 0
  tcb.moreFollows = (flags & 16) !== 0
  tcb.corkReleased = (flags & 32) !== 0
  tcb.windowClosed = (flags & 64) !== 0
  tcb.userTimeoutOwed = (flags & 128) !== 0
  tcb.heardSinceTimeout = (flags & 256) !== 0
  tcb.synRetransmitted = (flags & 512) !== 0
  tcb.passive = (flags & 1024) !== 0
  tcb.repeatsHeld = (flags & 2048) !== 0
  tcb.hasReneged = (flags & 4096) !== 0
  tcb.rackAdvanced = (flags & 8192) !== 0
  tcb.reoWndDuplicate = (flags & 16384) !== 0
  tcb.repeatStamped = (flags & 32768) !== 0
  tcb.undoPossible = (flags & 65536) !== 0
  tcb.probeRepeated = (flags & 131072) !== 0
  tcb.cwndLimited = (flags & 262144) !== 0
  tcb.ecnOn = (flags & 524288) !== 0
  tcb.ectOn = (flags & 1048576) !== 0
  tcb.ecnSeen = (flags & 2097152) !== 0
  tcb.echoesCe = (flags & 4194304) !== 0
  tcb.cwrOwed = (flags & 8388608) !== 0
  tcb.reducedLately = (flags & 16777216) !== 0
  tcb.inCwr = (flags & 33554432) !== 0
  tcb.sendBuffer.sendsZeros = (flags & 67108864) !== 0
  tcb.receiveBuffer.keepsNothing = (flags & 134217728) !== 0
}
