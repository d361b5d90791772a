// Quick ACKs: while the peer may be in slow start, each segment is acknowledged at once; then every second one.

import t from 'tap'
import { established, type Peer } from '../support/peer.ts'

/** Sends segments of `size` and answers which of them were acknowledged at once. */
function acknowledged(peer: Peer, size: number, count: number, from = 1): boolean[] {
  return Array.from({ length: count }, (_, i) => {
    const sent = peer.arrive({ flags: '.', seq: from + i * size, ack: 1, text: new Uint8Array(size) })
    return sent.length > 0
  })
}

const ALTERNATELY = [false, true, false, true]

t.test('the first 16 segments, then every second full one', async t => {
  const peer = established({ sockets: { quickAcks: 16 } })
  const seen = acknowledged(peer, 1000, 20)
  t.same(seen.slice(0, 16), Array(16).fill(true))
  t.same(seen.slice(16), ALTERNATELY)
})

t.test('no more than half of the window in segments, and at least two', async t => {
  t.same(acknowledged(established({ sockets: { quickAcks: 16, receiveBuffer: 8000 } }), 1000, 6), [
    true,
    true,
    true,
    true,
    ...ALTERNATELY.slice(0, 2)
  ])
  t.same(acknowledged(established({ sockets: { quickAcks: 16, receiveBuffer: 2048 } }), 500, 3), [true, true, false])
})

t.test('0 delays from the first segment on', async t => {
  t.same(acknowledged(established({ sockets: { quickAcks: 0 } }), 1000, 4), ALTERNATELY)
})

t.test('again after a pause longer than the timeout, and after a duplicate', async t => {
  const peer = established({ sockets: { quickAcks: 2 } })
  acknowledged(peer, 1000, 4)
  peer.wait(2000)
  t.same(acknowledged(peer, 1000, 4, 4001), [true, true, false, true])
  peer.arrive({ flags: '.', seq: 1, ack: 1, text: new Uint8Array(1000) })
  t.same(acknowledged(peer, 1000, 3, 8001), [true, false, true], 'the duplicate has had one')
})

t.test('text of ours that carries the ACK takes one of them', async t => {
  const peer = established({ sockets: { quickAcks: 2, noDelay: true } })
  peer.link.sent = []
  peer.link.deliver(peer.packet({ flags: '.', seq: 1, ack: 1, text: new Uint8Array(1000) }))
  peer.connection?.write(new Uint8Array(1))
  peer.settle()
  t.same(acknowledged(peer, 1000, 3, 1001), [true, false, true])
})
