// tcp_info for %{ }%: Linux's names and units, from what a connection tells about itself. A field that the engine does not
// keep is not here, and a script that asks for it is skipped: no number is made up.

import type { TcpInfo } from '../stack/info.ts'
import { Unsupported } from './verdict.ts'

const STATES: Readonly<Record<string, number>> = {
  ESTABLISHED: 1,
  'SYN-SENT': 2,
  'SYN-RECEIVED': 3,
  'FIN-WAIT-1': 4,
  'FIN-WAIT-2': 5,
  'TIME-WAIT': 6,
  CLOSED: 7,
  'CLOSE-WAIT': 8,
  'LAST-ACK': 9,
  LISTEN: 10,
  CLOSING: 11
}

export const CONSTANTS: Readonly<Record<string, number>> = {
  TCP_ESTABLISHED: 1,
  TCP_SYN_SENT: 2,
  TCP_SYN_RECV: 3,
  TCP_FIN_WAIT1: 4,
  TCP_FIN_WAIT2: 5,
  TCP_TIME_WAIT: 6,
  TCP_CLOSE: 7,
  TCP_CLOSE_WAIT: 8,
  TCP_LAST_ACK: 9,
  TCP_LISTEN: 10,
  TCP_CLOSING: 11,
  TCPI_ESTABLISHED: 1,
  TCPI_SYN_SENT: 2,
  TCPI_SYN_RECEIVED: 3,
  TCPI_FIN_WAIT_1: 4,
  TCPI_FIN_WAIT_2: 5,
  TCPI_TIME_WAIT: 6,
  TCPI_CLOSED: 7,
  TCPI_CLOSE_WAIT: 8,
  TCPI_LAST_ACK: 9,
  TCPI_LISTEN: 10,
  TCPI_CLOSING: 11,
  TCP_CA_Open: 0,
  TCP_CA_Disorder: 1,
  TCP_CA_CWR: 2,
  TCP_CA_Recovery: 3,
  TCP_CA_Loss: 4,
  TCPI_OPT_TIMESTAMPS: 1,
  TCPI_OPT_SACK: 2,
  TCPI_OPT_WSCALE: 4,
  TCPI_OPT_ECN: 8,
  TCPI_OPT_ECN_SEEN: 16,
  TCPI_OPT_SYN_DATA: 32
}

const CA_STATES: Readonly<Record<string, number>> = { Open: 0, Disorder: 1, CWR: 2, Recovery: 3, Loss: 4 }

const usecs = (ms: number): number => Math.round(1000 * Math.max(0, ms))
/** Linux counts windows in segments, the engine in bytes. */
const segments = (bytes: number, info: TcpInfo): number =>
  Math.floor(bytes / (info.sndMss - (info.options.timestamps ? 12 : 0)))
/** Linux's "none", and the engine's. */
const NO_THRESHOLD = 0x7fffffff
const ENGINE_NO_THRESHOLD = 0x3fffffff

const FIELDS: Readonly<Record<string, (info: TcpInfo) => number>> = {
  tcpi_rto: info => usecs(info.rtoMs),
  tcpi_rtt: info => usecs(info.rttMs),
  tcpi_ato: info => usecs(info.atoMs),
  tcpi_last_data_sent: info => Math.round(info.lastDataSentMs),
  tcpi_last_data_recv: info => Math.round(info.lastDataRecvMs),
  tcpi_last_ack_recv: info => Math.round(info.lastAckRecvMs),
  tcpi_probes: info => info.probes,
  tcpi_pmtu: info => info.pmtu,
  tcpi_rttvar: info => usecs(info.rttvarMs),
  tcpi_min_rtt: info => (Number.isFinite(info.minRttMs) ? usecs(info.minRttMs) : 0xffffffff),
  tcpi_ca_state: info => CA_STATES[info.caState],
  tcpi_retransmits: info => info.retransmits,
  tcpi_backoff: info => info.backoff,
  tcpi_unacked: info => info.unackedSegments,
  tcpi_sacked: info => info.sackedSegments,
  tcpi_lost: info => info.lostSegments,
  tcpi_retrans: info => info.retransSegments,
  tcpi_reordering: info => info.reordering,
  tcpi_reord_seen: info => info.reordSeen,
  tcpi_dsack_dups: info => info.dsackDups,
  tcpi_delivered: info => info.delivered,
  tcpi_delivered_ce: info => info.deliveredCe,
  tcpi_options: info =>
    (info.options.timestamps ? 1 : 0) |
    (info.options.sack ? 2 : 0) |
    (info.options.windowScale ? 4 : 0) |
    (info.options.ecn ? 8 : 0) |
    (info.options.ecnSeen ? 16 : 0) |
    (info.options.synData ? 32 : 0),
  tcpi_snd_wscale: info => info.sndWscale,
  tcpi_rcv_wscale: info => info.rcvWscale,
  tcpi_snd_mss: info => info.sndMss - (info.options.timestamps ? 12 : 0),
  tcpi_rcv_mss: info => info.rcvMss,
  tcpi_advmss: info => info.advmss - (info.options.timestamps ? 12 : 0),
  tcpi_snd_cwnd: info => segments(info.sndCwnd, info),
  tcpi_snd_ssthresh: info =>
    info.sndSsthresh >= ENGINE_NO_THRESHOLD ? NO_THRESHOLD : segments(info.sndSsthresh, info),
  tcpi_snd_wnd: info => info.sndWnd,
  tcpi_rcv_wnd: info => info.rcvWnd,
  tcpi_total_retrans: info => info.totalRetrans,
  tcpi_bytes_sent: info => info.bytesSent,
  tcpi_bytes_retrans: info => info.bytesRetrans,
  tcpi_bytes_acked: info => info.bytesAcked,
  tcpi_bytes_received: info => info.bytesReceived,
  tcpi_segs_in: info => info.segsIn,
  tcpi_segs_out: info => info.segsOut,
  tcpi_notsent_bytes: info => info.notsentBytes
}

/** The value of a name in a block of code; undefined for one that is none of TCP's. */
export function infoValue(name: string, state: string, info: TcpInfo | undefined): number | undefined {
  if (Object.hasOwn(CONSTANTS, name)) return CONSTANTS[name]
  if (name === 'tcpi_state') return STATES[state]
  if (!name.startsWith('tcpi_')) return undefined
  if (!Object.hasOwn(FIELDS, name)) throw new Unsupported(`the field ${name} of tcp_info`)
  if (info === undefined) throw new Unsupported(`${name} before the connection has a user`)
  return FIELDS[name](info)
}
