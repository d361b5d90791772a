// Loss recovery where an option is off, and what a script cannot show: blocks that lie, edges inside segments, and where
// the scoreboard's memory goes.

import t from 'tap'
import { established, type Peer } from '../support/peer.ts'

const MSS = 1000
const bytes = (n: number): Uint8Array => new Uint8Array(n)
const ack = (n: number, ...sack: [number, number][]) => ({ flags: '.', seq: 1, ack: n, sack })

/** Ten segments in flight, `more` of them waiting. */
function inFlight(sockets: object = {}, more = 0, syn: object = { sackPermitted: true }): Peer {
  const peer = established({ syn: { mss: MSS, ...syn }, sockets })
  peer.wait(10)
  peer.call(c => c.write(bytes((10 + more) * MSS)))
  return peer
}
const info = (peer: Peer) => peer.connection!.info()

t.test('limitedTransmit off: early duplicates let nothing go, the third does (RFC 3042)', async t => {
  const off = inFlight({ limitedTransmit: false, rack: false }, 10)
  t.same(off.arrive(ack(1, [1001, 2001])), [])
  t.same(off.arrive(ack(1, [1001, 3001])), [])
  t.match(off.arrive(ack(1, [1001, 4001]))[0], /^\. 1\+1000/)
  const on = inFlight({ rack: false }, 10)
  t.same(on.arrive(ack(1, [1001, 2001])), ['. 10001+1000 ack 1'])
})

t.test('proportionalRate off: the window is the threshold at once (RFC 6675 §5)', async t => {
  const off = inFlight({ proportionalRate: false, rack: false, congestionControl: 'reno' }, 20)
  off.arrive(ack(1, [1001, 2001]))
  off.arrive(ack(1, [1001, 3001]))
  t.same(off.arrive(ack(1, [1001, 4001])), ['. 1+1000 ack 1'], 'the first repetition goes whatever is in flight')
  t.equal(info(off).sndSsthresh, 5 * MSS)
  off.arrive(ack(1, [1001, 6001]))
  t.equal(info(off).sndCwnd, 5 * MSS)
  t.same(off.arrive(ack(1, [1001, 9001])), ['. 12001+1000 ack 1'], 'what leaves the network below that makes room')
})

t.test('ACKs that come together let as much go as one after the other (RFC 9937 §6)', async t => {
  for (const together of [false, true]) {
    const peer = inFlight()
    peer.wait(10)
    t.same(
      peer.arrive(ack(1, [9001, 10_001])),
      ['. 1+1000 ack 1'],
      'all but one are lost, the window is far below ssthresh'
    )
    peer.wait(10)
    t.same(
      peer.arrive(ack(1001, [9001, 10_001])),
      ['. 1001+1000 ack 1', '. 2001+1000 ack 1'],
      'two for each that arrives'
    )
    peer.wait(10)
    const acks = [ack(2001, [9001, 10_001]), ack(3001, [9001, 10_001])]
    const sent = together ? peer.arrive(...acks) : acks.flatMap(it => peer.arrive(it))
    t.same(
      sent,
      [3001, 4001, 5001, 6001].map(seq => `. ${seq}+1000 ack 1`),
      together ? 'together' : 'apart'
    )
  }
})

t.test('a block with its edge inside a segment holds what it holds whole, and the rest when it comes', async t => {
  const peer = inFlight()
  peer.arrive(ack(1, [1001, 2501]))
  t.equal(info(peer).sackedSegments, 1)
  t.equal(info(peer).sackedBytes, 1500)
  peer.arrive(ack(1, [2501, 3001], [1001, 2501]))
  t.equal(info(peer).sackedSegments, 2)
})

t.test('blocks of what was not sent, or with edges exchanged, are nothing', async t => {
  const peer = inFlight()
  for (const block of [
    [9001, 12_001],
    [3001, 2001],
    [-5000, -4000],
    [1, 1]
  ] as [number, number][])
    peer.arrive(ack(1, block))
  t.same([info(peer).sackedSegments, info(peer).sackedBytes, info(peer).caState], [0, 0, 'Open'])
})

t.test(
  'a timeout that finds the first segment held: the peer has reneged, and all goes again (RFC 2018 §8)',
  async t => {
    const peer = inFlight()
    peer.arrive(ack(1, [1001, 10_001]))
    peer.arrive(ack(1001))
    const again = peer.wait(40)
    t.match(again[0], /\. 1001\+1000 ack 1$/, 'soon, not after a whole timeout')
    t.equal(info(peer).sackedSegments, 0)
  }
)

t.test('a loss is found and repaired from any initial sequence number', async t => {
  for (const seed of [1, 2, 3, 4]) {
    const peer = established({ seed, syn: { mss: MSS, sackPermitted: true } })
    peer.call(c => c.write(bytes(10 * MSS)))
    peer.arrive(ack(1, [1001, 4001]))
    peer.arrive(ack(10_001))
    t.same([info(peer).unacked, info(peer).lostSegments, info(peer).retransSegments], [0, 0, 0])
  }
})
