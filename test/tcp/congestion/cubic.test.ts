// CUBIC against the formulas of RFC 9438, computed here anew and in segments and seconds, as the RFC has them.

import t, { type Test } from 'tap'
import { Driven, MSS } from '../../support/controller.ts'

const C = 0.4
const BETA = 0.7

/** In congestion avoidance with `segments`, after a loss at `segments` / 0.7. */
function reducedFrom(peak: number): Driven {
  const driven = new Driven({ congestionControl: 'cubic' })
  driven.tcb.cwnd = peak * MSS
  driven.tcb.srttMs = 100
  return driven.fill().lose()
}

const near = (t: Test, actual: number, expected: number, tolerance: number, what: string): void => {
  t.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual} for ${expected}`)
}

t.test('a loss takes three tenths off (§4.6), never below two segments', async t => {
  const driven = reducedFrom(100)
  t.same([driven.cwnd, driven.ssthresh], [70, 70])
  const small = reducedFrom(2)
  t.same([small.cwnd, small.ssthresh], [2, 2])
})

t.test('the window follows W_cubic(t) through the plateau at the last peak and beyond (§4.2)', async t => {
  const driven = reducedFrom(1000)
  const k = Math.cbrt((1000 - 700) / C)
  t.ok(k > 9 && k < 9.2, `K is ${k} s`)
  for (let round = 1; round <= 150; round++) {
    driven.round(100, 2)
    const at = driven.now / 1000
    // The window is for W_cubic(t + RTT), and comes up to it in a round trip.
    const expected = C * (at - k) ** 3 + 1000
    near(t, driven.cwnd, expected, 0.01 * expected, `at ${at} s`)
  }
  t.ok(driven.cwnd > 1050, 'convex')
})

t.test('as fast as Reno where that is faster (§4.3): alpha is 0.53, then 1 from the last peak on', async t => {
  const alpha = (3 * (1 - BETA)) / (1 + BETA)
  const driven = reducedFrom(40)
  driven.tcb.srttMs = 10
  let expected = 28
  for (let round = 0; round < 60; round++) {
    const before = driven.cwnd
    driven.round(10)
    expected += (Math.floor(before) / before) * (expected >= 40 ? 1 : alpha)
    near(t, driven.cwnd, expected, 1, `round ${round}`)
  }
  t.ok(expected > 65, 'both were seen')
})

t.test('no more than half a segment for each that is acknowledged (§4.2)', async t => {
  const driven = reducedFrom(10)
  // An hour later the curve is far above.
  driven.round(100)
  driven.now += 3_600_000
  const before = driven.cwnd
  driven.ack(MSS)
  near(t, driven.cwnd - before, 0.5, 0.01, 'growth')
})

t.test('fast convergence: a loss below the last peak aims lower (§4.7)', async t => {
  const driven = reducedFrom(10_000) // W_max
  driven.lose() // at 7000, below: W_max = 7000 * 0.85
  t.same(driven.cwnd, 4900)
  const k = Math.cbrt((7000 * 0.85 - 4900) / C)
  while (driven.now < 1000 * k - 50) driven.round(100, 10)
  near(t, driven.cwnd, 5950, 10, 'the plateau')
})

t.test('a timeout: one segment, slow start to 0.7 of the window, then a curve that begins there (§4.8)', async t => {
  const driven = new Driven({ congestionControl: 'cubic' })
  driven.tcb.cwnd = 1000 * MSS
  driven.tcb.srttMs = 100
  driven.fill()
  driven.tcb.congestion.timedOut(driven.tcb, false, 0)
  t.same([driven.cwnd, driven.ssthresh], [1, 700])
  driven.tcb.congestion.timedOut(driven.tcb, true, 0)
  t.same([driven.cwnd, driven.ssthresh], [1, 700], 'the same segment again: once is enough')
  driven.tcb.sndUna = driven.tcb.sndNxt
  while (driven.cwnd < 700) driven.round(100)
  driven.round(100)
  const begun = driven.now - 100
  for (let round = 0; round < 30; round++) driven.round(100)
  const seconds = (driven.now - begun) / 1000
  near(t, driven.cwnd, 700 + C * seconds ** 3, 0.01 * 700, 'K = 0, W_max = 700')
})

t.test('time in which the window was not used is no part of t (§4.2, §5.8)', async t => {
  const paused = reducedFrom(1000)
  for (let round = 0; round < 20; round++) paused.round(100)
  // Nothing in flight, and an hour later it goes on.
  paused.ack(paused.tcb.sndNxt - paused.tcb.sndUna, {}, 0)
  const atPause = paused.cwnd
  paused.now += 3_600_000
  // A minute with ten segments a round trip.
  for (let i = 0; i < 600; i++) {
    paused.fill(10)
    paused.now += 100
    paused.ack(10 * MSS, { rttMs: 100 }, 10)
  }
  const before = paused.cwnd
  t.equal(before, atPause, 'no growth meanwhile')
  paused.tcb.sndUna = paused.tcb.sndNxt
  paused.round(100).round(100)
  near(t, paused.cwnd, C * (2.2 - Math.cbrt(300 / C)) ** 3 + 1000, 2, 'where 22 round trips lead')
})

t.test('a needless reduction is taken back: the curve goes on where it was (§4.9)', async t => {
  const driven = reducedFrom(1000)
  for (let round = 0; round < 30; round++) driven.round(100)
  const { cwnd, ssthresh } = driven.tcb
  driven.lose()
  driven.now += 50
  driven.tcb.cwnd = cwnd
  driven.tcb.ssthresh = ssthresh
  driven.tcb.congestion.undone(driven.tcb, driven.now)
  for (let round = 0; round < 10; round++) driven.round(100)
  const seconds = driven.now / 1000
  near(t, driven.cwnd, C * (seconds - Math.cbrt(300 / C)) ** 3 + 1000, 5, 'as if nothing had been')
})

t.test('a mark takes as much as a loss, down to one segment, and nothing grows while it holds', async t => {
  const driven = new Driven({ congestionControl: 'cubic' })
  driven.fill()
  driven.tcb.congestion.congestionEchoed(driven.tcb, 0)
  t.same([driven.cwnd, driven.ssthresh], [7, 7])
  driven.tcb.inCwr = true
  driven.ack(7 * MSS)
  t.equal(driven.cwnd, 7)
  driven.tcb.cwnd = MSS
  driven.tcb.congestion.congestionEchoed(driven.tcb, 0)
  t.same([driven.cwnd, driven.ssthresh], [1, 2])
})
