// What RFC 5681 allows at most, on the wire: how windows begin and grow, what duplicate ACKs let go, how many ACKs there are.

import t from 'tap'
import { Random } from '../../../src/random.ts'
import { Cubic } from '../../../src/tcp/congestion/cubic.ts'
import { NewReno } from '../../../src/tcp/congestion/new-reno.ts'
import { Driven } from '../../support/controller.ts'
import { established, knock, Peer, type Synchronized } from '../../support/peer.ts'

const MSS = 1000
const bytes = (n: number): Uint8Array => new Uint8Array(n)
const ack = (n: number, more: object = {}) => ({ flags: '.', seq: 1, ack: n, ...more })
const reno = (options: Synchronized = {}): Peer =>
  established({
    ...options,
    syn: { mss: MSS, ...options.syn },
    sockets: { congestionControl: 'reno', ...options.sockets }
  })
const cwnd = (peer: Peer): number => peer.connection!.info().sndCwnd
const ssthresh = (peer: Peer): number => peer.connection!.info().sndSsthresh

t.test('neither the SYN-ACK nor its ACK adds to the initial window (§3.1)', async t => {
  t.equal(cwnd(reno()), 10 * MSS)
  const active = new Peer().connect({ congestionControl: 'reno' })
  active.arrive({ flags: 'S.', ack: 1, mss: MSS })
  t.equal(cwnd(active), 10 * MSS)
})

t.test('a SYN-ACK that was sent twice: one segment to begin with (§3.1)', async t => {
  const peer = new Peer({ sockets: { congestionControl: 'reno' } }).listen()
  knock(peer, 5001, { mss: MSS })
  peer.wait(1500)
  peer.arrive(ack(1))
  t.equal(cwnd(peer), MSS)
})

t.test('ssthresh begins above any window, and a loss brings it to half of what was in flight (§3.1)', async t => {
  const peer = reno()
  t.ok(ssthresh(peer) >= 2 ** 30 - 1)
  peer.call(c => c.write(bytes(8 * MSS)))
  peer.wait(250)
  t.equal(ssthresh(peer), 4 * MSS, 'of the flight of eight, not of the window of ten')
})

t.test(
  'a segment that is acknowledged in pieces lets the window grow by its bytes, not by a segment for each (§3.1)',
  async t => {
    const peer = reno()
    peer.call(c => c.write(bytes(40 * MSS)))
    const before = cwnd(peer)
    for (let n = 1; n <= 10; n++) peer.arrive(ack(1 + 100 * n))
    t.ok(cwnd(peer) > before && cwnd(peer) <= before + MSS, `${before} -> ${cwnd(peer)}`)
  }
)

t.test(
  'congestion avoidance: never more than a segment in a round trip, however it is acknowledged (§3.1)',
  async t => {
    for (const pieces of [1, 2, 10]) {
      const peer = reno({ window: 65_535, syn: { windowScale: 4 }, sockets: { forwardRto: false } })
      peer.call(c => c.write(bytes(400 * MSS)))
      peer.wait(250) // ssthresh is five segments
      let una = 1
      const acknowledge = (upTo: number): void => {
        const step = (upTo - una) / pieces
        for (let k = 1; k <= pieces; k++) peer.arrive(ack(k === pieces ? upTo : Math.floor(una + k * step)))
        una = upTo
      }
      acknowledge(10_001)
      for (let trip = 0; trip < 12; trip++) {
        const before = cwnd(peer)
        const { unacked } = peer.connection!.info()
        acknowledge(una + unacked)
        if (before >= 5 * MSS) t.ok(cwnd(peer) - before <= MSS, `${pieces} ACKs: ${before} -> ${cwnd(peer)}`)
      }
      t.ok(cwnd(peer) > 8 * MSS, `it grows: ${cwnd(peer)}`)
    }
  }
)

t.test(
  'limited transmit: the first two duplicates let a new segment go each, and leave the window as it is (§3.2 step 1)',
  async t => {
    const peer = reno()
    peer.call(c => c.write(bytes(30 * MSS)))
    t.same(peer.arrive(ack(1)), ['. 10001+1000 ack 1'])
    t.same(peer.arrive(ack(1)), ['. 11001+1000 ack 1'])
    t.equal(cwnd(peer), 10 * MSS)
    t.same(peer.arrive(ack(1)), ['. 1+1000 ack 1'])
    t.equal(ssthresh(peer), 5 * MSS, 'half of ten: the two beyond the window do not count (step 2)')
    const narrow = reno({ window: 10 * MSS })
    narrow.call(c => c.write(bytes(30 * MSS)))
    t.same(narrow.arrive(ack(1, { window: 10 * MSS })), [], 'not beyond the peer’s window')
  }
)

t.test('limited transmit with SACK: nothing for a duplicate that tells nothing new (§3.2 step 1)', async t => {
  const peer = reno({ syn: { sackPermitted: true }, sockets: { rack: false } })
  peer.call(c => c.write(bytes(30 * MSS)))
  t.same(peer.arrive(ack(1)), [], 'no block')
  t.same(peer.arrive(ack(1, { sack: [[1001, 2001]] })), ['. 10001+1000 ack 1'])
  t.same(peer.arrive(ack(1, { sack: [[1001, 2001]] })), [], 'the same block again')
  t.same(peer.arrive(ack(1, { sack: [[1001, 3001]] })), ['. 11001+1000 ack 1'])
})

t.test(
  'a repetition that is lost too: the timer takes the window to one segment, ssthresh stays (§4.3, as Linux has it)',
  async t => {
    const peer = reno()
    peer.call(c => c.write(bytes(10 * MSS)))
    for (let i = 0; i < 3; i++) peer.arrive(ack(1))
    t.equal(ssthresh(peer), 5 * MSS)
    peer.wait(450)
    t.equal(cwnd(peer), MSS)
    t.equal(ssthresh(peer), 5 * MSS)
  }
)

t.test('no segment is answered by more than one ACK (§4.2)', async t => {
  for (const seed of [1, 2, 3]) {
    const random = new Random(seed)
    const peer = established({ syn: { sackPermitted: true } })
    let arrived = 0
    let answered = 0
    for (let i = 0; i < 400; i++) {
      const seq = Math.max(1, peer.connection!.info().bytesReceived + 1 - 300 + 100 * random.int(12))
      const batch = Array.from({ length: 1 + random.int(4) }, (_, k) => ({
        flags: '.',
        seq: seq + 100 * k,
        ack: 1,
        text: bytes(100 + 50 * random.int(3))
      }))
      arrived += batch.length
      answered += peer.arrive(...batch).length
      if (i % 7 === 0) answered += peer.wait(50).length
      t.ok(answered <= arrived, `${answered} ACKs for ${arrived} segments`)
      peer.connection?.read()
    }
  }
})

t.test(
  'ecnBeta: in congestion avoidance a mark takes less than a loss, in slow start as much (RFC 8511 §3.1, §4)',
  async t => {
    const rows = [
      { controller: new NewReno({ ecnBeta: 0.8 }), avoiding: 80, slow: 50 },
      { controller: new NewReno(), avoiding: 50, slow: 50 },
      { controller: new Cubic({ ecnBeta: 0.85 }), avoiding: 85, slow: 70 },
      { controller: new Cubic(), avoiding: 70, slow: 70 }
    ]
    for (const { controller, avoiding, slow } of rows) {
      const { tcb } = new Driven({}, controller)
      const left = (ssthresh: number): number => {
        tcb.cwnd = 100 * MSS
        tcb.mostOut = tcb.cwnd
        tcb.ssthresh = ssthresh * MSS
        tcb.congestion.congestionEchoed(tcb, 0)
        t.equal(tcb.ssthresh, tcb.cwnd)
        return tcb.cwnd / MSS
      }
      t.same([left(99), left(100)], [avoiding, slow], controller.name)
      tcb.cwnd = 100 * MSS
      tcb.congestion.lossDetected(tcb, 0)
      t.equal(tcb.ssthresh / MSS, slow, 'a loss')
    }
  }
)
