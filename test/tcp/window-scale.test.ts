// RFC 7323 §2: the scale of the window, on both sides of a connection and at the ends of its range.

import t from 'tap'
import { VirtualClock } from '../../src/sim/clock.ts'
import { Stack } from '../../src/stack/stack.ts'
import { established, HandLink, knock, Peer, parsed } from '../support/peer.ts'

t.test('the scale has as many bits as the size of the buffer has beyond 16, 14 at most (§2.3)', async t => {
  for (const [receiveBuffer, scale] of [
    [2048, 0],
    [65_535, 0],
    [65_536, 1],
    [131_070, 1],
    [131_071, 1],
    [131_072, 2],
    [2 ** 24, 9],
    [2 ** 30, 14]
  ]) {
    t.equal(parsed(new Peer().connect({ receiveBuffer }).link.sent[0]).windowScale, scale, `${receiveBuffer} bytes`)
  }
})

t.test('a scale of 0 is offered too, and answered: the peer may want one (§2.2, §2.3)', async t => {
  const active = new Peer().connect({ receiveBuffer: 4096 })
  t.equal(parsed(active.link.sent[0]).windowScale, 0)
  const passive = new Peer({ sockets: { receiveBuffer: 4096 } }).listen()
  t.equal(knock(passive, 5001, { windowScale: 7 })?.windowScale, 0)
  passive.arrive({ flags: '.', seq: 1, ack: 1, window: 100 })
  t.match(passive.connection?.info(), { sndWscale: 7, rcvWscale: 0, sndWnd: 12_800 })
})

t.test('a SYN without it gets a SYN-ACK without it, and no window is scaled either way (§2.2, §2.3)', async t => {
  const passive = new Peer({ sockets: { receiveBuffer: 2 ** 20 } }).listen()
  t.equal(knock(passive, 5001)?.windowScale, -1)
  passive.link.sent = []
  passive.link.deliver(passive.packet({ flags: 'P.', seq: 1, ack: 1, window: 1000, text: new Uint8Array(3000) }))
  passive.settle()
  t.match(passive.connection?.info(), { sndWscale: 0, rcvWscale: 0, sndWnd: 1000 })
  t.equal(passive.last().window, 65_535, 'what 16 bits can tell of a megabyte')
})

t.test('the window of a SYN is never scaled, the peer’s or ours; all others are (§2.2, §2.3)', async t => {
  const peer = new Peer({ sockets: { receiveBuffer: 2 ** 20 } }).connect()
  t.match(parsed(peer.link.sent[0]), { window: 65_535, windowScale: 5 })
  peer.link.sent = []
  peer.link.deliver(peer.packet({ flags: 'S.', ack: 1, window: 1000, windowScale: 7 }))
  peer.settle()
  t.equal(peer.connection?.info().sndWnd, 1000)
  t.equal(peer.last().window, 2 ** 15, 'our ACK of it: a megabyte in steps of 32')
  peer.arrive({ flags: '.', seq: 1, ack: 1, window: 1000 })
  t.equal(peer.connection?.info().sndWnd, 128_000)
  const passive = new Peer({ sockets: { receiveBuffer: 2 ** 20 } }).listen()
  t.equal(knock(passive, 5001, { windowScale: 7, window: 500 })?.window, 65_535)
  passive.arrive({ flags: '.', seq: 1, ack: 1, window: 1000 })
  t.equal(passive.connection?.info().sndWnd, 128_000)
})

t.test('a scale above 14 is noted as an error, on a SYN and on a SYN-ACK, and counts as 14 (§2.3)', async t => {
  const passive = established({ syn: { windowScale: 15 }, window: 1 })
  t.match(passive.connection?.info(), { sndWscale: 14, sndWnd: 16_384 })
  t.equal(passive.stack.counters().tcp.excessiveScales, 1)
  const active = new Peer().connect()
  active.arrive({ flags: 'S.', ack: 1, windowScale: 255 })
  t.match(active.connection?.info(), { sndWscale: 14 })
  t.equal(active.stack.counters().tcp.excessiveScales, 1)
  t.equal(established({ syn: { windowScale: 14 } }).stack.counters().tcp.excessiveScales, 0)
})

t.test('what any ACK of ours has offered is taken, though a later one seems to offer less (§2.4)', async t => {
  const peer = established({ sockets: { receiveBuffer: 300_000 }, syn: { windowScale: 0 } })
  const shift = peer.connection!.info().rcvWscale
  let edge = 0
  let seq = 1
  for (let i = 0; i < 60; i++, seq += 7) {
    peer.link.sent = []
    peer.link.deliver(peer.packet({ flags: 'P.', seq, ack: 1, text: new Uint8Array(7) }))
    peer.clock.run(peer.clock.now() + 50)
    const { ack, window } = peer.last()
    edge = Math.max(edge, ((ack - peer.isn) | 0) + (window << shift))
  }
  t.ok(edge >= 300_000, `the right edge was ${edge} at its farthest`)
  // Up to the farthest edge and not one octet more.
  while (seq < edge) {
    const length = Math.min(1460, edge - seq)
    peer.link.deliver(peer.packet({ flags: '.', seq, ack: 1, text: new Uint8Array(length) }))
    seq += length
  }
  peer.settle()
  t.equal(peer.connection?.readableBytes, edge - 1)
  t.equal(peer.stack.counters().tcp.droppedOutsideWindow + peer.stack.counters().tcp.droppedUnacceptable, 0)
})

t.test('a gigabyte of window, the most there can be, is told and taken', async t => {
  const link = new HandLink()
  const stack = new Stack({ link, host: new VirtualClock({ seed: 1 }), receiveBuffer: 2 ** 30 })
  stack.connect({ address: '10.0.0.2', port: 80 })
  t.equal(stack.counts().connections, 1)
  const peer = established({ syn: { windowScale: 14 }, window: 65_535 })
  t.equal(peer.connection?.info().sndWnd, 65_535 * 2 ** 14)
})
