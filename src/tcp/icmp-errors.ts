// ICMP errors that quote a segment of ours (RFC 1122 §4.2.3.9, RFC 9293 §3.9.2.2), with the checks of RFC 5927: anybody
// can forge one, so it counts only if it quotes what is in flight, and it never ends a connection that is established.

import {
  ICMP_UNREACHABLE,
  UNREACHABLE_NET,
  UNREACHABLE_NET_FOR_SERVICE,
  UNREACHABLE_NET_PROHIBITED,
  UNREACHABLE_NET_UNKNOWN,
  UNREACHABLE_PORT,
  UNREACHABLE_PROTOCOL
} from '../wire/icmp.ts'
import { reduceMss } from './black-hole.ts'
import { errorOnFastOpen } from './fast-open.ts'
import { type Outbox, tell } from './outbox.ts'
import { output } from './output.ts'
import { repeatTooLong } from './recovery.ts'
import { ahead, toSeq, within } from './seq.ts'
import { State } from './state.ts'
import { type ErrorName, Event, FastOpen, isSynUnacked, type Tcb } from './tcb.ts'
import { end } from './transitions.ts'

const HEADERS = 40

/** Whether the error quotes something that we have sent and that is not acknowledged (RFC 5927 §4.1). */
export function isInFlight(tcb: Tcb, quotedSeq: number): boolean {
  return within(toSeq(quotedSeq), tcb.sndUna, ahead(tcb.sndNxt, tcb.sndUna))
}

export function icmpErrorArrives(tcb: Tcb, type: number, code: number, now: number, out: Outbox): void {
  out.counters.icmpErrorsTaken++
  const error = errorFor(type, code)
  // Before the connection is open there is nothing to lose, and the user wants to know now (RFC 5461 §4).
  errorOnFastOpen(tcb, now, out)
  const isOpening = tcb.state === State.SYN_SENT || tcb.state === State.SYN_RECEIVED
  if (isOpening && tcb.fastOpen !== FastOpen.PASSIVE) return end(tcb, error, 'ICMP error', out)
  tcb.softError = error
  tell(tcb, Event.TROUBLED, out)
}

function errorFor(type: number, code: number): ErrorName {
  if (type !== ICMP_UNREACHABLE) return 'EHOSTUNREACH'
  switch (code) {
    case UNREACHABLE_NET:
    case UNREACHABLE_NET_UNKNOWN:
    case UNREACHABLE_NET_PROHIBITED:
    case UNREACHABLE_NET_FOR_SERVICE:
      return 'ENETUNREACH'
    case UNREACHABLE_PROTOCOL:
    case UNREACHABLE_PORT:
      return 'ECONNREFUSED'
    default:
      return 'EHOSTUNREACH'
  }
}

/** The way there carries only packets of `mtu` bytes: what was too big goes again at once, cut smaller (RFC 1191 §6.4). */
export function pathMtuShrank(tcb: Tcb, mtu: number, now: number, out: Outbox): void {
  const mss = mtu - HEADERS
  if (mss >= tcb.sndMss) {
    out.counters.droppedIcmpNoNews++
    return
  }
  out.counters.icmpErrorsTaken++
  reduceMss(tcb, mss, now)
  if (isSynUnacked(tcb) || tcb.sndNxt === tcb.sndUna) return
  repeatTooLong(tcb, now, out)
  output(tcb, now, out)
}
