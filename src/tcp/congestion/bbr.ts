// BBR version 3 (draft-ietf-ccwg-bbr): a model of the path, its bandwidth and its shortest round trip, that says how fast to
// pace and how much to have in flight. Losses correct the model instead of halving the window. Names and steps are the
// draft's; bytes and milliseconds are its units here. bbr-path.ts keeps the model, this file the state machine and what it controls.
// What the draft does for each lost packet is done once for an ACK, with the sample of the newest segment that it delivers.

import { inFlight } from '../flight.ts'
import { Repair, type Tcb } from '../tcb.ts'
import { BbrPath } from './bbr-path.ts'
import { type AckSample, type CongestionControl, initialWindow, NO_THRESHOLD, smss } from './congestion.ts'

const STARTUP = 0
const DRAIN = 1
const PROBE_DOWN = 2
const PROBE_CRUISE = 3
const PROBE_REFILL = 4
const PROBE_UP = 5
const PROBE_RTT = 6

export const BBR_STATES = [
  'Startup',
  'Drain',
  'ProbeBW_DOWN',
  'ProbeBW_CRUISE',
  'ProbeBW_REFILL',
  'ProbeBW_UP',
  'ProbeRTT'
]

/** "Summary of Control Behavior in the State Machine", by state. */
const PACING_GAIN = [2.77, 0.5, 0.9, 1, 1, 1.25, 1]
const CWND_GAIN = [2, 2, 2, 2, 2, 2.25, 0.5]

const ACKS_INIT = 0
const ACKS_REFILLING = 1
const ACKS_PROBE_STARTING = 2
const ACKS_PROBE_FEEDBACK = 3
const ACKS_PROBE_STOPPING = 4

const PACING_MARGIN = 0.99
const HEADROOM = 0.15
const BETA = 0.7
/** BBRStartupFullLossCnt. */
const STARTUP_FULL_LOSS_COUNT = 6
const PROBE_RTT_DURATION = 200
const MIN_PIPE_SEGMENTS = 4
const LARGEST_QUANTUM = 65_536
const MOST_RENO_ROUNDS = 63

export class Bbr implements CongestionControl {
  readonly name = 'bbr'
  readonly governsRecovery = true
  readonly paces = true
  readonly needsEcn = false
  readonly #path = new BbrPath()
  #state = STARTUP
  #ackPhase = ACKS_INIT
  #drainStartRound = 0
  #hasRtt = false

  // ProbeBW.
  #roundsSinceProbeUp = 0
  #probeWait = 0
  #cycleStamp = 0
  #isProbeSample = false
  #prevProbeTooHigh = false
  #prevProbePrecautionary = false
  #upAcked = 0
  #upAckedPerIncrement = Number.POSITIVE_INFINITY
  #upRounds = 0
  #lossEvents = 0

  // ProbeRTT.
  #doneStamp = 0
  #roundDone = false
  #idleRestart = false
  #priorCwnd = 0

  #undoState = -1
  #random = 1

  /** As the draft spells it. */
  get state(): string {
    return BBR_STATES[this.#state]
  }

  /** Bytes a millisecond. */
  get maxBw(): number {
    return this.#path.maxBw
  }

  get minRttMs(): number {
    return this.#path.minRtt
  }

  // --- What the engine tells ---

  opened(tcb: Tcb, now: number): void {
    tcb.cwnd = initialWindow(tcb)
    tcb.ssthresh = NO_THRESHOLD
    this.#path.begin(tcb.srttMs, now)
    this.#random = (tcb.iss | 1) >>> 0
    this.#initPacingRate(tcb)
  }

  acknowledged(tcb: Tcb, rs: AckSample, now: number): void {
    if (!this.#hasRtt && tcb.srttMs > 0) this.#initPacingRate(tcb)
    if (rs.lost > 0) this.#handleLoss(tcb, rs, now)
    this.#updateModel(tcb, rs, now)
    this.#setPacingRate(tcb, PACING_GAIN[this.#state])
    this.#setCwnd(tcb, rs)
  }

  lossDetected(tcb: Tcb): void {
    this.#saveCwnd(tcb, false)
    this.#path.saveForUndo()
    this.#undoState = -1
  }

  recovered(tcb: Tcb): void {
    tcb.cwnd = Math.max(tcb.cwnd, this.#priorCwnd)
  }

  timedOut(tcb: Tcb, again: boolean): void {
    this.#saveCwnd(tcb, again)
    this.#noteLoss(tcb)
    tcb.cwnd = inFlight(tcb) + smss(tcb)
  }

  /** HandleSpuriousLossDetection. */
  undone(tcb: Tcb, now: number): void {
    tcb.cwnd = Math.max(tcb.cwnd, this.#priorCwnd)
    this.#path.undo()
    if (this.#undoState === STARTUP && this.#state !== STARTUP) {
      this.#path.fullBwReached = false
      if (this.#state !== PROBE_RTT) this.#state = STARTUP
    } else if (this.#undoState === PROBE_UP && this.#state !== PROBE_UP && this.#state !== PROBE_RTT) {
      this.#startRefill(tcb)
    }
    this.#undoState = -1
    this.#cycleStamp = Math.min(this.#cycleStamp, now)
  }

  /** The draft leaves the response to marks open, but that they are congestion: a round with one counts as a round with a loss. */
  congestionEchoed(tcb: Tcb, now: number): void {
    this.#noteLoss(tcb)
    if (this.#isProbeSample) this.#handleInflightTooHigh(tcb, inFlight(tcb), false, now)
  }

  /** "Restarting From Idle" keeps the model: `resumed`. */
  idled(): void {}

  resumed(tcb: Tcb, now: number): void {
    if (tcb.appLimitedUntil === 0) return
    this.#idleRestart = true
    this.#path.restartAggregation(now)
    if (this.#isProbingBw()) this.#setPacingRate(tcb, 1)
    else if (this.#state === PROBE_RTT) this.#checkProbeRttDone(tcb, now)
  }

  // --- UpdateModelAndState ---

  #updateModel(tcb: Tcb, rs: AckSample, now: number): void {
    const path = this.#path
    path.updateLatestSignals(tcb, rs)
    path.updateRound(tcb, rs)
    if (path.roundStart) this.#roundsSinceProbeUp++
    path.updateMaxBw(rs)
    if (path.lossRoundStart) {
      if (path.lossInRound && !this.#isAccelerating()) path.adaptLowerBounds(tcb.cwnd, BETA)
      path.lossInRound = false
    }
    path.updateAggregation(rs, tcb.cwnd, now)
    path.checkFullBw(rs)
    this.#checkStartupDone(tcb, rs)
    if (this.#state === DRAIN) this.#checkDrainDone(tcb, now)
    this.#updateProbeBw(tcb, rs, now)
    path.updateMinRtt(rs.rttMs, now)
    this.#checkProbeRtt(tcb, rs, now)
    path.advanceLatestSignals(tcb, rs)
    path.boundBw()
  }

  #checkStartupDone(tcb: Tcb, rs: AckSample): void {
    const path = this.#path
    if (this.#state !== STARTUP) return
    if (this.#isLossHigh(tcb, rs)) {
      this.#undoState = STARTUP
      path.fullBwNow = true
      path.fullBwReached = true
      path.inflightLongterm = Math.floor(Math.max(this.#bdp(tcb, 1), path.inflightLatest))
    }
    if (path.lossRoundStart) this.#lossEvents = 0
    if (!path.fullBwReached) return
    this.#state = DRAIN
    this.#drainStartRound = path.roundCount
  }

  /** CheckStartupHighLoss: a round trip in recovery, and losses in many places of it. */
  #isLossHigh(tcb: Tcb, rs: AckSample): boolean {
    if (rs.lost > 0) this.#lossEvents++
    if (tcb.repair !== Repair.RECOVERY) return false
    if (!tcb.sacksOn) return rs.lost > 0
    const hasFullRound = this.#path.lossRoundStart && this.#lossEvents >= STARTUP_FULL_LOSS_COUNT
    return hasFullRound && this.#path.isInflightTooHigh(tcb, rs)
  }

  #checkDrainDone(tcb: Tcb, now: number): void {
    const isLong = this.#path.roundCount > this.#drainStartRound + 3
    if (isLong || inFlight(tcb) <= this.#inflight(tcb, 1)) this.#startDown(tcb, now)
  }

  // --- ProbeBW ---

  #updateProbeBw(tcb: Tcb, rs: AckSample, now: number): void {
    if (!this.#path.fullBwReached || this.#adaptLongTermModel(tcb, rs) || !this.#isProbingBw()) return
    switch (this.#state) {
      case PROBE_DOWN:
        if (!this.#isTimeToProbe(tcb, now) && this.#isTimeToCruise(tcb)) this.#state = PROBE_CRUISE
        return
      case PROBE_CRUISE:
        this.#isTimeToProbe(tcb, now)
        return
      case PROBE_REFILL:
        if (!this.#path.roundStart) return
        this.#isProbeSample = true
        this.#startUp(tcb, rs)
        return
      case PROBE_UP:
        if (!this.#isTimeToGoDown(tcb, rs)) return
        this.#prevProbeTooHigh = false
        this.#startDown(tcb, now)
    }
  }

  #startDown(tcb: Tcb, now: number): void {
    const path = this.#path
    path.resetCongestionSignals()
    this.#upAckedPerIncrement = Number.POSITIVE_INFINITY
    this.#roundsSinceProbeUp = this.#nextRandom() < 0.5 ? 0 : 1
    this.#probeWait = 2000 + 1000 * this.#nextRandom()
    this.#cycleStamp = now
    this.#ackPhase = ACKS_PROBE_STOPPING
    path.startRound(tcb)
    this.#state = PROBE_DOWN
  }

  #startRefill(tcb: Tcb): void {
    this.#path.resetShortTermModel()
    this.#upRounds = 0
    this.#upAcked = 0
    this.#prevProbePrecautionary = false
    this.#ackPhase = ACKS_REFILLING
    this.#path.startRound(tcb)
    this.#state = PROBE_REFILL
  }

  #startUp(tcb: Tcb, rs: AckSample): void {
    this.#ackPhase = ACKS_PROBE_STARTING
    this.#path.startRound(tcb)
    this.#path.resetFullBw(rs.deliveryRate)
    this.#state = PROBE_UP
    this.#raiseSlope(tcb)
  }

  /** IsTimeToProbeBW. */
  #isTimeToProbe(tcb: Tcb, now: number): boolean {
    const target = Math.min(this.#bdp(tcb, 1), tcb.cwnd) / smss(tcb)
    const isRenosTime = this.#roundsSinceProbeUp >= Math.min(target, MOST_RENO_ROUNDS)
    if (now <= this.#cycleStamp + this.#probeWait && !isRenosTime) return false
    this.#startRefill(tcb)
    return true
  }

  #isTimeToCruise(tcb: Tcb): boolean {
    const flight = inFlight(tcb)
    return flight <= this.#withHeadroom(tcb) && flight <= this.#inflight(tcb, 1)
  }

  #isTimeToGoDown(tcb: Tcb, rs: AckSample): boolean {
    const path = this.#path
    // As much as it can be in whole segments.
    if (this.#prevProbeTooHigh && inFlight(tcb) + smss(tcb) > path.inflightLongterm) {
      this.#prevProbePrecautionary = true
      return true
    }
    if (tcb.cwndLimited && tcb.cwnd >= path.inflightLongterm) path.resetFullBw(rs.deliveryRate)
    else if (path.fullBwNow) return true
    return false
  }

  /** True where it has decided the next state. */
  #adaptLongTermModel(tcb: Tcb, rs: AckSample): boolean {
    const path = this.#path
    if (this.#ackPhase === ACKS_PROBE_STARTING && path.roundStart) this.#ackPhase = ACKS_PROBE_FEEDBACK
    if (this.#ackPhase === ACKS_PROBE_STOPPING && path.roundStart) {
      this.#isProbeSample = false
      this.#ackPhase = ACKS_INIT
      if (this.#isProbingBw() && !rs.isAppLimited) path.advanceMaxBw()
      if (this.#isProbingBw() && this.#prevProbePrecautionary && !this.#prevProbeTooHigh) {
        this.#startRefill(tcb)
        return true
      }
    }
    if (path.inflightLongterm === Number.POSITIVE_INFINITY || path.isInflightTooHigh(tcb, rs)) return false
    path.inflightLongterm = Math.max(path.inflightLongterm, rs.txInFlight)
    if (this.#state === PROBE_UP) this.#probeUpward(tcb, rs)
    return false
  }

  /** ProbeInflightLongtermUpward: exponentially, a segment at a time. */
  #probeUpward(tcb: Tcb, rs: AckSample): void {
    if (!tcb.cwndLimited || tcb.cwnd < this.#path.inflightLongterm) return
    this.#upAcked += rs.delivered
    if (this.#upAcked >= this.#upAckedPerIncrement) {
      const delta = Math.floor(this.#upAcked / this.#upAckedPerIncrement)
      this.#upAcked -= delta * this.#upAckedPerIncrement
      this.#path.inflightLongterm += delta * smss(tcb)
    }
    if (this.#path.roundStart) this.#raiseSlope(tcb)
  }

  #raiseSlope(tcb: Tcb): void {
    this.#upAckedPerIncrement = Math.max(tcb.cwnd / 2 ** this.#upRounds, smss(tcb))
    this.#upRounds = Math.min(this.#upRounds + 1, 30)
  }

  // --- Losses ---

  #noteLoss(tcb: Tcb): void {
    if (!this.#path.lossInRound) {
      this.#path.lossRoundDelivered = tcb.delivered
      this.#path.saveForUndo()
      this.#undoState = -1
    }
    this.#path.lossInRound = true
  }

  /** HandleLostPacket. */
  #handleLoss(tcb: Tcb, rs: AckSample, now: number): void {
    this.#noteLoss(tcb)
    if (!this.#isProbeSample || !this.#path.isInflightTooHigh(tcb, rs)) return
    this.#handleInflightTooHigh(tcb, this.#path.inflightAtLoss(rs), rs.isAppLimited, now)
  }

  #handleInflightTooHigh(tcb: Tcb, flight: number, isAppLimited: boolean, now: number): void {
    this.#prevProbeTooHigh = true
    this.#isProbeSample = false
    if (!isAppLimited) {
      // A whole number, as the window is: the window must be able to reach it.
      this.#path.inflightLongterm = Math.floor(Math.max(flight, Math.min(this.#bdp(tcb, 1), tcb.cwnd) * BETA))
    }
    if (this.#state !== PROBE_UP) return
    this.#undoState = PROBE_UP
    this.#startDown(tcb, now)
  }

  // --- ProbeRTT ---

  #checkProbeRtt(tcb: Tcb, rs: AckSample, now: number): void {
    if (this.#state !== PROBE_RTT && this.#path.probeRttExpired && !this.#idleRestart) {
      this.#saveCwnd(tcb, tcb.repair >= Repair.RECOVERY)
      this.#state = PROBE_RTT
      this.#doneStamp = 0
      this.#ackPhase = ACKS_PROBE_STOPPING
      this.#path.startRound(tcb)
    }
    if (this.#state === PROBE_RTT) this.#handleProbeRtt(tcb, now)
    if (rs.delivered > 0) this.#idleRestart = false
  }

  #handleProbeRtt(tcb: Tcb, now: number): void {
    const flight = inFlight(tcb)
    tcb.appLimitedUntil = Math.max(1, tcb.delivered + flight) // low samples are not the path's fault
    if (this.#doneStamp === 0) {
      if (flight > this.#probeRttCwnd(tcb)) return
      this.#doneStamp = now + PROBE_RTT_DURATION
      this.#roundDone = false
      this.#path.startRound(tcb)
      return
    }
    if (this.#path.roundStart) this.#roundDone = true
    if (this.#roundDone) this.#checkProbeRttDone(tcb, now)
  }

  #checkProbeRttDone(tcb: Tcb, now: number): void {
    if (this.#doneStamp === 0 || now <= this.#doneStamp) return
    this.#path.probeRttMinStamp = now
    tcb.cwnd = Math.max(tcb.cwnd, this.#priorCwnd)
    this.#path.resetShortTermModel()
    if (!this.#path.fullBwReached) {
      this.#state = STARTUP
      return
    }
    this.#startDown(tcb, now)
    this.#state = PROBE_CRUISE
  }

  // --- UpdateControlParameters ---

  #initPacingRate(tcb: Tcb): void {
    this.#hasRtt = tcb.srttMs > 0
    tcb.pacingRate = (PACING_GAIN[STARTUP] * initialWindow(tcb)) / (this.#hasRtt ? tcb.srttMs : 1)
  }

  #setPacingRate(tcb: Tcb, gain: number): void {
    const rate = gain * this.#path.bw * PACING_MARGIN
    if (rate > 0 && (this.#path.fullBwReached || rate > tcb.pacingRate)) tcb.pacingRate = rate
  }

  #setCwnd(tcb: Tcb, rs: AckSample): void {
    const path = this.#path
    const most = this.#quantized(tcb, this.#bdp(tcb, CWND_GAIN[this.#state]) + path.extraAcked)
    let cwnd = tcb.cwnd
    if (path.fullBwReached) cwnd = Math.min(cwnd + rs.delivered, most)
    else if (cwnd < most || tcb.delivered < initialWindow(tcb)) cwnd += rs.delivered
    const least = MIN_PIPE_SEGMENTS * smss(tcb)
    cwnd = Math.max(cwnd, least)
    if (this.#state === PROBE_RTT) cwnd = Math.min(cwnd, this.#probeRttCwnd(tcb))
    tcb.cwnd = Math.floor(Math.min(cwnd, Math.max(least, this.#volumeCap(tcb))))
  }

  /** BoundCwndForModel. */
  #volumeCap(tcb: Tcb): number {
    const { inflightLongterm, inflightShortterm } = this.#path
    if (this.#state === PROBE_RTT || this.#state === PROBE_CRUISE) {
      return Math.min(this.#withHeadroom(tcb), inflightShortterm)
    }
    return Math.min(this.#isProbingBw() ? inflightLongterm : Number.POSITIVE_INFINITY, inflightShortterm)
  }

  #saveCwnd(tcb: Tcb, inRecovery: boolean): void {
    this.#priorCwnd = inRecovery || this.#state === PROBE_RTT ? Math.max(this.#priorCwnd, tcb.cwnd) : tcb.cwnd
  }

  #probeRttCwnd(tcb: Tcb): number {
    return Math.max(this.#bdp(tcb, CWND_GAIN[PROBE_RTT]), MIN_PIPE_SEGMENTS * smss(tcb))
  }

  /** BDPMultiple. */
  #bdp(tcb: Tcb, gain: number): number {
    const { bw, minRtt } = this.#path
    return minRtt === Number.POSITIVE_INFINITY ? initialWindow(tcb) : gain * bw * minRtt
  }

  #inflight(tcb: Tcb, gain: number): number {
    return this.#quantized(tcb, this.#bdp(tcb, gain))
  }

  /** QuantizationBudget: three quanta, one each on its way through sender, network and receiver. */
  #quantized(tcb: Tcb, flight: number): number {
    const segment = smss(tcb)
    const quantum = Math.max(2 * segment, Math.min(tcb.pacingRate, LARGEST_QUANTUM))
    const enough = Math.max(flight, 3 * quantum, MIN_PIPE_SEGMENTS * segment)
    return this.#state === PROBE_UP ? enough + 2 * segment : enough
  }

  #withHeadroom(tcb: Tcb): number {
    const { inflightLongterm } = this.#path
    if (inflightLongterm === Number.POSITIVE_INFINITY) return inflightLongterm
    const headroom = Math.max(smss(tcb), HEADROOM * inflightLongterm)
    return Math.max(inflightLongterm - headroom, MIN_PIPE_SEGMENTS * smss(tcb))
  }

  /** IsInAProbeBWState. */
  #isProbingBw(): boolean {
    return this.#state >= PROBE_DOWN && this.#state <= PROBE_UP
  }

  /** IsProbingBW: looking for more, so that a loss is what is looked for. */
  #isAccelerating(): boolean {
    return this.#state === STARTUP || this.#state === PROBE_REFILL || this.#state === PROBE_UP
  }

  /** From 0 to 1, its own for each connection: probes of flows that share a path should not come together. */
  #nextRandom(): number {
    let x = this.#random
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#random = x >>> 0
    return this.#random / 2 ** 32
  }
}
