// DCTCP (RFC 8257): where routers mark early, the share of bytes that arrived marked says how much congestion there is, and
// the window is reduced by as much. All else is NewReno's. The receiver's part, an ECE for what arrived marked and for nothing
// else (§3.2), is in ecn.ts.

import { lt, type Seq, toSeq } from '../seq.ts'
import type { Tcb } from '../tcb.ts'
import { type AckSample, smss } from './congestion.ts'
import { NewReno } from './new-reno.ts'

/** g of §3.3, by the formula of §4.2 for a round trip of 500 us at 10 Gbit/s. */
const GAIN = 1 / 16

export class Dctcp extends NewReno {
  override readonly name: string = 'dctcp'
  override readonly needsEcn = true
  /** DCTCP.Alpha: 1 at first, so that the first mark counts as much as for others. */
  #alpha = 1
  #windowEnd: Seq = toSeq(0)
  #bytesAcked = 0
  #bytesMarked = 0

  override opened(tcb: Tcb, now: number): void {
    super.opened(tcb, now)
    this.#windowEnd = tcb.sndUna
  }

  get alpha(): number {
    return this.#alpha
  }

  /** §3.3, steps 1 to 8. */
  override acknowledged(tcb: Tcb, sample: AckSample, now: number): void {
    this.#bytesAcked += sample.delivered
    this.#bytesMarked += sample.markedBytes
    if (lt(this.#windowEnd, tcb.sndUna)) {
      this.#alpha += GAIN * (this.#bytesMarked / Math.max(1, this.#bytesAcked) - this.#alpha)
      this.#windowEnd = tcb.sndNxt
      this.#bytesAcked = 0
      this.#bytesMarked = 0
    }
    super.acknowledged(tcb, sample, now)
  }

  /** §3.3, step 9: once a window (§3.4), and by half only if all of it was marked. A loss is as bad as for Reno (§3.5). */
  override congestionEchoed(tcb: Tcb, now: number): void {
    const window = Math.floor(tcb.cwnd * (1 - this.#alpha / 2))
    super.congestionEchoed(tcb, now)
    tcb.ssthresh = Math.max(window, 2 * smss(tcb))
    tcb.cwnd = Math.max(window, smss(tcb))
  }
}
