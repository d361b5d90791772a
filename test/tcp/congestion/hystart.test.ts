// How slow start ends before it loses: RFC 9406, and HyStart as Linux has it.

import t from 'tap'
import { Driven, MSS } from '../../support/controller.ts'

const NONE = 0x3fffffff
const cubic = (slowStartExit: 'hystart++' | 'hystart' | 'off' = 'hystart++'): Driven =>
  new Driven({ congestionControl: 'cubic', slowStartExit })

t.test('round trips that stay as they are: the window doubles in each', async t => {
  for (const exit of ['hystart++', 'hystart', 'off'] as const) {
    const driven = cubic(exit)
    for (const expected of [20, 40, 80, 160]) t.equal(driven.round(100).cwnd, expected, exit)
  }
})

t.test(
  'a round trip longer by an eighth: a quarter of the growth for five rounds, the first of them partial (§4.2)',
  async t => {
    const driven = cubic()
    driven.round(100).round(100)
    // Eight segments for the first eight samples, a quarter of what the other 32 acknowledge.
    t.equal(driven.round(113).cwnd, 40 + 8 + 8)
    let window = driven.cwnd
    for (let round = 1; round <= 4; round++) {
      driven.round(113)
      t.ok(Math.abs(driven.cwnd / window - 1.25) < 0.01, `round ${round}: ${driven.cwnd} after ${window}`)
      window = driven.cwnd
    }
    t.equal(driven.tcb.ssthresh, NONE, 'not over yet')
    driven.round(113)
    t.equal(driven.ssthresh, window, 'the first ACK of the next round ends it')
    t.ok(driven.cwnd < window + 2, `${driven.cwnd}: congestion avoidance`)
  }
)

t.test('what was a mistake is taken back: the round trip is shorter again, slow start goes on (§4.2)', async t => {
  const driven = cubic()
  driven.round(100).round(100).round(113).round(113)
  t.ok(driven.cwnd < 120, 'slow')
  driven.round(100)
  const before = driven.cwnd
  driven.round(100)
  t.ok(driven.cwnd > 1.9 * before, `${driven.cwnd} after ${before}`)
  t.equal(driven.tcb.ssthresh, NONE)
})

t.test(
  'a round begins with the first ACK of what left in it: eight of its own samples make it slow (§4.2)',
  async t => {
    for (const lateBefore of [0, 1]) {
      const driven = cubic()
      driven.round(100).round(100).fill()
      for (let i = 1; i <= 40; i++) driven.ack(MSS, { rttMs: i > 40 - lateBefore ? 150 : 100 })
      const { cwnd } = driven
      for (let i = 1; i <= 8; i++) driven.ack(MSS, { rttMs: 150 })
      t.equal(driven.cwnd, cwnd + 8, `${lateBefore} late before`)
      driven.ack(4 * MSS, { rttMs: 150 })
      t.equal(driven.cwnd, cwnd + 9)
    }
  }
)

t.test('how much longer it must be: an eighth, within 4 and 16 ms, in eight samples of a round (§4.3)', async t => {
  const rows = [
    { rtt: 8, late: 11, slow: false },
    { rtt: 8, late: 12, slow: true },
    { rtt: 80, late: 89, slow: false },
    { rtt: 80, late: 90, slow: true },
    { rtt: 400, late: 415, slow: false },
    { rtt: 400, late: 416, slow: true }
  ]
  for (const { rtt, late, slow } of rows) {
    const driven = cubic()
    driven.round(rtt).round(rtt)
    driven.round(late).round(late)
    t.equal(driven.cwnd < 159, slow, `${rtt} to ${late} ms: ${driven.cwnd}`)
  }
  const few = cubic()
  few.round(100).round(100)
  few.round(150, 8).round(150, 14) // six ACKs in the whole of it
  t.equal(few.cwnd, 160)
})

t.test('only in the first slow start: after a loss the threshold is known (§4.3)', async t => {
  const driven = cubic()
  driven.tcb.cwnd = 100 * MSS
  driven.fill()
  driven.tcb.congestion.timedOut(driven.tcb, false, 0)
  driven.tcb.sndUna = driven.tcb.sndNxt
  for (let round = 0; round < 5; round++) driven.round(100)
  t.equal(driven.cwnd, 32)
  driven.round(150)
  t.equal(driven.cwnd, 64)
})

t.test('a reduction that was needless is taken back: slow start goes on, and is judged as before', async t => {
  const driven = cubic()
  driven.round(100).round(100)
  const { cwnd, ssthresh } = driven.tcb
  driven.lose()
  Object.assign(driven.tcb, { cwnd, ssthresh }) // what the engine restores
  driven.tcb.congestion.undone(driven.tcb, driven.now)
  driven.round(100)
  t.equal(driven.cwnd, 80, 'slow start')
  driven.round(150)
  driven.round(150)
  t.ok(driven.cwnd < 240, `${driven.cwnd}: slowed down by the delay`)
})

t.test('HyStart: from 16 segments on, the ninth late sample of a round ends slow start at once', async t => {
  const small = cubic('hystart')
  small.round(100)
  for (let i = 0; i < 15; i++) small.ack(0, { rttMs: 100, acked: 0, delivered: 0 })
  const driven = cubic('hystart')
  driven.round(100)
  t.equal(driven.cwnd, 20)
  driven.fill()
  driven.now += 120
  for (let i = 1; i <= 8; i++) driven.ack(MSS, { rttMs: 120 })
  t.same([driven.cwnd, driven.tcb.ssthresh], [28, NONE])
  driven.ack(MSS, { rttMs: 120 })
  t.same([Math.floor(driven.cwnd), driven.ssthresh], [28, 28])
})

t.test('what was delivered out of order lets the window grow, in slow start and after it', async t => {
  for (const congestionControl of ['cubic', 'reno'] as const) {
    const driven = new Driven({ congestionControl }).fill()
    for (let i = 1; i <= 5; i++) driven.ack(0, { delivered: MSS })
    t.equal(driven.cwnd, 15, congestionControl)
    driven.tcb.ssthresh = driven.tcb.cwnd
    driven.now += 100
    for (let i = 1; i <= 15; i++) driven.ack(0, { delivered: MSS })
    t.ok(driven.cwnd > 15 && driven.cwnd <= 16, `${congestionControl}: ${driven.cwnd}`)
  }
})
