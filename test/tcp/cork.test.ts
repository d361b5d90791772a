// What holds text back because the user says so: cork, "more follows", and a mark for text that is written and not sent.
// What the user says of the IPv4 header. Buffers that change while a connection is open.

import t from 'tap'
import { established, Peer } from '../support/peer.ts'

const bytes = (n: number): Uint8Array => new Uint8Array(n)

t.test('cork: full segments leave, the rest waits for 200 ms', async t => {
  const peer = established({ sockets: { cork: true } })
  t.same(
    peer.call(c => c.write(bytes(1500))),
    ['. 1+1460 ack 1']
  )
  peer.arrive({ flags: '.', seq: 1, ack: 1461 })
  t.same(peer.wait(300), ['200 P. 1461+40 ack 1'])
})

t.test('cork: what is written meanwhile joins, and does not begin the time anew', async t => {
  const peer = established({ sockets: { cork: true } })
  peer.call(c => c.write(bytes(10)))
  peer.wait(150)
  peer.call(c => c.write(bytes(10)))
  t.same(peer.wait(100), ['50 P. 1+20 ack 1'])
  peer.arrive({ flags: '.', seq: 1, ack: 21 })
  t.same(
    peer.call(c => c.write(bytes(5))),
    [],
    'and again'
  )
  t.same(peer.wait(300), ['200 P. 21+5 ack 1'])
})

t.test('clearing the cork, setting noDelay, or a FIN sends at once', async t => {
  const changes: [string, (peer: Peer) => string[], string][] = [
    ['cork', peer => peer.call(c => c.setOptions({ cork: false })), 'P. 1+10 ack 1'],
    ['noDelay', peer => peer.call(c => c.setOptions({ noDelay: true })), 'P. 1+10 ack 1'],
    ['FIN', peer => peer.call(c => c.shutdown()), 'FP. 1+10 ack 1']
  ]
  for (const [name, change, sent] of changes) {
    const peer = established({ sockets: { cork: true } })
    peer.call(c => c.write(bytes(10)))
    t.same(change(peer), [sent], name)
  }
})

t.test('set in the middle of the stream, it holds from there on', async t => {
  const peer = established({ sockets: { noDelay: true } })
  peer.call(c => c.write(bytes(10)))
  peer.call(c => c.setOptions({ cork: true }))
  t.same(
    peer.call(c => c.write(bytes(10))),
    [],
    'although Nagle is off'
  )
  peer.call(c => c.setOptions({ cork: false }))
  t.equal(peer.connection?.info().notsentBytes, 0)
})

t.test('more: held until a write without it, or for 200 ms', async t => {
  const peer = established()
  t.same(
    peer.call(c => c.write(bytes(10), { more: true })),
    []
  )
  t.same(
    peer.call(c => c.write(bytes(10))),
    ['P. 1+20 ack 1']
  )
  peer.arrive({ flags: '.', seq: 1, ack: 21 })
  peer.call(c => c.write(bytes(10), { more: true }))
  t.same(peer.wait(300), ['200 P. 21+10 ack 1'])
})

t.test('notSentLowat: write takes nothing while so much waits, and writable tells when less does', async t => {
  const peer = established({ window: 1000, syn: { window: 1000 }, sockets: { notSentLowat: 500 } })
  t.equal(peer.connection?.write(bytes(3000)), 3000, 'below the mark all that fits is taken')
  peer.settle()
  t.equal(peer.connection?.writableBytes, 0)
  t.equal(peer.connection?.write(bytes(1)), 0)
  peer.arrive({ flags: '.', seq: 1, ack: 1001, window: 1000 })
  t.notOk(peer.told.includes('writable'), 'a thousand are left')
  peer.arrive({ flags: '.', seq: 1, ack: 2001, window: 1000 })
  t.ok(peer.told.includes('writable'), 'all have been sent')
  t.ok(peer.connection!.write(bytes(1)) > 0)
})

t.test(
  'a receive buffer that grows opens the window at once (CASES 5.73); one that shrinks takes nothing back',
  async t => {
    const peer = established({ sockets: { receiveBuffer: 4096 } })
    t.same(peer.arrive({ flags: '.', seq: 1, ack: 1, text: bytes(4096) }), ['. 1 ack 4097'])
    t.equal(peer.connection?.info().rcvWnd, 0)
    t.same(
      peer.call(c => c.setOptions({ receiveBuffer: 16_384 })),
      ['. 1 ack 4097']
    )
    t.equal(peer.connection?.info().rcvWnd, 12_288)
    peer.call(c => c.setOptions({ receiveBuffer: 4096 }))
    t.equal(peer.connection?.info().rcvWnd, 12_288)
    t.same(peer.arrive({ flags: '.', seq: 4097, ack: 1, text: bytes(1460) }), [], 'what was offered is taken')
    t.equal(peer.connection?.readableBytes, 5556)
  }
)

t.test('a send buffer that grows has room, and says so', async t => {
  const peer = established({ window: 0, sockets: { sendBuffer: 2048 } })
  t.equal(peer.connection?.write(bytes(3000)), 2048)
  peer.call(c => c.setOptions({ sendBuffer: 4096 }))
  t.same(peer.told, ['writable'])
  t.equal(peer.connection?.writableBytes, 2048)
})

t.test(
  'DSCP and TTL on every segment, SYN-ACK and TIME-WAIT included, and as they change (MUST-48, MUST-49)',
  async t => {
    const header = (packet: Uint8Array): number[] => [packet[1], packet[8]]
    const peer = new Peer({ sockets: { typeOfService: 0xb8 | 3, timeToLive: 5 } }).listen()
    const answers = (...args: Parameters<Peer['packet']>): number[][] => {
      peer.link.sent = []
      peer.link.deliver(peer.packet(...args))
      peer.settle()
      return peer.link.sent.map(header)
    }
    t.same(answers({ flags: 'S' }), [[0xb8, 5]])
    peer.ourIsn = peer.last().seq
    answers({ flags: '.', seq: 1, ack: 1 })
    t.same(answers({ flags: '.', seq: 5, ack: 1, text: 'x' }), [[0xb8, 5]])
    peer.connection?.setOptions({ typeOfService: 0x20, timeToLive: 9 })
    t.same(answers({ flags: '.', seq: 5, ack: 1, text: 'x' }), [[0x20, 9]])
    peer.call(c => c.shutdown())
    t.same(answers({ flags: 'F.', seq: 1, ack: 2 }), [[0x20, 9]])
    t.same(answers({ flags: 'F.', seq: 1, ack: 2 }), [[0x20, 9]], 'TIME-WAIT')
    t.same(header(new Peer().listen().connect().link.sent[0]), [0, 64])
  }
)

t.test('a pause ends a large window, unless that is switched off (RFC 5681 §4.1)', async t => {
  for (const [slowStartAfterIdle, segments] of [
    [true, 10],
    [false, 20]
  ] as const) {
    const peer = established({ sockets: { slowStartAfterIdle }, window: 65_535, syn: { windowScale: 4 } })
    peer.call(c => c.write(bytes(14_600)))
    peer.arrive({ flags: '.', seq: 1, ack: 14_601 })
    peer.wait(5000)
    t.equal(peer.call(c => c.write(bytes(100_000))).length, segments)
  }
})
