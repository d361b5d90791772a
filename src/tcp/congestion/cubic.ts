// CUBIC's window (RFC 9438): after a reduction it grows with time, not with round trips: fast at first, slowly where the
// last loss was, then fast again. Where Reno would be faster, as fast as Reno. Slow start ends by HyStart++ (hystart.ts).
// Windows are bytes; the RFC's constants are per segment.

import type { Tcb } from '../tcb.ts'
import { type AckSample, type CongestionControl, initialWindow, mayGrow, restart, smss } from './congestion.ts'
import { HyStart } from './hystart.ts'

/** §4.1, §5.1: segments a second cubed. */
const C = 0.4
/** §4.6. */
const BETA = 0.7
/** §4.3: what makes AIMD(alpha, beta) as fast as Reno's AIMD(1, 0.5). */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA)

/** What a reduction changes, and `undone` takes back (§4.9.2). */
class Curve {
  /** W_max, bytes; 0 for none: the first congestion avoidance, or that after a timeout (§4.8, §4.10). */
  wMax = 0
  /** cwnd_prior. */
  prior = 0
  /** t_epoch, ms; NaN while congestion avoidance has not begun. */
  epochAt = Number.NaN
  /** K, seconds. */
  k = 0
  /** W_est. */
  wEst = 0

  /** As it began. While there is no epoch nobody asks since when the window was heard of. */
  get isUntouched(): boolean {
    return this.wMax === 0 && this.prior === 0 && Number.isNaN(this.epochAt) && this.k === 0 && this.wEst === 0
  }

  take(from: Curve): void {
    this.wMax = from.wMax
    this.prior = from.prior
    this.epochAt = from.epochAt
    this.k = from.k
    this.wEst = from.wEst
  }
}

export class Cubic implements CongestionControl {
  readonly name: string = 'cubic'
  readonly governsRecovery = false
  readonly paces = false
  readonly needsEcn = false
  readonly #curve = new Curve()
  readonly #before = new Curve()
  readonly #slowStart = new HyStart()
  /** When an ACK last had its say about the window, ms: what lies between two of which one was not to let it grow is no part of t. */
  #heardAt = 0
  /** Of a byte, by which the window should be larger. */
  #fraction = 0
  readonly #fastConvergence: boolean
  readonly #ecnBeta: number

  /**
   * `fastConvergence`: a flow that loses before its last peak leaves room for somebody new (§4.7). `ecnBeta`: what a mark leaves of the
   * window in congestion avoidance; 0.85 is that of RFC 8511 §4.
   */
  constructor({ fastConvergence = true, ecnBeta = BETA } = {}) {
    this.#fastConvergence = fastConvergence
    this.#ecnBeta = ecnBeta
  }

  /**
   * For connections that are packed: puts what it knows into two integers and three doubles, and answers whether it could. That is so
   * as long as there was no loss and no congestion avoidance.
   */
  pack(ints: Int32Array, i: number, doubles: Float64Array, d: number): boolean {
    const isFresh = this.#curve.isUntouched && this.#before.isUntouched && this.#fraction === 0
    if (!isFresh || !this.#fastConvergence) return false
    this.#slowStart.pack(ints, i, doubles, d)
    return true
  }

  /** Only into one that was packed, or a new one. */
  unpack(ints: Int32Array, i: number, doubles: Float64Array, d: number): void {
    this.#slowStart.unpack(ints, i, doubles, d)
  }

  opened(tcb: Tcb): void {
    tcb.cwnd = initialWindow(tcb)
  }

  acknowledged(tcb: Tcb, sample: AckSample, now: number): void {
    if (!mayGrow(tcb, sample)) return this.#pause(now)
    let bytes = sample.delivered
    if (tcb.cwnd < tcb.ssthresh) {
      this.#pause(now)
      bytes = this.#slowStart.grow(tcb, sample)
      if (bytes === 0) return
    }
    this.#avoidCongestion(tcb, bytes, now)
    this.#heardAt = now
  }

  lossDetected(tcb: Tcb): void {
    this.#reduce(tcb)
    tcb.ssthresh = Math.max(reduced(tcb, BETA), 2 * smss(tcb))
  }

  recovered(tcb: Tcb): void {
    tcb.cwnd = tcb.ssthresh
  }

  timedOut(tcb: Tcb, again: boolean): void {
    if (!again) {
      this.#reduce(tcb)
      tcb.ssthresh = Math.max(reduced(tcb, BETA), 2 * smss(tcb))
    }
    this.#curve.wMax = 0
    tcb.cwnd = smss(tcb)
  }

  undone(): void {
    this.#curve.take(this.#before)
  }

  /** §4.6: the window may be as small as one segment, the threshold may not. */
  congestionEchoed(tcb: Tcb): void {
    this.#reduce(tcb)
    const window = reduced(tcb, tcb.cwnd > tcb.ssthresh ? this.#ecnBeta : BETA)
    tcb.ssthresh = Math.max(window, 2 * smss(tcb))
    tcb.cwnd = Math.max(window, smss(tcb))
  }

  idled(tcb: Tcb, now: number): void {
    restart(tcb, now)
  }

  resumed(_: Tcb, now: number): void {
    this.#pause(now)
  }

  /** §4.2, §5.8: the curve stands still while the window is not used. */
  #pause(now: number): void {
    this.#curve.epochAt += now - this.#heardAt
    this.#heardAt = now
  }

  #reduce(tcb: Tcb): void {
    const { cwnd } = tcb
    const curve = this.#curve
    this.#before.take(curve)
    curve.prior = cwnd
    curve.wMax = this.#fastConvergence && cwnd < curve.wMax ? (cwnd * (1 + BETA)) / 2 : cwnd
    curve.epochAt = Number.NaN
    this.#fraction = 0
  }

  #beginEpoch(tcb: Tcb, now: number): void {
    const { cwnd } = tcb
    const curve = this.#curve
    curve.epochAt = now
    curve.wEst = cwnd
    if (curve.wMax === 0) curve.prior = Math.max(curve.prior, cwnd)
    // Beyond the last peak already: that is where the curve begins.
    if (curve.wMax < cwnd) curve.wMax = cwnd
    curve.k = Math.cbrt((curve.wMax - cwnd) / smss(tcb) / C)
  }

  /** §4.2 to §4.5. */
  #avoidCongestion(tcb: Tcb, bytes: number, now: number): void {
    const curve = this.#curve
    if (Number.isNaN(curve.epochAt)) this.#beginEpoch(tcb, now)
    const { cwnd } = tcb
    const segment = smss(tcb)
    const t = (now - curve.epochAt) / 1000
    curve.wEst += ((curve.wEst >= curve.prior ? 1 : ALPHA) * segment * bytes) / cwnd
    const inARoundTrip = windowAt(curve, segment, t + Math.max(0, tcb.srttMs) / 1000)
    let growth = ((Math.min(Math.max(inARoundTrip, cwnd), 1.5 * cwnd) - cwnd) / cwnd) * bytes
    if (windowAt(curve, segment, t) < curve.wEst) growth = Math.max(growth, curve.wEst - cwnd - this.#fraction)
    const exact = cwnd + this.#fraction + growth
    tcb.cwnd = Math.floor(exact)
    this.#fraction = exact - tcb.cwnd
  }
}

/** W_cubic(t), bytes. */
function windowAt(curve: Curve, segment: number, t: number): number {
  return C * segment * (t - curve.k) ** 3 + curve.wMax
}

/**
 * §4.6 lets the window stand for what is in flight, where it grows only while it is used (`mayGrow`): a user who pauses
 * does not lose more than others.
 */
function reduced(tcb: Tcb, beta: number): number {
  // In thousandths: 0.7 is a little less than seven tenths.
  return Math.floor((tcb.cwnd * Math.round(1000 * beta)) / 1000)
}
