// D-SACK (RFC 2883): the first block of the next ACK tells what came twice. The examples of §4, from sequence number 1.

import t from 'tap'
import { established, type Peer } from '../support/peer.ts'

const peerWithSack = (sockets = {}): Peer => established({ syn: { sackPermitted: true }, sockets })

/** Octets from `from` to one before `to`; what is said at once. */
function send(peer: Peer, from: number, to: number): string[] {
  return peer.arrive({ flags: '.', seq: from, ack: 1, text: new Uint8Array(to - from) })
}

/** In order, up to `to`: acknowledged or not. */
function begin(peer: Peer, to: number): Peer {
  for (let at = 1; at < to; at += 500) send(peer, at, at + 500)
  peer.wait(100)
  return peer
}

t.test('§4.1.1: a segment again', async t => {
  const peer = begin(peerWithSack(), 4001)
  t.same(send(peer, 3001, 3501), ['. 1 ack 4001 sack 3001-3501'])
  t.same(send(peer, 4001, 4501), [], 'told once')
  t.same(peer.wait(100), ['40 . 1 ack 4501'])
})

t.test('§4.1.2: a segment again, while others wait', async t => {
  const peer = begin(peerWithSack(), 4001)
  t.same(send(peer, 4501, 5001), ['. 1 ack 4001 sack 4501-5001'])
  t.same(send(peer, 3001, 3501), ['. 1 ack 4001 sack 3001-3501 4501-5001'])
})

t.test('§4.1.3: again what waits out of order: the range that it belongs to follows', async t => {
  const peer = begin(peerWithSack(), 4001)
  send(peer, 4501, 5001)
  t.same(send(peer, 5001, 5501), ['. 1 ack 4001 sack 4501-5501'])
  t.same(send(peer, 5001, 5501), ['. 1 ack 4001 sack 5001-5501 4501-5501'])
})

t.test('§4.2.1: a larger segment, of which the first part was there', async t => {
  const peer = begin(peerWithSack(), 1001)
  t.same(send(peer, 2001, 2501), ['. 1 ack 1001 sack 2001-2501'])
  t.same(send(peer, 1001, 1501), ['. 1 ack 1501 sack 2001-2501'])
  t.same(send(peer, 1001, 2001), ['. 1 ack 2501 sack 1001-1501'])
})

t.test('§4.2.2: of two parts that were there, the first is told', async t => {
  const peer = begin(peerWithSack(), 1001)
  send(peer, 3001, 3501)
  send(peer, 1001, 1501)
  t.same(send(peer, 2001, 2501), ['. 1 ack 1501 sack 2001-2501 3001-3501'])
  t.same(send(peer, 1001, 2501), ['. 1 ack 2501 sack 1001-1501 3001-3501'])
})

t.test('§4.2.3: the same above the cumulative ACK', async t => {
  const peer = begin(peerWithSack(), 1001)
  send(peer, 3501, 4001)
  send(peer, 1501, 2001)
  t.same(send(peer, 2501, 3001), ['. 1 ack 1001 sack 2501-3001 1501-2001 3501-4001'])
  t.same(send(peer, 1501, 3001), ['. 1 ack 1001 sack 1501-2001 1501-3001 3501-4001'])
})

t.test('in order at last, over a part that waited', async t => {
  const peer = begin(peerWithSack(), 1001)
  send(peer, 1501, 2001)
  t.same(send(peer, 1001, 2501), ['. 1 ack 2501 sack 1501-2001'])
})

t.test('several in one batch: an ACK for each', async t => {
  const peer = begin(peerWithSack(), 2001)
  const text = new Uint8Array(500)
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1, text }, { flags: '.', seq: 1001, ack: 1, text }), [
    '. 1 ack 2001 sack 1-501',
    '. 1 ack 2001 sack 1001-1501'
  ])
})

t.test('a FIN again: it has its place among the octets', async t => {
  const peer = peerWithSack()
  peer.arrive({ flags: 'F.', seq: 1, ack: 1 })
  t.same(peer.arrive({ flags: 'F.', seq: 1, ack: 1 }), ['. 1 ack 2 sack 1-2'])
})

t.test('four blocks in all, three beside timestamps', async t => {
  for (const [ts, blocks] of [
    [undefined, 4],
    [[1, 0], 3]
  ] as const) {
    const peer = established({ syn: { sackPermitted: true, ...(ts === undefined ? {} : { ts: [1, 0] }) } })
    const arrive = (seq: number): string[] =>
      peer.arrive({ flags: '.', seq, ack: 1, text: 'x', ...(ts === undefined ? {} : { ts: [1, 0] }) })
    for (let i = 1; i <= 5; i++) arrive(10 * i)
    t.equal(arrive(30)[0].split(' ').length - 5, blocks)
    t.match(arrive(30)[0], / sack 30-31 30-31 /)
  }
})

t.test(
  'a duplicate’s block is told by the ACK field of its own segment: what an ACK that was overtaken holds is none (§5)',
  async t => {
    const peer = established({ syn: { mss: 1000, sackPermitted: true } })
    peer.call(c => c.write(new Uint8Array(3000)))
    t.ok(peer.wait(1000).length > 0, 'sent again')
    peer.arrive({ flags: '.', seq: 1, ack: 3001 })
    peer.arrive({ flags: '.', seq: 1, ack: 1, sack: [[1001, 2001]] })
    t.equal(peer.connection?.info().dsackDups, 0, 'below SND.UNA, above its own ACK')
    peer.arrive({ flags: '.', seq: 1, ack: 3001, sack: [[2001, 3001]] })
    t.equal(peer.connection?.info().dsackDups, 1)
  }
)

t.test('nothing is told of keepalives without text, without SACK, or when it is switched off', async t => {
  t.same(begin(peerWithSack(), 501).arrive({ flags: '.', seq: 500, ack: 1 }), ['. 1 ack 501'])
  t.same(send(begin(peerWithSack({ duplicateSacks: false }), 501), 1, 501), ['. 1 ack 501'])
  t.same(send(begin(established(), 501), 1, 501), ['. 1 ack 501'])
})
