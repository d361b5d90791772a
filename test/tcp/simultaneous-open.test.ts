// Simultaneous open: RFC 9293 §3.5, figure 7, and §3.10.7.3. A connection of a port to itself is one, too.

import t from 'tap'
import { Peer, parsed } from '../support/peer.ts'

const BASES = [1, 0x7fffffff, 0xffffffff]

for (const isn of BASES) {
  t.test(`figure 7: SYN crosses SYN, SYN-ACK crosses SYN-ACK; peer's ISN ${isn} (MUST-10)`, async t => {
    const peer = new Peer({ isn }).connect()
    t.same(peer.arrive({ flags: 'S' }), ['S. 0 ack 1'])
    t.equal(peer.state, 'SYN-RECEIVED')
    t.same(peer.told, [])
    t.same(
      peer.arrive({ flags: 'S.', ack: 1 }),
      ['. 1 ack 1'],
      'the ACK that a peer may need who takes no SYN any more'
    )
    t.equal(peer.state, 'ESTABLISHED')
    t.same(peer.told, ['connected'])
  })

  t.test(`a peer that answers with a bare ACK, or with text; ISN ${isn}`, async t => {
    const bare = new Peer({ isn }).connect()
    bare.arrive({ flags: 'S' })
    t.same(bare.arrive({ flags: '.', seq: 1, ack: 1 }), [])
    t.equal(bare.state, 'ESTABLISHED')
    const text = new Peer({ isn }).connect()
    text.arrive({ flags: 'S' })
    text.arrive({ flags: 'S.', ack: 1, text: 'hello' })
    t.equal(text.state, 'ESTABLISHED')
    t.equal(text.read(), 'hello', 'the text on the SYN-ACK counts')
  })
}

t.test('SYN-RECEIVED: what is not the SYN-ACK of both changes nothing', async t => {
  const rows = [
    { what: 'the SYN again', arrives: { flags: 'S' }, replies: ['. 1 ack 1'] },
    { what: 'another SYN', arrives: { flags: 'S', seq: 50 }, replies: ['. 1 ack 1'] },
    { what: 'a SYN-ACK of another SYN', arrives: { flags: 'S.', seq: 50, ack: 1 }, replies: ['. 1 ack 1'] },
    { what: 'a SYN-ACK with a wrong ACK', arrives: { flags: 'S.', ack: 2 }, replies: ['. 1 ack 1'] },
    { what: 'an ACK of nothing', arrives: { flags: '.', seq: 1, ack: 2 }, replies: ['R 2'] },
    { what: 'a RST beside RCV.NXT', arrives: { flags: 'R', seq: 2 }, replies: ['. 1 ack 1'] }
  ]
  for (const { what, arrives, replies } of rows) {
    const peer = new Peer().connect()
    peer.arrive({ flags: 'S' })
    t.same(peer.arrive(arrives), replies, what)
    t.equal(peer.state, 'SYN-RECEIVED', what)
    t.same(peer.told, [], what)
  }
})

t.test('RST during a simultaneous open: CLOSED and refused, not back to LISTEN (MUST-11)', async t => {
  const peer = new Peer().connect()
  peer.arrive({ flags: 'S' })
  t.same(peer.arrive({ flags: 'R', seq: 1 }), [])
  t.same(peer.told, ['closed ECONNREFUSED'])
  t.same(peer.stack.counts(), { connections: 0, halfOpen: 0, timeWait: 0 })
  t.equal(peer.stack.statistics().tcp.AttemptFails, 1)
})

t.test('the SYN-ACK takes the place of the SYN on its timer, and in the count of tries', async t => {
  const peer = new Peer().connect({ synRetries: 2 })
  peer.wait(1200)
  peer.arrive({ flags: 'S' })
  t.same(peer.wait(60_000), ['1800 S. 0 ack 1'], 'the second try, 3 s after the first SYN')
  t.same(peer.told, ['closed ETIMEDOUT'])
})

t.test('the SYN-ACK offers what both SYNs offered (RFC 7323 §2.2, §3.2), or all that ours did', async t => {
  const options = (repeatOffer: boolean, syn: object): unknown[] => {
    const peer = new Peer().connect({ repeatOffer })
    peer.link.sent = []
    peer.link.deliver(peer.packet({ flags: 'S', ...syn }))
    peer.settle()
    const { mss, windowScale, sackPermitted, hasTimestamps, tsEcr } = peer.last()
    return [mss, windowScale, sackPermitted, hasTimestamps, tsEcr]
  }
  t.same(options(false, {}), [1460, -1, false, false, 0])
  t.same(options(false, { sackPermitted: true }), [1460, -1, true, false, 0])
  t.same(options(false, { windowScale: 3, ts: [7, 0] }), [1460, 4, false, true, 7])
  t.same(options(true, {}), [1460, 4, true, true, 0])
  t.same(options(true, { ts: [7, 0] }), [1460, 4, true, true, 7])
})

t.test('what the first SYN offered holds, whatever the SYN-ACK says', async t => {
  const peer = new Peer().connect({ repeatOffer: true })
  peer.arrive({ flags: 'S' })
  peer.arrive({ flags: 'S.', ack: 1, windowScale: 5, sackPermitted: true, ts: [9, 0], window: 1000 })
  const { options, sndWnd, sndWscale } = peer.connection?.info() ?? {}
  t.match(options, { timestamps: false, sack: false, windowScale: false })
  t.same([sndWnd, sndWscale], [1000, 0], 'the window of a SYN-ACK is not scaled')
})

t.test('nobody knows which of the two SYNs was acknowledged: no round trip is measured (RFC 6298 §3)', async t => {
  const peer = new Peer().connect()
  peer.wait(500)
  peer.arrive({ flags: 'S' })
  peer.arrive({ flags: 'S.', ack: 1 })
  t.equal(peer.connection?.info().rttMs, -1)
})

t.test('close and abort in SYN-RECEIVED: a FIN after the ACK of our SYN, a RST at once (§3.10.4, §3.10.5)', async t => {
  const closing = new Peer().connect()
  closing.arrive({ flags: 'S' })
  t.same(
    closing.call(connection => connection.close()),
    []
  )
  t.equal(closing.state, 'FIN-WAIT-1')
  t.same(closing.arrive({ flags: 'S.', ack: 1 }), ['F. 1 ack 1'])
  const aborting = new Peer().connect()
  aborting.arrive({ flags: 'S' })
  t.same(
    aborting.call(connection => connection.abort()),
    ['R. 1 ack 1']
  )
  t.same(aborting.told, ['closed'])
})

t.test('a port that connects to itself, and closes', async t => {
  const peer = new Peer()
  const self = peer.stack.connect({ address: '10.0.0.1', port: 7000, localPort: 7000 })
  let heard = ''
  self.handlers = {
    readable: connection => {
      for (let bytes = connection.read(); bytes !== undefined; bytes = connection.read()) {
        heard += new TextDecoder().decode(bytes)
      }
    }
  }
  self.write(new TextEncoder().encode('hello, me'))
  peer.wait(500)
  t.equal(self.state, 'ESTABLISHED')
  t.equal(heard, 'hello, me')
  t.same(peer.link.sent.map(parsed), [], 'nothing leaves')
  self.close()
  peer.wait(500)
  t.same(peer.stack.counts(), { connections: 0, halfOpen: 0, timeWait: 1 }, 'both FINs are its own')
})

t.test('a port of the own choice is never the one that it connects to: all others come first', async t => {
  const peer = new Peer()
  const chosen = new Set<number>()
  for (let i = 0; i < 32_768; i++) {
    const connection = peer.stack.connect({ address: '10.0.0.1', port: 40_000 })
    chosen.add(connection.localPort)
    connection.abort()
  }
  t.equal(chosen.size, 32_767)
  t.notOk(chosen.has(40_000))
})
