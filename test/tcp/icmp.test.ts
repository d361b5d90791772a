// RFC 9293 §3.9.2.2 with RFC 5927 and RFC 1191: what an ICMP error may do to a connection, and what it may not.

import t from 'tap'
import { finish, sum } from '../../src/wire/checksum.ts'
import { PROTOCOL_ICMP, writeIpv4Header } from '../../src/wire/ipv4.ts'
import { established, knock, OUR_ADDRESS, PEER_ADDRESS, Peer } from '../support/peer.ts'

/** An error about the segment with sequence number `seq` (relative to ours), from a router. */
function icmpError(peer: Peer, type: number, code: number, seq: number, mtu = 0): Uint8Array {
  const bytes = new Uint8Array(20 + 8 + 28)
  const view = new DataView(bytes.buffer)
  writeIpv4Header(view, 0, bytes.length, 0, 1, false, 64, PROTOCOL_ICMP, 0x0a000063, OUR_ADDRESS)
  view.setUint16(10, finish(sum(view, 0, 20, 0)))
  view.setUint8(20, type)
  view.setUint8(21, code)
  view.setUint16(26, mtu)
  writeIpv4Header(view, 28, 1500, 0, 1, true, 60, 6, OUR_ADDRESS, PEER_ADDRESS)
  view.setUint16(48, peer.ourPort)
  view.setUint16(50, peer.peerPort)
  view.setInt32(52, (peer.ourIsn + seq) | 0)
  view.setUint16(22, finish(sum(view, 20, 36, 0)))
  return bytes
}

const UNREACHABLE = 3
const TIME_EXCEEDED = 11

t.test('while connecting: the error ends it, and says which (RFC 5461 §4)', async t => {
  const rows = [
    { type: UNREACHABLE, code: 0, error: 'ENETUNREACH' },
    { type: UNREACHABLE, code: 1, error: 'EHOSTUNREACH' },
    { type: UNREACHABLE, code: 3, error: 'ECONNREFUSED' },
    { type: UNREACHABLE, code: 13, error: 'EHOSTUNREACH' },
    { type: TIME_EXCEEDED, code: 0, error: 'EHOSTUNREACH' }
  ]
  for (const { type, code, error } of rows) {
    const peer = new Peer().connect()
    peer.inject(icmpError(peer, type, code, 0))
    t.same(peer.told, [`closed ${error}`], `type ${type} code ${code}`)
  }
})

t.test('an error that does not quote what is in flight is forged or late: nothing happens (RFC 5927 §4.1)', async t => {
  const peer = new Peer().connect()
  for (const seq of [-1, 1, 1000]) peer.inject(icmpError(peer, UNREACHABLE, 1, seq))
  t.equal(peer.state, 'SYN-SENT')
  t.equal(peer.stack.counters().tcp.droppedIcmpNotInFlight, 3)
})

t.test(
  'an open connection is never ended by ICMP; but when time runs out it names the reason (RFC 1122 §4.2.3.9)',
  async t => {
    for (const code of [0, 1, 2, 3]) {
      const peer = established({ sockets: { retries: 2 } })
      peer.call(c => c.write(new Uint8Array(10)))
      peer.inject(icmpError(peer, UNREACHABLE, code, 1))
      t.equal(peer.state, 'ESTABLISHED', `code ${code}`)
      peer.wait(100_000)
      t.match(peer.told, [/closed (ENETUNREACH|EHOSTUNREACH|ECONNREFUSED)/])
    }
  }
)

t.test('fragmentation needed: smaller segments at once, the congestion window untouched (RFC 1191 §6.4)', async t => {
  const peer = established()
  peer.call(c => c.write(new Uint8Array(2920)))
  const before = peer.connection?.info().sndCwnd
  t.same(
    peer.inject(icmpError(peer, UNREACHABLE, 4, 1, 1000)),
    ['. 1+960 ack 1', '. 961+960 ack 1', 'P. 1921+1000 ack 1']
      .slice(0, 2)
      .concat(['. 1921+960 ack 1', 'P. 2881+40 ack 1'])
  )
  t.equal(peer.connection?.info().sndMss, 960)
  t.equal(peer.connection?.info().sndCwnd, before)
})

t.test('fragmentation needed: what makes no sense changes nothing', async t => {
  const rows = [
    { name: 'no smaller than what we send', mtu: 1500, seq: 1, mss: 1460 },
    { name: 'below 68, which no link has (RFC 791)', mtu: 40, seq: 1, mss: 1460 },
    { name: 'below 552: held there, as Linux does', mtu: 100, seq: 1, mss: 512 },
    { name: 'about what is not in flight', mtu: 1000, seq: 5000, mss: 1460 }
  ]
  for (const { name, mtu, seq, mss } of rows) {
    const peer = established()
    peer.call(c => c.write(new Uint8Array(1460)))
    peer.inject(icmpError(peer, UNREACHABLE, 4, seq, mtu))
    t.equal(peer.connection?.info().sndMss, mss, name)
  }
})

t.test(
  'the next connection to the same host sends by what was learnt, and offers what it can take (RFC 1191 §3.1, §6.3; SHLD-6)',
  async t => {
    const peer = established()
    peer.call(c => c.write(new Uint8Array(1460)))
    peer.inject(icmpError(peer, UNREACHABLE, 4, 1, 1000))
    peer.connection?.abort()
    peer.link.sent = []
    peer.peerPort++
    peer.link.deliver(peer.packet({ flags: 'S', mss: 1460 }))
    peer.settle()
    t.equal(peer.last().mss, 1460)
    peer.ourIsn = peer.last().seq
    peer.arrive({ flags: '.', seq: 1, ack: 1 })
    t.same(
      peer.call(c => c.write(new Uint8Array(1460))),
      ['. 1+960 ack 1', 'P. 961+500 ack 1']
    )
  }
)

t.test('an echo request for an address of ours alone is answered with its text (RFC 1122 §3.2.2.6)', async t => {
  const peer = new Peer()
  const bytes = new Uint8Array(20 + 8 + 5)
  const view = new DataView(bytes.buffer)
  writeIpv4Header(view, 0, bytes.length, 0, 1, false, 64, PROTOCOL_ICMP, PEER_ADDRESS, OUR_ADDRESS)
  view.setUint16(10, finish(sum(view, 0, 20, 0)))
  view.setUint8(20, 8)
  view.setInt32(24, 0x12345678)
  bytes.set([1, 2, 3, 4, 5], 28)
  view.setUint16(22, finish(sum(view, 20, 13, 0)))
  peer.link.sent = []
  peer.link.deliver(bytes)
  peer.settle()
  t.equal(peer.link.sent.length, 1)
  const reply = peer.link.sent[0]
  const replyView = new DataView(reply.buffer, reply.byteOffset, reply.length)
  t.equal(replyView.getUint8(20), 0)
  t.equal(replyView.getInt32(24), 0x12345678)
  t.equal(replyView.getInt32(12), OUR_ADDRESS)
  t.equal(replyView.getInt32(16), PEER_ADDRESS)
  t.same([...reply.subarray(28)], [1, 2, 3, 4, 5])
  t.equal(peer.stack.counters().stack.slabUsedBytes, 0)
})

t.test('fragmentation needed, and the link knows already: the connection is told all the same', async t => {
  const peer = established()
  peer.call(c => c.write(new Uint8Array(1460)))
  peer.link.mtu = 1000
  t.same(peer.inject(icmpError(peer, UNREACHABLE, 4, 1, 1000)), ['. 1+960 ack 1', 'P. 961+500 ack 1'])
  t.equal(peer.connection?.info().sndMss, 960)
})

t.test('a half-open connection is dropped by an error about our SYN-ACK, and by no other', async t => {
  const peer = new Peer().listen()
  const open = (): void => {
    peer.link.deliver(peer.packet({ flags: 'S' }))
    peer.settle()
    peer.ourIsn = peer.last().seq
  }
  open()
  peer.inject(icmpError(peer, UNREACHABLE, 1, 5))
  peer.inject(icmpError(peer, UNREACHABLE, 4, 0, 1000))
  t.equal(peer.stack.counts().halfOpen, 1)
  t.equal(peer.stack.counters().tcp.droppedIcmpNotInFlight, 2)
  peer.inject(icmpError(peer, UNREACHABLE, 1, 0))
  t.equal(peer.stack.counts().halfOpen, 0)
})

t.test('the user hears of an error that ends nothing (SHLD-25)', async t => {
  const peer = established()
  const told: string[] = []
  peer.connection!.handlers.troubled = (_, error) => void told.push(String(error?.code))
  peer.call(c => c.write(new Uint8Array(10)))
  peer.inject(icmpError(peer, UNREACHABLE, 1, 1))
  t.same(told, ['EHOSTUNREACH'])
})

t.test('an error about one connection changes no other (RFC 5927 §5.2)', async t => {
  const peer = new Peer().listen()
  const open = [5001, 5002].map(port => {
    knock(peer, port)
    peer.arrive({ flags: '.', seq: 1, ack: 1 })
    const connection = peer.connection!
    connection.write(new Uint8Array(1460))
    peer.settle()
    return { connection, port, isn: peer.ourIsn }
  })
  const told: number[] = []
  for (const { connection, port } of open) connection.handlers.troubled = () => told.push(port)
  peer.peerPort = 5001
  peer.ourIsn = open[0].isn
  peer.inject(icmpError(peer, UNREACHABLE, 1, 1))
  peer.inject(icmpError(peer, UNREACHABLE, 4, 1, 1000))
  t.same(told, [5001])
  t.same(
    open.map(({ connection }) => connection.info().sndMss),
    [960, 1460]
  )
})

t.test(
  'an open connection outlives every kind of ICMP error, and the user hears of each (RFC 1122 §4.2.3.9)',
  async t => {
    const kinds = Array.from({ length: 16 }, (_, code) => [UNREACHABLE, code]).filter(([, code]) => code !== 4)
    for (const [type, code] of [...kinds, [TIME_EXCEEDED, 0], [TIME_EXCEEDED, 1], [12, 0], [12, 1]]) {
      const peer = established()
      const told: (string | undefined)[] = []
      peer.connection!.handlers.troubled = (_, error) => void told.push(error?.code)
      peer.call(c => c.write(new Uint8Array(10)))
      peer.inject(icmpError(peer, type, code, 1))
      t.equal(peer.state, 'ESTABLISHED', `type ${type} code ${code}`)
      t.match(told, [/^(ENETUNREACH|EHOSTUNREACH|ECONNREFUSED)$/])
      peer.arrive({ flags: '.', seq: 1, ack: 11 })
      t.equal(peer.connection?.info().unacked, 0, 'it goes on')
    }
  }
)

t.test('path MTU discovery can be told to heed no reports, and to let routers cut', async t => {
  for (const [pathMtuDiscovery, dontFragment, mss] of [
    ['on', true, 960],
    ['ignore-reports', true, 1460],
    ['off', false, 1460]
  ] as const) {
    const peer = established()
    peer.connection?.setOptions({ pathMtuDiscovery })
    peer.connection?.write(new Uint8Array(1460))
    peer.link.sent = []
    peer.settle()
    t.equal((peer.link.sent[0][6] & 0x40) !== 0, dontFragment, pathMtuDiscovery)
    peer.inject(icmpError(peer, UNREACHABLE, 4, 1, 1000))
    t.equal(peer.connection?.info().sndMss, mss, pathMtuDiscovery)
  }
})
