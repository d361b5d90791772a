// RFC 9293 §3.6: the ways a connection ends, in three steps and in four, by both at once, by force, and 2MSL.

import t from 'tap'
import { established, knock, Peer } from '../support/peer.ts'

t.test('active close: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT (figure 12)', async t => {
  const peer = established()
  t.same(
    peer.call(c => c.shutdown()),
    ['F. 1 ack 1']
  )
  t.equal(peer.state, 'FIN-WAIT-1')
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 2 }), [])
  t.equal(peer.state, 'FIN-WAIT-2')
  t.same(peer.arrive({ flags: 'F.', seq: 1, ack: 2 }), ['. 2 ack 2'])
  t.equal(peer.state, 'TIME-WAIT')
  t.same(peer.told, ['ended', 'closed'])
  t.same(peer.stack.counts(), { connections: 0, halfOpen: 0, timeWait: 1 })
})

t.test('active close in three steps: the FIN brings the ACK of ours (figure 5, note 2)', async t => {
  const peer = established()
  peer.call(c => c.shutdown())
  t.same(peer.arrive({ flags: 'F.', seq: 1, ack: 2 }), ['. 2 ack 2'])
  t.equal(peer.state, 'TIME-WAIT')
})

t.test('simultaneous close: CLOSING, TIME-WAIT (figure 13)', async t => {
  const peer = established()
  peer.call(c => c.shutdown())
  t.same(peer.arrive({ flags: 'F.', seq: 1, ack: 1 }), ['. 2 ack 2'])
  t.equal(peer.state, 'CLOSING')
  t.same(peer.arrive({ flags: '.', seq: 2, ack: 2 }), [])
  t.equal(peer.state, 'TIME-WAIT')
})

t.test('simultaneous close, FIN and ACK of ours in one batch: the FIN is acknowledged all the same', async t => {
  const peer = established()
  peer.call(c => c.shutdown())
  const text = { flags: 'P.', seq: 1, ack: 1, text: 'abc' }
  t.same(peer.arrive(text, { flags: 'F.', seq: 4, ack: 1 }, { flags: '.', seq: 5, ack: 2 }), ['. 2 ack 5'])
  t.equal(peer.state, 'TIME-WAIT')
  t.equal(peer.read(), 'abc')
})

t.test('simultaneous close with text on both sides', async t => {
  const peer = established()
  peer.call(c => {
    c.write(new Uint8Array(3))
    c.shutdown()
  })
  t.same(peer.arrive({ flags: 'FP.', seq: 1, ack: 1, text: 'abc' }), ['. 5 ack 5'])
  t.equal(peer.state, 'CLOSING')
  t.equal(peer.read(), 'abc')
  peer.arrive({ flags: '.', seq: 5, ack: 4 })
  t.equal(peer.state, 'CLOSING', 'the text is acknowledged, the FIN is not')
  peer.arrive({ flags: '.', seq: 5, ack: 5 })
  t.equal(peer.state, 'TIME-WAIT')
})

t.test('passive close: CLOSE-WAIT, LAST-ACK, CLOSED', async t => {
  const peer = established()
  t.same(peer.arrive({ flags: 'F.', seq: 1, ack: 1 }), ['. 1 ack 2'])
  t.equal(peer.state, 'CLOSE-WAIT')
  t.same(
    peer.call(c => c.write(new Uint8Array(4))),
    ['P. 1+4 ack 2'],
    'we may go on for as long as we like'
  )
  t.same(
    peer.call(c => c.shutdown()),
    ['F. 5 ack 2']
  )
  t.equal(peer.state, 'LAST-ACK')
  t.same(peer.arrive({ flags: '.', seq: 2, ack: 5 }), [])
  t.equal(peer.state, 'LAST-ACK', 'that is the text, not the FIN')
  t.same(peer.arrive({ flags: '.', seq: 2, ack: 6 }), [])
  t.equal(peer.state, 'CLOSED')
  t.same(peer.told, ['ended', 'closed'])
  t.same(peer.stack.counts(), { connections: 0, halfOpen: 0, timeWait: 0 }, 'no TIME-WAIT on this side')
})

t.test('half-close: text is taken for as long as the peer sends it (§3.6)', async t => {
  const peer = established()
  peer.call(c => c.shutdown())
  peer.arrive({ flags: '.', seq: 1, ack: 2 })
  for (let i = 0; i < 5; i++) {
    peer.arrive({ flags: 'P.', seq: 1 + i, ack: 2, text: 'x' })
    peer.wait(1_000_000)
  }
  t.equal(peer.read(), 'xxxxx')
  t.equal(peer.state, 'FIN-WAIT-2')
})

t.test('what was written before the close goes first, window by window, the FIN on the last (§3.10.4)', async t => {
  const peer = established({ window: 1500 })
  t.same(
    peer.call(c => {
      c.write(new Uint8Array(3000))
      c.shutdown()
    }),
    ['. 1+1460 ack 1']
  )
  t.equal(peer.state, 'FIN-WAIT-1')
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1461, window: 1500 }), ['. 1461+1460 ack 1'])
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 2921, window: 1500 }), ['FP. 2921+80 ack 1'])
})

t.test(
  'close with unread text, or text after close: RST, for nobody will read it (§3.6.1, RFC 1122 §4.2.2.13)',
  async t => {
    const unread = established()
    unread.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'abc' })
    t.same(
      unread.call(c => c.close()),
      ['R. 1 ack 4']
    )
    t.equal(unread.state, 'CLOSED')
    const late = established()
    t.same(
      late.call(c => c.close()),
      ['F. 1 ack 1']
    )
    t.same(late.arrive({ flags: 'P.', seq: 1, ack: 2, text: 'abc' }), ['R 2'])
    t.equal(late.state, 'CLOSED')
  }
)

t.test('close both ways: FIN-WAIT-2 does not wait for ever (FIN-WAIT-2 timeout); a half-close does', async t => {
  const peer = established({ sockets: { finWait2Ms: 10_000 } })
  peer.call(c => c.close())
  peer.arrive({ flags: '.', seq: 1, ack: 2 })
  t.equal(peer.state, 'FIN-WAIT-2')
  peer.wait(10_001)
  t.equal(peer.state, 'CLOSED')
  t.same(peer.stack.counts(), { connections: 0, halfOpen: 0, timeWait: 0 })
})

t.test('abort: RST where the peer may believe in the connection, nothing where it cannot (§3.10.5)', async t => {
  const rows = [
    { state: 'ESTABLISHED', prepare: (_: Peer) => {}, sends: ['R. 1 ack 1'] },
    { state: 'FIN-WAIT-1', prepare: (p: Peer) => p.call(c => c.shutdown()), sends: ['R. 2 ack 1'] },
    { state: 'CLOSE-WAIT', prepare: (p: Peer) => p.arrive({ flags: 'F.', seq: 1, ack: 1 }), sends: ['R. 1 ack 2'] },
    {
      state: 'FIN-WAIT-2',
      prepare: (p: Peer) => {
        p.call(c => c.shutdown())
        p.arrive({ flags: '.', seq: 1, ack: 2 })
      },
      sends: ['R. 2 ack 1']
    },
    {
      state: 'CLOSING',
      prepare: (p: Peer) => {
        p.call(c => c.shutdown())
        p.arrive({ flags: 'F.', seq: 1, ack: 1 })
      },
      sends: []
    },
    {
      state: 'LAST-ACK',
      prepare: (p: Peer) => {
        p.arrive({ flags: 'F.', seq: 1, ack: 1 })
        p.call(c => c.shutdown())
      },
      sends: []
    }
  ]
  for (const { state, prepare, sends } of rows) {
    const peer = established()
    prepare(peer)
    t.equal(peer.state, state)
    t.same(
      peer.call(c => c.abort()),
      sends,
      state
    )
    t.equal(peer.state, 'CLOSED')
    t.equal(peer.told.at(-1), 'closed', `${state}: no error for who did it`)
  }
  const synSent = new Peer().connect()
  t.same(
    synSent.call(c => c.abort()),
    [],
    'SYN-SENT'
  )
})

t.test('a RST with text is a RST, and its text is nobody’s (§3.5.2, SHLD-2)', async t => {
  const peer = established()
  t.same(peer.arrive({ flags: 'R', seq: 1, text: 'port closed' }), [])
  t.same(peer.told, ['closed ECONNRESET'])
  t.equal(peer.read(), '')
  const half = new Peer().listen()
  knock(half, 5001)
  t.same(half.arrive({ flags: 'R', seq: 1, text: 'port closed' }), [])
  t.equal(half.stack.counts().halfOpen, 0)
})

t.test('RST in each state after ESTABLISHED (§3.10.7.4 second)', async t => {
  const rows = [
    { state: 'FIN-WAIT-1', told: 'closed ECONNRESET', seq: 1, prepare: (p: Peer) => p.call(c => c.shutdown()) },
    {
      state: 'CLOSE-WAIT',
      told: 'closed EPIPE',
      seq: 2,
      prepare: (p: Peer) => p.arrive({ flags: 'F.', seq: 1, ack: 1 })
    },
    {
      state: 'LAST-ACK',
      told: 'closed',
      seq: 2,
      prepare: (p: Peer) => {
        p.arrive({ flags: 'F.', seq: 1, ack: 1 })
        p.call(c => c.shutdown())
      }
    },
    {
      state: 'CLOSING',
      told: 'closed',
      seq: 2,
      prepare: (p: Peer) => {
        p.call(c => c.shutdown())
        p.arrive({ flags: 'F.', seq: 1, ack: 1 })
      }
    }
  ]
  for (const { state, told, seq, prepare } of rows) {
    const peer = established()
    prepare(peer)
    t.equal(peer.state, state)
    t.same(peer.arrive({ flags: 'R', seq }), [])
    t.equal(peer.state, 'CLOSED')
    t.equal(peer.told.at(-1), told, state)
  }
})

function timeWait(options: Parameters<typeof established>[0] = {}): Peer {
  const peer = established(options)
  const ts: object = options.syn?.ts === undefined ? {} : { ts: options.syn.ts }
  peer.call(c => c.shutdown())
  peer.arrive({ flags: 'F.', seq: 1, ack: 2, ...ts })
  return peer
}

t.test('TIME-WAIT: what arrives and what is answered (§3.10.7.4)', async t => {
  const rows = [
    { name: 'the FIN again', arrives: { flags: 'F.', seq: 1, ack: 2 }, replies: ['. 2 ack 2'] },
    { name: 'old text', arrives: { flags: 'P.', seq: 0, ack: 2, text: 'x' }, replies: ['. 2 ack 2'] },
    { name: 'a bare ACK', arrives: { flags: '.', seq: 2, ack: 2 }, replies: [] },
    { name: 'RST (RFC 1337)', arrives: { flags: 'R', seq: 2 }, replies: [] },
    { name: 'an old SYN', arrives: { flags: 'S', seq: 0 }, replies: ['. 2 ack 2'] }
  ]
  for (const { name, arrives, replies } of rows) {
    const peer = timeWait()
    t.same(peer.arrive(arrives), replies, name)
    t.equal(peer.stack.counts().timeWait, 1, name)
  }
})

t.test('TIME-WAIT lasts 2MSL, and starts again when the FIN is repeated (§3.10.7.4 eighth)', async t => {
  const peer = timeWait({ sockets: { timeWaitMs: 10_000 } })
  peer.wait(8000)
  peer.arrive({ flags: 'F.', seq: 1, ack: 2 })
  peer.wait(8000)
  t.equal(peer.stack.counts().timeWait, 1, '16 s after the first FIN')
  peer.wait(2001)
  t.equal(peer.stack.counts().timeWait, 0, '10 s after the second')
  t.same(peer.arrive({ flags: 'F.', seq: 1, ack: 2 }), ['R 2'], 'then nobody remembers')
})

t.test('TIME-WAIT: a SYN that cannot be an old one opens anew, if anybody listens (RFC 6191 §2)', async t => {
  const opens = (peer: Peer, fields: object): number => {
    peer.arrive({ flags: 'S', ...fields })
    return peer.stack.counts().halfOpen
  }
  t.equal(opens(timeWait(), { seq: 2 }), 1, 'higher sequence number')
  t.equal(opens(timeWait(), { seq: 1 }), 0, 'the number of the FIN')
  const ts = { syn: { ts: [1000, 0] as [number, number] } }
  t.equal(opens(timeWait(ts), { seq: -5, ts: [1001, 0] }), 1, 'later timestamp')
  t.equal(opens(timeWait(ts), { seq: 5, ts: [999, 0] }), 0, 'earlier timestamp')
  t.equal(opens(timeWait(ts), { seq: 5, ts: [1000, 0] }), 1, 'the same timestamp: by the sequence number')
  t.equal(opens(timeWait(ts), { seq: -5, ts: [1000, 0] }), 0, 'the same, and a lower sequence number')
  t.equal(opens(timeWait(ts), { seq: 5 }), 1, 'no timestamp any more: by the sequence number')
  t.equal(opens(timeWait(ts), { seq: -5 }), 0, 'and a lower one')
  t.equal(opens(timeWait(), { seq: 5, ts: [7, 0] }), 1, 'a timestamp where there was none: by the sequence number')
  t.equal(opens(timeWait(), { seq: -5, ts: [7, 0] }), 0, 'and a lower one')
  const without = timeWait(ts)
  without.listener?.setOptions({ timestamps: false })
  t.equal(opens(without, { seq: -5, ts: [1001, 0] }), 0, 'a later timestamp, but the new connection would have none')
  const closed = timeWait()
  closed.listener?.close()
  t.equal(opens(closed, { seq: 2 }), 0, 'nobody listens')
  t.same(timeWait().arrive({ flags: 'S', seq: 0 }), ['. 2 ack 2'], 'one that may be old is challenged (RFC 5961 §4.2)')
})

t.test('our ISN of the new incarnation lies above the old connection (RFC 6528 §3)', async t => {
  const peer = timeWait()
  peer.wait(100)
  peer.link.sent = []
  peer.link.deliver(peer.packet({ flags: 'S', seq: 100 }))
  peer.settle()
  t.ok(((peer.last().seq - (peer.ourIsn + 2)) | 0) > 0)
})

t.test('with too many in TIME-WAIT the next closes without waiting, counted', async t => {
  const peer = timeWait({ stack: { timeWaitLimit: 0 } })
  t.equal(peer.stack.counts().timeWait, 0)
  t.equal(peer.stack.counters().stack.timeWaitOverflow, 1)
})

t.test('text that was not read before TIME-WAIT stays readable', async t => {
  const peer = established()
  peer.call(c => c.shutdown())
  peer.arrive({ flags: 'FP.', seq: 1, ack: 2, text: 'abc' })
  t.equal(peer.state, 'TIME-WAIT')
  t.equal(peer.read(), 'abc')
})
