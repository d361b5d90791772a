// RFC 9293 §3.8.6: what we offer, what the peer offers, and what happens when either is nothing.

import t from 'tap'
import { ahead, toSeq } from '../../src/tcp/seq.ts'
import type { Segment } from '../../src/wire/segment.ts'
import { established, Peer, parsed } from '../support/peer.ts'

t.test('the right edge of the window that we offer never moves left, whatever is read when (§3.8.6)', async t => {
  for (const receiveBuffer of [2048, 10_000, 300_000]) {
    const peer = established({ sockets: { receiveBuffer }, syn: { windowScale: 3 } })
    let edge = toSeq(0)
    let first = true
    const send = peer.link.send.bind(peer.link)
    const shift = peer.connection?.info().rcvWscale ?? 0
    let shrunk = 0
    peer.link.send = batch => {
      send(batch)
      for (const packet of peer.link.sent) {
        const seg = parsed(packet)
        const right = toSeq(seg.ack + (seg.window << shift))
        if (!first && ahead(right, edge) < 0) shrunk++
        edge = right
        first = false
      }
      peer.link.sent = []
    }
    let seq = 1
    for (let i = 0; i < 500; i++) {
      const length = 1 + ((i * 7919) % 1460)
      const room = ahead(edge, toSeq(peer.isn + seq))
      const n = first ? length : Math.min(length, room)
      if (n > 0) {
        peer.arrive({ flags: '.', seq, ack: 1, text: new Uint8Array(n) })
        seq += n
      }
      if (i % 3 === 0) peer.connection?.read(1 + ((i * 31) % 700))
      if (i % 50 === 0) peer.read()
      peer.wait(50)
    }
    t.equal(shrunk, 0, `receive buffer ${receiveBuffer}`)
    t.ok(seq > receiveBuffer, 'the window was passed')
  }
})

t.test(
  'a full buffer: window 0; reading a little tells nothing, reading enough tells at once (§3.8.6.2.2)',
  async t => {
    const peer = established({ sockets: { receiveBuffer: 4096 }, syn: { mss: 1000 } })
    peer.arrive({ flags: '.', seq: 1, ack: 1, text: new Uint8Array(4096) })
    t.equal(peer.connection?.info().rcvWnd, 0)
    t.same(
      peer.call(c => c.read(100)),
      [],
      'a silly window'
    )
    t.same(
      peer.call(c => c.read(1300)),
      [],
      'still less than a segment of ours'
    )
    t.same(
      peer.call(c => c.read(2000)),
      ['. 1 ack 4097'],
      'a window worth having'
    )
    t.equal(peer.connection?.info().rcvWnd, 3400)
  }
)

t.test('a probe of our closed window is answered with the window, and its octet is not taken (§3.8.6.1)', async t => {
  const peer = established({ sockets: { receiveBuffer: 2048 } })
  peer.arrive({ flags: '.', seq: 1, ack: 1, text: new Uint8Array(2048) })
  t.same(peer.arrive({ flags: '.', seq: 2049, ack: 1, text: 'x' }), ['. 1 ack 2049'], 'with one octet of text')
  t.same(peer.arrive({ flags: '.', seq: 2048, ack: 1 }), ['. 1 ack 2049'], 'one before the window')
  t.equal(peer.connection?.readableBytes, 2048)
})

t.test('a closed window still takes ACKs and RSTs (§3.10.7.4)', async t => {
  const closed = (): Peer => {
    const peer = established({ sockets: { receiveBuffer: 2048 } })
    peer.call(c => c.write(new Uint8Array(10)))
    peer.arrive({ flags: '.', seq: 1, ack: 1, text: new Uint8Array(2048) })
    return peer
  }
  const acked = closed()
  acked.arrive({ flags: '.', seq: 2049, ack: 11, text: 'x' })
  t.equal(acked.connection?.info().unacked, 0)
  const reset = closed()
  reset.arrive({ flags: 'R', seq: 2049 })
  t.equal(reset.state, 'CLOSED')
})

t.test("zero window of the peer's: probes that back off and carry nothing, answered or not (§3.8.6.1)", async t => {
  const peer = established({ window: 0, sockets: { retries: 15 } })
  t.same(
    peer.call(c => c.write(new Uint8Array(10))),
    []
  )
  t.same(peer.wait(7000), ['200 . 0 ack 1', '600 . 0 ack 1', '1400 . 0 ack 1', '3000 . 0 ack 1', '6200 . 0 ack 1'])
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1, window: 1000 }), ['P. 1+10 ack 1'], 'the window opens')
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 11, window: 1000 }), [])
  t.same(peer.wait(600_000), [], 'and no probe follows')
})

t.test('probes that are answered keep the connection for ever (§3.8.6.1, MUST-37); silence ends it (R2)', async t => {
  const answered = established({ window: 0, sockets: { retries: 3 } })
  answered.call(c => c.write(new Uint8Array(10)))
  for (let i = 0; i < 50; i++) {
    for (let probes = 0; probes === 0; ) probes = answered.wait(1000).length
    answered.arrive({ flags: '.', seq: 1, ack: 1, window: 0 })
  }
  t.equal(answered.state, 'ESTABLISHED')
  const silent = established({ window: 0, sockets: { retries: 3 } })
  silent.call(c => c.write(new Uint8Array(10)))
  silent.wait(600_000)
  t.same(silent.told, ['closed ETIMEDOUT'])
})

t.test('a FIN waits for a window too, and is probed for', async t => {
  const peer = established({ window: 0 })
  t.same(
    peer.call(c => c.shutdown()),
    []
  )
  t.same(peer.wait(250), ['200 . 0 ack 1'])
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1, window: 10 }), ['F. 1 ack 1'])
})

t.test('nothing is sent outside the window that the peer offered, be it scaled or not', async t => {
  const plain = established({ window: 3000 })
  t.same(
    plain.call(c => c.write(new Uint8Array(10_000))),
    ['. 1+1460 ack 1', '. 1461+1460 ack 1']
  )
  t.same(plain.arrive({ flags: '.', seq: 1, ack: 2921, window: 100 }), [], 'shrunk to almost nothing')
  const scaled = established({ syn: { windowScale: 2 }, window: 730 })
  t.same(
    scaled.call(c => c.write(new Uint8Array(10_000))),
    ['. 1+1460 ack 1', '. 1461+1460 ack 1']
  )
})

t.test('a peer that takes back what it offered is survived (§3.8.6)', async t => {
  const peer = established({ window: 5000 })
  peer.call(c => c.write(new Uint8Array(8000)))
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1461, window: 100 }), [])
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 4381, window: 8000 }), [
    '. 4381+1460 ack 1',
    '. 5841+1460 ack 1',
    'P. 7301+700 ack 1'
  ])
})

t.test(
  'text sent before the window shrank is sent again as far as it reaches now (§3.8.6, SHLD-16, MAY-7)',
  async t => {
    const peer = established({ window: 5000, sockets: { noDelay: true } })
    peer.call(c => c.write(new Uint8Array(2000)))
    t.same(peer.arrive({ flags: '.', seq: 1, ack: 1, window: 1800 }), [])
    t.same(peer.wait(250), ['200 . 1+1460 ack 1'], 'within')
    t.same(peer.arrive({ flags: '.', seq: 1, ack: 1461, window: 100 }), ['. 1461+100 ack 1'], 'and not beyond')
    t.same(peer.arrive({ flags: '.', seq: 1, ack: 1561, window: 100 }), ['. 1561+100 ack 1'])
    t.same(peer.arrive({ flags: '.', seq: 1, ack: 1661, window: 1000 }), ['P. 1661+340 ack 1'])
    t.same(peer.arrive({ flags: '.', seq: 1, ack: 2001, window: 100 }), [])
  }
)

t.test(
  'a window that shrinks to nothing over text: asked again as the timer backs off, and no reason to give up while the peer answers (§3.8.6, SHLD-17, MUST-35)',
  async t => {
    const peer = established({ window: 5000, sockets: { retries: 3 } })
    peer.call(c => c.write(new Uint8Array(1000)))
    peer.arrive({ flags: '.', seq: 1, ack: 1, window: 0 })
    const times: number[] = []
    let asked = 0
    for (let ms = 0; ms < 600_000; ms += 100) {
      for (const line of peer.wait(100)) {
        t.equal(line.split(' ').slice(1).join(' '), 'P. 1+1000 ack 1')
        times.push(ms)
        asked++
      }
      if (asked > 0) peer.arrive({ flags: '.', seq: 1, ack: 1, window: 0 })
    }
    t.equal(peer.state, 'ESTABLISHED')
    const gaps = times.slice(1).map((at, i) => at - times[i])
    t.same(gaps.slice(0, 5), [400, 800, 1600, 3200, 6400])
    const silent = established({ window: 5000, sockets: { retries: 3 } })
    silent.call(c => c.write(new Uint8Array(1000)))
    silent.arrive({ flags: '.', seq: 1, ack: 1, window: 0 })
    silent.wait(600_000)
    t.equal(silent.state, 'CLOSED')
  }
)

t.test(
  'silly windows of the sender: less than half of the largest window waits, then goes when time is up (§3.8.6.2.1)',
  async t => {
    const peer = established({ window: 4000 })
    peer.call(c => c.write(new Uint8Array(1000)))
    peer.arrive({ flags: '.', seq: 1, ack: 1001, window: 300 })
    t.same(
      peer.call(c => c.write(new Uint8Array(1000))),
      [],
      '300 of 4000 is silly'
    )
    t.same(peer.wait(300), ['200 . 1001+300 ack 1'], 'the override')
    const half = established({ window: 1000, syn: { window: 1000 } })
    t.same(
      half.call(c => c.write(new Uint8Array(3000))),
      ['. 1+500 ack 1', '. 501+500 ack 1'],
      'half of the largest is not, and no segment is cut larger'
    )
  }
)

t.test('the override of a silly window is no retransmission: R2 counts from there (§3.8.3)', async t => {
  const peer = established({ window: 4000, sockets: { retries: 2, timestamps: false } })
  peer.call(c => c.write(new Uint8Array(1000)))
  peer.arrive({ flags: '.', seq: 1, ack: 1001, window: 300 })
  peer.call(c => c.write(new Uint8Array(1000)))
  t.same(peer.wait(60_000), ['200 . 1001+300 ack 1', '400 P. 1001+300 ack 1', '800 P. 1001+300 ack 1'])
  t.same(peer.told, ['closed ETIMEDOUT'])
})

t.test('a window that comes with a new ACK counts, though text that is sent again brings it (§3.10.7.4)', async t => {
  const peer = established({ window: 3000 })
  // The ACK of our SYN-ACK, behind text that was lost on its way.
  peer.arrive({ flags: '.', seq: 11, ack: 1, window: 3000 })
  t.same(
    peer.call(c => c.write(new Uint8Array(6000))),
    ['. 1+1460 ack 1', '. 1461+1460 ack 1']
  )
  t.same(
    peer.arrive({ flags: 'P.', seq: 1, ack: 1461, window: 1540, text: new Uint8Array(10) }),
    [],
    'the right edge has not moved'
  )
})

t.test("Nagle's algorithm (§3.7.4)", async t => {
  const peer = established()
  t.same(
    peer.call(c => c.write(new Uint8Array(10))),
    ['P. 1+10 ack 1'],
    'nothing in flight: at once'
  )
  t.same(
    peer.call(c => c.write(new Uint8Array(20))),
    [],
    'something in flight: held'
  )
  t.same(
    peer.call(c => c.write(new Uint8Array(1450))),
    ['. 11+1460 ack 1'],
    'a full segment: at once'
  )
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1471 }), ['P. 1471+10 ack 1'], 'the ACK lets the rest go')
  peer.call(c => c.write(new Uint8Array(5)))
  t.same(
    peer.call(c => c.shutdown()),
    ['FP. 1481+5 ack 1'],
    'the last segment is not held'
  )
})

t.test('noDelay sends small segments at once, also when it is set while text is held', async t => {
  const peer = established({ sockets: { noDelay: true } })
  t.same(
    peer.call(c => c.write(new Uint8Array(10))),
    ['P. 1+10 ack 1']
  )
  t.same(
    peer.call(c => c.write(new Uint8Array(20))),
    ['P. 11+20 ack 1']
  )
  const later = established()
  later.call(c => c.write(new Uint8Array(10)))
  later.call(c => c.write(new Uint8Array(20)))
  t.same(
    later.call(c => c.setOptions({ noDelay: true })),
    ['P. 11+20 ack 1']
  )
})

t.test('writes of one turn leave together, cut to the MSS less the options (§3.7.1, RFC 6691)', async t => {
  const plain = established({ syn: { mss: 1000 } })
  t.same(
    plain.call(c => {
      for (let i = 0; i < 25; i++) c.write(new Uint8Array(100))
      c.setOptions({ noDelay: true })
    }),
    ['. 1+1000 ack 1', '. 1001+1000 ack 1', 'P. 2001+500 ack 1']
  )
  const timestamps = established({ syn: { mss: 1000, ts: [1, 0] } })
  t.same(
    timestamps.call(c => c.write(new Uint8Array(1000))),
    ['. 1+988 ack 1', 'P. 989+12 ack 1']
  )
  const sack = established({ syn: { mss: 1000, ts: [1, 0], sackPermitted: true } })
  sack.arrive({ flags: '.', seq: 11, ack: 1, text: 'x', ts: [1, 0] })
  t.same(
    sack.call(c => c.write(new Uint8Array(1000))),
    ['. 1+976 ack 1 sack 11-12', 'P. 977+24 ack 1 sack 11-12']
  )
})

t.test('back-pressure: write takes what there is room for, and writable says when there is more', async t => {
  const peer = established({ sockets: { sendBuffer: 4096 }, window: 0 })
  t.equal(peer.connection?.write(new Uint8Array(3000)), 3000)
  t.equal(peer.connection?.write(new Uint8Array(3000)), 1096)
  t.equal(peer.connection?.write(new Uint8Array(3000)), 0)
  peer.settle()
  peer.arrive({ flags: '.', seq: 1, ack: 1, window: 8000 })
  t.same(peer.told, [])
  peer.arrive({ flags: '.', seq: 1, ack: 2921, window: 8000 })
  t.same(peer.told, ['writable'])
})

t.test('no window update after the peer has said that it is done', async t => {
  const peer = established({ sockets: { receiveBuffer: 4096 } })
  peer.arrive({ flags: 'F.', seq: 1, ack: 1, text: new Uint8Array(4000) })
  t.same(
    peer.call(c => c.read()),
    []
  )
})

t.test('records without a TCB take back nothing of what was offered, whatever the scale rounds (§3.8.6)', async t => {
  const scaled = { sockets: { receiveBuffer: 300_000 }, syn: { windowScale: 3 } }
  const edge = ({ ack, window }: Segment, shift = 3): number => ack + window * 2 ** shift

  const halfOpen = new Peer(scaled).listen()
  halfOpen.link.deliver(halfOpen.packet({ flags: 'S', ...scaled.syn }))
  const offered = edge(halfOpen.last(), 0)
  halfOpen.link.deliver(halfOpen.packet({ flags: 'S', seq: 50 }))
  t.equal(halfOpen.stack.counters().tcp.challengeAcks, 1)
  t.ok(edge(halfOpen.last()) >= offered, 'SYN-RECEIVED')
  halfOpen.ourIsn = halfOpen.last().seq - 1
  halfOpen.arrive({ flags: 'P.', seq: edge(halfOpen.last()) - halfOpen.isn - 1, ack: 1, text: 'x' })
  t.equal(halfOpen.state, 'ESTABLISHED', 'the last octet that was offered is taken')
  t.equal(halfOpen.stack.counters().tcp.outOfOrderSegments, 1)

  for (const length of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const peer = established(scaled)
    const fin = peer.packet({ flags: 'FP.', seq: 1, ack: 2, text: new Uint8Array(length) })
    peer.call(c => c.shutdown())
    peer.link.deliver(fin)
    peer.settle()
    const before = edge(peer.last())
    peer.link.deliver(fin)
    t.equal(peer.state, 'TIME-WAIT')
    t.ok(edge(peer.last()) >= before, `TIME-WAIT after ${length} bytes`)
  }
})

t.test('what our SYN offered is not taken back, though the buffer shrinks meanwhile (§3.8.6)', async t => {
  const peer = new Peer({ sockets: { windowScaling: false } }).connect()
  peer.connection?.setOptions({ receiveBuffer: 4096 })
  peer.link.deliver(peer.packet({ flags: 'S.', seq: 0, ack: 1, mss: 1460 }))
  peer.settle()
  t.equal(peer.last().window, 65_535)
  peer.link.deliver(peer.packet({ flags: '.', seq: 65_535, ack: 1, text: 'x' }))
  t.equal(peer.stack.counters().tcp.outOfOrderSegments, 1, 'and it is taken')
})

t.test('what nobody reads closes the window, however small the segments and however coarse the scale', async t => {
  const rows = [
    { receiveBuffer: 300_000, size: 1 },
    { receiveBuffer: 300_000, size: 1448 },
    { receiveBuffer: 16 * 1024 * 1024, size: 600 }
  ]
  for (const { receiveBuffer, size } of rows) {
    const peer = established({ sockets: { receiveBuffer, delayedAckMs: 0 }, syn: { windowScale: 3 } })
    const text = new Uint8Array(size)
    const most = receiveBuffer + receiveBuffer / 8
    let seq = 1
    while (seq <= most + size && (peer.connection?.info().rcvWnd ?? 0) >= size) {
      peer.arrive({ flags: '.', seq, ack: 1, text })
      seq += size
    }
    const readable = peer.connection?.readableBytes ?? 0
    t.equal(readable, seq - 1, 'all that was offered is taken')
    t.ok(readable <= most, `receive buffer ${receiveBuffer}, segments of ${size}: ${readable} bytes`)
    peer.arrive({ flags: '.', seq: seq - 1, ack: 1 })
    peer.read()
    peer.settle()
    t.ok((peer.connection?.info().rcvWnd ?? 0) >= receiveBuffer / 2, 'reading opens it again')
  }
})
