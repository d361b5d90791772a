// Limits of the stack as a whole: each is an option, and what happens there is counted.

import t from 'tap'
import { packetOf } from '../ip/packets.ts'
import { established, knock, Peer } from '../support/peer.ts'

const text = (n: number): Uint8Array => new Uint8Array(n)

t.test(
  'unreadLimit: text that nobody reads is dropped beyond it, over all connections, and taken once there is room',
  async t => {
    const peer = new Peer({ stack: { unreadLimit: 65_536 } }).listen()
    const open = [5001, 5002].map(port => {
      knock(peer, port, { windowScale: 0 })
      peer.arrive({ flags: '.', seq: 1, ack: 1 })
      return { port, isn: peer.ourIsn, connection: peer.connection! }
    })
    const send = (which: number, seq: number, length: number, flags = '.'): string[] => {
      peer.peerPort = open[which].port
      peer.ourIsn = open[which].isn
      return peer.arrive({ flags, seq, ack: 1, text: text(length) })
    }
    for (let seq = 1; seq <= 60_001; seq += 4000) send(0, seq, 4000)
    t.equal(peer.stack.counters().stack.unreadBytes, 64_000)
    t.same(send(1, 1, 1460), [], 'the other connection has room for a segment')
    t.same(send(1, 1461, 1460, 'F.'), ['. 1 ack 1461'], 'and not for two')
    t.equal(peer.stack.counters().tcp.droppedUnreadLimit, 1)
    t.equal(open[1].connection.state, 'ESTABLISHED')
    open[0].connection.read()
    send(1, 1461, 1460, 'F.')
    t.equal(open[1].connection.readableBytes, 2920)
    t.equal(open[1].connection.state, 'CLOSE-WAIT')
  }
)

t.test('unreadLimit: what a connection that is over has left unread counts no more, and stays readable', async t => {
  for (const flags of ['R', 'F.']) {
    const peer = established()
    peer.arrive({ flags: '.', seq: 1, ack: 1, text: text(1000) })
    t.equal(peer.stack.counters().stack.unreadBytes, 1000)
    if (flags === 'F.') peer.call(c => c.shutdown())
    peer.arrive({ flags, seq: 1001, ack: 2 })
    t.equal(peer.stack.counters().stack.unreadBytes, 0, flags)
    t.equal(peer.connection?.readableBytes, 1000)
    t.equal(peer.read().length, 1000)
    t.equal(peer.stack.counters().stack.unreadBytes, 0, 'and is taken off once')
  }
})

t.test('unreadLimit: text that waited behind a hole counts when the hole is filled', async t => {
  const peer = established()
  peer.arrive({ flags: '.', seq: 101, ack: 1, text: text(100) })
  t.equal(peer.stack.counters().stack.unreadBytes, 0)
  peer.arrive({ flags: '.', seq: 1, ack: 1, text: text(100) })
  t.equal(peer.stack.counters().stack.unreadBytes, 200)
  peer.connection?.read(50)
  t.equal(peer.stack.counters().stack.unreadBytes, 150)
})

t.test('memoryLimit: a write that finds no memory is counted', async t => {
  const peer = established({ stack: { memoryLimit: 2 ** 20 }, sockets: { sendBuffer: 2 ** 22 } })
  peer.call(c => c.write(text(2 ** 19)))
  t.equal(peer.stack.counters().tcp.writesShortOfMemory, 0)
  peer.call(c => c.write(text(2 ** 22)))
  t.equal(peer.stack.counters().tcp.writesShortOfMemory, 1)
})

t.test('sendBuffer: a write beyond it takes what there is room for, and is no shortage', async t => {
  const peer = established({ sockets: { sendBuffer: 4096 } })
  t.equal(peer.connection?.write(text(5000)), 4096)
  t.equal(peer.stack.counters().tcp.writesShortOfMemory, 0)
})

t.test('reassemblyLimit, reassemblyDatagrams and reassemblyTimeoutMs', async t => {
  const fragment = (id: number, length = 800): Uint8Array =>
    packetOf({ id, moreFragments: true, payload: text(length) })
  const small = new Peer({ stack: { reassemblyLimit: 2000 } })
  for (let id = 0; id < 5; id++) small.inject(fragment(id))
  t.ok(small.stack.counters().stack.reassemblyBytes <= 2000)
  t.equal(small.stack.counters().ip.fragmentEvicted, 3)
  const few = new Peer({ stack: { reassemblyDatagrams: 2 } })
  for (let id = 0; id < 5; id++) few.inject(fragment(id))
  t.equal(few.stack.counters().ip.fragmentEvicted, 3)
  const none = new Peer({ stack: { reassemblyLimit: 0 } })
  none.inject(fragment(1))
  t.match(none.stack.counters().ip, { fragmentNoRoom: 1 })
  const brief = new Peer({ stack: { reassemblyTimeoutMs: 500 } })
  brief.inject(fragment(1))
  brief.wait(499)
  t.equal(brief.stack.counters().ip.fragmentTimeout, 0)
  brief.wait(1)
  t.equal(brief.stack.counters().ip.fragmentTimeout, 1)
  t.equal(brief.stack.counters().stack.reassemblyBytes, 0)
})

t.test('all limits refuse values out of bounds', async t => {
  for (const option of [
    'unreadLimit',
    'memoryLimit',
    'reassemblyDatagrams',
    'reassemblyTimeoutMs',
    'halfOpenLimit'
  ] as const) {
    t.throws(() => new Peer({ stack: { [option]: 0 } }), { code: 'ERR_OUT_OF_RANGE' }, option)
  }
})
