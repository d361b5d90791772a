// Tail loss probe (RFC 8985 §7): when the ACKs stop coming, one segment, new or the last again, asks for one, so that a
// lost tail is found by RACK and not by a timeout.

import type { AckNews } from './ack-news.ts'
import type { Outbox } from './outbox.ts'
import { repeatTail, sendProbeText } from './output.ts'
import { enterReductionOnce } from './recovery.ts'
import { restartTimeout, setTimer } from './retransmission-timer.ts'
import { ahead, lt, type Seq } from './seq.ts'
import { type Tcb, Timer } from './tcb.ts'

/** §7.3: the probe's time has come. */
export function sendLossProbe(tcb: Tcb, now: number, out: Outbox): void {
  // One at a time.
  if (tcb.probeOutstanding) return restartTimeout(tcb, now)
  const isNew = sendProbeText(tcb, now, out)
  // New text that the window has no room for is no reason not to ask.
  if (!isNew && !repeatTail(tcb, now, out)) return restartTimeout(tcb, now)
  tcb.probeRepeated = !isNew
  tcb.probeOutstanding = true
  tcb.probeEnd = tcb.sndNxt
  out.counters.lossProbes++
  setTimer(tcb, Timer.TIMEOUT, now + tcb.rtoMs)
}

/** §7.4.2: what the ACK says about the probe. Where the probe itself repaired the only loss, the window pays for it. */
export function takeProbeAck(tcb: Tcb, ack: Seq, news: AckNews, now: number, out: Outbox): void {
  if (!tcb.probeOutstanding || lt(ack, tcb.probeEnd)) return
  if (!tcb.probeRepeated || news.probeDuplicated) {
    // New text has arrived, or both, the tail and the probe.
    tcb.probeOutstanding = false
  } else if (ahead(ack, tcb.probeEnd) > 0) {
    out.counters.lossProbeRecoveries++
    enterReductionOnce(tcb, now, out)
  } else if (!(news.advanced || news.hasText || news.windowChanged || news.sacked)) {
    tcb.probeOutstanding = false // a duplicate ACK: both have arrived
  }
}
