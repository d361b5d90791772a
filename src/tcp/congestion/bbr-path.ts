// BBR's model of the path ("Updating Network Path Model Parameters"): round trips counted by packets, filters for
// bandwidth, round trip and aggregation, and the bounds that losses put to them.

import type { Tcb } from '../tcb.ts'
import type { AckSample } from './congestion.ts'
import { WindowedMax } from './windowed-max.ts'

const LOSS_THRESHOLD = 0.02
const MIN_RTT_FILTER_LENGTH = 10_000
const PROBE_RTT_INTERVAL = 5000
const EXTRA_ACKED_FILTER_LENGTH = 10
const FULL_BW_GROWTH = 1.25
const FULL_BW_ROUNDS = 3

export class BbrPath {
  // Round trips: one is over when something is delivered that was sent after it began.
  roundCount = 0
  roundStart = false
  #nextRoundDelivered = 0

  // Bandwidth: the most of this ProbeBW cycle and of the one before, and what is left of it after a loss.
  #bwOfCycle = 0
  #bwOfCycleBefore = 0
  #bwShortterm = Number.POSITIVE_INFINITY
  bw = 0

  // Volume.
  inflightLongterm = Number.POSITIVE_INFINITY
  inflightShortterm = Number.POSITIVE_INFINITY

  // Whether the pipe is full.
  fullBwReached = false
  fullBwNow = false
  #fullBw = 0
  #fullBwCount = 0

  // What the last round trip has delivered, and whether it lost something.
  lossInRound = false
  lossRoundStart = false
  lossRoundDelivered = 0
  inflightLatest = 0
  #bwLatest = 0

  // The shortest round trip.
  minRtt = Number.POSITIVE_INFINITY
  #minRttStamp = 0
  probeRttExpired = false
  probeRttMinStamp = 0
  #probeRttMinDelay = Number.POSITIVE_INFINITY

  // Aggregation: what comes in bursts beyond the bandwidth.
  readonly #extra = new WindowedMax()
  #extraStart = 0
  #extraDelivered = 0

  #undoBwShortterm = Number.POSITIVE_INFINITY
  #undoInflightShortterm = Number.POSITIVE_INFINITY
  #undoInflightLongterm = Number.POSITIVE_INFINITY

  begin(srttMs: number, now: number): void {
    if (srttMs >= 0) this.minRtt = srttMs
    this.#probeRttMinDelay = this.minRtt
    this.#minRttStamp = now
    this.probeRttMinStamp = now
    this.#extraStart = now
  }

  get maxBw(): number {
    return Math.max(this.#bwOfCycle, this.#bwOfCycleBefore)
  }

  get extraAcked(): number {
    return this.#extra.best
  }

  startRound(tcb: Tcb): void {
    this.#nextRoundDelivered = tcb.delivered
  }

  updateRound(tcb: Tcb, rs: AckSample): void {
    this.roundStart = rs.priorDelivered >= this.#nextRoundDelivered
    if (!this.roundStart) return
    this.startRound(tcb)
    this.roundCount++
  }

  updateMaxBw(rs: AckSample): void {
    if (rs.deliveryRate > 0 && (rs.deliveryRate >= this.maxBw || !rs.isAppLimited)) {
      this.#bwOfCycle = Math.max(this.#bwOfCycle, rs.deliveryRate)
    }
  }

  /** AdvanceMaxBwFilter. A cycle without a sample says nothing: what was before it stays. */
  advanceMaxBw(): void {
    if (this.#bwOfCycle === 0) return
    this.#bwOfCycleBefore = this.#bwOfCycle
    this.#bwOfCycle = 0
  }

  /** BoundBWForModel. */
  boundBw(): void {
    this.bw = Math.min(this.maxBw, this.#bwShortterm)
  }

  // --- "Startup": has the bandwidth stopped to grow? ---

  /** ResetFullBW, with a new baseline. */
  resetFullBw(baseline: number): void {
    this.#fullBw = Math.max(0, baseline)
    this.#fullBwCount = 0
    this.fullBwNow = false
  }

  checkFullBw(rs: AckSample): void {
    if (this.fullBwNow || !this.roundStart || rs.isAppLimited || rs.deliveryRate < 0) return
    if (rs.deliveryRate >= this.#fullBw * FULL_BW_GROWTH) return this.resetFullBw(rs.deliveryRate)
    this.fullBwNow = ++this.#fullBwCount >= FULL_BW_ROUNDS
    if (this.fullBwNow) this.fullBwReached = true
  }

  // --- "Updating the Model Upon Packet Loss" ---

  updateLatestSignals(tcb: Tcb, rs: AckSample): void {
    this.lossRoundStart = false
    this.#bwLatest = Math.max(this.#bwLatest, rs.deliveryRate)
    this.inflightLatest = Math.max(this.inflightLatest, deliveredSince(tcb, rs))
    if (rs.priorDelivered < this.lossRoundDelivered) return
    this.lossRoundDelivered = tcb.delivered
    this.lossRoundStart = true
  }

  advanceLatestSignals(tcb: Tcb, rs: AckSample): void {
    if (!this.lossRoundStart) return
    this.#bwLatest = Math.max(0, rs.deliveryRate)
    this.inflightLatest = deliveredSince(tcb, rs)
  }

  resetCongestionSignals(): void {
    this.lossInRound = false
    this.#bwLatest = 0
    this.inflightLatest = 0
  }

  /** InitLowerBounds, LossLowerBounds. */
  adaptLowerBounds(cwnd: number, beta: number): void {
    if (this.#bwShortterm === Number.POSITIVE_INFINITY) this.#bwShortterm = this.maxBw
    if (this.inflightShortterm === Number.POSITIVE_INFINITY) this.inflightShortterm = cwnd
    this.#bwShortterm = Math.max(this.#bwLatest, beta * this.#bwShortterm)
    this.inflightShortterm = Math.max(this.inflightLatest, beta * this.inflightShortterm)
  }

  resetShortTermModel(): void {
    this.#bwShortterm = Number.POSITIVE_INFINITY
    this.inflightShortterm = Number.POSITIVE_INFINITY
  }

  isInflightTooHigh(tcb: Tcb, rs: AckSample): boolean {
    return rs.lostSince > rs.txInFlight * LOSS_THRESHOLD || (rs.lostSince > 0 && !tcb.sacksOn)
  }

  /** InflightAtLoss: at what volume did the losses pass the threshold, which may have been in the midst of them? */
  inflightAtLoss(rs: AckSample): number {
    const inflightBefore = Math.max(0, rs.txInFlight - rs.lost)
    const lostBefore = Math.max(0, rs.lostSince - rs.lost)
    const prefix = (LOSS_THRESHOLD * inflightBefore - lostBefore) / (1 - LOSS_THRESHOLD)
    return inflightBefore + Math.max(0, prefix)
  }

  /** SaveStateUponLoss. */
  saveForUndo(): void {
    this.#undoBwShortterm = this.#bwShortterm
    this.#undoInflightShortterm = this.inflightShortterm
    this.#undoInflightLongterm = this.inflightLongterm
  }

  undo(): void {
    this.lossInRound = false
    this.resetFullBw(0)
    this.#bwShortterm = Math.max(this.#bwShortterm, this.#undoBwShortterm)
    this.inflightShortterm = Math.max(this.inflightShortterm, this.#undoInflightShortterm)
    this.inflightLongterm = Math.max(this.inflightLongterm, this.#undoInflightLongterm)
  }

  // --- The round trip ---

  updateMinRtt(rttMs: number, now: number): void {
    this.probeRttExpired = now > this.probeRttMinStamp + PROBE_RTT_INTERVAL
    if (rttMs >= 0 && (rttMs < this.#probeRttMinDelay || this.probeRttExpired)) {
      this.#probeRttMinDelay = rttMs
      this.probeRttMinStamp = now
    }
    if (this.#probeRttMinDelay < this.minRtt || now > this.#minRttStamp + MIN_RTT_FILTER_LENGTH) {
      this.minRtt = this.#probeRttMinDelay
      this.#minRttStamp = this.probeRttMinStamp
    }
  }

  // --- Aggregation ---

  restartAggregation(now: number): void {
    this.#extraStart = now
  }

  /** UpdateACKAggregation. */
  updateAggregation(rs: AckSample, cwnd: number, now: number): void {
    let expected = this.bw * (now - this.#extraStart)
    if (this.#extraDelivered <= expected) {
      this.#extraDelivered = 0
      this.#extraStart = now
      expected = 0
    }
    this.#extraDelivered += rs.delivered
    const extra = Math.min(this.#extraDelivered - expected, cwnd)
    this.#extra.update(extra, this.roundCount, this.fullBwReached ? EXTRA_ACKED_FILTER_LENGTH : 1)
  }
}

/** RS.delivered of the draft: since the newest segment that is acknowledged had left. */
const deliveredSince = (tcb: Tcb, rs: AckSample): number => tcb.delivered - rs.priorDelivered
