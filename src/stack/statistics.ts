// What the stack has counted, under the names that others look for: the objects of RFC 4022 (without their prefix `tcp`,
// as in Linux's /proc/net/snmp) and those of Linux's /proc/net/netstat that apply here. Our own counters are finer; they
// are added up, never counted twice. Counts are doubles and do not wrap: the HC objects equal the plain ones.

import type { IpCounters } from '../ip/counters.ts'
import type { IcmpCounters } from '../ip/icmp.ts'
import type { Counters } from '../stats.ts'
import type { TcpCounters } from '../tcp/counters.ts'
import type { SocketValues } from '../tcp/options.ts'
import type { StackCounters } from './engine.ts'

/** All that the statistics are made of. */
export interface Counted {
  readonly tcp: TcpCounters
  readonly ip: IpCounters
  readonly icmp: IcmpCounters
  readonly stack: StackCounters
  /** Connections in ESTABLISHED or CLOSE-WAIT. */
  readonly established: number
  readonly defaults: SocketValues
}

export interface Statistics {
  /** RFC 4022. */
  readonly tcp: Counters
  /** `TcpExt` of Linux. */
  readonly tcpExt: Counters
  readonly ip: Counters
  readonly ipExt: Counters
  readonly icmp: Counters
  /** Packets and segments that went no further, by layer and reason: each is counted under one reason. */
  readonly dropped: { readonly ip: Counters; readonly icmp: Counters; readonly tcp: Counters }
}

/** tcpRtoAlgorithm (RFC 4022): rfc2988, which RFC 6298 has taken the place of. */
const RTO_ALGORITHM = 5
/** tcpMaxConn: no fixed number. */
const MAX_CONN_DYNAMIC = -1
/** ipForwarding (RFC 4293): not forwarding. */
const NOT_FORWARDING = 2
const DEFAULT_TTL = 64

export function statisticsOf(counted: Counted): Statistics {
  return {
    tcp: tcpGroup(counted),
    tcpExt: tcpExtGroup(counted),
    ip: ipGroup(counted),
    ipExt: ipExtGroup(counted),
    icmp: icmpGroup(counted),
    dropped: droppedGroup(counted)
  }
}

function tcpGroup({ tcp, established, defaults }: Counted): Counters {
  const outSegs = tcp.segmentsSent - tcp.segmentsRetransmitted
  return {
    RtoAlgorithm: RTO_ALGORITHM,
    RtoMin: defaults.minRtoMs,
    RtoMax: defaults.maxRtoMs,
    MaxConn: MAX_CONN_DYNAMIC,
    ActiveOpens: tcp.activeOpens,
    PassiveOpens: tcp.passiveOpens,
    AttemptFails: tcp.attemptFails,
    EstabResets: tcp.establishedResets,
    CurrEstab: established,
    InSegs: tcp.segmentsReceived,
    OutSegs: outSegs,
    RetransSegs: tcp.segmentsRetransmitted,
    InErrs: tcp.droppedTooShort + tcp.droppedBadOffset + tcp.droppedBadChecksum,
    OutRsts: tcp.resetsSent,
    InCsumErrors: tcp.droppedBadChecksum,
    HCInSegs: tcp.segmentsReceived,
    HCOutSegs: outSegs
  }
}

function tcpExtGroup({ tcp, stack }: Counted): Counters {
  return {
    SyncookiesSent: tcp.synCookiesSent,
    SyncookiesRecv: tcp.synCookiesReceived,
    SyncookiesFailed: tcp.droppedBadCookie,
    ListenOverflows: tcp.droppedAcceptQueueFull,
    EmbryonicRsts: tcp.embryonicResets,
    ListenDrops: tcp.droppedSynBacklogFull + tcp.droppedSynInFlood + tcp.droppedAcceptQueueFull,
    TCPReqQFullDoCookies: tcp.synCookiesSent,
    TCPReqQFullDrop: tcp.droppedSynBacklogFull,
    TCPDeferAcceptDrop: tcp.droppedDeferred,
    OutOfWindowIcmps: tcp.droppedIcmpNotInFlight,
    TW: tcp.timeWaits,
    TWRecycled: tcp.timeWaitsReused,
    TCPTimeWaitOverflow: stack.timeWaitOverflow,
    PAWSEstab: tcp.droppedOldTimestamp,
    DelayedACKs: tcp.delayedAcks,
    TCPTimeouts: tcp.retransmissionTimeouts,
    TCPSynRetrans: tcp.synRetransmissions,
    TCPSackRecovery: tcp.sackRecoveries,
    TCPRenoRecovery: tcp.renoRecoveries,
    TCPSACKReneging: tcp.sackRenegings,
    TCPFastRetrans: tcp.fastRetransmits,
    TCPSlowStartRetrans: tcp.slowStartRetransmits,
    TCPLossProbes: tcp.lossProbes,
    TCPLossProbeRecovery: tcp.lossProbeRecoveries,
    TCPDSACKRecv: tcp.duplicatesReported,
    TCPDSACKOfoRecv: tcp.duplicatesReportedAbove,
    TCPDSACKOldSent: tcp.duplicatesTold,
    TCPDSACKOfoSent: tcp.duplicatesToldAbove,
    TCPOrigDataSent: tcp.newSegmentsSent,
    TCPToZeroWindowAdv: tcp.windowsClosed,
    TCPFromZeroWindowAdv: tcp.windowsReopened,
    TCPWinProbe: tcp.zeroWindowProbes,
    TCPKeepAlive: tcp.keepAliveProbes,
    TCPOFOQueue: tcp.outOfOrderSegments,
    TCPOFODrop: tcp.droppedTooManyHoles + tcp.droppedOutOfMemory,
    TCPRcvQDrop: tcp.droppedUnreadLimit,
    TCPAbortOnClose: tcp.abortsOnUnread,
    TCPAbortOnData: tcp.abortsOnLateText,
    TCPAbortOnLinger: tcp.abortsOnLinger,
    TCPAbortOnTimeout: tcp.abortsOnTimeout,
    TCPChallengeACK: tcp.challengeAcks,
    TCPACKSkippedChallenge: tcp.challengesSkipped,
    TCPSYNChallenge: tcp.droppedUnexpectedSyn,
    TCPFastOpenActive: tcp.fastOpensActive,
    TCPFastOpenActiveFail: tcp.fastOpensActiveFailed,
    TCPFastOpenPassive: tcp.fastOpensPassive,
    TCPFastOpenPassiveFail: tcp.fastOpensPassiveFailed,
    TCPFastOpenPassiveAltKey: tcp.fastOpensWithFormerKey,
    TCPFastOpenListenOverflow: tcp.fastOpenOverflows,
    TCPFastOpenCookieReqd: tcp.fastOpenCookiesAsked,
    TCPFastOpenBlackhole: tcp.fastOpenPauses
  }
}

function ipGroup({ ip, stack }: Counted): Counters {
  return {
    Forwarding: NOT_FORWARDING,
    DefaultTTL: DEFAULT_TTL,
    InReceives: ip.received,
    InHdrErrors: ip.tooShort + ip.badVersion + ip.badHeaderLength + ip.badTotalLength + ip.badHeaderChecksum,
    InAddrErrors: ip.martianSource + ip.notUnicast + ip.notOurs,
    InUnknownProtos: stack.unknownProtocol,
    InDelivers: ip.delivered,
    OutRequests: ip.sent,
    OutNoRoutes: stack.droppedNoRoute,
    ReasmTimeout: ip.fragmentTimeout,
    ReasmReqds: ip.fragments,
    ReasmOKs: ip.reassembled,
    ReasmFails: ip.fragmentOverlap + ip.fragmentTooMany + ip.fragmentEvicted + ip.fragmentTimeout + ip.fragmentBadEcn
  }
}

function ipExtGroup({ ip }: Counted): Counters {
  return {
    InTruncatedPkts: ip.tooShort + ip.badTotalLength,
    InCsumErrors: ip.badHeaderChecksum,
    InOctets: ip.receivedBytes,
    OutOctets: ip.sentBytes,
    InNoECTPkts: ip.notEct,
    InECT1Pkts: ip.ect1,
    InECT0Pkts: ip.ect0,
    InCEPkts: ip.ce,
    ReasmOverlaps: ip.fragmentOverlap
  }
}

function icmpGroup({ icmp, stack }: Counted): Counters {
  const replies = icmp.echoRequests - stack.echoDropped
  return {
    InMsgs: icmp.received,
    InErrors: icmp.tooShort + icmp.badChecksum + icmp.badQuote,
    InCsumErrors: icmp.badChecksum,
    InDestUnreachs: icmp.unreachables,
    InTimeExcds: icmp.timeExceeded,
    InParmProbs: icmp.parameterProblems,
    InSrcQuenchs: icmp.sourceQuenches,
    InRedirects: icmp.redirects,
    InEchos: icmp.echoRequests + icmp.echoForOthers,
    InEchoReps: icmp.echoReplies,
    OutMsgs: replies,
    OutEchoReps: replies
  }
}

/** What these count goes on its way, or is counted elsewhere once it is dropped. */
const IP_PASSES: ReadonlySet<string> = new Set<keyof IpCounters>([
  'received',
  'receivedBytes',
  'sent',
  'sentBytes',
  'delivered',
  'notEct',
  'ect1',
  'ect0',
  'ce',
  'fragments',
  'reassembled'
])
const ICMP_PASSES: ReadonlySet<string> = new Set<keyof IcmpCounters>([
  'received',
  'tcpErrors',
  'echoRequests',
  'unreachables',
  'timeExceeded',
  'parameterProblems'
])
const DROPPED = 'dropped'

function droppedGroup({ tcp, ip, icmp, stack }: Counted): Statistics['dropped'] {
  const reasons = Object.entries(tcp).filter(([name]) => name.startsWith(DROPPED))
  return {
    ip: { ...without(ip, IP_PASSES), unknownProtocol: stack.unknownProtocol },
    icmp: { ...without(icmp, ICMP_PASSES), noMemory: stack.echoDropped },
    tcp: {
      ...Object.fromEntries(reasons.map(([name, count]) => [lowerFirst(name.slice(DROPPED.length)), count])),
      noRoute: stack.droppedNoRoute
    }
  }
}

const without = (counters: object, names: ReadonlySet<string>): Counters =>
  Object.fromEntries(Object.entries(counters).filter(([name]) => !names.has(name)))

const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)
