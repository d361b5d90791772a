// SYN cookies (RFC 4987 §3.6): connections that a full table has no room to remember.

import t from 'tap'
import { Random } from '../../src/random.ts'
import type { StackOptions } from '../../src/stack/stack.ts'
import { Segment, SYN } from '../../src/wire/segment.ts'
import { type Fields, knock, OUR_ADDRESS, Peer, type PeerOptions, type parsed, tcpPacket } from '../support/peer.ts'

const SYN_OPTIONS: Partial<Fields> = { mss: 1400, windowScale: 9, sackPermitted: true, ts: [100, 0] }

function always(options: PeerOptions = {}): Peer {
  return new Peer({ ...options, stack: { synCookies: 'always', ...options.stack } }).listen()
}

const cookies = (peer: Peer): number[] => {
  const { synCookiesSent, synCookiesReceived, droppedBadCookie } = peer.stack.counters().tcp
  return [synCookiesSent, synCookiesReceived, droppedBadCookie]
}

t.test('a cookie that comes back opens the connection, with all that the two SYNs agreed on', async t => {
  const peer = always()
  const synAck = knock(peer, 5001, SYN_OPTIONS)!
  t.same([synAck.mss, synAck.windowScale, synAck.sackPermitted, synAck.hasTimestamps], [1460, 4, true, true])
  t.same(peer.stack.counts(), { connections: 0, halfOpen: 0, timeWait: 0 }, 'nothing is kept')
  peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'hi', window: 3, ts: [101, synAck.tsVal] })
  t.equal(peer.state, 'ESTABLISHED')
  t.equal(peer.read(), 'hi')
  const info = peer.connection!.info()
  t.same([info.sndWscale, info.sndMss], [9, 1400])
  peer.call(c => c.write(new Uint8Array(3 * 512)))
  t.equal(info.sndWnd, 3 << 9)
  t.same(
    peer.arrive({ flags: '.', seq: 10, ack: 1, text: 'x', ts: [102, synAck.tsVal] }),
    ['. 1537 ack 3 sack 10-11'],
    'selective ACKs too'
  )
  t.same(cookies(peer), [1, 1, 0])
})

t.test('without timestamps there is no room for scale and SACK: the SYN-ACK does not offer them', async t => {
  const peer = always()
  const synAck = knock(peer, 5001, { mss: 1400, windowScale: 9, sackPermitted: true })!
  t.same([synAck.windowScale, synAck.sackPermitted, synAck.hasTimestamps], [-1, false, false])
  peer.arrive({ flags: '.', seq: 1, ack: 1, window: 5000 })
  t.same([peer.connection?.info().sndWscale, peer.connection?.info().sndWnd], [0, 5000])
})

t.test('the MSS comes back as the class below it', async t => {
  for (const [offered, restored] of [
    [1460, 1460],
    [9000, 1460],
    [1459, 1440],
    [1300, 1300],
    [1219, 536],
    [100, 64],
    [-1, 536]
  ]) {
    const peer = always()
    knock(peer, 5001, { mss: offered })
    peer.arrive({ flags: '.', seq: 1, ack: 1 })
    t.equal(peer.connection?.info().sndMss, restored, `${offered}`)
  }
})

t.test('options of every kind survive, and our clock never seems to go back', async t => {
  const random = new Random(5)
  for (let i = 0; i < 300; i++) {
    const peer = always({ seed: i, stack: { synCookies: 'always', ecn: 'accept' } })
    peer.clock.run(random.int(100_000))
    const windowScale = random.int(16) - 1
    const sackPermitted = random.chance(0.5)
    const ecn = random.chance(0.5)
    const ts: [number, number] = [random.uint32() | 0, 0]
    const synAck = knock(peer, 5001, { flags: ecn ? 'SEC' : 'S', windowScale, sackPermitted, ts })!
    peer.clock.run(peer.clock.now() + random.int(3000))
    const sent = peer.arrive({
      flags: 'P.',
      seq: 1,
      ack: 1,
      text: 'x',
      ts: [ts[0] + 1, synAck.tsVal],
      tos: ecn ? 3 : 0
    })
    t.equal(sent.join().includes('E'), ecn, 'congestion is echoed where ECN was agreed on')
    peer.link.sent = []
    peer.connection!.write(new Uint8Array(1))
    peer.settle()
    t.ok(((peer.last().tsVal - synAck.tsVal) | 0) >= 0)
    t.equal(peer.connection?.info().sndWscale, Math.max(0, Math.min(14, windowScale)))
  }
})

t.test('only a table that is full answers by cookies; an ACK without one sent gets RST', async t => {
  const peer = new Peer({})
  peer.listener = peer.stack.listen({ port: 80, backlog: 1 }, () => {})
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1 }), ['R 1'])
  t.same(cookies(peer), [0, 0, 0])
  knock(peer, 5001)
  t.equal(peer.stack.counts().halfOpen, 1)
  knock(peer, 5002)
  t.equal(peer.stack.counts().halfOpen, 1)
  t.same(cookies(peer), [1, 0, 0])
  peer.arrive({ flags: '.', seq: 1, ack: 1 })
  t.same(cookies(peer), [1, 1, 0])
})

t.test('the limit of half-open connections is for all listeners together', async t => {
  const peer = new Peer({ stack: { halfOpenLimit: 1, synCookies: 'off' } })
  peer.listener = peer.stack.listen({ port: 80 }, () => {})
  knock(peer, 5001)
  t.equal(knock(peer, 5002), undefined)
  t.equal(peer.stack.counters().tcp.droppedSynBacklogFull, 1)
  t.equal(peer.wait(70_000).length, 5, 'the first one is given up')
  t.ok(knock(peer, 5002), 'and makes room')
})

const bogus: { what: string; change: Partial<Fields>; port?: number }[] = [
  { what: 'another number', change: { ack: 2 } },
  { what: 'another class', change: { ack: 9 } },
  { what: "another ISN of the peer's", change: { seq: 2 } },
  { what: 'another port', change: {}, port: 5009 }
]
for (const { what, change, port } of bogus) {
  t.test(`${what} is no cookie: RST`, async t => {
    const peer = always()
    knock(peer, 5001)
    peer.peerPort = port ?? 5001
    const ack = change.ack ?? 1
    t.same(peer.arrive({ flags: '.', seq: 1, ack: 1, ...change }), [`R ${ack}`])
    t.same(cookies(peer), [1, 0, 1])
    t.equal(peer.connection, undefined)
  })
}

t.test('numbers at random: of 100000 next to none passes', async t => {
  const peer = always()
  const random = new Random(9)
  for (let i = 0; i < 100_000; i++) {
    if (i % 1000 === 0) knock(peer, 5001)
    peer.link.sent = []
    peer.link.deliver(peer.packet({ flags: '.', seq: random.uint32() | 0, ack: random.uint32() | 0 }))
  }
  t.ok(peer.stack.counters().tcp.synCookiesReceived <= 2, 'one in a million by design')
})

t.test('a cookie is good for a minute at least and two at most', async t => {
  for (const [minutes, received] of [
    [0.99, 1],
    [2, 0],
    [300, 0]
  ]) {
    const peer = always()
    knock(peer, 5001)
    const iss = peer.ourIsn
    peer.clock.run(minutes * 60_000)
    knock(peer, 5002) // so that the listener still expects some
    peer.peerPort = 5001
    peer.ourIsn = iss
    peer.arrive({ flags: '.', seq: 1, ack: 1 })
    t.equal(cookies(peer)[1], received, `${minutes} minutes`)
  }
})

t.test('a flood of 100000 SYNs: memory stays where it is, and 200 clients come in meanwhile', async t => {
  const options: Partial<StackOptions> = { halfOpenLimit: 1000 }
  const peer = new Peer({ stack: options })
  let served = 0
  peer.listener = peer.stack.listen({ port: 80, backlog: 500 }, connection => {
    connection.handlers = { readable: () => void (connection.read() && connection.write(Uint8Array.of(1))) }
  })
  const random = new Random(11)
  const spoofed = (): Uint8Array => {
    const seg = new Segment()
    Object.assign(seg, {
      sourcePort: random.int(65536),
      destinationPort: 80,
      flags: SYN,
      seq: random.uint32() | 0,
      window: 1000
    })
    return tcpPacket(seg, new Uint8Array(0), 0xc6120000 | random.int(1 << 17), OUR_ADDRESS)
  }
  for (let client = 0; client < 200; client++) {
    peer.link.deliver(...Array.from({ length: 500 }, spoofed))
    if (knock(peer, 6000 + client) === undefined) continue
    const answers = peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'a' })
    if (answers.some(line => line.includes('+1 '))) served++
    t.ok(peer.stack.counts().halfOpen <= 501)
  }
  t.equal(served, 200)
  const { synCookiesSent, droppedSynBacklogFull } = peer.stack.counters().tcp
  t.ok(synCookiesSent > 99_000)
  t.equal(droppedSynBacklogFull, 0)
  peer.clock.advance(120_000)
  t.same(peer.stack.counts(), { connections: 200, halfOpen: 0, timeWait: 0 })
})

t.test(
  'where more comes than can be answered, a full table answers who asks again; open connections notice nothing',
  async t => {
    const peer = new Peer({})
    peer.listener = peer.stack.listen({ port: 80, backlog: 1 }, () => {})
    peer.link.queueFill = 0.5
    t.ok(knock(peer, 5001), 'there is room: it is answered')
    peer.arrive({ flags: '.', seq: 1, ack: 1 })
    const { ourIsn } = peer
    knock(peer, 5002)
    t.equal(knock(peer, 5003), undefined)
    t.ok(knock(peer, 5003), 'the same again')
    t.equal(knock(peer, 5004), undefined)
    Object.assign(peer, { peerPort: 5001, ourIsn })
    t.same([...peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'a' }), ...peer.wait(40)], ['40 . 1 ack 2'])
    peer.link.queueFill = 0
    t.ok(knock(peer, 5005), 'nothing waits any more')
    t.equal(peer.stack.counters().tcp.droppedSynInFlood, 2)
    t.same(cookies(peer), [2, 0, 0])
  }
)

t.test('a SYN-ACK with a cookie is the same as any but for its numbers', async t => {
  const plain = new Peer().listen()
  const [one, other] = [knock(plain, 5001, SYN_OPTIONS)!, knock(always(), 5001, SYN_OPTIONS)!]
  for (const seg of [one, other]) Object.assign(seg, { seq: 0, tsVal: 0 })
  t.same(parsedFields(other), parsedFields(one))
})

function parsedFields(seg: ReturnType<typeof parsed>): object {
  const { bytes: _, ...fields } = seg
  return fields
}
