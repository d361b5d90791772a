// The retransmission timeout: RFC 6298's numbers on fixed lists of samples, its back-off, and Karn's rule.

import t from 'tap'
import { resolve } from '../../src/options.ts'
import { NewReno } from '../../src/tcp/congestion/new-reno.ts'
import { type SocketOptions, socketOptions } from '../../src/tcp/options.ts'
import { backOff, restartAfterLostSyn, sampleRtt } from '../../src/tcp/rto.ts'
import { Tcb } from '../../src/tcp/tcb.ts'
import { established, Peer } from '../support/peer.ts'

const tcbWith = (options: SocketOptions = {}): Tcb => new Tcb(resolve(socketOptions, options), new NewReno(), 0)

// RFC 6298 §2.2 and §2.3, by hand: SRTT and RTTVAR exactly, RTO = SRTT + max(minRtoMs, 4 RTTVAR).
const rows = [
  { name: 'the first sample', samples: [100], srtt: 100, rttvar: 50, rto: 300 },
  { name: 'a steady path', samples: [100, 100, 100], srtt: 100, rttvar: 28.125, rto: 300 },
  { name: 'a longer one', samples: [100, 500], srtt: 150, rttvar: 137.5, rto: 700 },
  { name: 'a shorter one', samples: [800, 80], srtt: 710, rttvar: 480, rto: 2630 },
  { name: 'up and down', samples: [200, 400, 200, 400], srtt: 244.140625, rttvar: 119.53125, rto: 722.265625 },
  { name: 'no time at all', samples: [0], srtt: 0, rttvar: 0, rto: 200 },
  { name: 'a satellite', samples: [600, 600], srtt: 600, rttvar: 225, rto: 1500 }
]
for (const { name, samples, srtt, rttvar, rto } of rows) {
  t.test(`RFC 6298 §2: ${name}: ${samples.join(', ')} ms -> RTO ${rto} ms`, async t => {
    const tcb = tcbWith()
    for (const sample of samples) sampleRtt(tcb, sample)
    t.equal(tcb.srttMs, srtt)
    t.equal(tcb.rttvarMs, rttvar)
    t.equal(tcb.rtoMs, rto)
    t.equal(tcb.minRttMs, Math.min(...samples))
  })
}

t.test('§2.1: before the first sample the timeout is what the user says, a second by default', async t => {
  t.equal(tcbWith().rtoMs, 1000)
  t.equal(tcbWith({ initialRtoMs: 77 }).rtoMs, 77)
})

t.test('§2.5, §5.5: the back-off doubles up to the limit, and a sample ends it', async t => {
  const tcb = tcbWith({ maxRtoMs: 10_000 })
  const seen: number[] = []
  for (let i = 0; i < 6; i++) {
    backOff(tcb)
    seen.push(tcb.rtoMs)
  }
  t.same(seen, [2000, 4000, 8000, 10_000, 10_000, 10_000])
  sampleRtt(tcb, 100)
  t.equal(tcb.rtoMs, 300)
  sampleRtt(tcb, 60_000)
  t.equal(tcb.rtoMs, 10_000, 'samples keep to the limit too')
})

t.test('§2.4, as Linux reads it: the least is a part of the sum, and can be set', async t => {
  const tcb = tcbWith({ minRtoMs: 1000 })
  sampleRtt(tcb, 100)
  t.equal(tcb.rtoMs, 1100)
})

t.test('§5.7: after a lost SYN the timeout for text is 3 seconds, unless a round trip was measured', async t => {
  const tcb = tcbWith()
  restartAfterLostSyn(tcb)
  t.equal(tcb.rtoMs, 3000)
  sampleRtt(tcb, 100)
  restartAfterLostSyn(tcb)
  t.equal(tcb.rtoMs, 300)
  const limited = tcbWith({ maxRtoMs: 2000 })
  restartAfterLostSyn(limited)
  t.equal(limited.rtoMs, 2000, 'never above the limit')
})

const NO_TIMESTAMPS = { timestamps: false, noDelay: true }

t.test('the handshake of an active open gives the first sample', async t => {
  const peer = new Peer({ sockets: NO_TIMESTAMPS }).connect()
  peer.wait(120)
  peer.arrive({ flags: 'S.', seq: 0, ack: 1, mss: 1460 })
  t.equal(peer.connection?.info().rttMs, 120)
  t.equal(peer.connection?.info().rtoMs, 120 + 240)
})

t.test('Karn: the answer to a SYN that was sent twice is no sample, and text starts with 3 s (§5.7)', async t => {
  const peer = new Peer({ sockets: NO_TIMESTAMPS }).connect()
  t.same(peer.wait(1500), ['1000 S 0'])
  peer.arrive({ flags: 'S.', seq: 0, ack: 1, mss: 1460 })
  t.equal(peer.connection?.info().rttMs, -1)
  t.equal(peer.connection?.info().rtoMs, 3000)
  peer.call(connection => connection.write(new Uint8Array(10)))
  t.same(peer.wait(3100), ['3000 P. 1+10 ack 1'])
})

t.test('the handshake of a passive open gives the first sample', async t => {
  const peer = new Peer({ sockets: NO_TIMESTAMPS }).listen()
  peer.link.deliver(peer.packet({ flags: 'S', mss: 1460 }))
  peer.settle()
  peer.ourIsn = peer.last().seq
  peer.wait(90)
  peer.arrive({ flags: '.', seq: 1, ack: 1 })
  t.equal(peer.connection?.info().rttMs, 90)
})

t.test('Karn: the ACK of a SYN-ACK that was sent twice is no sample', async t => {
  const peer = new Peer({ sockets: NO_TIMESTAMPS }).listen()
  peer.link.deliver(peer.packet({ flags: 'S', mss: 1460 }))
  peer.settle()
  peer.ourIsn = peer.last().seq
  t.same(peer.wait(1090), ['1000 S. 0 ack 1'])
  peer.arrive({ flags: '.', seq: 1, ack: 1 })
  t.equal(peer.connection?.info().rttMs, -1)
  t.equal(peer.connection?.info().rtoMs, 3000)
})

t.test('one segment is timed at a time, from when it was first sent to the ACK that covers it', async t => {
  const peer = established({ sockets: NO_TIMESTAMPS })
  peer.call(connection => connection.write(new Uint8Array(10)))
  peer.wait(30)
  peer.call(connection => connection.write(new Uint8Array(10)))
  peer.wait(50)
  const before = peer.connection!.info().rttMs
  peer.arrive({ flags: '.', seq: 1, ack: 21 })
  t.equal(peer.connection?.info().rttMs, 0.875 * before + 0.125 * 80)
  // The second segment is covered as well, but was not being timed: one sample came of it.
  peer.arrive({ flags: '.', seq: 1, ack: 21 })
  t.equal(peer.connection?.info().rttMs, 0.875 * before + 0.125 * 80)
})

t.test('Karn: the ACK of text that was sent twice is no sample, and the back-off stays until there is one', async t => {
  const peer = established({ sockets: NO_TIMESTAMPS })
  const { rttMs, rtoMs } = peer.connection!.info()
  peer.call(connection => connection.write(new Uint8Array(10)))
  t.same(peer.wait(Math.ceil(rtoMs) + 10).length, 1)
  peer.arrive({ flags: '.', seq: 1, ack: 11 })
  t.equal(peer.connection?.info().rttMs, rttMs)
  t.equal(peer.connection?.info().rtoMs, 2 * rtoMs)
  peer.call(connection => connection.write(new Uint8Array(10)))
  peer.wait(10)
  peer.arrive({ flags: '.', seq: 1, ack: 21 })
  t.ok(peer.connection!.info().rtoMs < 2 * rtoMs)
})

t.test('with timestamps the ACK of text that was sent twice is a sample (RFC 7323 §4.1)', async t => {
  const peer = established({ sockets: { noDelay: true }, syn: { ts: [1000, 0] } })
  const { rttMs, rtoMs } = peer.connection!.info()
  peer.call(connection => connection.write(new Uint8Array(10)))
  peer.clock.advance(Math.ceil(rtoMs) + 40)
  const again = peer.last()
  t.equal(again.payloadLength, 10)
  peer.arrive({ flags: '.', seq: 1, ack: 11, ts: [1001, again.tsVal] })
  t.equal(peer.connection?.info().rttMs, 0.875 * rttMs + 0.125 * 40)
  t.ok(peer.connection!.info().rtoMs < 2 * rtoMs)
})

t.test('§5.5, R2: the timeouts of text double from the RTO to the limit, then the connection ends', async t => {
  const peer = established({ sockets: { ...NO_TIMESTAMPS, maxRtoMs: 2000, retries: 6 } })
  peer.call(connection => connection.write(new Uint8Array(10)))
  const times = peer.wait(60_000).map(line => Number(line.split(' ')[0]))
  t.same(times, [200, 600, 1400, 3000, 5000, 7000])
  t.equal(peer.error?.code, 'ETIMEDOUT')
})
