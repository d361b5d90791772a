// RFC 9293 §3.10.1 and §3.10.7.3: OPEN, and what arrives in SYN-SENT.

import t from 'tap'
import { Peer } from '../support/peer.ts'

t.test('the SYN offers MSS, SACK, timestamps and window scale (§3.7.1, RFC 7323, RFC 2018)', async t => {
  const peer = new Peer().connect()
  const syn = peer.last()
  t.equal(syn.flags, 0x02)
  t.equal(syn.mss, 1460)
  t.equal(syn.windowScale, 4)
  t.equal(syn.sackPermitted, true)
  t.equal(syn.hasTimestamps, true)
  t.equal(syn.tsEcr, 0)
  t.equal(syn.window, 65_535, 'the window of a SYN is not scaled')
  t.equal(peer.state, 'SYN-SENT')
})

t.test('each option can be left out', async t => {
  const peer = new Peer().connect({
    windowScaling: false,
    timestamps: false,
    selectiveAcks: false,
    maximumSegmentSize: 1000
  })
  const syn = peer.last()
  t.same([syn.mss, syn.windowScale, syn.sackPermitted, syn.hasTimestamps], [1000, -1, false, false])
})

t.test('SYN-SENT: what arrives, what is answered, where it leads (§3.10.7.3)', async t => {
  const rows = [
    { name: 'SYN-ACK', arrives: { flags: 'S.', ack: 1 }, replies: ['. 1 ack 1'], state: 'ESTABLISHED' },
    { name: 'SYN-ACK of the ISS', arrives: { flags: 'S.', ack: 0 }, replies: ['R 0'], state: 'SYN-SENT' },
    { name: 'SYN-ACK of more than was sent', arrives: { flags: 'S.', ack: 2 }, replies: ['R 2'], state: 'SYN-SENT' },
    { name: 'ACK alone, wrong', arrives: { flags: '.', seq: 9, ack: 5 }, replies: ['R 5'], state: 'SYN-SENT' },
    { name: 'ACK alone, right', arrives: { flags: '.', seq: 9, ack: 1 }, replies: [], state: 'SYN-SENT' },
    { name: 'RST with the right ACK', arrives: { flags: 'R.', ack: 1 }, replies: [], state: 'CLOSED' },
    { name: 'RST with a wrong ACK', arrives: { flags: 'R.', ack: 2 }, replies: [], state: 'SYN-SENT' },
    { name: 'RST without ACK', arrives: { flags: 'R' }, replies: [], state: 'SYN-SENT' },
    { name: 'SYN alone', arrives: { flags: 'S' }, replies: ['S. 0 ack 1'], state: 'SYN-RECEIVED' },
    { name: 'FIN alone', arrives: { flags: 'F' }, replies: [], state: 'SYN-SENT' }
  ]
  for (const { name, arrives, replies, state } of rows) {
    const peer = new Peer().connect()
    t.same(peer.arrive(arrives), replies, name)
    t.equal(peer.state, state, `${name}: state`)
  }
})

t.test('RST that acknowledges the SYN: the user hears ECONNREFUSED (§3.10.7.3)', async t => {
  const peer = new Peer().connect()
  peer.arrive({ flags: 'R.', ack: 1 })
  t.same(peer.told, ['closed ECONNREFUSED'])
  t.match(peer.error, { code: 'ECONNREFUSED', syscall: 'connect', address: '10.0.0.2', port: 5000, errno: -111 })
  t.equal(peer.error?.message, 'connect ECONNREFUSED 10.0.0.2:5000')
  t.same(peer.stack.counts(), { connections: 0, halfOpen: 0, timeWait: 0 })
})

t.test('the SYN is sent again with back-off, then ETIMEDOUT (§3.8.3)', async t => {
  const peer = new Peer().connect({ synRetries: 3 })
  t.same(peer.wait(60_000), ['1000 S 0', '3000 S 0', '7000 S 0'])
  t.same(peer.told, ['closed ETIMEDOUT'])
  t.equal(peer.clock.pending <= 1, true, 'no timer of the connection is left')
})

t.test(
  'a SYN that was lost: the window starts with one segment (RFC 5681 §3.1), the timeout with 3 s (RFC 6298 §5.7)',
  async t => {
    const peer = new Peer().connect({ timestamps: false })
    peer.wait(1500)
    peer.arrive({ flags: 'S.', ack: 1, mss: 1000 })
    t.equal(peer.connection?.info().sndCwnd, 1000)
    t.equal(peer.connection?.info().rtoMs, 3000)
  }
)

t.test('text written in SYN-SENT leaves when the connection opens, with the ACK of the SYN (§3.10.2)', async t => {
  const peer = new Peer().connect()
  t.same(
    peer.call(c => c.write(new Uint8Array(10))),
    []
  )
  t.same(peer.arrive({ flags: 'S.', ack: 1, mss: 1460 }), ['P. 1+10 ack 1'])
})

t.test('close in SYN-SENT leaves nothing behind; a late SYN-ACK gets a RST (§3.10.4)', async t => {
  const peer = new Peer().connect()
  t.same(
    peer.call(c => c.close()),
    []
  )
  t.same(peer.told, ['closed'])
  t.same(peer.stack.counts(), { connections: 0, halfOpen: 0, timeWait: 0 })
  t.same(peer.arrive({ flags: 'S.', ack: 1 }), ['R 1'])
})

t.test('an MSS option is on SYNs and on nothing else (MUST-65)', async t => {
  const plain = { timestamps: false, selectiveAcks: false, windowScaling: false }
  const peer = new Peer().connect(plain)
  const header = (packet: Uint8Array): number => (packet[32] >> 4) * 4
  t.equal(header(peer.link.sent[0]), 24)
  const seen: number[] = []
  const send = peer.link.send.bind(peer.link)
  peer.link.send = batch => {
    peer.link.sent = []
    send(batch)
    seen.push(...peer.link.sent.map(header))
  }
  peer.arrive({ flags: 'S.', ack: 1, mss: 1000 })
  peer.call(c => c.write(new Uint8Array(2000)))
  peer.wait(300)
  peer.arrive({ flags: '.', seq: 1, ack: 2001 })
  peer.arrive({ flags: 'P.', seq: 5, ack: 2001, text: 'late' })
  peer.call(c => c.shutdown())
  peer.call(c => c.abort())
  t.ok(seen.length >= 7, `${seen.length} segments`)
  t.same(
    seen.filter(length => length !== 20),
    []
  )
})

t.test('SACK-permitted is on SYNs and on nothing else (RFC 2018 §2)', async t => {
  const peer = new Peer().connect({ timestamps: false, windowScaling: false })
  const header = (packet: Uint8Array): number => (packet[32] >> 4) * 4
  t.equal(header(peer.link.sent[0]), 28)
  peer.link.sent = []
  const seen: number[] = []
  const send = peer.link.send.bind(peer.link)
  peer.link.send = batch => {
    peer.link.sent = []
    send(batch)
    seen.push(...peer.link.sent.map(header))
  }
  peer.arrive({ flags: 'S.', ack: 1, mss: 1000, sackPermitted: true })
  peer.call(c => c.write(new Uint8Array(2000)))
  peer.wait(1000)
  peer.arrive({ flags: 'P.', seq: 1, ack: 2001, text: 'in order' })
  peer.call(c => c.abort())
  t.ok(seen.length >= 5, `${seen.length} segments`)
  t.same(
    seen.filter(length => length !== 20),
    []
  )
})

t.test('what the two SYNs agree on', async t => {
  const rows = [
    {
      name: 'no options',
      syn: {},
      expect: {
        sndMss: 536,
        sndWscale: 0,
        rcvWscale: 0,
        options: { timestamps: false, sack: false, windowScale: false }
      }
    },
    { name: 'MSS 0 counts as none', syn: { mss: 0 }, expect: { sndMss: 536 } },
    { name: 'a tiny MSS is held at 48', syn: { mss: 1 }, expect: { sndMss: 48 } },
    { name: 'a large MSS does not exceed ours', syn: { mss: 9000 }, expect: { sndMss: 1460 } },
    { name: 'window scale', syn: { windowScale: 7 }, expect: { sndWscale: 7, rcvWscale: 4 } },
    { name: 'window scale 14', syn: { windowScale: 14 }, expect: { sndWscale: 14 } },
    {
      name: 'window scale above 14 counts as 14 (RFC 7323 §2.3)',
      syn: { windowScale: 255 },
      expect: { sndWscale: 14 }
    },
    {
      name: 'SACK',
      syn: { sackPermitted: true },
      expect: { options: { timestamps: false, sack: true, windowScale: false } }
    },
    {
      name: 'timestamps',
      syn: { ts: [7, 0] as [number, number] },
      expect: { options: { timestamps: true, sack: false, windowScale: false } }
    }
  ]
  for (const { name, syn, expect } of rows) {
    const peer = new Peer().connect()
    peer.arrive({ flags: 'S.', ack: 1, ...syn })
    t.match(peer.connection?.info(), expect, name)
  }
})
