// RFC 9293 §3.10.7.1 and §3.10.7.2: segments for which there is no connection, and the passive open up to its end.

import t from 'tap'
import { CHECKSUM_PARTIAL, RxBatch } from '../../src/link/link.ts'
import { established, Peer } from '../support/peer.ts'

t.test('CLOSED: what is answered, and with which numbers (§3.10.7.1)', async t => {
  const rows = [
    { name: 'ACK', arrives: { flags: '.', seq: 5, ack: 77 }, replies: ['R 77'] },
    { name: 'SYN', arrives: { flags: 'S', seq: 5 }, replies: ['R. 0 ack 6'] },
    { name: 'SYN with text', arrives: { flags: 'S', seq: 5, text: 'abc' }, replies: ['R. 0 ack 9'] },
    { name: 'FIN without ACK', arrives: { flags: 'F', seq: 5 }, replies: ['R. 0 ack 6'] },
    { name: 'SYN-ACK', arrives: { flags: 'S.', seq: 5, ack: 9 }, replies: ['R 9'] },
    { name: 'RST', arrives: { flags: 'R', seq: 5 }, replies: [] },
    { name: 'RST with ACK', arrives: { flags: 'R.', seq: 5, ack: 9 }, replies: [] }
  ]
  for (const { name, arrives, replies } of rows) {
    const peer = new Peer()
    t.same(peer.arrive(arrives), replies, name)
  }
})

t.test('LISTEN: only a SYN opens (§3.10.7.2)', async t => {
  const rows = [
    { name: 'RST is ignored', arrives: { flags: 'R', seq: 5 }, replies: [] },
    { name: 'ACK is answered by RST', arrives: { flags: '.', seq: 5, ack: 77 }, replies: ['R 77'] },
    { name: 'SYN-ACK is answered by RST', arrives: { flags: 'S.', seq: 5, ack: 77 }, replies: ['R 77'] },
    { name: 'FIN is dropped', arrives: { flags: 'F', seq: 5 }, replies: [] },
    { name: 'text without SYN is dropped', arrives: { flags: 'P', seq: 5, text: 'abc' }, replies: [] }
  ]
  for (const { name, arrives, replies } of rows) {
    const peer = new Peer().listen()
    t.same(peer.arrive(arrives), replies, name)
    t.same(peer.stack.counts(), { connections: 0, halfOpen: 0, timeWait: 0 }, `${name}: nothing is left`)
    peer.link.sent = []
    peer.link.deliver(peer.packet({ flags: 'S' }))
    peer.settle()
    t.equal(peer.last().flags, 0x12, `${name}: the listener still answers a SYN`)
  }
})

t.test('SYN from an address that names no host is dropped (RFC 1122 §4.2.3.10)', async t => {
  for (const source of [0, 0xe0000001, 0xffffffff]) {
    const peer = new Peer().listen()
    const packet = peer.packet({ flags: 'S' })
    const view = new DataView(packet.buffer)
    view.setInt32(12, source)
    view.setUint16(10, 0)
    let sum = 0
    for (let i = 0; i < 20; i += 2) sum += view.getUint16(i)
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
    view.setUint16(10, ~sum & 0xffff)
    t.same(peer.inject(packet), [])
    t.equal(peer.stack.counters().ip.martianSource, 1)
  }
})

t.test('SYN-RECEIVED of a passive open (§3.10.7.4)', async t => {
  const rows = [
    {
      name: 'the SYN again is answered by the SYN-ACK again',
      arrives: { flags: 'S', seq: 0 },
      replies: ['S. 0 ack 1'],
      left: 1
    },
    { name: 'RST at RCV.NXT returns to LISTEN', arrives: { flags: 'R', seq: 1 }, replies: [], left: 0 },
    {
      name: 'RST elsewhere in the window is challenged',
      arrives: { flags: 'R', seq: 2 },
      replies: ['. 1 ack 1'],
      left: 1
    },
    { name: 'RST comes before SYN', arrives: { flags: 'SR', seq: 1 }, replies: [], left: 0 },
    { name: 'RST outside the window is dropped', arrives: { flags: 'R', seq: -5 }, replies: [], left: 1 },
    {
      name: 'ACK of nothing sent is answered by RST',
      arrives: { flags: '.', seq: 1, ack: 9 },
      replies: ['R 9'],
      left: 1
    },
    {
      name: 'ACK of the ISS itself is answered by RST',
      arrives: { flags: '.', seq: 1, ack: 0 },
      replies: ['R 0'],
      left: 1
    },
    {
      name: 'a segment outside the window is answered by ACK',
      arrives: { flags: '.', seq: -9, ack: 1 },
      replies: ['. 1 ack 1'],
      left: 1
    },
    {
      name: 'a new SYN in the window is challenged',
      arrives: { flags: 'S', seq: 50 },
      replies: ['. 1 ack 1'],
      left: 1
    },
    { name: 'text without ACK is dropped', arrives: { flags: 'P', seq: 1, text: 'a' }, replies: [], left: 1 }
  ]
  for (const { name, arrives, replies, left } of rows) {
    const peer = new Peer().listen()
    peer.link.deliver(peer.packet({ flags: 'S' }))
    peer.settle()
    peer.ourIsn = peer.last().seq
    t.same(peer.arrive(arrives), replies, name)
    t.equal(peer.stack.counts().halfOpen, left, `${name}: half-open connections`)
    if (left === 0) continue
    peer.arrive({ flags: '.', seq: 1, ack: 1 })
    t.equal(peer.state, 'ESTABLISHED', `${name}: the right ACK still opens`)
  }
})

t.test('SYN-RECEIVED: an old duplicate opens nothing (RFC 7323 §5.3)', async t => {
  const peer = new Peer().listen()
  peer.link.deliver(peer.packet({ flags: 'S', ts: [1000, 0] }))
  peer.settle()
  peer.ourIsn = peer.last().seq
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1, ts: [999, 0] }), ['. 1 ack 1'])
  t.same(peer.stack.counts(), { connections: 0, halfOpen: 1, timeWait: 0 })
  t.equal(peer.stack.counters().tcp.droppedOldTimestamp, 1)
  peer.arrive({ flags: '.', seq: 1, ack: 1, ts: [1000, 0] })
  t.equal(peer.state, 'ESTABLISHED')
})

t.test('text and FIN on the ACK that opens are kept (§3.10.7.4)', async t => {
  const peer = new Peer().listen()
  peer.link.deliver(peer.packet({ flags: 'S' }))
  peer.settle()
  peer.ourIsn = peer.last().seq
  t.same(peer.arrive({ flags: 'FP.', seq: 1, ack: 1, text: 'all' }), ['. 1 ack 5'])
  t.same(peer.told, ['accepted', 'readable', 'ended'])
  t.equal(peer.read(), 'all')
  t.equal(peer.state, 'CLOSE-WAIT')
})

t.test('the SYN-ACK is sent again with back-off, and given up (§3.8.3)', async t => {
  const peer = new Peer({ sockets: { synAckRetries: 3 } }).listen()
  peer.link.deliver(peer.packet({ flags: 'S' }))
  peer.settle()
  peer.ourIsn = peer.last().seq
  t.same(peer.wait(60_000), ['1000 S. 0 ack 1', '3000 S. 0 ack 1', '7000 S. 0 ack 1'])
  t.equal(peer.stack.counts().halfOpen, 0)
})

t.test('more half-open connections than the backlog: the SYN is dropped, and taken once there is room', async t => {
  const peer = new Peer({ stack: { synCookies: 'off' } })
  peer.listener = peer.stack.listen({ port: 80, backlog: 2 }, () => {})
  const syn = (port: number): string[] => {
    peer.peerPort = port
    return peer.arrive({ flags: 'S' })
  }
  t.equal(syn(1).length, 1)
  t.equal(syn(2).length, 1)
  t.equal(syn(3).length, 0)
  t.equal(peer.stack.counters().tcp.droppedSynBacklogFull, 1)
  peer.peerPort = 1
  peer.arrive({ flags: 'R', seq: 1 })
  t.equal(syn(3).length, 1)
})

t.test('a listener that closes resets its half-open children and forgets them (§3.10.4)', async t => {
  const peer = new Peer().listen()
  peer.link.deliver(peer.packet({ flags: 'S' }))
  peer.settle()
  peer.ourIsn = peer.last().seq
  peer.link.sent = []
  peer.listener?.close()
  peer.settle()
  t.same(peer.replies(), ['R 1'])
  t.equal(peer.stack.counts().halfOpen, 0)
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1 }), ['R 1'], 'its late ACK finds nothing')
})

t.test('a checksum that is wrong, a header that is too short or too long: dropped and counted (§3.1)', async t => {
  const peer = established()
  const bad = (change: (packet: Uint8Array) => Uint8Array): string[] =>
    peer.inject(change(peer.packet({ flags: 'P.', seq: 1, ack: 1, text: 'x' })))
  t.same(
    bad(packet => flip(packet, 40)),
    [],
    'text'
  )
  t.same(
    bad(packet => flip(packet, 36)),
    [],
    'the checksum itself'
  )
  t.equal(peer.stack.counters().tcp.droppedBadChecksum, 2)
  t.equal(peer.state, 'ESTABLISHED')
  t.same(peer.told, [])
})

t.test(
  'a link that takes no unfinished checksums: one that only seems to be is taken, a real one is dropped',
  async t => {
    const peer = established()
    const arrive = (change: (packet: Uint8Array) => Uint8Array): void => {
      const packet = change(peer.packet({ flags: 'P.', seq: 1, ack: 1, text: 'x' }))
      const batch = new RxBatch(packet, 1)
      batch.table.set([0, packet.length, CHECKSUM_PARTIAL])
      batch.count = 1
      peer.link.receiver?.packetsArrived(batch)
    }
    arrive(packet => flip(packet, 36))
    t.equal(peer.stack.counters().tcp.droppedBadChecksum, 1)
    t.equal(peer.connection?.readableBytes, 0)
    arrive(packet => packet)
    t.equal(peer.connection?.readableBytes, 1)
  }
)

function flip(packet: Uint8Array, at: number): Uint8Array {
  packet[at] ^= 1
  return packet
}
