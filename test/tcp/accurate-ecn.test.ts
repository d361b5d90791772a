// Accurate ECN feedback: RFC 9768. ACE is the number that AE, CWR and ECE make (A C E in a segment's letters).

import t from 'tap'
import { pairLinks } from '../../src/link/pair.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import type { Connection } from '../../src/stack/connection.ts'
import { Stack } from '../../src/stack/stack.ts'
import { addFirstCounters } from '../../src/tcp/accurate-ecn.ts'
import { finish, sum } from '../../src/wire/checksum.ts'
import { Segment } from '../../src/wire/segment.ts'
import { type Fields, OUR_PORT, Peer, type Synchronized } from '../support/peer.ts'

const ECT_1 = 1
const ECT_0 = 2
const CE = 3
const ASKS = { flags: 'SECA', mss: 1000 } as const

/** The letters of an ACE. */
const ace = (n: number): string => `${(n & 1) !== 0 ? 'E' : ''}${(n & 2) !== 0 ? 'C' : ''}${(n & 4) !== 0 ? 'A' : ''}`
const ack = (n: number, count: number, more: Partial<Fields> = {}): Fields => ({
  flags: `.${ace(count)}`,
  seq: 1,
  ack: n,
  ...more
})
const text = (seq: number, tos = ECT_0, count = 5): Fields => ({ ...ack(1, count), seq, text: 'x'.repeat(1000), tos })

/** The peer has opened, accurate feedback is agreed on; Reno and MSS 1000. */
function accurate(options: Synchronized = {}, opening = 2): Peer {
  const peer = new Peer({ ...options, sockets: { ecn: 'accurate', congestionControl: 'reno', ...options.sockets } })
  peer.listen()
  peer.link.deliver(peer.packet({ ...ASKS, ...options.syn }))
  peer.settle()
  peer.ourIsn = peer.last().seq
  peer.replies()
  peer.arrive(ack(1, opening))
  return peer
}

const write = (peer: Peer, bytes: number): string[] => peer.call(c => c.write(new Uint8Array(bytes)))
const cwnd = (peer: Peer): number | undefined => peer.connection?.info().sndCwnd
const modeOf = (peer: Peer): unknown[] => {
  const { ecn, accurateEcn } = peer.connection?.info().options ?? {}
  return [ecn, accurateEcn]
}

t.test(
  'passive: what each SYN is answered with; the answer says how the SYN came, and has the first counters (§3.1.1, §3.1.3, §3.2.3.2.1)',
  async t => {
    const rows: [SynRow, string, boolean, boolean][] = [
      [{ ecn: 'accurate', flags: 'SECA', tos: 0 }, 'S.C', true, true],
      [{ ecn: 'accurate', flags: 'SECA', tos: ECT_1 }, 'S.EC', true, true],
      [{ ecn: 'accurate', flags: 'SECA', tos: ECT_0 }, 'S.A', true, true],
      [{ ecn: 'accurate', flags: 'SECA', tos: CE }, 'S.CA', true, true],
      [{ ecn: 'accurate', flags: 'SEC', tos: 0 }, 'S.E', true, false],
      [{ ecn: 'accurate', flags: 'S', tos: 0 }, 'S.', false, false],
      // What nobody sends yet is taken for what asks for accurate feedback (§3.1.3).
      ...['SE', 'SC', 'SA', 'SEA', 'SCA'].map((flags): [SynRow, string, boolean, boolean] => [
        { ecn: 'accurate', flags, tos: 0 },
        'S.C',
        true,
        true
      ]),
      [{ ecn: 'accept', flags: 'SECA', tos: 0 }, 'S.E', true, false],
      [{ ecn: 'off', flags: 'SECA', tos: 0 }, 'S.', false, false]
    ]
    for (const [{ ecn, flags, tos }, answer, on, isAccurate] of rows) {
      const peer = new Peer({ sockets: { ecn } }).listen()
      peer.link.deliver(peer.packet({ flags, tos, mss: 1000 }))
      peer.settle()
      peer.ourIsn = peer.last().seq
      t.same(peer.replies(), [`${answer} 0 ack 1${isAccurate ? ' accecn 1 0' : ''}`], `${ecn} ${flags} ${tos}`)
      peer.arrive(ack(1, 2))
      t.same(modeOf(peer), [on, isAccurate], `${ecn} ${flags} ${tos}`)
    }
  }
)

interface SynRow {
  ecn: 'accurate' | 'accept' | 'off'
  flags: string
  tos: number
}

t.test('active: what each SYN-ACK leads to; the ACK says how it came (§3.1.1, tables 2 and 3)', async t => {
  const rows: [number, number, string, unknown[]][] = [
    [2, 0, '.C', [true, true]],
    [3, ECT_0, '.A', [true, true]],
    [4, ECT_1, '.EC', [true, true]],
    [6, CE, '.CA', [true, true]],
    [5, 0, '.C', [true, true]], // reserved: as if the SYN had come as it left (§3.1.3)
    [1, 0, '.', [true, false]],
    [0, 0, '.', [false, false]],
    [7, 0, '.', [false, false]]
  ]
  for (const [answer, tos, reply, mode] of rows) {
    const peer = new Peer().connect({ ecn: 'accurate' })
    t.same(peer.replies(), ['SECA 0'])
    const [first] = peer.arrive({ flags: `S.${ace(answer)}`, ack: 1, mss: 1000, tos })
    t.match(first, new RegExp(`^${reply.replaceAll('.', '\\.')} 1 ack 1`), `${answer}`)
    t.same(modeOf(peer), mode, `${answer}`)
  }
})

t.test('it is asked for twice, then the SYN goes without (§3.1.4.1)', async t => {
  const peer = new Peer().connect({ ecn: 'accurate' })
  peer.replies()
  t.same(peer.wait(4000), ['1000 SECA 0', '3000 S 0'])
})

t.test('a SYN-ACK goes again without the option, and from then on without the bits (§3.1.4.2, §3.2.3.2.2)', async t => {
  const peer = new Peer({ sockets: { ecn: 'accurate', congestionControl: 'reno' } }).listen()
  peer.link.deliver(peer.packet(ASKS))
  peer.settle()
  peer.ourIsn = peer.last().seq
  t.same(peer.replies(), ['S.C 0 ack 1 accecn 1 0'])
  t.same(peer.wait(8000), ['1000 S.C 0 ack 1', '3000 S. 0 ack 1', '7000 S. 0 ack 1'])
  peer.arrive(ack(1, 0))
  t.same(modeOf(peer), [true, true], 'the mode stays')
  t.same(write(peer, 1000), ['P.EA 1+1000 ack 1'], 'a peer that has heard of no ECN makes no use of it')
  t.match(
    peer.arrive(text(1, CE, 0), text(1001, CE, 0)),
    [/^\.ECA 1001 ack 2001 accecn 1 2000$/],
    'but what it marks is told'
  )
})

t.test('the first counters have no room on a SYN-ACK with a long cookie', async t => {
  const answer = (cookieBytes: number): string => {
    const segment = new Segment()
    segment.mss = 1460
    segment.hasTimestamps = true
    segment.windowScale = 7
    segment.cookieLength = cookieBytes
    addFirstCounters(segment)
    return `${segment.ect0Bytes} ${segment.ceBytes}`
  }
  t.same([answer(8), answer(16)], ['1 0', '-1 -1'])
})

t.test('Fast Open: the SYN-ACK says what was agreed on, and how the SYN came', async t => {
  const peer = new Peer({ sockets: { ecn: 'accurate', fastOpenWithoutCookie: true } })
  peer.stack.listen({ port: OUR_PORT, fastOpen: 1 }, () => {})
  peer.link.deliver(peer.packet({ ...ASKS, text: 'early', tos: ECT_0 }))
  peer.settle()
  peer.ourIsn = peer.last().seq
  t.match(peer.replies(), [/^S\.A 0 ack 6/])
  t.match(peer.wait(8000), [/^1000 S\.A 0/, /^3000 S\. 0/, /^7000 S\. 0/])
})

t.test('marked packets are counted in three bits, the counter begins at 5 and goes round (§3.2.2)', async t => {
  const peer = accurate({ sockets: { delayedAckMs: 0 } })
  for (let n = 1; n <= 12; n++) {
    const [reply] = peer.arrive(text(1 + 1000 * (n - 1), CE))
    t.match(reply, new RegExp(`^\\.${ace((5 + n) & 7)} 1 ack`), `${n}`)
  }
})

t.test('an ACK at once where marks begin, and before the counter could go round in one batch (§3.2.2.5.1)', async t => {
  const peer = accurate()
  t.same(peer.arrive(text(1)), [], 'delayed')
  t.match(peer.arrive(text(1001, CE)), [/^\.CA 1 ack 2001/], 'the first marked one')
  t.same(peer.arrive(text(2001)), [])
  const many = Array.from({ length: 16 }, (_, i) => text(3001 + 1000 * i, CE))
  const aces = peer.arrive(...many).map(line => line.split(' ')[0])
  t.same(
    aces,
    [6 + 6, 6 + 12, 6 + 16].map(n => `.${ace(n & 7)}`),
    'six at a time'
  )
})

t.test('the option tells bytes by codepoint, on ACKs without text, when they have changed (§3.2.3)', async t => {
  const peer = accurate({ sockets: { delayedAckMs: 0 } })
  t.same(peer.arrive(text(1)), ['.EA 1 ack 1001 accecn 1001 0'])
  t.same(peer.arrive(text(1001, CE)), ['.CA 1 ack 2001 accecn 1001 1000'])
  t.same(peer.arrive(text(2001, 0)), ['.CA 1 ack 3001'], 'nothing new')
  t.same(peer.arrive(text(3001, ECT_1)), ['.CA 1 ack 4001 accecn 1001 1000 1001'])
  t.same(write(peer, 100), ['P.CA 1+100 ack 4001 ect0'])
})

t.test('a mark that the peer counts halves the window, once in a round trip; nothing carries CWR (§3.3)', async t => {
  const peer = accurate()
  t.equal(write(peer, 10_000).length, 10)
  t.same(peer.arrive(ack(1001, 6)), [])
  t.equal(cwnd(peer), 5000)
  peer.arrive(ack(3001, 7))
  t.equal(cwnd(peer), 5000, 'of the same window')
  t.same(peer.arrive(ack(10_001, 7)), [])
  t.same(write(peer, 1000), ['P.EA 10001+1000 ack 1 ect0'], 'our own counter, still 5')
  peer.arrive(ack(11_001, 7))
  t.same(write(peer, 1000), ['P.EA 11001+1000 ack 1 ect0'])
  t.same([peer.connection?.info().caState, peer.stack.counters().tcp.ecnReductions], ['Open', 1])
})

t.test(
  'the sender counts round the corner: as few as the bits say, or all that could be where many are acknowledged',
  async t => {
    const rows: [number, number, [number, number] | undefined, boolean][] = [
      // ACKed segments, ACE, option: reduced?
      [3, 5, undefined, false],
      [3, 6, undefined, true],
      // Eight marked packets leave the bits as they were: only the option can tell.
      [10, 5, undefined, true],
      [10, 5, [10_001, 0], false],
      [10, 5, [2001, 8000], true],
      // A counter that begins with 1 is 0: something clears the option, and it counts for nothing (§3.2.3.2.4).
      [10, 5, [0, 0], true]
    ]
    for (const [segments, count, accEcn, reduced] of rows) {
      const peer = accurate()
      write(peer, 10_000)
      peer.arrive(ack(1 + 1000 * segments, count, accEcn === undefined ? {} : { accEcn }))
      t.equal(peer.stack.counters().tcp.ecnReductions, reduced ? 1 : 0, `${segments} ${count} ${accEcn}`)
    }
  }
)

t.test(
  'a way that clears the bits, or writes codepoints: nothing of ours is marked, but marks are still told (§3.2.2)',
  async t => {
    for (const opening of [0, 3, 4, 6]) {
      const peer = accurate({}, opening)
      t.same(write(peer, 100), ['P.EA 1+100 ack 1'], `ACE ${opening} for our SYN-ACK`)
    }
    t.same(write(accurate(), 100), ['P.EA 1+100 ack 1 ect0'])
    const client = new Peer().connect({ ecn: 'accurate' })
    client.arrive({ flags: 'S.EC', ack: 1, mss: 1000 })
    t.same(write(client, 100), ['P.EA 1+100 ack 1'], 'our SYN came with a codepoint')
    const cleared = new Peer().connect({ ecn: 'accurate' })
    cleared.arrive({ flags: 'S.C', ack: 1, mss: 1000 })
    cleared.arrive({ flags: '.', seq: 1, ack: 1 })
    t.same(write(cleared, 100), ['P.EA 1+100 ack 1'], 'the first segment after the SYN-ACK has no bits')
  }
)

t.test('where the bits are cleared no ACK tells of marks, however much it acknowledges (§3.2.2.4)', async t => {
  const peer = accurate({}, 0)
  write(peer, 10_000)
  peer.arrive(ack(10_001, 0))
  t.equal(peer.stack.counters().tcp.ecnReductions, 0)
})

t.test(
  'marked ACKs: every third is told, lest ACKs of ACKs go on; those without a mark never are (§3.2.2.5.1)',
  async t => {
    const peer = accurate()
    const bare = (tos: number): string[] => peer.arrive(ack(1, 5, { tos }))
    t.same([bare(CE), bare(CE)], [[], []])
    t.match(bare(CE), [/^\. 1 ack 1/])
    t.same([bare(ECT_0), bare(CE), bare(CE), bare(ECT_0)], [[], [], [], []])
    t.match(bare(CE), [/^\.EC 1 ack 1/])
  }
)

t.test('a listener that is out of room answers with classic ECN', async t => {
  const peer = new Peer({ stack: { synCookies: 'always' }, sockets: { ecn: 'accurate' } }).listen()
  peer.link.deliver(peer.packet({ ...ASKS, ts: [1, 0] }))
  peer.settle()
  t.match(peer.replies(), [/^S\.E /])
})

t.test('two stacks and a router that marks: the sender knows of every packet that was marked', async t => {
  const clock = new VirtualClock({ seed: 3 })
  let marks = 0
  let packets = 0
  const mark = (packet: Uint8Array): 'pass' => {
    if ((packet[1] & 3) === ECT_0 && ++packets % 7 < 3) {
      packet[1] |= CE
      const view = new DataView(packet.buffer, packet.byteOffset, packet.length)
      view.setUint16(10, 0)
      view.setUint16(10, finish(sum(view, 0, 20, 0)))
      marks++
    }
    return 'pass'
  }
  const [left, right] = pairLinks({ host: clock, seed: 3, impairments: { delayMs: 10, filter: mark } })
  const server = new Stack({ link: right, host: clock, ecn: 'accurate' })
  const client = new Stack({ link: left, host: clock, ecn: 'accurate' })
  let peer: Connection | undefined
  server.listen({ port: 80 }, connection => {
    peer = connection
    connection.handlers = {
      readable: () => {
        while (connection.read() !== undefined);
      }
    }
  })
  const bytes = new Uint8Array(300_000)
  let written = 0
  const pump = (connection: Connection): void => {
    written += connection.write(bytes.subarray(written))
  }
  const connection = client.connect({ address: '10.0.0.2', port: 80 }, { connected: pump, writable: pump })
  clock.run(60_000)
  const { options, deliveredCe, bytesAcked } = connection.info()
  t.equal(options.accurateEcn, true)
  t.equal(bytesAcked, bytes.length)
  t.ok(marks > 80, `${marks} marks`)
  t.equal(peer?.info().receivedCe, marks)
  t.equal(deliveredCe, marks)
})
