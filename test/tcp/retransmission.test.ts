// RFC 6298, RFC 5681 and RFC 6582 as the wire shows them: when what is lost goes again, and how much goes at all.

import t from 'tap'
import { established, type Peer } from '../support/peer.ts'

const MSS = 1000
const SYN = { syn: { mss: MSS, window: 65_535 }, sockets: { congestionControl: 'reno' } } as const
const bytes = (n: number): Uint8Array => new Uint8Array(n)
const ack = (n: number, more: object = {}) => ({ flags: '.', seq: 1, ack: n, ...more })

/** Ten segments in flight. */
function inFlight(options: object = {}): Peer {
  const peer = established({ ...SYN, ...options })
  peer.call(c => c.write(bytes(10 * MSS)))
  return peer
}

t.test('the initial window is ten segments, fewer where they are large (RFC 6928 §2)', async t => {
  const rows = [
    { mss: 1000, segments: 10 },
    { mss: 1460, segments: 10 },
    { mss: 536, segments: 10 }
  ]
  for (const { mss, segments } of rows) {
    const peer = established({ syn: { mss } })
    t.equal(peer.call(c => c.write(bytes(60_000))).length, segments, `MSS ${mss}`)
  }
})

t.test(
  'the timer backs off, goes up to its limit, and the connection ends with ETIMEDOUT (RFC 6298 §5, §3.8.3)',
  async t => {
    const peer = established({ ...SYN, sockets: { retries: 4, maxRtoMs: 1000 } })
    peer.call(c => c.write(bytes(10)))
    t.same(peer.wait(60_000), ['200 P. 1+10 ack 1', '600 P. 1+10 ack 1', '1400 P. 1+10 ack 1', '2400 P. 1+10 ack 1'])
    t.same(peer.told, ['closed ETIMEDOUT'])
    t.match(peer.error, { syscall: 'read' })
  }
)

t.test('an ACK of everything stops the timer, one of a part starts it anew (RFC 6298 §5.2, §5.3)', async t => {
  const all = inFlight()
  all.wait(150)
  all.arrive(ack(10_001))
  t.same(all.wait(100_000), [])
  const part = inFlight()
  part.wait(150)
  part.arrive(ack(1001))
  t.same(part.wait(150), [], 'not 200 ms after the sending')
  t.equal(part.wait(600).length > 0, true, 'but after the ACK')
})

t.test(
  'after a timeout one segment goes, then twice as many with each ACK, up to half of what was in flight (RFC 5681 §3.1)',
  async t => {
    const peer = inFlight()
    t.same(peer.wait(250), ['200 . 1+1000 ack 1'])
    t.equal(peer.connection?.info().sndCwnd, MSS)
    t.equal(peer.connection?.info().sndSsthresh, 5 * MSS)
    t.same(peer.arrive(ack(1001)), ['. 1001+1000 ack 1', '. 2001+1000 ack 1'])
    t.same(peer.arrive(ack(3001)), ['. 3001+1000 ack 1', '. 4001+1000 ack 1', '. 5001+1000 ack 1', '. 6001+1000 ack 1'])
    t.same(peer.arrive(ack(7001)), ['. 7001+1000 ack 1', '. 8001+1000 ack 1', 'P. 9001+1000 ack 1'])
    t.equal(peer.arrive(ack(10_001)).length, 0)
    // Without SACK the repair is over when something sent since is acknowledged (RFC 6582 §3.2 step 2).
    t.equal(peer.connection?.info().caState, 'Loss')
    peer.call(c => c.write(bytes(10)))
    peer.arrive(ack(10_011))
    t.equal(peer.connection?.info().caState, 'Open')
  }
)

t.test('repeated timeouts of one segment halve the threshold once (RFC 5681 §3.1)', async t => {
  const peer = inFlight()
  peer.wait(3000)
  t.equal(peer.connection?.info().sndSsthresh, 5 * MSS)
})

t.test('what the peer holds by SACK is not sent again after a timeout', async t => {
  const peer = inFlight({ syn: { mss: MSS, sackPermitted: true } })
  peer.wait(250)
  t.same(peer.arrive(ack(1001, { sack: [[2001, 9001]] })), ['. 1001+1000 ack 1', 'P. 9001+1000 ack 1'])
})

t.test('a peer that forgets what it has acknowledged by SACK gets it again (RFC 2018 §8)', async t => {
  const peer = inFlight({ syn: { mss: MSS, sackPermitted: true } })
  peer.arrive(ack(1, { sack: [[1001, 10_001]] }))
  peer.arrive(ack(1001))
  const again = peer.wait(100_000).map(line => line.split(' ')[2])
  t.ok(again.includes('1001+1000'), again.join(', '))
})

t.test('a retransmission never holds more than was sent before, though more was written since', async t => {
  const peer = established(SYN)
  peer.call(c => c.write(bytes(100)))
  peer.call(c => c.write(bytes(500)))
  t.same(peer.wait(250), ['200 P. 1+100 ack 1'])
})

t.test('the third duplicate ACK, and no other, sends the lost segment again (RFC 5681 §3.2)', async t => {
  const peer = inFlight()
  t.same(peer.arrive(ack(1)), [])
  t.same(peer.arrive(ack(1)), [])
  t.same(peer.arrive(ack(1)), ['. 1+1000 ack 1'])
  t.equal(peer.connection?.info().caState, 'Recovery')
  t.equal(peer.connection?.info().sndSsthresh, 5 * MSS)
  for (let i = 0; i < 3; i++) t.same(peer.arrive(ack(1)), [])
  t.equal(peer.stack.counters().tcp.fastRetransmits, 1)
})

t.test('what is no duplicate ACK (RFC 5681 §2)', async t => {
  const rows = [
    { name: 'text', segment: (i: number) => ({ flags: '.', seq: 1 + i, ack: 1, text: 'x' }) },
    { name: 'a new window', segment: (i: number) => ack(1, { window: 60_000 + i }) },
    { name: 'FIN', segment: () => ({ flags: 'F.', seq: 1, ack: 1 }) }
  ]
  for (const { name, segment } of rows) {
    const peer = inFlight()
    for (let i = 0; i < 6; i++) peer.arrive(segment(i))
    t.equal(peer.stack.counters().tcp.fastRetransmits, 0, name)
  }
  const idle = established(SYN)
  for (let i = 0; i < 6; i++) idle.arrive(ack(1))
  t.equal(idle.stack.counters().tcp.fastRetransmits, 0, 'nothing in flight')
})

t.test(
  'in recovery new segments go in proportion to what arrives, and at its end the window is the threshold (RFC 9937 §6)',
  async t => {
    const peer = inFlight()
    peer.call(c => c.write(bytes(20 * MSS)))
    t.same(peer.arrive(ack(1)), ['. 10001+1000 ack 1'], 'limited transmit (RFC 3042)')
    t.same(peer.arrive(ack(1)), ['. 11001+1000 ack 1'])
    t.same(peer.arrive(ack(1)), ['. 1+1000 ack 1'])
    // From ten segments to five: one for every two that arrive.
    t.same(peer.arrive(ack(1)), [])
    t.same(peer.arrive(ack(1)), ['. 12001+1000 ack 1'])
    t.same(peer.arrive(ack(1)), [])
    t.same(peer.arrive(ack(1)), ['. 13001+1000 ack 1'])
    peer.arrive(ack(13_001))
    t.equal(peer.connection?.info().caState, 'Open')
    // The threshold, and a segment for the five that this ACK delivers beyond the repair.
    t.equal(peer.connection?.info().sndCwnd, 6 * MSS)
  }
)

t.test('a partial ACK sends the next lost segment again at once (RFC 6582 §3.2 step 3)', async t => {
  const peer = inFlight()
  for (let i = 0; i < 3; i++) peer.arrive(ack(1))
  t.same(peer.arrive(ack(4001)), ['. 4001+1000 ack 1'])
  t.same(peer.arrive(ack(7001)), ['. 7001+1000 ack 1'])
  t.same(peer.arrive(ack(10_001)), [])
  t.match(peer.stack.counters().tcp, { fastRetransmits: 3, renoRecoveries: 1, sackRecoveries: 0 })
})

t.test('duplicates of what was repaired are no new loss (RFC 6582 §3.2 step 2)', async t => {
  const peer = inFlight()
  peer.wait(250) // a timeout: everything is sent again bit by bit
  peer.arrive(ack(1001))
  for (let i = 0; i < 5; i++) peer.arrive(ack(1001))
  t.equal(peer.stack.counters().tcp.fastRetransmits, 0)
})

t.test(
  'slow start doubles the window in a round trip, congestion avoidance adds a segment (RFC 5681 §3.1)',
  async t => {
    const peer = established(SYN)
    peer.call(c => c.write(bytes(500_000)))
    t.equal(peer.connection?.info().sndCwnd, 10 * MSS)
    peer.arrive(ack(10_001))
    t.equal(peer.connection?.info().sndCwnd, 20 * MSS)
    const reno = inFlight()
    reno.call(c => c.write(bytes(300_000)))
    for (let i = 0; i < 3; i++) reno.arrive(ack(1))
    reno.arrive(ack(10_001))
    // The window is now what congestion avoidance starts from; a window's worth of ACKs adds one segment.
    let acked = 10_001
    const before = reno.connection?.info().sndCwnd ?? 0
    const threshold = reno.connection?.info().sndSsthresh ?? 0
    while ((reno.connection?.info().sndCwnd ?? 0) < threshold) {
      acked += reno.connection?.info().unacked ?? 0
      reno.arrive(ack(acked))
    }
    const start = reno.connection?.info().sndCwnd ?? 0
    for (let round = 0; round < 4; round++) {
      acked += reno.connection?.info().unacked ?? 0
      reno.arrive(ack(acked))
    }
    const grown = ((reno.connection?.info().sndCwnd ?? 0) - start) / MSS
    t.ok(grown >= 3 && grown <= 4, `${before} ${start}: grown by ${grown} segments in four round trips`)
  }
)

t.test('a window that was not used does not grow', async t => {
  const peer = established(SYN)
  let acked = 1
  for (let i = 0; i < 50; i++) {
    peer.call(c => c.write(bytes(100)))
    acked += 100
    peer.arrive(ack(acked))
  }
  t.equal(peer.connection?.info().sndCwnd, 10 * MSS)
})

t.test('after an idle time the window starts again from the initial one (RFC 5681 §4.1)', async t => {
  const peer = established(SYN)
  peer.call(c => c.write(bytes(40_000)))
  peer.arrive(ack(10_001))
  peer.arrive(ack(30_001))
  peer.arrive(ack(40_001))
  t.ok((peer.connection?.info().sndCwnd ?? 0) > 10 * MSS)
  peer.wait(5000)
  t.equal(peer.call(c => c.write(bytes(60_000))).length, 10)
})

t.test('the FIN is sent again until it is acknowledged, in each state that waits for that (§3.8.1)', async t => {
  const rows = [
    { state: 'FIN-WAIT-1', peerFin: false },
    { state: 'LAST-ACK', peerFin: true }
  ]
  for (const { state, peerFin } of rows) {
    const peer = established(SYN)
    if (peerFin) peer.arrive({ flags: 'F.', seq: 1, ack: 1 })
    peer.call(c => c.shutdown())
    t.equal(peer.state, state)
    const again = peer.wait(1500)
    t.same(
      again,
      [200, 600, 1400].map(at => `${at} F. 1 ack ${peerFin ? 2 : 1}`)
    )
  }
  const closing = established(SYN)
  closing.call(c => c.shutdown())
  closing.arrive({ flags: 'F.', seq: 1, ack: 1 })
  t.equal(closing.state, 'CLOSING')
  t.ok(closing.wait(1500).every(line => line.endsWith('F. 1 ack 2')))
})

t.test('the last text and the FIN go again together, as they went', async t => {
  const peer = established(SYN)
  t.same(
    peer.call(c => {
      c.write(bytes(10))
      c.shutdown()
    }),
    ['FP. 1+10 ack 1']
  )
  t.same(peer.wait(250), ['200 FP. 1+10 ack 1'])
  t.same(peer.arrive(ack(11)), [], 'the text alone is acknowledged')
  t.ok(
    peer.wait(1000).every(line => line.endsWith('F. 11 ack 1')),
    'then the FIN goes alone'
  )
})
