// Congestion window validation (RFC 7661) around another controller: a window of which little was used lately is kept, also
// while nothing is sent, and grows only when it is full; but what meets congestion then is judged by what was used. What others
// do is RFC 2861 as Linux has it (`restart`, usage.ts). That a window kept does not leave in one burst (§4.4.2) is for the option
// `pacing`.

import { typeError } from '../../errors.ts'
import { ahead, leq, type Seq, toSeq } from '../seq.ts'
import type { Tcb } from '../tcb.ts'
import { type AckSample, type CongestionControl, initialWindow, smss } from './congestion.ts'
import { WindowedMax } from './windowed-max.ts'

/** NVP of §4.4: how long a window is kept that is not used. */
const NON_VALIDATED_MS = 5 * 60_000
/** §4.2: over how long pipeACK looks back, at least, and in round trips. */
const LEAST_SAMPLING_MS = 1000
const SAMPLING_ROUNDS = 3

export class ValidatedWindow implements CongestionControl {
  readonly name: string
  readonly governsRecovery = false
  readonly paces: boolean
  readonly needsEcn: boolean
  readonly #inner: CongestionControl
  /** pipeACK: the most that was acknowledged in a round trip. */
  #pipeAck = new WindowedMax()
  #isDefined = false
  #roundEnd: Seq = toSeq(0)
  #acked = 0
  /** When the phase began, ms; NaN in the validated one. */
  #nonValidatedAt = Number.NaN
  /** Max(pipeACK, LossFlightSize) of a loss in the non-validated phase; -1 for none. */
  #usedAtLoss = -1
  #repeatedBefore = 0

  constructor(inner: CongestionControl) {
    if (inner.governsRecovery) {
      throw typeError(
        'ERR_INVALID_ARG_VALUE',
        `${inner.name} sets the window in recovery itself: it cannot be validated`
      )
    }
    this.#inner = inner
    this.name = `${inner.name}, validated`
    this.paces = inner.paces
    this.needsEcn = inner.needsEcn
  }

  opened(tcb: Tcb, now: number): void {
    this.#inner.opened(tcb, now)
    this.#roundEnd = tcb.sndUna
  }

  acknowledged(tcb: Tcb, sample: AckSample, now: number): void {
    this.#measure(tcb, sample, now)
    const { cwnd } = tcb
    this.#inner.acknowledged(tcb, sample, now)
    if (!this.#isValidated(tcb) && !tcb.cwndLimited) tcb.cwnd = Math.min(tcb.cwnd, cwnd)
  }

  /** §4.4.1. */
  lossDetected(tcb: Tcb, now: number): void {
    this.#usedAtLoss = this.#isValidated(tcb) ? -1 : this.#used(tcb)
    this.#repeatedBefore = tcb.bytesRetransmitted
    this.#inner.lossDetected(tcb, now)
    if (this.#usedAtLoss >= 0) tcb.ssthresh = half(this.#usedAtLoss, 2 * smss(tcb))
  }

  /** §4.4.1: the path had less room than was used, by what was lost at least. */
  recovered(tcb: Tcb, now: number): void {
    this.#inner.recovered(tcb, now)
    if (this.#usedAtLoss >= 0) {
      const arrived = this.#usedAtLoss - (tcb.bytesRetransmitted - this.#repeatedBefore)
      tcb.cwnd = half(arrived, smss(tcb))
      tcb.ssthresh = half(arrived, 2 * smss(tcb))
    }
    this.#forget()
  }

  timedOut(tcb: Tcb, again: boolean, now: number): void {
    this.#inner.timedOut(tcb, again, now)
    this.#forget()
  }

  undone(tcb: Tcb, now: number): void {
    this.#inner.undone(tcb, now)
    this.#usedAtLoss = -1
  }

  congestionEchoed(tcb: Tcb, now: number): void {
    const used = this.#isValidated(tcb) ? -1 : this.#used(tcb)
    this.#inner.congestionEchoed(tcb, now)
    if (used >= 0) {
      tcb.cwnd = half(used, smss(tcb))
      tcb.ssthresh = half(used, 2 * smss(tcb))
    }
    this.#forget()
  }

  /** What RFC 2861 would halve is kept. */
  idled(tcb: Tcb, now: number): void {
    this.#paused(tcb, now)
  }

  resumed(tcb: Tcb, now: number): void {
    this.#inner.resumed(tcb, now)
    this.#paused(tcb, now)
  }

  /** §4.3. */
  #isValidated(tcb: Tcb): boolean {
    return !this.#isDefined || 2 * this.#pipeAck.best >= tcb.cwnd
  }

  #used(tcb: Tcb): number {
    return Math.max(this.#pipeAck.best, ahead(tcb.sndNxt, tcb.sndUna))
  }

  /** §4.2: a sample for each round trip. */
  #measure(tcb: Tcb, sample: AckSample, now: number): void {
    this.#acked += sample.acked
    if (!leq(this.#roundEnd, tcb.sndUna)) return
    this.#pipeAck.update(this.#acked, now, samplingPeriod(tcb))
    this.#isDefined = true
    this.#acked = 0
    this.#roundEnd = tcb.sndNxt
    this.#judge(tcb, now, now)
  }

  /** Nothing was sent lately: what was acknowledged before grows old. */
  #paused(tcb: Tcb, now: number): void {
    if (!this.#isDefined) return
    this.#pipeAck.update(0, now, samplingPeriod(tcb))
    this.#judge(tcb, tcb.lastSentAt, now)
  }

  /** §4.4.3; `since`: when the phase began, if it has begun. */
  #judge(tcb: Tcb, since: number, now: number): void {
    if (this.#isValidated(tcb)) {
      this.#nonValidatedAt = Number.NaN
      return
    }
    if (Number.isNaN(this.#nonValidatedAt)) this.#nonValidatedAt = since
    if (now - this.#nonValidatedAt <= NON_VALIDATED_MS) return
    this.#nonValidatedAt = now
    tcb.ssthresh = Math.max(tcb.ssthresh, Math.floor((3 * tcb.cwnd) / 4))
    tcb.cwnd = Math.min(tcb.cwnd, half(tcb.cwnd, initialWindow(tcb)))
  }

  /** pipeACK is undefined. */
  #forget(): void {
    this.#pipeAck = new WindowedMax()
    this.#isDefined = false
    this.#nonValidatedAt = Number.NaN
    this.#usedAtLoss = -1
  }
}

const samplingPeriod = (tcb: Tcb): number => Math.max(SAMPLING_ROUNDS * tcb.srttMs, LEAST_SAMPLING_MS)

const half = (bytes: number, least: number): number => Math.max(Math.floor(bytes / 2), least)
