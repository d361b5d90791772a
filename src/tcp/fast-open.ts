// TCP Fast Open (RFC 7413) on a connection: text in the SYN, what the SYN-ACK makes of it, and signs that something on the
// way does not let it pass. Which cookies are good is for fast-open-keys.ts, what is remembered of servers for
// fast-open-memory.ts.

import type { Segment } from '../wire/segment.ts'
import { type Form, Form as Forms, type KnownServer, keepCookie } from './fast-open-memory.ts'
import type { Outbox } from './outbox.ts'
import { add, ahead, lt } from './seq.ts'
import { State } from './state.ts'
import { FastOpen, type Tcb } from './tcb.ts'

/** Left free in a SYN with text: middleboxes add options of their own (as on Linux). */
const ROOM_FOR_OPTIONS = 40

// --- The client ---

/** The first SYN leaves (§4.2.2, "Client: Sending SYN"): with text where the server's cookie is known, else asking for one. */
export function addFastOpen(tcb: Tcb, segment: Segment, now: number, out: Outbox): void {
  tcb.fastOpen = FastOpen.NONE
  if (out.fastOpen.isPaused(tcb, now)) return
  const known = out.fastOpen.recall(tcb)
  if (tcb.options.fastOpenWithoutCookie) return addText(tcb, segment, known, now, out)
  if (known === undefined || known.cookieLength === 0) {
    tcb.fastOpen = FastOpen.ASKED
    segment.cookieLength = 0
    segment.cookieIsExperimental = known?.form === Forms.EXPERIMENTAL
    return
  }
  segment.cookieLength = known.cookieLength
  segment.cookieIsExperimental = known.cookieIsExperimental
  segment.cookie.set(known.cookie)
  addText(tcb, segment, known, now, out)
}

/** Text that a SYN takes: no more than the server is known to take, or as much as the way there carries. */
export function synTextRoom(mss: number, known: KnownServer | undefined): number {
  const most = known !== undefined && known.mss > 0 ? Math.min(known.mss, mss) : mss
  return Math.max(0, most - ROOM_FOR_OPTIONS)
}

function addText(tcb: Tcb, segment: Segment, known: KnownServer | undefined, now: number, out: Outbox): void {
  tcb.fastOpen = FastOpen.USED
  const length = Math.min(tcb.sendBuffer.length, synTextRoom(tcb.sndMss, known))
  if (length <= 0) return
  const start = add(tcb.iss, 1)
  tcb.sendBuffer.locate(segment, start, length, out.slab)
  tcb.sndNxt = add(start, length)
  tcb.synText = length
  tcb.bytesSent += length
  tcb.lastSentAt = now
}

/**
 * The answer to our SYN has come, and SND.UNA moved to what it acknowledges. Text of the SYN that it leaves out counts as not
 * sent: it goes with the ACK.
 */
export function synAnswered(tcb: Tcb, out: Outbox): void {
  if (tcb.synText === 0) return
  const taken = ahead(tcb.sndUna, add(tcb.iss, 1))
  const left = tcb.synText - taken
  tcb.synText = left
  tcb.sndNxt = tcb.sndUna
  if (left === 0) {
    tcb.synTextTaken = true
    out.counters.fastOpensActive++
    return
  }
  out.counters.fastOpensActiveFailed++
  out.counters.segmentsRetransmitted++
  tcb.retransmits++
  tcb.bytesSent -= left
  tcb.bytesRetransmitted += left
}

/** §4.2.2, "Client: Receiving SYN-ACK", and §4.1.3.1: the cookie, the MSS, and whether it looks as if Fast Open had failed. */
export function learnFromSynAck(tcb: Tcb, seg: Segment, now: number, out: Outbox): void {
  const known = out.fastOpen.meet(tcb)
  const hasCookie = seg.cookieLength > 0
  if (seg.mss > 0) known.mss = tcb.peerMss
  if (hasCookie) keepCookie(known, seg)
  const leftOut = tcb.synText > 0
  if (tcb.synRetransmitted) {
    // Presumably only the plain SYN has arrived. Once that may be chance.
    known.lostSyns = leftOut && !hasCookie ? known.lostSyns + 1 : 0
    if (known.lostSyns > 1) pause(tcb, now, out)
    return
  }
  known.lostSyns = 0
  if (hasCookie) return
  if (leftOut) pause(tcb, now, out)
  else if (tcb.fastOpen === FastOpen.ASKED) {
    if (known.form !== Forms.STANDARD) pause(tcb, now, out)
    if (known.form !== Forms.NONE) known.form = (known.form + 1) as Form
  }
}

// --- Signs of trouble on the way, for whoever has used the option ---

const isActive = (tcb: Tcb): boolean => tcb.fastOpen === FastOpen.ASKED || tcb.fastOpen === FastOpen.USED

/** Timeouts in a row, of the SYN or after it, that show a black hole. */
const TIMEOUTS_OF_BLACK_HOLE = 3

/** A timeout, the last one if `gaveUp`: black holes may begin with the SYN or after it (as Linux has it). */
export function suspectFastOpen(tcb: Tcb, gaveUp: boolean, now: number, out: Outbox): void {
  const { retries } = tcb
  if (!isActive(tcb)) return
  if (gaveUp ? retries < TIMEOUTS_OF_BLACK_HOLE : retries === TIMEOUTS_OF_BLACK_HOLE) pause(tcb, now, out)
}

/** An ICMP error while the SYN is on its way (§4.1.3.1). */
export function errorOnFastOpen(tcb: Tcb, now: number, out: Outbox): void {
  if (isActive(tcb) && tcb.state === State.SYN_SENT) pause(tcb, now, out)
}

/** A RST that is not at RCV.NXT: text may have been swallowed that came before it. */
export function resetPastText(tcb: Tcb, now: number, out: Outbox): void {
  if (isActive(tcb) && tcb.state === State.ESTABLISHED && tcb.bytesReceived === 0) pause(tcb, now, out)
}

/** The connection ends: it has worked if text went with the SYN and text came, and not if only a FIN behind a hole did. */
export function fastOpenEnds(tcb: Tcb, out: Outbox): void {
  if (tcb.fastOpen === FastOpen.PASSIVE && !tcb.synchronized) out.fastOpenSettled(tcb, tcb.error === 'ECONNRESET')
  if (!isActive(tcb)) return
  if (tcb.synTextTaken && tcb.bytesReceived > 0) out.fastOpen.worked(tcb)
  else if (tcb.finKnown && lt(tcb.rcvNxt, tcb.rcvFin)) pause(tcb, tcb.heardAt, out)
}

function pause(tcb: Tcb, now: number, out: Outbox): void {
  if (out.fastOpen.pause(tcb, now)) out.counters.fastOpenPauses++
}
