// What can be set for a connection, per stack as the default or per call; the live ones at any time.

import { type Changes, flag, int, oneOf, oneOfOrMade, type Values } from '../options.ts'
import { DEFAULT_TTL } from '../wire/segment.ts'
import { CONGESTION_CONTROL_NAMES, type CongestionControlName, faultOf } from './congestion/choice.ts'
import type { CongestionControl } from './congestion/congestion.ts'

export const socketOptions = {
  /**
   * Receive buffer, bytes: the window that we offer never exceeds it. 0 for one that begins with 512 KiB and grows with what the path
   * holds.
   */
  receiveBuffer: int({ default: 0, min: 2048, max: 2 ** 30, orZero: true, live: true }),
  /**
   * The most that the receive buffer will ever be on a connection, bytes, also of one that is set later: the window scale is chosen
   * for it (RFC 7323 §2.3), once and for all. 0 for 16 MiB, or for no more than `receiveBuffer` where that is set.
   */
  maximumReceiveBuffer: int({ default: 0, min: 2048, max: 2 ** 30, orZero: true }),
  /**
   * Send buffer, bytes: what `write` takes before it asks the caller to wait. 0 for one that begins with 512 KiB and grows with what may be
   * under way, up to `maximumSendBuffer`.
   */
  sendBuffer: int({ default: 0, min: 2048, max: 2 ** 26, orZero: true, live: true }),
  /** The most that a send buffer grows to by itself, bytes. More than a window: the writer is told when a third is free. */
  maximumSendBuffer: int({ default: 32 * 1024 * 1024, min: 2048, max: 2 ** 26 }),
  /** Largest segment that we offer to take and will send, bytes of text; 0 for what the way there carries (RFC 9293 §3.7.1). */
  maximumSegmentSize: int({ default: 0, min: 0, max: 65_495 }),
  /** Send small segments at once instead of waiting for an ACK: Nagle's algorithm off (RFC 9293 §3.7.4). */
  noDelay: flag({ default: false, live: true }),
  /** Hold back a segment that is not full, for 200 ms at most: until more is written or the option is cleared (Linux's TCP_CORK). */
  cork: flag({ default: false, live: true }),
  /** While so many bytes or more are written and not sent, `write` takes nothing (Linux's TCP_NOTSENT_LOWAT); 0 for no such bound. */
  notSentLowat: int({ default: 0, min: 0, max: 2 ** 31 - 1, live: true }),
  /**
   * Who sets the congestion window: `cubic` (RFC 9438), `reno` (RFC 5681, RFC 6582), `dctcp` (RFC 8257), `bbr` (version 3, draft-ietf-ccwg-bbr), `none` (the window is `initialWindow`, whatever
   * happens), or a function of the user's that makes a `CongestionControl`, called for each connection.
   */
  congestionControl: oneOfOrMade<CongestionControl, CongestionControlName, { live: true }>(
    CONGESTION_CONTROL_NAMES,
    faultOf,
    { default: 'cubic', live: true }
  ),
  /**
   * Text leaves at a rate instead of in bursts: `auto` where the controller says at which one, `on` also where it does not (as Linux
   * does it: 2 windows a round trip in slow start, 1.2 afterwards), `off` never.
   */
  pacing: oneOf(['auto', 'on', 'off'], { default: 'auto', live: true }),
  /** The most that leaves, bytes a second (Linux's SO_MAX_PACING_RATE); 0 for no such bound. */
  maxPacingRate: int({ default: 0, min: 0, max: 2 ** 40, live: true }),
  /** The congestion window to begin with, segments. Ten are no more than 14600 bytes, unless that is less than two (RFC 6928 §2). */
  initialWindow: int({ default: 10, min: 1, max: 1000 }),
  /**
   * What ends slow start before a loss, with `cubic`: `hystart++` (RFC 9406), `hystart` as Linux has it (the test of delays alone), or
   * nothing.
   */
  slowStartExit: oneOf(['hystart++', 'hystart', 'off'], { default: 'hystart++' }),
  /** After a pause longer than the retransmission timeout begin with a small window again (RFC 5681 §4.1). */
  slowStartAfterIdle: flag({ default: true, live: true }),
  /** DSCP, in the upper six bits of the IPv4 header's type of service (RFC 2474); the lower two are ECN's (RFC 9293 §3.9.2, MUST-48). */
  typeOfService: int({ default: 0, min: 0, max: 255, live: true }),
  /** Of the IPv4 header (RFC 9293 §3.9.2, MUST-49). */
  timeToLive: int({ default: DEFAULT_TTL, min: 1, max: 255, live: true }),
  /** Offer and take up window scaling (RFC 7323 §2). */
  windowScaling: flag({ default: true }),
  /** Offer and take up timestamps, and with them PAWS (RFC 7323 §3, §5). */
  timestamps: flag({ default: true }),
  /** Offer and take up selective acknowledgements (RFC 2018). */
  selectiveAcks: flag({ default: true }),
  /**
   * Pieces of text that may wait behind holes: enough for a large window with every other segment lost, and a limit to what a
   * peer can make us keep. What would be one more is dropped.
   */
  holesLimit: int({ default: 1024, min: 1, max: 65_536, live: true }),
  /** Tell the peer, in a SACK block, of what came twice (RFC 2883). */
  duplicateSacks: flag({ default: true }),
  /** With SACK, find losses by time (RACK, RFC 8985 §6); else by count (RFC 6675). */
  rack: flag({ default: true, live: true }),
  /** With SACK, probe for the loss of the last segments before the timeout (RFC 8985 §7). */
  tailLossProbe: flag({ default: true, live: true }),
  /** Duplicate ACKs, or segments selectively acknowledged, that show a loss (DupThresh of RFC 6675); more once reordering is seen. */
  reordering: int({ default: 3, min: 1, max: 300 }),
  /** For each of the first duplicate ACKs send a segment of new text (RFC 3042). */
  limitedTransmit: flag({ default: true, live: true }),
  /** In fast recovery, shrink the window in proportion to what arrives (PRR, RFC 9937); else at once (RFC 6675 §5). */
  proportionalRate: flag({ default: true, live: true }),
  /** After a timeout, find out whether it was needless (F-RTO, RFC 5682). */
  forwardRto: flag({ default: true, live: true }),
  /**
   * In a simultaneous open, the SYN-ACK offers again all that our SYN offered, as Linux has it; else what both SYNs offered
   * (RFC 7323 §2.2 and §3.2).
   */
  repeatOffer: flag({ default: false }),
  /**
   * Explicit congestion notification (RFC 3168): `on` asks for it in our SYNs and takes it up from the peer's, `accept` only
   * takes it up, `off` does neither; `accurate` is `on` with accurate feedback (AccECN, RFC 9768), where the peer has that.
   */
  ecn: oneOf(['off', 'accept', 'on', 'accurate'], { default: 'accept' }),
  /**
   * Fast Open without cookies (RFC 7413 §7.3): our SYNs carry text to any server, listeners take that of any client. Only for
   * networks in which nobody forges addresses.
   */
  fastOpenWithoutCookie: flag({ default: false }),
  /** How long an acknowledgement may wait for company, ms (RFC 9293 §3.8.6.3 allows 500). 0 for not at all. */
  delayedAckMs: int({ default: 40, min: 0, max: 500 }),
  /**
   * Segments of text that are acknowledged at once while the peer may be in slow start: at the beginning, after a pause, after
   * duplicates. No more than half the window in segments; 0 to delay from the first on.
   */
  quickAcks: int({ default: 16, min: 0, max: 255 }),
  /**
   * Challenge ACKs that a connection may send in a period, and how long that lasts, ms (RFC 5961 §7). Ten in a second are enough
   * for any honest peer.
   */
  challengeAcks: int({ default: 10, min: 1, max: 65_535, live: true }),
  challengePeriodMs: int({ default: 1000, min: 1, max: 3_600_000, live: true }),
  /** The same segment, without text, gets no second challenge ACK for so long, ms (Linux's tcp_invalid_ratelimit, 500 there). */
  challengeRepeatMs: int({ default: 0, min: 0, max: 3_600_000, live: true }),
  /** Retransmission timeout before anything is measured, ms (RFC 6298 §2.1). */
  initialRtoMs: int({ default: 1000, min: 1, max: 60_000 }),
  /** What the variance of the round trip counts for at least, ms: the timeout is never below SRTT plus this (Linux has 200). */
  minRtoMs: int({ default: 200, min: 1, max: 60_000 }),
  /** Where the back-off of the timeout ends, ms (RFC 6298 §2.5 asks for 60 s or more). */
  maxRtoMs: int({ default: 120_000, min: 1000, max: 600_000 }),
  /** Retransmissions of a SYN before `connect` fails with ETIMEDOUT (127 s with the first timeout at 1 s). */
  synRetries: int({ default: 6, min: 0, max: 30 }),
  /** Retransmissions of a SYN-ACK before the half-open connection is forgotten. */
  synAckRetries: int({ default: 5, min: 0, max: 30 }),
  /** Retransmissions, or probes of a zero window that nobody answers, before the connection ends with ETIMEDOUT: R2 of RFC 9293 §3.8.3. */
  retries: int({ default: 15, min: 0, max: 255, live: true }),
  /**
   * Retransmissions before the user is told by `troubled`, the way there is looked up anew, and black holes are suspected: R1 of
   * RFC 9293 §3.8.3.
   */
  troubleRetries: int({ default: 3, min: 1, max: 255, live: true }),
  /** SYNs that are sent again after the first timeout each, before the timeout begins to double (as Linux's tcp_syn_linear_timeouts). */
  synLinearTimeouts: int({ default: 0, min: 0, max: 30 }),
  /**
   * How long text may wait for an acknowledgement, or for a closed window, before ETIMEDOUT, ms (RFC 9293 §3.8.3). 0 leaves that to
   * `retries`, or to what is agreed by `userTimeoutOption`.
   */
  userTimeoutMs: int({ default: 0, min: 0, max: 2 ** 31 - 1, live: true }),
  /** Tell the peer a user timeout, and adopt one in view of the peer's unless `userTimeoutMs` is set (RFC 5482: ENABLED). */
  userTimeoutOption: flag({ default: false }),
  /** The user timeout that the peer is told, ms, sent in whole seconds or minutes (RFC 5482: ADV_UTO). */
  advertisedUserTimeoutMs: int({ default: 300_000, min: 1000, max: 32_767 * 60_000, live: true }),
  /** Bounds of a user timeout that is adopted, ms (RFC 5482 §3.1: L_LIMIT and U_LIMIT). */
  leastUserTimeoutMs: int({ default: 100_000, min: 1000, max: 2 ** 31 - 1 }),
  mostUserTimeoutMs: int({ default: 7_200_000, min: 1000, max: 2 ** 31 - 1 }),
  /** `close` resets the connection at once, and what was not sent is lost: SO_LINGER with a time of 0. */
  resetOnClose: flag({ default: false, live: true }),
  /**
   * Path MTU discovery (RFC 1191): `on` forbids routers to cut packets and heeds what they then report, `ignore-reports` only
   * forbids, `off` allows cutting and heeds nothing.
   */
  pathMtuDiscovery: oneOf(['on', 'ignore-reports', 'off'], { default: 'on', live: true }),
  /** Try smaller segments when text was repeated `troubleRetries` times in vain (RFC 4821 §7.7, RFC 8899 §4.3). */
  blackHoleDetection: flag({ default: true, live: true }),
  /** The first smaller segment that is tried, bytes. */
  baseMss: int({ default: 1024, min: 48, max: 65_495, live: true }),
  /** Probe a peer that has been silent (RFC 9293 §3.8.4). */
  keepAlive: flag({ default: false, live: true }),
  /** Silence before the first probe, ms (§3.8.4: two hours or more by default). */
  keepAliveIdleMs: int({ default: 7_200_000, min: 1000, max: 2 ** 31 - 1, live: true }),
  /** Between probes that are not answered, ms. */
  keepAliveIntervalMs: int({ default: 75_000, min: 1000, max: 2 ** 31 - 1, live: true }),
  /** Probes without an answer before the connection ends with ETIMEDOUT. */
  keepAliveProbes: int({ default: 9, min: 1, max: 127, live: true }),
  /** Twice the maximum segment lifetime: how long TIME-WAIT lasts, ms (RFC 9293 §3.4.2 has 4 minutes, Linux 60 s). */
  timeWaitMs: int({ default: 60_000, min: 0, max: 600_000 }),
  /** How long FIN-WAIT-2 lasts once the user has closed both ways and can no longer see the peer's text, ms; Linux has 60 s. */
  finWait2Ms: int({ default: 60_000, min: 0, max: 86_400_000 })
}

export type SocketValues = Values<typeof socketOptions>
export type SocketOptions = Partial<SocketValues>
/** Those that may change while the connection lasts. */
export type LiveSocketOptions = Changes<typeof socketOptions>
