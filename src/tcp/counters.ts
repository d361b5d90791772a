// What TCP counts, for the whole stack. A segment that is dropped raises exactly one of the `dropped…` counters.

export class TcpCounters {
  // As RFC 4022 defines tcpActiveOpens to tcpEstabResets: moves on the state diagram, whatever their cause.
  /** CLOSED to SYN-SENT. */
  activeOpens = 0
  /** LISTEN to SYN-RECEIVED. */
  passiveOpens = 0
  /** SYN-SENT or SYN-RECEIVED to CLOSED, SYN-RECEIVED to LISTEN. */
  attemptFails = 0
  /** ESTABLISHED or CLOSE-WAIT to CLOSED. */
  establishedResets = 0
  segmentsReceived = 0
  segmentsSent = 0
  segmentsRetransmitted = 0
  resetsSent = 0
  resetsReceived = 0
  /** Of these, those that ended a half-open connection. */
  embryonicResets = 0
  retransmissionTimeouts = 0
  synRetransmissions = 0
  /** Segments sent again in a recovery. */
  fastRetransmits = 0
  /** Segments sent again after a timeout. */
  slowStartRetransmits = 0
  /** Recoveries begun, with SACK and by duplicate ACKs alone. */
  sackRecoveries = 0
  renoRecoveries = 0
  /** Times that a peer had thrown away what it had reported by SACK. */
  sackRenegings = 0
  /** Segments that peers say came twice (RFC 2883), below the ACK and above it; and such that we have told them of. */
  duplicatesReported = 0
  duplicatesReportedAbove = 0
  duplicatesTold = 0
  duplicatesToldAbove = 0
  /** Segments of text that left for the first time. */
  newSegmentsSent = 0
  /** Windows that we have closed, and opened again. */
  windowsClosed = 0
  windowsReopened = 0
  /** Tail loss probes (RFC 8985 §7), and those that repaired a loss. */
  lossProbes = 0
  lossProbeRecoveries = 0
  /** Reductions of the window that were taken back, because nothing had been lost. */
  needlessReductions = 0
  /** Reductions of the congestion window for the peer's ECN-Echo (RFC 3168 §6.1.2). */
  ecnReductions = 0
  zeroWindowProbes = 0
  keepAliveProbes = 0
  delayedAcks = 0
  challengeAcks = 0
  /** Those not sent, at the limit (RFC 5961 §7). */
  challengesSkipped = 0
  windowUpdates = 0
  outOfOrderSegments = 0
  synCookiesSent = 0
  /** Cookies that came back and opened a connection. */
  synCookiesReceived = 0
  // Fast Open (RFC 7413).
  /** SYNs of ours whose text was taken, and those whose text was not. */
  fastOpensActive = 0
  fastOpensActiveFailed = 0
  /** SYNs of peers that opened at once; those whose cookie was wrong; those whose cookie was made with the former key. */
  fastOpensPassive = 0
  fastOpensPassiveFailed = 0
  fastOpensWithFormerKey = 0
  /** SYNs that did not open at once because too many others had. */
  fastOpenOverflows = 0
  /** SYNs that asked for a cookie. */
  fastOpenCookiesAsked = 0
  /** Times that Fast Open was given up towards a port for a while. */
  fastOpenPauses = 0
  timeWaits = 0
  timeWaitsReused = 0
  abortsOnTimeout = 0
  /** Times that R1 of RFC 9293 §3.8.3 was reached. */
  troubles = 0
  /** Times that smaller segments were tried. */
  blackHolesSuspected = 0
  /** Writes that found no memory, though the connection had room. */
  writesShortOfMemory = 0
  /** Text was unread when the user closed. */
  abortsOnUnread = 0
  /** The user closed, and had asked for a reset then (`resetOnClose`). */
  abortsOnLinger = 0
  /** Text arrived after the user had closed both ways. */
  abortsOnLateText = 0
  icmpErrorsTaken = 0
  partialChecksums = 0
  droppedTooShort = 0
  droppedBadOffset = 0
  droppedBadChecksum = 0
  /** Ports that the kernel serves: its business, not ours. */
  droppedNotOurs = 0
  droppedNoListener = 0
  droppedUnacceptable = 0
  /** A SYN inside the window of a connection (RFC 5961 §4.2). */
  droppedUnexpectedSyn = 0
  droppedOldTimestamp = 0
  droppedNoAck = 0
  /** An ACK of what was never sent. */
  droppedBadAck = 0
  /** An ACK from further back than any window of the peer's reached (RFC 5961 §5.2). */
  droppedOldAck = 0
  droppedBadReset = 0
  droppedInSynSent = 0
  droppedInListen = 0
  /** SYNs for which there was no room, and no cookie. */
  droppedSynBacklogFull = 0
  /** SYNs that came for the first time while there was no room, and more packets waited than could be answered. */
  droppedSynInFlood = 0
  /** SYNs, and ACKs that would have opened, while the queue for `accept` was full. */
  droppedAcceptQueueFull = 0
  /** ACKs without text that came to a listener with deferred accept. */
  droppedDeferred = 0
  /** ACKs to a listener, shortly after a cookie was sent, that acknowledge none. */
  droppedBadCookie = 0
  droppedOutOfMemory = 0
  /** Text in order, while connections together had as much unread text as they may. */
  droppedUnreadLimit = 0
  droppedTooManyHoles = 0
  droppedTextAfterFin = 0
  droppedOutsideWindow = 0
  droppedInTimeWait = 0
  droppedIcmpNotInFlight = 0
  /** Reports of a path MTU, where the user wants none. */
  droppedIcmpUnwanted = 0
  /** Window scales above 14 on a SYN of the peer's, taken for 14 (RFC 7323 §2.3). */
  excessiveScales = 0
  /** Reports of a path MTU that is no smaller than what is sent. */
  droppedIcmpNoNews = 0
  /** Options that ended a header early because their lengths made no sense; the segment itself is processed. */
  malformedOptions = 0
  /** A state change that is no edge of RFC 9293 §3.3.2: always 0, unless there is a defect. */
  impossibleTransitions = 0
}
