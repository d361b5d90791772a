// When text may leave, so that a window goes out over a round trip and not in one burst. `tcb.nextSendAt` is the time at
// which the next byte is due at the pacing rate; what is late is made up for, so that the ticks of the timer wheel do not lower the rate. As
// much leaves at once as Linux puts into one super-segment: a millisecond's worth, within two segments and 64 KiB.

import { smss } from './congestion/congestion.ts'
import type { Tcb } from './tcb.ts'

const QUANTUM_MS = 1
const LARGEST_QUANTUM = 65_536
/** What is made up for, at most: a tick of the wheel and one of the host's timer. */
const MOST_LATE_MS = 2

/** Linux's tcp_pacing_ss_ratio and tcp_pacing_ca_ratio: windows a round trip, in slow start and afterwards. */
const SLOW_START_GAIN = 2
const AVOIDANCE_GAIN = 1.2

/** Bytes a millisecond, Infinity for no pacing. */
export function pacingRate(tcb: Tcb): number {
  const { pacing, maxPacingRate } = tcb.options
  const most = maxPacingRate > 0 ? maxPacingRate / 1000 : Number.POSITIVE_INFINITY
  if (pacing === 'off') return most
  if (tcb.congestion.paces) return Math.min(most, tcb.pacingRate)
  return pacing === 'on' || maxPacingRate > 0 ? Math.min(most, usualRate(tcb)) : Number.POSITIVE_INFINITY
}

/** Linux's tcp_update_pacing_rate. */
function usualRate(tcb: Tcb): number {
  if (tcb.srttMs <= 0) return Number.POSITIVE_INFINITY
  const gain = 2 * tcb.cwnd < tcb.ssthresh ? SLOW_START_GAIN : AVOIDANCE_GAIN
  return (gain * tcb.cwnd) / tcb.srttMs
}

/** The time up to whose text this attempt to send may go: what is due, and a quantum at least if anything is. */
export function paceLimit(tcb: Tcb, now: number): number {
  const rate = pacingRate(tcb)
  if (rate === Number.POSITIVE_INFINITY) return rate
  if (tcb.nextSendAt > now) return now
  // Only who has waited is late; there is nothing to make up for after an idle time.
  tcb.nextSendAt = Math.max(tcb.nextSendAt, tcb.paceWaits ? now - MOST_LATE_MS : now)
  tcb.paceWaits = false
  const quantum = Math.max(2 * smss(tcb), Math.min(rate * QUANTUM_MS, LARGEST_QUANTUM))
  return Math.max(now, tcb.nextSendAt + quantum / rate)
}

/** Whether the next segment is not to leave yet; a timer is set for it. */
export function mustWait(tcb: Tcb, limit: number): boolean {
  if (tcb.nextSendAt < limit || limit === Number.POSITIVE_INFINITY) return false
  tcb.pacedUntil = tcb.nextSendAt
  tcb.paceWaits = true
  return true
}

/** Bytes that may leave before the next has to wait. */
export function paceRoom(tcb: Tcb, limit: number): number {
  if (limit === Number.POSITIVE_INFINITY) return limit
  return (limit - tcb.nextSendAt) * pacingRate(tcb)
}

/** `bytes` of text leave. */
export function paceSent(tcb: Tcb, bytes: number): void {
  const rate = pacingRate(tcb)
  if (rate !== Number.POSITIVE_INFINITY) tcb.nextSendAt += bytes / rate
}
