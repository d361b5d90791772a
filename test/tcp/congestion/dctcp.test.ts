// DCTCP: RFC 8257. The estimate against the formula of §3.3, the reduction by it, and what the receiver echoes.

import t from 'tap'
import { Dctcp } from '../../../src/tcp/congestion/dctcp.ts'
import { Driven, MSS } from '../../support/controller.ts'
import { established, Peer } from '../../support/peer.ts'

const CE = 3

t.test('alpha: a sixteenth of what a window had marked, and fifteen of what it was (§3.3)', async t => {
  const dctcp = new Dctcp()
  const driven = new Driven({ congestionControl: 'none' }, dctcp)
  t.equal(dctcp.alpha, 1)
  let expected = 1
  // The first ACK ends a window of its own.
  driven.fill().ack(MSS)
  expected *= 15 / 16
  t.equal(dctcp.alpha, expected)
  for (const share of [0, 0.25, 1, 0.5, 0]) {
    // What is in flight is a window, and ends with the first ACK after it.
    driven.tcb.inCwr = true // the window stays as it is
    const segments = (driven.tcb.sndNxt - driven.tcb.sndUna) / MSS
    for (let i = 0; i < segments; i++) driven.ack(MSS, { markedBytes: i === 0 ? 0 : share * MSS }, segments)
    driven.ack(MSS, {}, segments)
    t.ok(dctcp.alpha <= 1)
    expected = (15 * expected) / 16 + share / 16
    t.ok(Math.abs(dctcp.alpha - expected) < 0.02, `${share}: ${dctcp.alpha} for ${expected}`)
    expected = dctcp.alpha
  }
})

t.test('a mark takes half of alpha off, a loss a half (§3.3 step 9, §3.5)', async t => {
  const dctcp = new Dctcp()
  const driven = new Driven({ congestionControl: 'none' }, dctcp)
  driven.tcb.cwnd = 100 * MSS
  driven.fill()
  dctcp.congestionEchoed(driven.tcb, 0)
  t.equal(driven.cwnd, 50, 'alpha is 1')
  for (let round = 0; round < 40; round++) driven.round(1)
  t.ok(dctcp.alpha < 0.1)
  driven.tcb.cwnd = 100 * MSS
  dctcp.congestionEchoed(driven.tcb, 0)
  t.equal(driven.tcb.cwnd, Math.floor(100 * MSS * (1 - dctcp.alpha / 2)))
  driven.tcb.cwnd = 100 * MSS
  driven.fill().lose()
  t.equal(driven.ssthresh, 50)
})

const DCTCP = { congestionControl: 'dctcp' } as const
const text = (seq: number, tos = 0, flags = '.') => ({ flags, seq, ack: 1, text: 'x'.repeat(1000), tos })

t.test('a SYN asks for ECN, unless that is off', async t => {
  t.same(new Peer().connect(DCTCP).replies(), ['SEC 0'])
  t.same(new Peer().connect({ ...DCTCP, ecn: 'off' }).replies(), ['S 0'])
})

t.test(
  'ECE is what arrived, no more: an ACK at once for each change, and one before it for what waits (§3.2)',
  async t => {
    const peer = established({ sockets: DCTCP, syn: { flags: 'SEC', mss: 1000 } })
    t.same(peer.arrive(text(1)), [], 'delayed')
    t.same(peer.arrive(text(1001, CE)), ['. 1 ack 1001', '.E 1 ack 2001'])
    t.same(peer.arrive(text(2001, CE)), [], 'no change: delayed')
    t.same(peer.arrive(text(3001, CE)), ['.E 1 ack 4001'])
    t.same(peer.arrive(text(4001)), ['. 1 ack 5001'], 'nothing waited')
    t.same(peer.arrive(text(5001), text(6001, CE), text(7001)), ['. 1 ack 6001', '.E 1 ack 7001', '. 1 ack 8001'])
    t.same(peer.arrive(text(8001, CE, '.C')), ['.E 1 ack 9001'], 'CWR first, then CE')
  }
)

t.test('a router that marks early: the window stays near what the path holds, and nothing is lost', async t => {
  // Two hundred round trips in which all beyond 40 segments is marked.
  const dctcp = new Dctcp()
  const driven = new Driven({ congestionControl: 'none' }, dctcp)
  const windows: number[] = []
  for (let round = 0; round < 200; round++) {
    const marked = Math.max(0, (driven.cwnd - 40) / driven.cwnd)
    driven.tcb.inCwr = false
    driven.round(1)
    if (marked > 0) {
      driven.sample.markedBytes = 0
      for (let i = 0; i < 3; i++) driven.ack(MSS, { markedBytes: marked * MSS })
      dctcp.congestionEchoed(driven.tcb, driven.now)
    }
    if (round > 100) windows.push(driven.cwnd)
  }
  const least = Math.min(...windows)
  t.ok(least > 30 && Math.max(...windows) < 50, `between ${least} and ${Math.max(...windows)}`)
})
