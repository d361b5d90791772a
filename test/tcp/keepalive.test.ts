// RFC 9293 §3.8.4: keepalive, off unless it is asked for.

import t from 'tap'
import { established, type Peer } from '../support/peer.ts'

const HOUR = 3_600_000
const OPTIONS = { keepAlive: true, keepAliveIdleMs: 10_000, keepAliveIntervalMs: 2000, keepAliveProbes: 3 }
const silent = (sockets: object = OPTIONS): Peer => established({ sockets })

t.test('off by default: nothing is sent for as long as nothing happens', async t => {
  t.same(established().wait(24 * HOUR), [])
})

t.test('the first probe is after two hours unless told otherwise (MUST-28)', async t => {
  const peer = silent({ keepAlive: true })
  t.same(peer.wait(2 * HOUR - 1), [])
  t.same(peer.wait(1), ['1 . 0 ack 1'])
})

t.test('on: a probe after the idle time, then at intervals, then RST and ETIMEDOUT', async t => {
  const peer = silent()
  t.same(peer.wait(HOUR), ['10000 . 0 ack 1', '12000 . 0 ack 1', '14000 . 0 ack 1', '16000 R. 1 ack 1'])
  t.same(peer.told, ['closed ETIMEDOUT'])
  t.equal(peer.stack.counters().tcp.keepAliveProbes, 3)
})

t.test('a probe that is answered begins the idle time anew', async t => {
  const peer = silent()
  for (let i = 0; i < 20; i++) {
    t.equal(peer.wait(12_001).length >= 1, true, 'probed')
    peer.arrive({ flags: '.', seq: 1, ack: 1 })
  }
  t.equal(peer.state, 'ESTABLISHED')
})

t.test('text from the peer puts the probe off', async t => {
  const peer = silent()
  for (let i = 0; i < 10; i++) {
    t.same(
      peer.wait(9000).filter(line => line.includes('. 0 ')),
      []
    )
    peer.arrive({ flags: 'P.', seq: 1 + i, ack: 1, text: 'x' })
  }
})

t.test('the probe comes when the peer has been silent for the idle time, whenever it was last heard', async t => {
  const peer = silent()
  peer.wait(9500)
  peer.arrive({ flags: '.', seq: 1, ack: 1 })
  t.same(peer.wait(11_000), ['10000 . 0 ack 1'])
})

t.test('while text is in flight or a window is closed their own timers ask, not this one', async t => {
  const inFlight = silent({ ...OPTIONS, retries: 15 })
  inFlight.call(c => c.write(new Uint8Array(10)))
  t.ok(inFlight.wait(60_000).every(line => line.includes(' P. 1+10 ')))
  t.equal(inFlight.stack.counters().tcp.keepAliveProbes, 0)
})

t.test('switched on and off at any time', async t => {
  const peer = established()
  peer.call(c => c.setOptions({ keepAlive: true, keepAliveIdleMs: 5000 }))
  t.same(peer.wait(5001), ['5000 . 0 ack 1'])
  peer.call(c => c.setOptions({ keepAlive: false }))
  t.same(peer.wait(10 * HOUR), [])
  t.throws(() => peer.connection?.setOptions({ keepAliveIdleMs: 1 }), { code: 'ERR_OUT_OF_RANGE' })
})

t.test("the peer's keepalive, with and without an octet, is answered (§3.8.4)", async t => {
  const peer = established()
  t.same(peer.arrive({ flags: '.', seq: 0, ack: 1 }), ['. 1 ack 1'])
  t.same(peer.arrive({ flags: '.', seq: 0, ack: 1, text: 'x' }), ['. 1 ack 1'])
  t.equal(peer.connection?.readableBytes, 0)
})
