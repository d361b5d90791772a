// Congestion window validation (RFC 7661), around NewReno and CUBIC: MSS 1000, so that windows read as segments.

import t from 'tap'
import { Bbr } from '../../../src/tcp/congestion/bbr.ts'
import { Cubic } from '../../../src/tcp/congestion/cubic.ts'
import { NewReno } from '../../../src/tcp/congestion/new-reno.ts'
import { ValidatedWindow } from '../../../src/tcp/congestion/validated-window.ts'
import { Repair } from '../../../src/tcp/tcb.ts'
import { Driven, MSS } from '../../support/controller.ts'
import { established } from '../../support/peer.ts'

const RTT = 100
const MINUTE = 60_000

/** A window of 80 segments, used to the full in the last round trip; congestion avoidance begins above it. */
function used(ssthresh = 1000): Driven {
  const driven = new Driven({}, new ValidatedWindow(new NewReno()))
  driven.tcb.ssthresh = ssthresh * MSS
  for (let i = 0; i < 3; i++) driven.round(RTT)
  driven.ack((driven.tcb.sndNxt - driven.tcb.sndUna) | 0, { rttMs: RTT }, 0)
  driven.tcb.cwnd = 80 * MSS
  return driven
}

/** `rounds` round trips, of `segments` each: far less than the window. */
function trickle(driven: Driven, segments: number, rounds: number): Driven {
  for (let i = 0; i < rounds; i++) {
    driven.fill(segments)
    driven.now += RTT
    driven.ack(segments * MSS, { rttMs: RTT }, 0)
  }
  return driven
}

/** Loses `lost` of `segments` in flight, and repairs them. */
function lose(driven: Driven, segments: number, lost: number): { during: number; after: number } {
  const { tcb } = driven
  driven.fill(segments)
  tcb.repair = Repair.RECOVERY
  tcb.congestion.lossDetected(tcb, driven.now)
  const during = driven.ssthresh
  tcb.bytesRetransmitted += lost * MSS
  tcb.repair = Repair.OPEN
  tcb.congestion.recovered(tcb, driven.now)
  return { during, after: driven.cwnd }
}

t.test(
  'idle for minutes: the window stays; for more than five: half of it, and ssthresh remembers three quarters',
  async t => {
    for (const [idleFor, cwnd, ssthresh] of [
      [4 * MINUTE, 80, 20],
      [6 * MINUTE, 40, 60]
    ]) {
      const driven = used()
      driven.tcb.ssthresh = 20 * MSS
      driven.tcb.lastSentAt = driven.now
      driven.now += idleFor
      driven.tcb.congestion.idled(driven.tcb, driven.now)
      driven.fill(4)
      t.same([driven.cwnd, driven.ssthresh], [cwnd, ssthresh], `${idleFor / MINUTE} minutes`)
    }
  }
)

t.test('a window that is not used lasts five minutes, and never falls below the initial one (§4.4.3)', async t => {
  const driven = trickle(used(20), 4, 2950)
  t.equal(driven.cwnd, 80, 'after 295 s')
  trickle(driven, 4, 100)
  t.equal(driven.cwnd, 40, 'after 305 s')
  trickle(driven, 4, 3000)
  t.equal(driven.cwnd, 20, 'five minutes later')
  trickle(driven, 4, 6100)
  t.equal(driven.cwnd, 10)
})

t.test('what was not used does not grow, what is full does (§4.4)', async t => {
  const driven = trickle(used(), 30, 20)
  t.equal(driven.cwnd, 80, 'pipeACK is 30: not validated')
  driven.fill(79)
  driven.ack(10 * MSS, { rttMs: RTT }, 69)
  t.equal(driven.cwnd, 80, 'nor is it full, though more than half of it is out')
  driven.fill()
  driven.ack(10 * MSS, { rttMs: RTT })
  t.equal(driven.cwnd, 90)
})

t.test(
  'a loss: of a window that was used half is left, of one that was not half of what was used, less what was lost (§4.4.1)',
  async t => {
    t.same(lose(used(), 80, 6), { during: 40, after: 40 })
    t.same(lose(trickle(used(), 8, 30), 20, 6), { during: 10, after: 7 }, 'what is in flight is more than pipeACK')
    t.same(lose(trickle(used(), 30, 30), 20, 6), { during: 15, after: 12 }, 'pipeACK is more than what is in flight')
    t.same(lose(trickle(used(), 2, 30), 2, 2), { during: 2, after: 1 }, 'not below one segment')
  }
)

t.test('pipeACK is the most of the last second or three round trips, and unknown after a loss (§4.2)', async t => {
  t.equal(lose(trickle(trickle(used(), 38, 12), 4, 8), 4, 0).during, 19, 'still known')
  t.equal(lose(trickle(trickle(used(), 38, 12), 4, 15), 4, 0).during, 2, 'too long ago')
  const driven = trickle(used(), 4, 30)
  lose(driven, 4, 0)
  driven.tcb.cwnd = 80 * MSS
  t.equal(lose(driven, 80, 0).after, 40, 'validated: nothing else is known')
})

t.test('marks, timeouts, and what is taken back', async t => {
  const marked = trickle(used(20), 8, 30)
  marked.tcb.congestion.congestionEchoed(marked.tcb, marked.now)
  t.same([marked.cwnd, marked.ssthresh], [4, 4])
  const full = used(20)
  full.fill()
  full.tcb.congestion.congestionEchoed(full.tcb, full.now)
  t.same([full.cwnd, full.ssthresh], [40, 40])
  const late = trickle(used(), 8, 30)
  late.tcb.congestion.timedOut(late.tcb, false, late.now)
  t.equal(late.cwnd, 1)
  const { tcb } = trickle(used(), 8, 30)
  tcb.congestion.lossDetected(tcb, 0)
  tcb.congestion.undone(tcb, 0)
  tcb.ssthresh = 50 * MSS
  tcb.congestion.recovered(tcb, 0)
  t.equal(tcb.cwnd, 50 * MSS, 'the loss was none')
})

t.test('it goes around controllers that leave recovery to the engine', async t => {
  const { name, paces, needsEcn, governsRecovery } = new ValidatedWindow(new Cubic())
  t.same([name, paces, needsEcn, governsRecovery], ['cubic, validated', false, false, false])
  t.throws(() => new ValidatedWindow(new Bbr()), { code: 'ERR_INVALID_ARG_VALUE' })
})

t.test('on a connection: a pause of seconds leaves the window as it was, where others halve it', async t => {
  for (const [congestionControl, leaves] of [
    ['cubic', 10],
    [() => new ValidatedWindow(new Cubic()), 20]
  ] as const) {
    const peer = established({ syn: { mss: MSS }, sockets: { congestionControl } })
    const write = (segments: number): string[] => peer.call(c => c.write(new Uint8Array(segments * MSS)))
    write(10)
    peer.arrive({ flags: '.', seq: 1, ack: 1 + 10 * MSS })
    peer.wait(5000)
    t.equal(write(30).length, leaves)
  }
})
