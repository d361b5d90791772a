// Where slow start ends before it loses: when the round trip grows, a queue does. HyStart++ (RFC 9406 §4.2 and §4.3)
// then goes on at a quarter of the pace for a while, to see whether it was mistaken; HyStart as Linux has it (its delay
// test alone) ends slow start at once. Both judge only the first slow start, while ssthresh is what nobody has measured.

import { lt, type Seq, toSeq } from '../seq.ts'
import type { Tcb } from '../tcb.ts'
import { type AckSample, NO_THRESHOLD, slowStart, smss } from './congestion.ts'

// RFC 9406 §4.3. L is infinity: acknowledged bytes are counted whole, because one ACK a batch stands for many segments here.
const MIN_RTT_THRESH = 4
const MAX_RTT_THRESH = 16
const MIN_RTT_DIVISOR = 8
const N_RTT_SAMPLE = 8
const CSS_GROWTH_DIVISOR = 4
const CSS_ROUNDS = 5

/** Linux's hystart_low_window, segments: a smaller window ends slow start for no delay. */
const LOW_WINDOW = 16

const rttThreshold = (rttMs: number): number =>
  Math.max(MIN_RTT_THRESH, Math.min(rttMs / MIN_RTT_DIVISOR, MAX_RTT_THRESH))

export class HyStart {
  #over = false
  /** The round ends when this is acknowledged. */
  #windowEnd: Seq = toSeq(0)
  #hasRound = false
  #samples = 0
  #currentRoundMinRtt = Number.POSITIVE_INFINITY
  #lastRoundMinRtt = Number.POSITIVE_INFINITY
  /** Conservative slow start: what the round trip was when it began, Infinity while it is not on. */
  #cssBaselineMinRtt = Number.POSITIVE_INFINITY
  #cssRounds = 0

  pack(ints: Int32Array, i: number, doubles: Float64Array, d: number): void {
    ints[i] = this.#windowEnd
    ints[i + 1] = (this.#over ? 1 : 0) | (this.#hasRound ? 2 : 0) | (this.#cssRounds << 2) | (this.#samples << 8)
    doubles[d] = this.#currentRoundMinRtt
    doubles[d + 1] = this.#lastRoundMinRtt
    doubles[d + 2] = this.#cssBaselineMinRtt
  }

  unpack(ints: Int32Array, i: number, doubles: Float64Array, d: number): void {
    const counts = ints[i + 1]
    this.#windowEnd = ints[i] as Seq
    this.#over = (counts & 1) !== 0
    this.#hasRound = (counts & 2) !== 0
    this.#cssRounds = (counts >> 2) & 63
    this.#samples = counts >>> 8
    this.#currentRoundMinRtt = doubles[d]
    this.#lastRoundMinRtt = doubles[d + 1]
    this.#cssBaselineMinRtt = doubles[d + 2]
  }

  /** The window is below ssthresh: lets it grow, and answers the acknowledged bytes that are left for congestion avoidance. */
  grow(tcb: Tcb, sample: AckSample): number {
    const { slowStartExit } = tcb.options
    if (this.#over || slowStartExit === 'off' || tcb.ssthresh < NO_THRESHOLD) return slowStart(tcb, sample.delivered)
    if (this.#startRound(tcb)) return slowStart(tcb, sample.delivered)
    let left = 0
    if (slowStartExit === 'hystart') {
      this.#endAtDelay(tcb, sample.rttMs)
      left = tcb.cwnd < tcb.ssthresh ? slowStart(tcb, sample.delivered) : sample.delivered
    } else {
      const slow = this.#cssBaselineMinRtt !== Number.POSITIVE_INFINITY
      slowStart(tcb, slow ? Math.floor(sample.delivered / CSS_GROWTH_DIVISOR) : sample.delivered)
      this.#judge(sample.rttMs)
    }
    return left
  }

  /**
   * The ACK of all that was sent when the round began is the last of the round; the next one begins the next, when what that ACK let go has
   * left, and is the first of its samples (as on Linux). True where slow start ends with the round.
   */
  #startRound(tcb: Tcb): boolean {
    if (!this.#hasRound) {
      this.#hasRound = true
      this.#windowEnd = tcb.sndNxt
      return false
    }
    if (!lt(this.#windowEnd, tcb.sndUna)) return false
    this.#windowEnd = tcb.sndNxt
    this.#lastRoundMinRtt = this.#currentRoundMinRtt
    this.#currentRoundMinRtt = Number.POSITIVE_INFINITY
    this.#samples = 0
    if (this.#cssBaselineMinRtt === Number.POSITIVE_INFINITY || ++this.#cssRounds < CSS_ROUNDS) return false
    this.#over = true
    tcb.ssthresh = tcb.cwnd
    return true
  }

  /** RFC 9406 §4.2, for each ACK. */
  #judge(rttMs: number): void {
    if (rttMs < 0) return
    this.#samples++
    this.#currentRoundMinRtt = Math.min(this.#currentRoundMinRtt, rttMs)
    if (this.#samples < N_RTT_SAMPLE) return
    const current = this.#currentRoundMinRtt
    if (this.#cssBaselineMinRtt !== Number.POSITIVE_INFINITY) {
      if (current < this.#cssBaselineMinRtt) this.#cssBaselineMinRtt = Number.POSITIVE_INFINITY
    } else if (current >= this.#lastRoundMinRtt + rttThreshold(this.#lastRoundMinRtt)) {
      this.#cssBaselineMinRtt = current
      this.#cssRounds = 0
    }
  }

  /** Linux's hystart_update: eight samples of a round, and the next one is later than the shortest round trip ever by too much. */
  #endAtDelay(tcb: Tcb, rttMs: number): void {
    if (rttMs < 0 || tcb.cwnd < LOW_WINDOW * smss(tcb)) return
    this.#currentRoundMinRtt = Math.min(this.#currentRoundMinRtt, rttMs)
    if (this.#samples < N_RTT_SAMPLE) this.#samples++
    else if (this.#currentRoundMinRtt > tcb.minRttMs + rttThreshold(tcb.minRttMs)) {
      this.#over = true
      tcb.ssthresh = tcb.cwnd
    }
  }
}
