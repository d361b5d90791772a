// A congestion controller alone, told by hand what an engine would tell it: no segments, no stack. MSS 1000, so that windows
// read as segments.

import { resolve } from '../../src/options.ts'
import { makeController } from '../../src/tcp/congestion/choice.ts'
import { AckSample, type CongestionControl } from '../../src/tcp/congestion/congestion.ts'
import { noteWindowUse } from '../../src/tcp/congestion/usage.ts'
import { type SocketOptions, socketOptions } from '../../src/tcp/options.ts'
import { add } from '../../src/tcp/seq.ts'
import { Repair, Tcb } from '../../src/tcp/tcb.ts'

export const MSS = 1000

export class Driven {
  readonly tcb: Tcb
  readonly sample = new AckSample()
  now = 0

  constructor(options: SocketOptions = {}, made?: CongestionControl) {
    const values = resolve(socketOptions, options)
    this.tcb = new Tcb(values, made ?? makeController(values.congestionControl), 0)
    this.tcb.sndMss = MSS
    this.tcb.congestion.opened(this.tcb, 0)
  }

  /** In segments. */
  get cwnd(): number {
    return this.tcb.cwnd / MSS
  }

  get ssthresh(): number {
    return this.tcb.ssthresh / MSS
  }

  /** Sends until the window is full, or `segments` are in flight. */
  fill(segments = Number.POSITIVE_INFINITY): this {
    const { tcb } = this
    if (tcb.sndNxt === tcb.sndUna) tcb.congestion.resumed(tcb, this.now)
    const flight = Math.min(segments, Math.floor(tcb.cwnd / MSS)) * MSS
    const unsent = flight - ((tcb.sndNxt - tcb.sndUna) | 0)
    if (unsent > 0) {
      tcb.sndNxt = add(tcb.sndNxt, unsent)
      tcb.lastSentAt = this.now
    }
    noteWindowUse(tcb, segments * MSS >= tcb.cwnd)
    return this
  }

  /** An ACK of `bytes`, after which the window is filled again. */
  ack(bytes: number, told: Partial<AckSample> = {}, most?: number): this {
    const { tcb, sample } = this
    sample.reset()
    sample.priorInFlight = (tcb.sndNxt - tcb.sndUna) | 0
    tcb.sndUna = add(tcb.sndUna, bytes)
    sample.acked = bytes
    sample.delivered = bytes
    Object.assign(sample, told)
    if (sample.rttMs >= 0) {
      tcb.srttMs = sample.rttMs
      tcb.minRttMs = Math.min(tcb.minRttMs, sample.rttMs)
    }
    tcb.congestion.acknowledged(tcb, sample, this.now)
    return this.fill(most)
  }

  /** A round trip of `rttMs` with an ACK for each `every` segments of what is in flight, spread over it. */
  round(rttMs: number, every = 1, told: Partial<AckSample> = {}): this {
    const { tcb } = this
    this.fill()
    const segments = Math.floor(((tcb.sndNxt - tcb.sndUna) | 0) / MSS)
    const start = this.now
    for (let done = 0; done < segments; done += every) {
      this.now = start + (rttMs * (done + every)) / segments
      this.ack(Math.min(every, segments - done) * MSS, { rttMs, ...told })
    }
    this.now = start + rttMs
    return this
  }

  /** Fast recovery as the engine has it, over at once. */
  lose(): this {
    const { tcb } = this
    tcb.repair = Repair.RECOVERY
    tcb.congestion.lossDetected(tcb, this.now)
    tcb.repair = Repair.OPEN
    tcb.congestion.recovered(tcb, this.now)
    return this
  }
}
