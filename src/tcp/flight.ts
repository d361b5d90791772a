// How much is in flight, from the counters of the scoreboard: "pipe" of RFC 6675 §4. A segment counts as SMSS however
// short it is: what a queue in the network holds is packets (and Linux counts so).

import { smss } from './congestion/congestion.ts'
import { Repair, type Tcb } from './tcb.ts'

/** Segments sent and, as far as we know, still on their way. */
export function segmentsInFlight(tcb: Tcb): number {
  const { sent, sacked, lost, resent } = tcb.scoreboard
  return sent - sacked - lost + resent
}

/** The same in bytes of full segments, to be held against `cwnd`. */
export const inFlight = (tcb: Tcb): number => segmentsInFlight(tcb) * smss(tcb)

/** What limited transmit (RFC 3042) makes of it when it is off: until losses are evident, what the peer holds makes no room. */
export function inFlightAndHeld(tcb: Tcb): number {
  if (tcb.repair >= Repair.RECOVERY) return inFlight(tcb)
  return (segmentsInFlight(tcb) + tcb.scoreboard.sacked) * smss(tcb)
}
