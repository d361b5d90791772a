// Explicit congestion notification: RFC 3168 §6.1.

import t from 'tap'
import { pairLinks } from '../../src/link/pair.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import type { Connection } from '../../src/stack/connection.ts'
import { Stack } from '../../src/stack/stack.ts'
import { finish, sum } from '../../src/wire/checksum.ts'
import { established, Peer, type Synchronized } from '../support/peer.ts'

const ECT_0 = 2
const ECT_1 = 1
const CE = 3
const SETUP = { flags: 'SEC' } as const

/** ECN agreed on by the peer's SYN and our SYN-ACK; Reno, MSS 1000 and what `options` says. */
const marked = (options: Synchronized = {}): Peer =>
  established({
    ...options,
    sockets: { congestionControl: 'reno', ...options.sockets },
    syn: { ...SETUP, mss: 1000, ...options.syn }
  })
const write = (peer: Peer, bytes: number): string[] => peer.call(connection => connection.write(new Uint8Array(bytes)))
const cwnd = (peer: Peer): number | undefined => peer.connection?.info().sndCwnd
const ecnOf = (peer: Peer): boolean | undefined => peer.connection?.info().options.ecn

t.test('passive: the SYN-ACK takes ECN up if the SYN has both bits, and `ecn` is not off (§6.1.1)', async t => {
  const rows = [
    { ecn: 'accept', syn: 'SEC', answer: 'S.E 0 ack 1', on: true },
    { ecn: 'on', syn: 'SEC', answer: 'S.E 0 ack 1', on: true },
    { ecn: 'off', syn: 'SEC', answer: 'S. 0 ack 1', on: false },
    { ecn: 'on', syn: 'S', answer: 'S. 0 ack 1', on: false },
    { ecn: 'on', syn: 'SE', answer: 'S. 0 ack 1', on: false },
    { ecn: 'on', syn: 'SC', answer: 'S. 0 ack 1', on: false }
  ] as const
  for (const { ecn, syn, answer, on } of rows) {
    const peer = new Peer({ sockets: { ecn } }).listen()
    peer.link.deliver(peer.packet({ flags: syn }))
    peer.settle()
    peer.ourIsn = peer.last().seq
    t.same(peer.replies(), [answer], `${ecn}, ${syn}`)
    peer.arrive({ flags: '.', seq: 1, ack: 1 })
    t.equal(ecnOf(peer), on, `${ecn}, ${syn}`)
  }
})

t.test('a SYN that comes with a codepoint is not taken for an ECN-setup SYN', async t => {
  for (const tos of [ECT_0, ECT_1, CE]) t.equal(ecnOf(established({ syn: { ...SETUP, tos } })), false)
  t.equal(ecnOf(established({ syn: { ...SETUP, tos: 0xb8 } })), true, 'DSCP says nothing about it')
})

t.test('active: what each SYN-ACK leads to (§6.1.1, §6.1.1.2)', async t => {
  const rows = [
    { ecn: 'on', syn: 'SEC 0', synAck: 'S.E', on: true },
    { ecn: 'on', syn: 'SEC 0', synAck: 'S.', on: false },
    { ecn: 'on', syn: 'SEC 0', synAck: 'S.EC', on: false },
    { ecn: 'on', syn: 'SEC 0', synAck: 'S.C', on: false },
    { ecn: 'accept', syn: 'S 0', synAck: 'S.E', on: false },
    { ecn: 'off', syn: 'S 0', synAck: 'S.E', on: false }
  ] as const
  for (const { ecn, syn, synAck, on } of rows) {
    const peer = new Peer().connect({ ecn })
    t.same(peer.replies(), [syn])
    peer.arrive({ flags: synAck, ack: 1 })
    t.equal(ecnOf(peer), on, `${ecn}, ${synAck}`)
    t.equal(write(peer, 10)[0].endsWith('ect0'), on, `${ecn}, ${synAck}: marked`)
  }
})

t.test(
  'a SYN that is sent again asks no more; then no text is marked, but echoes are heeded (§6.1.1, §6.1.1.1)',
  async t => {
    const peer = new Peer().connect({ ecn: 'on' })
    t.same(peer.wait(1500), ['1000 S 0'])
    peer.arrive({ flags: 'S.E', ack: 1, mss: 1000 })
    t.same(write(peer, 10), ['P. 1+10 ack 1'])
    t.same(peer.arrive({ flags: 'P.', seq: 1, ack: 11, text: 'x', tos: CE }), ['.E 11 ack 2'])
  }
)

t.test('half open: a SYN without ECN takes it back', async t => {
  const peer = new Peer().listen()
  peer.link.deliver(peer.packet(SETUP))
  peer.settle()
  peer.ourIsn = peer.last().seq
  t.same(peer.wait(1500), ['1000 S.E 0 ack 1'], 'what is sent again is the same')
  t.same(peer.arrive({ flags: 'S' }), ['S. 0 ack 1'])
  peer.arrive({ flags: '.', seq: 1, ack: 1 })
  t.equal(ecnOf(peer), false)
})

t.test('simultaneous open: agreed where both SYNs ask and no SYN-ACK says otherwise', async t => {
  const rows = [
    { ecn: 'on', syn: 'SEC', answer: 'S.E 0 ack 1', synAck: 'S.E', on: true },
    { ecn: 'on', syn: 'SEC', answer: 'S.E 0 ack 1', synAck: 'S.', on: false },
    { ecn: 'on', syn: 'S', answer: 'S. 0 ack 1', synAck: 'S.', on: false },
    { ecn: 'accept', syn: 'SEC', answer: 'S. 0 ack 1', synAck: 'S.', on: false }
  ] as const
  for (const { ecn, syn, answer, synAck, on } of rows) {
    const peer = new Peer().connect({ ecn })
    t.same(peer.arrive({ flags: syn }), [answer])
    peer.arrive({ flags: synAck, ack: 1 })
    t.equal(peer.state, 'ESTABLISHED')
    t.equal(ecnOf(peer), on, `${ecn}, ${syn}, ${synAck}`)
  }
})

t.test(
  'ECT(0) on new text alone: not on ACKs, a bare FIN, what is sent again, probes, RST (§6.1.2, §6.1.4 to §6.1.6)',
  async t => {
    const peer = marked({ sockets: { noDelay: true } })
    t.same(write(peer, 1500), ['. 1+1000 ack 1 ect0', 'P. 1001+500 ack 1 ect0'])
    t.same(peer.arrive({ flags: 'P.', seq: 1, ack: 1501, text: 'x' }), [])
    t.same(peer.wait(100), ['40 . 1501 ack 2'])
    write(peer, 10)
    t.match(peer.wait(500)[0], /P. 1501\+10 ack 2$/, 'sent again')
    t.same(peer.arrive({ flags: '.', seq: 2, ack: 1511 }), [])
    t.same(
      peer.call(connection => connection.shutdown()),
      ['F. 1511 ack 2']
    )
    t.same(
      peer.call(connection => connection.abort()),
      ['R. 1512 ack 2']
    )

    const closed = marked({ window: 0 })
    write(closed, 10)
    t.match(closed.wait(1500), [/. 0 ack 1$/], 'a probe')
    t.same(closed.arrive({ flags: '.', seq: 1, ack: 1, window: 5000 }), ['P. 1+10 ack 1 ect0'], 'then it is new text')
  }
)

t.test('a FIN with text is text', async t => {
  const peer = marked()
  const sent = peer.call(connection => {
    connection.write(new Uint8Array(10))
    connection.shutdown()
  })
  t.same(sent, ['FP. 1+10 ack 1 ect0'])
})

t.test('not agreed on: nothing is marked, nothing echoed, nothing heeded', async t => {
  const peer = established({ syn: { mss: 1000 } })
  t.same(write(peer, 10), ['P. 1+10 ack 1'])
  t.same(peer.arrive({ flags: 'P.E', seq: 1, ack: 11, text: 'x', tos: CE }), [])
  t.same(peer.wait(100), ['40 . 11 ack 2'])
  t.equal(peer.connection?.info().caState, 'Open')
})

t.test('the receiver: CE is echoed at once, on every ACK until CWR (§6.1.3)', async t => {
  const peer = marked()
  const text = (seq: number, tos: number, flags = 'P.'): string[] => peer.arrive({ flags, seq, ack: 1, text: 'x', tos })
  t.same(text(1, ECT_0), [], 'no mark: the ACK may wait')
  t.equal(peer.connection?.info().options.ecnSeen, true)
  t.same(text(2, CE), ['.E 1 ack 3'], 'at once')
  t.same(text(3, ECT_0), [])
  t.same(peer.wait(50), ['40 .E 1 ack 4'], 'the ACK of what was not marked, too')
  t.same(write(peer, 5), ['P.E 1+5 ack 4 ect0'], 'and what carries text')
  t.same(text(4, ECT_0, 'P.C'), ['. 6 ack 5'], 'CWR ends it, and is answered at once')
  t.same(text(5, CE, 'P.C'), ['.E 6 ack 6'], 'a mark on the segment with CWR is a new one')
  t.same(text(6, CE, 'P.'), [], 'no news')
})

t.test('CE outside the window, on what came before, or on a bare ACK is ignored (§6.1.5)', async t => {
  const peer = marked()
  peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'hello', tos: ECT_0 })
  t.same(peer.arrive({ flags: '.', seq: 6, ack: 1, tos: CE }), [])
  t.same(peer.arrive({ flags: 'P.', seq: 2 ** 20, ack: 1, text: 'x', tos: CE }), ['. 1 ack 6'])
  t.same(peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'hello', tos: CE }), ['. 1 ack 6'])
  t.same(peer.arrive({ flags: 'P.', seq: 16, ack: 1, text: 'x', tos: CE }), ['.E 1 ack 6'], 'behind a hole it counts')
})

t.test('CE on a probe of our closed window counts (§6.1.6)', async t => {
  const peer = marked({ sockets: { receiveBuffer: 2048 } })
  peer.arrive({ flags: '.', seq: 1, ack: 1, text: new Uint8Array(2048) })
  t.equal(peer.connection?.info().rcvWnd, 0)
  t.same(peer.arrive({ flags: '.', seq: 2049, ack: 1, text: 'x' }), ['. 1 ack 2049'])
  t.same(peer.arrive({ flags: '.', seq: 2049, ack: 1, text: 'x', tos: CE }), ['.E 1 ack 2049'])
})

t.test('ECT(1) is as good as ECT(0); a mark may follow either', async t => {
  const peer = marked()
  peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'x', tos: ECT_1 })
  t.equal(peer.connection?.info().options.ecnSeen, true)
})

t.test(
  'the sender: an echo halves the window, once for each window, and CWR is on the first new text (§6.1.2)',
  async t => {
    const peer = marked()
    write(peer, 20_000)
    t.equal(cwnd(peer), 10_000)
    const first = peer.arrive({ flags: '.E', seq: 1, ack: 1001 })
    t.equal(cwnd(peer), 5000, 'half of the 10000 that were in flight')
    t.equal(peer.connection?.info().caState, 'CWR')
    t.same(first, [], '9000 in flight, 5000 allowed')
    t.same(peer.arrive({ flags: '.E', seq: 1, ack: 5001 }), [], 'the same window: no second reduction, and no growth')
    t.equal(cwnd(peer), 5000)
    t.same(peer.arrive({ flags: '.E', seq: 1, ack: 8001 }), [
      '.C 10001+1000 ack 1 ect0',
      '. 11001+1000 ack 1 ect0',
      '. 12001+1000 ack 1 ect0'
    ])
    t.same(peer.arrive({ flags: '.E', seq: 1, ack: 10_001 }).length, 2, 'all of that window: the CWR is not there yet')
    t.equal(cwnd(peer), 5000)
    t.equal(peer.connection?.info().caState, 'CWR')
    peer.arrive({ flags: '.', seq: 1, ack: 11_001 })
    t.equal(peer.connection?.info().caState, 'Open')
    peer.arrive({ flags: '.E', seq: 1, ack: 12_001 })
    t.equal(peer.stack.counters().tcp.ecnReductions, 2, 'a mark of the next window')
    t.equal(peer.connection?.info().sndSsthresh, 2500)
  }
)

t.test('the echo on a duplicate ACK counts, on an old one it does not', async t => {
  const peer = marked()
  write(peer, 10_000)
  peer.arrive({ flags: '.', seq: 1, ack: 2001 })
  peer.arrive({ flags: '.E', seq: 1, ack: 1001 })
  t.equal(peer.stack.counters().tcp.ecnReductions, 0)
  peer.arrive({ flags: '.E', seq: 1, ack: 2001 })
  t.equal(peer.stack.counters().tcp.ecnReductions, 1)
})

t.test('a loss and a mark of one window: one reduction, in either order (§6.1.2)', async t => {
  const dup = (peer: Peer, flags: string, times: number): string[][] =>
    Array.from({ length: times }, () => peer.arrive({ flags, seq: 1, ack: 1 }))
  const markFirst = marked()
  write(markFirst, 10_000)
  dup(markFirst, '.E', 1)
  t.equal(markFirst.connection?.info().sndSsthresh, 5000)
  t.same(dup(markFirst, '.E', 2)[1], ['. 1+1000 ack 1'], 'the third duplicate: sent again, unmarked')
  t.equal(markFirst.connection?.info().sndSsthresh, 5000)
  t.equal(markFirst.connection?.info().caState, 'Recovery')

  const lossFirst = marked()
  write(lossFirst, 10_000)
  dup(lossFirst, '.', 3)
  dup(lossFirst, '.E', 1)
  t.same([lossFirst.connection?.info().sndSsthresh, lossFirst.stack.counters().tcp.ecnReductions], [5000, 0])
  lossFirst.arrive({ flags: '.E', seq: 1, ack: 10_001 })
  t.same(
    [cwnd(lossFirst), lossFirst.stack.counters().tcp.ecnReductions],
    [5000, 0],
    'nor for the ACK that ends the repair'
  )
  t.same(write(lossFirst, 10), ['P.C 10001+10 ack 1 ect0'], 'the loss is told by CWR as well')
})

t.test(
  'a retransmission timeout is a reduction too: the next new text has CWR, what is sent again has not',
  async t => {
    const peer = marked()
    write(peer, 1000)
    t.match(peer.wait(250), [/^2\d\d P. 1\+1000 ack 1$/])
    peer.arrive({ flags: '.', seq: 1, ack: 1001 })
    t.same(write(peer, 10), ['P.C 1001+10 ack 1 ect0'])
    t.same(write(peer, 1000).concat(peer.arrive({ flags: '.', seq: 1, ack: 1011 })).length, 1)
  }
)

t.test('a timeout within a window that was reduced for a mark: ssthresh stays', async t => {
  const peer = marked()
  write(peer, 10_000)
  peer.arrive({ flags: '.E', seq: 1, ack: 1 })
  peer.wait(300)
  const { caState, sndCwnd, sndSsthresh } = peer.connection?.info() ?? {}
  t.same([caState, sndCwnd, sndSsthresh], ['Loss', 1000, 5000])
})

t.test('a window of one segment cannot be halved: the timer holds the next text back (§6.1.2)', async t => {
  const peer = marked()
  write(peer, 3000)
  peer.wait(250) // the window is down to one segment
  t.equal(cwnd(peer), 1000)
  peer.arrive({ flags: '.E', seq: 1, ack: 3001 })
  t.equal(cwnd(peer), 1000, 'no growth for an echo')
  peer.arrive({ flags: '.E', seq: 1, ack: 3001 })
  t.equal(cwnd(peer), 1000)
  t.same(write(peer, 500), ['P.C 3001+500 ack 1 ect0'], 'the echoes were of the window that timed out')
  t.same(peer.arrive({ flags: '.E', seq: 1, ack: 3501 }), [])
  t.same(write(peer, 500), [], 'held')
  const late = peer.wait(10_000)
  t.match(late[0], /^\d+ P.C 3501\+500 ack 1 ect0$/)
  t.ok(Number.parseInt(late[0], 10) >= 200, 'for a retransmission timeout')
})

t.test(
  'two stacks, and a router that marks instead of dropping: every byte, no retransmission, a window that heeds it',
  async t => {
    const clock = new VirtualClock({ seed: 3 })
    let marks = 0
    const mark = (packet: Uint8Array): 'pass' => {
      if ((packet[1] & 3) === ECT_0 && ++packets % 40 === 0) {
        packet[1] |= CE
        const view = new DataView(packet.buffer, packet.byteOffset, packet.length)
        view.setUint16(10, 0)
        view.setUint16(10, finish(sum(view, 0, 20, 0)))
        marks++
      }
      return 'pass'
    }
    let packets = 0
    const [left, right] = pairLinks({ host: clock, seed: 3, impairments: { delayMs: 10, filter: mark } })
    const server = new Stack({ link: right, host: clock })
    const client = new Stack({ link: left, host: clock, ecn: 'on' })
    let received = 0
    server.listen({ port: 80 }, connection => {
      connection.handlers = {
        readable: () => {
          for (let bytes = connection.read(); bytes !== undefined; bytes = connection.read()) received += bytes.length
        }
      }
    })
    const text = new Uint8Array(2_000_000)
    let written = 0
    const pump = (connection: Connection): void => {
      written += connection.write(text.subarray(written))
    }
    const connection = client.connect({ address: '10.0.0.2', port: 80 }, { connected: pump, writable: pump })
    clock.run(60_000)
    t.equal(received, text.length)
    const { tcp } = client.counters()
    t.ok(marks > 10, `${marks} marks`)
    t.ok(tcp.ecnReductions > 3 && tcp.ecnReductions <= marks, `${tcp.ecnReductions} reductions`)
    t.equal(tcp.segmentsRetransmitted, 0)
    t.equal(server.statistics().ipExt.InCEPkts, marks)
    t.equal(connection.info().options.ecn, true)
  }
)
