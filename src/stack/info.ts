// What a connection tells about itself: the fields of Linux's struct tcp_info that apply, under their names there (times in
// milliseconds instead of microseconds), and the RFC's variables.

import { ahead } from '../tcp/seq.ts'
import { STATE_NAMES } from '../tcp/state.ts'
import { isSynUnacked, Repair, type Tcb } from '../tcp/tcb.ts'
import { userTimeout } from '../tcp/user-timeout.ts'
import { windowOffered } from '../tcp/window.ts'

export interface TcpInfo {
  /** As RFC 9293 spells it. */
  readonly state: (typeof STATE_NAMES)[number]
  /** Open for nothing wrong, Disorder for something late, CWR after an ECN-Echo, Recovery from losses, Loss after a timeout. */
  readonly caState: 'Open' | 'Disorder' | 'CWR' | 'Recovery' | 'Loss'
  /** Timeouts, or probes of a closed window, in a row without an answer. */
  readonly retransmits: number
  readonly options: {
    readonly timestamps: boolean
    readonly sack: boolean
    readonly windowScale: boolean
    readonly ecn: boolean
    /** With accurate feedback (RFC 9768). */
    readonly accurateEcn: boolean
    /** Text of the peer's has come with an ECN codepoint. */
    readonly ecnSeen: boolean
    /** Text of a SYN was taken (Fast Open). */
    readonly synData: boolean
  }
  /** With accurate feedback: packets of ours that the peer has received marked, and of the peer's that we have. */
  readonly deliveredCe: number
  readonly receivedCe: number
  readonly sndWscale: number
  readonly rcvWscale: number
  readonly rtoMs: number
  /** How long an ACK may wait; 0 before there was text to acknowledge. */
  readonly atoMs: number
  /** How long ago text was last sent, text in order last came, and anything acceptable last came. */
  readonly lastDataSentMs: number
  readonly lastDataRecvMs: number
  readonly lastAckRecvMs: number
  /** Probes of a closed window, or of a silent peer, that were not answered. */
  readonly probes: number
  /** Largest packet that the path is known to carry. */
  readonly pmtu: number
  /** Of the buffers, bytes; those that nobody has fixed grow. */
  readonly sndBuf: number
  readonly rcvBuf: number
  /** The round trip as the receiver of text sees it, where its buffer tunes itself; 0 before it is known. */
  readonly rcvRttMs: number
  readonly sndMss: number
  readonly rcvMss: number
  readonly advmss: number
  /** The back-off of the timer: how often it has doubled since a round trip was measured. */
  readonly backoff: number
  /** Bytes that are sent and not acknowledged. */
  readonly unacked: number
  /** Segments: sent and not acknowledged; of these, held by the peer behind a hole, held for lost, sent again. */
  readonly unackedSegments: number
  readonly sackedSegments: number
  readonly lostSegments: number
  readonly retransSegments: number
  readonly sackedBytes: number
  /** Smoothed round trip; -1 before the first is measured. */
  readonly rttMs: number
  readonly rttvarMs: number
  readonly minRttMs: number
  /** Bytes. */
  readonly sndCwnd: number
  readonly sndSsthresh: number
  /** The name of the congestion controller. */
  readonly congestionControl: string
  /** Bytes a millisecond at which text leaves; Infinity for as fast as the window allows. */
  readonly pacingRate: number
  readonly sndWnd: number
  readonly rcvWnd: number
  /** Duplicate ACKs that show a loss, how often the network was seen to reorder, duplicates that the peer has reported. */
  readonly reordering: number
  readonly reordSeen: number
  readonly dsackDups: number
  /** Segments that have arrived, as far as we know, and bytes found lost, in the connection's life. */
  readonly delivered: number
  readonly lostBytes: number
  /** Segments sent again, in the connection's life. */
  readonly totalRetrans: number
  readonly bytesSent: number
  readonly bytesRetrans: number
  readonly bytesAcked: number
  readonly bytesReceived: number
  readonly segsOut: number
  readonly segsIn: number
  /** Bytes written and not yet sent. */
  readonly notsentBytes: number
  /** Bytes received and not yet read. */
  readonly readableBytes: number
  /** The user timeout that holds, and the one that the peer has told (RFC 5482), ms; 0 for none. */
  readonly userTimeoutMs: number
  readonly peerUserTimeoutMs: number
}

/** Where AccECN's counters of packets begin (RFC 9768 §3.2.1). */
const FIRST_COUNT = 5

const CA_STATES = {
  [Repair.OPEN]: 'Open',
  [Repair.DISORDER]: 'Disorder',
  [Repair.RECOVERY]: 'Recovery',
  [Repair.LOSS]: 'Loss'
} as const

/** `pathMtu`: of packets to the peer, as far as it is known. */
export function infoOf(tcb: Tcb, now: number, pathMtu: number): TcpInfo {
  const board = tcb.scoreboard
  return {
    state: STATE_NAMES[tcb.state],
    caState: tcb.inCwr && tcb.repair < Repair.RECOVERY ? 'CWR' : CA_STATES[tcb.repair],
    retransmits: tcb.retries,
    options: {
      timestamps: tcb.timestampsOn,
      sack: tcb.sacksOn,
      windowScale: tcb.windowScalingOn,
      ecn: tcb.ecnOn,
      accurateEcn: tcb.accurateEcn !== null,
      ecnSeen: tcb.ecnSeen,
      synData: tcb.synTextTaken
    },
    deliveredCe: (tcb.accurateEcn?.peerMarkedPackets ?? FIRST_COUNT) - FIRST_COUNT,
    receivedCe: (tcb.accurateEcn?.markedPackets ?? FIRST_COUNT) - FIRST_COUNT,
    sndWscale: tcb.sndWndShift,
    rcvWscale: tcb.rcvWndShift,
    rtoMs: tcb.rtoMs,
    atoMs: tcb.textAt === Number.NEGATIVE_INFINITY ? 0 : tcb.options.delayedAckMs,
    lastDataSentMs: now - Math.max(tcb.lastSentAt, tcb.createdAt),
    lastDataRecvMs: now - Math.max(tcb.textAt, tcb.createdAt),
    lastAckRecvMs: now - tcb.heardAt,
    probes: tcb.persistAt === Number.POSITIVE_INFINITY ? tcb.keepAlivesSent : tcb.retries,
    pmtu: pathMtu,
    sndBuf: tcb.sendBuffer.limit,
    rcvBuf: tcb.receiveBuffer.limit,
    rcvRttMs: tcb.receiveTuning?.rttMs ?? 0,
    sndMss: tcb.sndMss,
    rcvMss: tcb.rcvMss,
    advmss: tcb.offeredMss,
    backoff: tcb.backoff,
    unacked: ahead(tcb.sndNxt, tcb.sndUna),
    unackedSegments: board.sent + (isSynUnacked(tcb) ? 1 : 0),
    sackedSegments: board.sacked,
    lostSegments: board.lost,
    retransSegments: board.resent,
    sackedBytes: board.held.bytes,
    rttMs: tcb.srttMs,
    rttvarMs: tcb.rttvarMs,
    minRttMs: tcb.minRttMs,
    sndCwnd: tcb.cwnd,
    sndSsthresh: tcb.ssthresh,
    congestionControl: tcb.congestion.name,
    pacingRate: tcb.pacingRate,
    sndWnd: tcb.sndWnd,
    rcvWnd: windowOffered(tcb),
    reordering: tcb.reordering,
    reordSeen: tcb.reorderingSeen,
    dsackDups: tcb.duplicatesReported,
    delivered: tcb.deliveredSegments,
    lostBytes: tcb.lost,
    totalRetrans: tcb.retransmits,
    bytesSent: tcb.bytesSent,
    bytesRetrans: tcb.bytesRetransmitted,
    bytesAcked: tcb.bytesAcked,
    bytesReceived: tcb.bytesReceived,
    segsOut: tcb.segmentsSent,
    segsIn: tcb.segmentsReceived,
    notsentBytes: Math.max(0, ahead(tcb.sendBuffer.end, tcb.sndNxt)),
    readableBytes: tcb.receiveBuffer.readable,
    userTimeoutMs: userTimeout(tcb),
    peerUserTimeoutMs: tcb.peerUserTimeoutMs
  }
}
