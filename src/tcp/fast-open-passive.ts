// A passive open by a Fast Open (RFC 7413 §4.2.2): a whole TCB from the SYN on, whose text is the user's before the handshake
// ends.

import { FIN, type Segment, SYN } from '../wire/segment.ts'
import type { CongestionControl } from './congestion/congestion.ts'
import type { CookieOffer } from './fast-open-keys.ts'
import { type Outbox, tell } from './outbox.ts'
import { sendSyn } from './output.ts'
import { type SynReceived, takeSyn, toTcb } from './passive.ts'
import { add, toSeq } from './seq.ts'
import { Event, FastOpen, type Tcb } from './tcb.ts'
import { takeText } from './text.ts'

/** The record has the four-tuple, ISS and the timestamp offset. */
export function openFast(
  record: SynReceived,
  seg: Segment,
  mtu: number,
  congestion: CongestionControl,
  now: number,
  out: Outbox
): Tcb {
  takeSyn(record, seg, mtu, now, out.counters)
  record.retransmitAt = now + record.rtoMs
  record.sentAt = now
  const tcb = toTcb(record, congestion, now)
  tcb.segmentsSent = 0
  tcb.fastOpen = FastOpen.PASSIVE
  tcb.congestion.opened(tcb, now)
  return tcb
}

/** Once the connection has its place: the text is taken, and acknowledged with the SYN. */
export function answerFastOpen(tcb: Tcb, seg: Segment, offer: CookieOffer | undefined, now: number, out: Outbox): void {
  seg.seq = add(toSeq(seg.seq), 1)
  seg.flags &= ~(SYN | FIN) // a FIN comes again, when there is something to end
  tell(tcb, Event.CONNECTED, out)
  takeText(tcb, seg, now, out)
  tcb.synTextTaken = tcb.bytesReceived > 0
  out.counters.fastOpensPassive++
  sendSyn(tcb, now, out, offer)
}
