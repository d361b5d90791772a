// What a connection tells about itself: the fields of Linux's struct tcp_info that apply, under their names there (times in
// milliseconds instead of microseconds), and the RFC's variables.

import { ahead } from '../tcp/seq.ts'
import { STATE_NAMES } from '../tcp/state.ts'
import { Repair, type Tcb } from '../tcp/tcb.ts'
import { userTimeout } from '../tcp/user-timeout.ts'
import { windowOffered } from '../tcp/window.ts'

export interface TcpInfo {
  /** As RFC 9293 spells it. */
  readonly state: (typeof STATE_NAMES)[number]
  /** What is being repaired: Open for nothing, CWR after an ECN-Echo, Recovery after duplicate ACKs, Loss after a timeout. */
  readonly caState: 'Open' | 'CWR' | 'Recovery' | 'Loss'
  /** Timeouts, or probes of a closed window, in a row without an answer. */
  readonly retransmits: number
  readonly options: {
    readonly timestamps: boolean
    readonly sack: boolean
    readonly windowScale: boolean
    readonly ecn: boolean
    /** Text of the peer's has come with an ECN codepoint. */
    readonly ecnSeen: boolean
  }
  readonly sndWscale: number
  readonly rcvWscale: number
  readonly rtoMs: number
  readonly sndMss: number
  readonly rcvMss: number
  readonly advmss: number
  /** Bytes that are sent and not acknowledged. */
  readonly unacked: number
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

const CA_STATES = { [Repair.NONE]: 'Open', [Repair.FAST_RECOVERY]: 'Recovery', [Repair.TIMEOUT]: 'Loss' } as const

export function infoOf(tcb: Tcb): TcpInfo {
  return {
    state: STATE_NAMES[tcb.state],
    caState: tcb.inCwr ? 'CWR' : CA_STATES[tcb.repair],
    retransmits: tcb.retries,
    options: {
      timestamps: tcb.timestampsOn,
      sack: tcb.sacksOn,
      windowScale: tcb.windowScalingOn,
      ecn: tcb.ecnOn,
      ecnSeen: tcb.ecnSeen
    },
    sndWscale: tcb.sndWndShift,
    rcvWscale: tcb.rcvWndShift,
    rtoMs: tcb.rtoMs,
    sndMss: tcb.sndMss,
    rcvMss: tcb.rcvMss,
    advmss: tcb.offeredMss,
    unacked: ahead(tcb.sndNxt, tcb.sndUna),
    sackedBytes: tcb.sacked.bytes,
    rttMs: tcb.srttMs,
    rttvarMs: tcb.rttvarMs,
    minRttMs: tcb.minRttMs,
    sndCwnd: tcb.cwnd,
    sndSsthresh: tcb.ssthresh,
    congestionControl: tcb.congestion.name,
    pacingRate: tcb.pacingRate,
    sndWnd: tcb.sndWnd,
    rcvWnd: windowOffered(tcb),
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
