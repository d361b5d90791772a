// RFC 9293 §3.10.7.4, steps one to four, with RFC 5961: what is acceptable, RST, SYN, ACK. At three bases, so that wrap is
// never special.

import t from 'tap'
import { established, type Fields, knock, Peer } from '../support/peer.ts'

const BASES = [1000, 0x7fffff00, 0xffffff00]
/** Our window before the first update: what the SYN-ACK offered. */
const WINDOW = 65_535

for (const isn of BASES) {
  t.test(`ESTABLISHED: RST, ISN ${isn} (RFC 5961 §3.2)`, async t => {
    const rows = [
      { at: 'RCV.NXT - 1', seq: 0, replies: [], state: 'ESTABLISHED' },
      { at: 'RCV.NXT', seq: 1, replies: [], state: 'CLOSED' },
      { at: 'RCV.NXT + 1', seq: 2, replies: ['. 1 ack 1'], state: 'ESTABLISHED' },
      { at: 'the last of the window', seq: WINDOW, replies: ['. 1 ack 1'], state: 'ESTABLISHED' },
      { at: 'one past the window', seq: WINDOW + 1, replies: [], state: 'ESTABLISHED' },
      { at: 'half the space away', seq: 2 ** 31, replies: [], state: 'ESTABLISHED' }
    ]
    for (const { at, seq, replies, state } of rows) {
      const peer = established({ isn })
      t.same(peer.arrive({ flags: 'R', seq }), replies, at)
      t.equal(peer.state, state, at)
      t.same(peer.told, state === 'CLOSED' ? ['closed ECONNRESET'] : [], at)
    }
  })

  t.test(`ESTABLISHED: SYN is challenged wherever it stands, ISN ${isn} (RFC 5961 §4.2)`, async t => {
    for (const seq of [0, 1, 2, WINDOW, WINDOW + 1, -1000]) {
      const peer = established({ isn })
      t.same(peer.arrive({ flags: 'S', seq }), ['. 1 ack 1'], `${seq}`)
      t.equal(peer.state, 'ESTABLISHED')
    }
  })

  t.test(`ESTABLISHED: the four cases of acceptability, ISN ${isn} (§3.4 table 5)`, async t => {
    const rows = [
      { name: 'no text, at RCV.NXT', seq: 1, length: 0, replies: [], read: '' },
      { name: 'no text, before', seq: 0, length: 0, replies: ['. 1 ack 1'], read: '' },
      { name: 'no text, last of the window', seq: WINDOW, length: 0, replies: [], read: '' },
      { name: 'no text, at the right edge', seq: WINDOW + 1, length: 0, replies: [], read: '' },
      { name: 'no text, past the right edge', seq: WINDOW + 2, length: 0, replies: ['. 1 ack 1'], read: '' },
      { name: 'text, all of it old', seq: -4, length: 5, replies: ['. 1 ack 1'], read: '' },
      { name: 'text, its end new', seq: -3, length: 5, replies: [], read: 'e' },
      { name: 'text, at RCV.NXT', seq: 1, length: 5, replies: [], read: 'abcde' },
      { name: 'text, past the right edge', seq: WINDOW + 1, length: 5, replies: ['. 1 ack 1'], read: '' }
    ]
    for (const { name, seq, length, replies, read } of rows) {
      const peer = established({ isn })
      const text = 'abcde'.slice(0, length)
      t.same(peer.arrive({ flags: '.', seq, ack: 1, text }), replies, name)
      if (read !== '') t.equal(peer.read(), read, name)
      else t.equal(peer.connection?.readableBytes, 0, name)
    }
  })

  t.test(`ESTABLISHED: the ACK field, ISN ${isn} (§3.10.7.4 fifth, RFC 5961 §5.2)`, async t => {
    const rows = [
      { name: 'none at all: dropped', arrives: { flags: 'P', seq: 1, text: 'x' }, replies: [], readable: 0 },
      {
        name: 'of what was never sent: challenged',
        arrives: { flags: 'P.', seq: 1, ack: 12, text: 'x' },
        replies: ['. 11 ack 1'],
        readable: 0
      },
      {
        name: 'older than any window we were offered: challenged',
        arrives: { flags: 'P.', seq: 1, ack: 1 - WINDOW - 1, text: 'x' },
        replies: ['. 11 ack 1'],
        readable: 0
      },
      {
        name: 'old, but not too old: taken',
        arrives: { flags: 'P.', seq: 1, ack: -100, text: 'x' },
        replies: [],
        readable: 1
      },
      { name: 'of all: taken', arrives: { flags: 'P.', seq: 1, ack: 11, text: 'x' }, replies: [], readable: 1 }
    ]
    for (const { name, arrives, replies, readable } of rows) {
      const peer = established({ isn })
      peer.call(c => c.write(new Uint8Array(10)))
      t.same(peer.arrive(arrives), replies, name)
      t.equal(peer.connection?.readableBytes, readable, name)
    }
  })
}

t.test('challenge ACKs are limited for each connection, and the limit renews (RFC 5961 §7)', async t => {
  const peer = established()
  let answered = 0
  for (let i = 0; i < 100; i++) answered += peer.arrive({ flags: 'S', seq: 1 }).length
  t.equal(answered, 10)
  peer.wait(1001)
  t.equal(peer.arrive({ flags: 'S', seq: 1 }).length, 1)
})

t.test(
  'the limit of challenge ACKs and its period can be set, and those not sent are counted (RFC 5961 §7)',
  async t => {
    const peer = established({ sockets: { challengeAcks: 3, challengePeriodMs: 5000 } })
    const answered = (times: number): number => {
      let n = 0
      for (let i = 0; i < times; i++) n += peer.arrive({ flags: 'R', seq: 2 }).length
      return n
    }
    t.equal(answered(8), 3)
    peer.wait(4999)
    t.equal(answered(1), 0)
    peer.wait(1)
    t.equal(answered(1), 1)
    t.match(peer.stack.counters().tcp, { challengeAcks: 4, challengesSkipped: 6 })
    peer.call(c => c.setOptions({ challengeAcks: 6 }))
    t.equal(answered(10), 5)
  }
)

t.test('the limit holds for half-open connections and for TIME-WAIT, each with its own (RFC 5961 §7)', async t => {
  const half = new Peer({ sockets: { challengeAcks: 3 } }).listen()
  const count = (peer: Peer, fields: Fields): number => {
    let n = 0
    for (let i = 0; i < 20; i++) n += peer.arrive(fields).length
    return n
  }
  for (const port of [5001, 5002]) {
    knock(half, port)
    t.equal(count(half, { flags: 'R', seq: 2 }), 3)
  }
  const waiting = established({ sockets: { challengeAcks: 3 } })
  waiting.call(c => c.close())
  waiting.arrive({ flags: 'F.', seq: 1, ack: 2 })
  t.equal(count(waiting, { flags: 'P.', seq: 1, ack: 2, text: 'old' }), 3)
  t.equal(count(waiting, { flags: 'F.', seq: 1, ack: 2 }), 20, 'the FIN again is no challenge')
})

t.test('a peer that has lost its memory: SYN, challenge, RST, and its next SYN opens (RFC 5961 §4.2)', async t => {
  for (const seq of [-5_000_000, 0, 1, 100, 80_000_000]) {
    const peer = established()
    peer.call(c => c.write(new Uint8Array(100)))
    const [challenge] = peer.arrive({ flags: 'S', seq })
    t.equal(challenge, '. 101 ack 1')
    t.same(peer.arrive({ flags: 'R', seq: 1 }), [], 'what a CLOSED peer answers to that ACK (§3.10.7.1)')
    t.same(peer.told, ['closed ECONNRESET'])
    t.equal(peer.arrive({ flags: 'S', seq }).length, 1)
    t.equal(peer.stack.counts().halfOpen, 1)
  }
})

t.test('an old duplicate with text is answered each time: its ACK was lost', async t => {
  const peer = established()
  peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'abc' })
  for (let i = 0; i < 50; i++) t.same(peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'abc' }), ['. 1 ack 4'])
})

t.test('two ends in doubt do not answer each other for ever', async t => {
  const peer = established()
  let answered = 0
  for (let i = 0; i < 1000; i++) answered += peer.arrive({ flags: '.', seq: -9, ack: 1 }).length
  t.equal(answered, 10)
})

t.test('a segment for another port or address matches no connection (§3.10.7.1)', async t => {
  const peer = established()
  peer.peerPort = 5001
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1 }), ['R 1'])
  peer.peerPort = 5000
  t.same(peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'x' }), [])
})

t.test('PAWS (RFC 7323 §5)', async t => {
  const withTimestamps = () => established({ syn: { ts: [1000, 0] } })
  const rows = [
    {
      name: 'an older timestamp: answered and dropped',
      arrives: { flags: 'P.', seq: 1, ack: 1, text: 'x', ts: [999, 0] as [number, number] },
      replies: ['. 1 ack 1'],
      readable: 0
    },
    {
      name: 'the same timestamp: taken',
      arrives: { flags: 'P.', seq: 1, ack: 1, text: 'x', ts: [1000, 0] as [number, number] },
      replies: [],
      readable: 1
    },
    {
      name: 'none: taken, for middleboxes strip them',
      arrives: { flags: 'P.', seq: 1, ack: 1, text: 'x' },
      replies: [],
      readable: 1
    }
  ]
  for (const { name, arrives, replies, readable } of rows) {
    const peer = withTimestamps()
    t.same(peer.arrive(arrives), replies, name)
    t.equal(peer.connection?.readableBytes, readable, name)
  }
  const reset = withTimestamps()
  reset.arrive({ flags: 'R', seq: 1, ts: [1, 0] })
  t.equal(reset.state, 'CLOSED', 'a RST is exempt (§5.2)')
})

t.test('PAWS: after 24 days of silence any timestamp will do (RFC 7323 §5.5)', async t => {
  for (const [days, taken] of [
    [23, 0],
    [25, 1]
  ]) {
    const peer = established({ syn: { ts: [1000, 0] } })
    peer.wait(days * 86_400_000)
    peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'x', ts: [1, 0] })
    t.equal(peer.connection?.readableBytes, taken, `${days} days`)
  }
})

t.test('the timestamp echoed is that of the segment at the left edge (RFC 7323 §4.3)', async t => {
  const peer = established({ syn: { ts: [1000, 0], sackPermitted: true } })
  const echoes: number[] = []
  const send = peer.link.send.bind(peer.link)
  peer.link.send = batch => {
    send(batch)
    echoes.push(peer.last().tsEcr)
  }
  peer.arrive({ flags: 'P.', seq: 11, ack: 1, text: 'late', ts: [1005, 0] })
  t.same(echoes, [1000], 'out of order: the old one')
  peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: '0123456789', ts: [1003, 0] })
  t.same(echoes, [1000, 1003], 'the hole is filled: that of its filler')
})
