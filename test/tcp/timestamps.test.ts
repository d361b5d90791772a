// RFC 7323 §3 to §5: what our timestamps say, which of the peer's is echoed, and what an echo may tell. What PAWS turns away is in
// arrivals.test.ts.

import t from 'tap'
import { RST, type Segment } from '../../src/wire/segment.ts'
import { established, type Fields, Peer, parsed } from '../support/peer.ts'

const withTimestamps = (sockets = {}): Peer => established({ syn: { ts: [1000, 0], sackPermitted: true }, sockets })

/** What is sent from here on, whole. */
function watch(peer: Peer): Segment[] {
  const seen: Segment[] = []
  const send = peer.link.send.bind(peer.link)
  peer.link.send = batch => {
    const before = peer.link.sent.length
    send(batch)
    seen.push(...peer.link.sent.slice(before).map(parsed))
  }
  return seen
}

t.test('once agreed on, they are on every segment but the RST that answers nonsense (§3.2)', async t => {
  const peer = withTimestamps({ keepAlive: true, keepAliveIdleMs: 1000 })
  const seen = watch(peer)
  peer.call(c => c.write(new Uint8Array(100)))
  peer.wait(250) // sent again
  peer.arrive({ flags: '.', seq: 1, ack: 101, ts: [1001, seen[0].tsVal] })
  peer.wait(1100) // a keepalive
  peer.arrive({ flags: '.', seq: 1, ack: 200, ts: [1002, 0] }) // challenged
  peer.arrive({ flags: 'P.', seq: 11, ack: 101, text: 'hole', ts: [1002, 0] })
  peer.arrive({ flags: 'P.', seq: 1, ack: 101, text: '0123456789', ts: [1002, 0] })
  peer.read()
  peer.call(c => c.close())
  peer.arrive({ flags: 'F.', seq: 15, ack: 102, ts: [1003, 0] })
  t.equal(peer.state, 'TIME-WAIT')
  peer.arrive({ flags: 'F.', seq: 15, ack: 102, ts: [1003, 0] }) // answered by the small record
  t.equal(
    seen.length,
    9,
    'text, again, a probe, a challenge, a duplicate ACK, two more ACKs, FIN, and that of the small record'
  )
  t.same(
    seen.filter(seg => !seg.hasTimestamps),
    []
  )
  const aborted = withTimestamps()
  const last = watch(aborted)
  aborted.call(c => c.abort())
  t.ok(last[0].hasTimestamps, 'and on the RST of an abort (§5.2)')
})

t.test('a RST that answers a segment has none, whatever came (§5.2)', async t => {
  const peer = new Peer().listen()
  const closed = watch(peer)
  peer.ourPort = 81
  peer.arrive({ flags: 'S', ts: [7, 0] })
  peer.ourPort = 80
  peer.arrive({ flags: '.', seq: 1, ack: 1, ts: [7, 0] })
  const opening = new Peer().connect()
  const nonsense = watch(opening)
  opening.arrive({ flags: 'S.', ack: 9, ts: [7, 0] })
  t.same(
    [...closed, ...nonsense].map(seg => [seg.flags & RST, seg.hasTimestamps]),
    [
      [RST, false],
      [RST, false],
      [RST, false]
    ]
  )
})

t.test('where they were not agreed on, the peer’s are ignored and the text is taken (§3.2)', async t => {
  const peer = established()
  const seen = watch(peer)
  peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'one', ts: [2000, 0] })
  peer.arrive({ flags: 'P.', seq: 4, ack: 1, text: 'two', ts: [-1000, 0] })
  peer.wait(100)
  t.equal(peer.read(), 'onetwo', 'no PAWS')
  t.same(
    seen.map(seg => seg.hasTimestamps),
    [false]
  )
})

t.test('a SYN-ACK offers them only to a SYN that did, and our first SYN echoes nothing (§3.2)', async t => {
  for (const ts of [undefined, [7, 0] as [number, number]]) {
    const peer = new Peer().listen()
    peer.link.deliver(peer.packet(ts === undefined ? { flags: 'S' } : { flags: 'S', ts }))
    peer.settle()
    t.equal(peer.last().hasTimestamps, ts !== undefined)
    if (ts !== undefined) t.equal(peer.last().tsEcr, 7)
  }
  t.equal(parsed(new Peer().connect().link.sent[0]).tsEcr, 0)
})

t.test('an echo without ACK says nothing: the peer’s SYN of a simultaneous open is no sample (§3.2)', async t => {
  const peer = new Peer().connect()
  const sent = parsed(peer.link.sent[0])
  peer.wait(100)
  peer.arrive({ flags: 'S', ts: [1000, sent.tsVal] })
  t.equal(peer.connection?.info().rttMs, -1)
})

t.test('the clock ticks once a millisecond and never goes back (§4.1, §5.4)', async t => {
  const peer = withTimestamps()
  const seen = watch(peer)
  peer.arrive({ flags: '.', seq: 1, ack: 9999, ts: [1000, 0] })
  let last = seen[0].tsVal
  for (const ms of [1, 1, 10, 1000, 86_400_000, 2 ** 31]) {
    peer.wait(ms)
    peer.arrive({ flags: '.', seq: 1, ack: 9999, ts: [1000, 0] })
    const { tsVal } = seen[seen.length - 1]
    t.equal((tsVal - last) >>> 0, ms, `${ms} ms`)
    last = tsVal
  }
})

t.test('only an ACK that moves SND.UNA tells a round trip (§4.1, the RTTM rule)', async t => {
  const peer = withTimestamps()
  const seen = watch(peer)
  peer.call(c => c.write(new Uint8Array(10)))
  peer.arrive({ flags: '.', seq: 1, ack: 11, ts: [1001, seen[0].tsVal] })
  const { rttMs, rttvarMs } = peer.connection!.info()
  peer.wait(60_000)
  const stale: Partial<Fields> = { ts: [1002, seen[0].tsVal] }
  peer.arrive({ flags: 'P.', seq: 1, ack: 11, text: 'C', ...stale })
  peer.arrive({ flags: '.', seq: 2, ack: 11, ...stale })
  t.match(peer.connection?.info(), { rttMs, rttvarMs })
})

t.test('each ACK of a flight is a sample, which counts for less where there are many (§4.2, appendix G)', async t => {
  const peer = withTimestamps()
  const seen = watch(peer)
  peer.call(c => c.write(new Uint8Array(4 * 1448)))
  t.equal(seen.length, 4)
  const before = peer.connection!.info().rttMs
  peer.wait(100)
  for (const ack of [1449, 2897, 4345, 5793]) peer.arrive({ flags: '.', seq: 1, ack, ts: [1001, seen[0].tsVal] })
  // FlightSize is 4, 3, 2 and 1 segments: two samples expected of a round trip, two, one and one.
  const weights = [1 / 16, 1 / 16, 1 / 8, 1 / 8]
  const expected = weights.reduce((srtt, weight) => (1 - weight) * srtt + weight * 100, before)
  t.equal(peer.connection?.info().rttMs.toFixed(6), expected.toFixed(6))
})

t.test('a delayed ACK echoes the first segment that it acknowledges (§4.3 A)', async t => {
  const peer = withTimestamps()
  const seen = watch(peer)
  peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: new Uint8Array(1448), ts: [1001, 0] })
  peer.arrive({ flags: 'P.', seq: 1449, ack: 1, text: new Uint8Array(1448), ts: [1002, 0] })
  t.same(
    seen.map(seg => seg.tsEcr),
    [1001]
  )
  peer.arrive({ flags: 'P.', seq: 2897, ack: 1, text: 'x', ts: [1003, 0] })
  peer.wait(100)
  t.equal(seen[1].tsEcr, 1003)
})

t.test('an old timestamp outside the window is turned away as old: PAWS comes first (§5.3)', async t => {
  const peer = withTimestamps()
  const text = { flags: 'P.', ack: 1, text: 'x' }
  peer.arrive({ ...text, seq: 100_000_000, ts: [999, 0] })
  t.match(peer.stack.counters().tcp, { droppedOldTimestamp: 1, droppedUnacceptable: 0 })
  peer.arrive({ ...text, seq: 100_000_000, ts: [1001, 0] })
  t.match(peer.stack.counters().tcp, { droppedOldTimestamp: 1, droppedUnacceptable: 1 })
})

t.test(
  'who cannot know what we have sent leaves no timestamp, no user timeout and no sign of life behind (RFC 5961 §5.2)',
  async t => {
    const options = { userTimeoutOption: true, keepAlive: true, keepAliveIdleMs: 10_000 }
    for (const seen of [9999, -70_000]) {
      const peer = withTimestamps(options)
      peer.wait(9000)
      peer.arrive({ flags: 'P.', seq: 1, ack: seen, text: 'x', ts: [2 ** 30, 0], userTimeout: 600 })
      peer.arrive({ flags: 'P', seq: 1, text: 'x', ts: [2 ** 30, 0], userTimeout: 600 })
      t.equal(peer.connection?.info().peerUserTimeoutMs, 0)
      t.equal(peer.wait(1001).filter(line => line.endsWith('. 0 ack 1')).length, 1, 'the keepalive is not put off')
      peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'yes', ts: [1001, 0] })
      t.equal(peer.read(), 'yes', 'and the peer is not taken for an old duplicate')
    }
  }
)

t.test('what waits behind a hole was looked at when it came, and is not again (§5.3)', async t => {
  const peer = withTimestamps()
  peer.arrive({ flags: 'P.', seq: 6, ack: 1, text: 'world', ts: [1001, 0] })
  peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'hello', ts: [2000, 0] })
  t.equal(peer.read(), 'helloworld')
})

t.test('TS.Recent never goes back: not by a segment from outside the window, nor by a RST (§5.2, §5.3)', async t => {
  const peer = withTimestamps()
  const seen = watch(peer)
  peer.arrive({ flags: '.', seq: -100_000, ack: 1, ts: [5000, 0] })
  peer.arrive({ flags: '.', seq: 100_000_000, ack: 1, ts: [5000, 0] })
  peer.arrive({ flags: 'R', seq: 2, ts: [5000, 0] })
  peer.arrive({ flags: 'R', seq: 2, ts: [10, 0] })
  t.same(
    seen.map(seg => seg.tsEcr),
    [1000, 1000, 1000, 1000]
  )
  t.same(peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'x', ts: [1000, 0] }), [])
  t.equal(peer.read(), 'x')
})
