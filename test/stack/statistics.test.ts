// The counters under their standard names (RFC 4022), and the promise that whatever is dropped moves one counter of its own.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { VirtualClock } from '../../src/sim/clock.ts'
import { formatPrometheus } from '../../src/stack/prometheus.ts'
import { Stack } from '../../src/stack/stack.ts'
import { finish, sum } from '../../src/wire/checksum.ts'
import { Segment } from '../../src/wire/segment.ts'
import { packetOf } from '../ip/packets.ts'
import { established, HandLink, knock, Peer, tcpPacket } from '../support/peer.ts'
import { viewOf } from '../wire/bytes.ts'

/** `tcp.badChecksum 1`, for each reason that has a count. */
function drops(stack: Stack): string[] {
  return Object.entries(stack.statistics().dropped).flatMap(([layer, reasons]) =>
    Object.entries(reasons).flatMap(([reason, count]) => (count === 0 ? [] : [`${layer}.${reason} ${count}`]))
  )
}

const halfOpen = (): Peer => {
  const peer = new Peer().listen()
  peer.link.deliver(peer.packet({ flags: 'S' }))
  peer.settle()
  peer.ourIsn = peer.last().seq
  return peer
}
const synSent = (): Peer => new Peer().connect()
const timeWait = (): Peer => {
  const peer = established()
  peer.call(connection => connection.close())
  peer.arrive({ flags: 'F.', seq: 1, ack: 2 })
  return peer
}

function set(packet: Uint8Array, at: number, to: number): Uint8Array {
  packet[at] = to
  return packet
}

/** Makes the sum of the segment right, by the two bytes at `at`. */
function withTcpSum(packet: Uint8Array, at: number): Uint8Array {
  const length = packet.length - 20
  const summed = new Uint8Array(12 + length)
  summed.set(packet.subarray(12, 20))
  summed.set([0, 6, length >> 8, length & 255], 8)
  summed.set(packet.subarray(20), 12)
  summed.set([0, 0], at - 8)
  viewOf(packet).setUint16(at, finish(sum(viewOf(summed), 0, summed.length, 0)))
  return packet
}

function icmp(type: number, code: number, rest: number, quote: Uint8Array): Uint8Array {
  const payload = new Uint8Array(8 + quote.length)
  payload.set([type, code])
  viewOf(payload).setInt32(4, rest)
  payload.set(quote, 8)
  viewOf(payload).setUint16(2, finish(sum(viewOf(payload), 0, payload.length, 0)))
  return packetOf({ protocol: 1, payload })
}

const TEXT = { flags: 'P.', seq: 1, ack: 1, text: 'hello' } as const

interface Row {
  what: string
  reason: string
  peer?: () => Peer
  packet: (peer: Peer) => Uint8Array
}

let lastFlight: Uint8Array = new Uint8Array(0)

/** A connection with a full segment in flight. */
function inFlight(): Peer {
  const peer = established()
  peer.link.sent = []
  peer.connection?.write(new Uint8Array(1460))
  peer.settle()
  lastFlight = peer.link.sent[0]
  return peer
}

const quoteOf = (packet: Uint8Array): Uint8Array => packet.slice(0, 28)

const rows: Row[] = [
  { what: 'no IPv4 header', reason: 'ip.tooShort', packet: () => new Uint8Array(19) },
  { what: 'IPv6', reason: 'ip.badVersion', packet: peer => set(peer.packet(TEXT), 0, 0x65) },
  { what: 'four words of header', reason: 'ip.badHeaderLength', packet: peer => set(peer.packet(TEXT), 0, 0x44) },
  { what: 'a packet cut short', reason: 'ip.badTotalLength', packet: peer => peer.packet(TEXT).slice(0, 44) },
  { what: 'a changed header', reason: 'ip.badHeaderChecksum', packet: peer => set(peer.packet(TEXT), 8, 1) },
  { what: 'a source of class E', reason: 'ip.martianSource', packet: () => packetOf({ source: -1 }) },
  { what: 'a multicast destination', reason: 'ip.notUnicast', packet: () => packetOf({ destination: 0xe0000001 | 0 }) },
  { what: "somebody else's address", reason: 'ip.notOurs', packet: () => packetOf({ destination: 0x0a000003 }) },
  { what: 'UDP', reason: 'ip.unknownProtocol', packet: () => packetOf({ protocol: 17 }) },
  {
    what: 'a fragment of no whole words',
    reason: 'ip.fragmentBadLength',
    packet: () => packetOf({ moreFragments: true, payload: new Uint8Array(9) })
  },
  {
    what: 'half an ICMP header',
    reason: 'icmp.tooShort',
    packet: () => packetOf({ protocol: 1, payload: new Uint8Array(4) })
  },
  {
    what: 'an ICMP message that was changed',
    reason: 'icmp.badChecksum',
    packet: () => set(icmp(8, 0, 1, new Uint8Array(8)), 30, 7)
  },
  {
    what: 'an ICMP error that quotes half a header',
    reason: 'icmp.badQuote',
    packet: () => icmp(3, 1, 0, new Uint8Array(10))
  },
  {
    what: 'source quench',
    reason: 'icmp.sourceQuenches',
    packet: peer => icmp(4, 0, 0, peer.packet(TEXT).slice(0, 28))
  },
  { what: 'a redirect', reason: 'icmp.redirects', packet: peer => icmp(5, 1, 0, peer.packet(TEXT).slice(0, 28)) },
  { what: 'an echo reply', reason: 'icmp.echoReplies', packet: () => icmp(0, 0, 0, new Uint8Array(8)) },
  { what: 'an ICMP timestamp request', reason: 'icmp.unhandled', packet: () => icmp(13, 0, 0, new Uint8Array(12)) },
  {
    what: 'an echo request from where no way leads back',
    reason: 'icmp.noMemory',
    peer: () => {
      const peer = new Peer()
      peer.link.route = () => {
        throw new Error('no route')
      }
      return peer
    },
    packet: () => icmp(8, 0, 1, new Uint8Array(8))
  },
  {
    what: 'a report of a path MTU that is none',
    reason: 'tcp.icmpNoNews',
    peer: inFlight,
    packet: () => icmp(3, 4, 1500, quoteOf(lastFlight))
  },
  {
    what: 'a report of a path MTU where the user wants none',
    reason: 'tcp.icmpUnwanted',
    peer: () => {
      const peer = inFlight()
      peer.connection?.setOptions({ pathMtuDiscovery: 'ignore-reports' })
      return peer
    },
    packet: () => icmp(3, 4, 1000, quoteOf(lastFlight))
  },
  {
    what: 'text beyond what all connections may have unread',
    reason: 'tcp.unreadLimit',
    peer: () => {
      const peer = established({ stack: { unreadLimit: 65_536 }, syn: { windowScale: 0 } })
      for (let seq = 1; seq < 65_536; seq += 1024) peer.arrive({ ...TEXT, seq, text: new Uint8Array(1024) })
      return peer
    },
    packet: peer => peer.packet({ ...TEXT, seq: 65_537 })
  },
  {
    what: 'text that passes the right edge',
    reason: 'tcp.outsideWindow',
    peer: () => established({ sockets: { receiveBuffer: 2048 } }),
    packet: peer => peer.packet({ ...TEXT, text: new Uint8Array(3000) })
  },
  {
    what: 'a SYN that finds no room',
    reason: 'tcp.synBacklogFull',
    peer: () => {
      const peer = new Peer({ stack: { synCookies: 'off', halfOpenLimit: 1 } }).listen()
      knock(peer, 5001)
      return peer
    },
    packet: peer => {
      peer.peerPort = 5002
      return peer.packet({ flags: 'S' })
    }
  },
  {
    what: 'a fragment that overlaps',
    reason: 'ip.fragmentOverlap',
    peer: () => {
      const peer = new Peer()
      peer.inject(packetOf({ moreFragments: true, payload: new Uint8Array(16) }))
      return peer
    },
    packet: () => packetOf({ moreFragments: true, fragmentOffset: 8, payload: new Uint8Array(16) })
  },
  {
    what: 'an ICMP error about UDP',
    reason: 'icmp.notTcp',
    packet: () => icmp(3, 3, 0, packetOf({ protocol: 17, source: 0x0a000001 }))
  },
  {
    what: 'an ICMP error about a segment of another host',
    reason: 'icmp.misdirected',
    packet: peer => icmp(3, 1, 0, peer.packet(TEXT).slice(0, 28))
  },
  {
    what: 'an ICMP error about what is not in flight',
    reason: 'tcp.icmpNotInFlight',
    packet: () => {
      const quoted = new Segment()
      quoted.sourcePort = 80
      quoted.destinationPort = 5000
      return icmp(3, 1, 0, tcpPacket(quoted, new Uint8Array(0), 0x0a000001, 0x0a000002).slice(0, 28))
    }
  },
  {
    what: 'half a TCP header',
    reason: 'tcp.tooShort',
    packet: () => withTcpSum(packetOf({ payload: new Uint8Array(12) }), 30)
  },
  {
    what: 'a data offset of four words',
    reason: 'tcp.badOffset',
    packet: peer => withTcpSum(set(peer.packet(TEXT), 32, 0x40), 36)
  },
  { what: 'changed text', reason: 'tcp.badChecksum', packet: peer => set(peer.packet(TEXT), 40, 0) },
  {
    what: 'a segment for a port where nobody listens',
    reason: 'tcp.noListener',
    packet: peer => {
      peer.ourPort = 81
      return peer.packet({ flags: 'S' })
    }
  },
  {
    what: 'RST in LISTEN',
    reason: 'tcp.inListen',
    peer: () => new Peer().listen(),
    packet: peer => peer.packet({ flags: 'R' })
  },
  {
    what: 'an ACK in LISTEN',
    reason: 'tcp.inListen',
    peer: () => new Peer().listen(),
    packet: peer => peer.packet({ flags: '.', ack: 1 })
  },
  {
    what: 'neither SYN nor ACK in LISTEN',
    reason: 'tcp.inListen',
    peer: () => new Peer().listen(),
    packet: peer => peer.packet({ flags: 'F' })
  },
  {
    what: 'a SYN from where no way leads back',
    reason: 'tcp.noRoute',
    peer: () => {
      const peer = new Peer().listen()
      peer.link.route = () => {
        throw new Error('no route')
      }
      return peer
    },
    packet: peer => peer.packet({ flags: 'S' })
  },
  {
    what: 'an ACK of nothing in SYN-SENT',
    reason: 'tcp.badAck',
    peer: synSent,
    packet: peer => peer.packet({ flags: 'S.', ack: 7 })
  },
  {
    what: 'RST without ACK in SYN-SENT',
    reason: 'tcp.badReset',
    peer: synSent,
    packet: peer => peer.packet({ flags: 'R' })
  },
  {
    what: 'an ACK without SYN in SYN-SENT',
    reason: 'tcp.inSynSent',
    peer: synSent,
    packet: peer => peer.packet({ flags: '.', ack: 1 })
  },
  {
    what: 'text far off in SYN-RECEIVED',
    reason: 'tcp.unacceptable',
    peer: halfOpen,
    packet: peer => peer.packet({ ...TEXT, seq: 90_000 })
  },
  {
    what: 'RST beside RCV.NXT in SYN-RECEIVED',
    reason: 'tcp.badReset',
    peer: halfOpen,
    packet: peer => peer.packet({ flags: 'R', seq: 2 })
  },
  {
    what: 'no ACK in SYN-RECEIVED',
    reason: 'tcp.noAck',
    peer: halfOpen,
    packet: peer => peer.packet({ flags: 'P', seq: 1, text: 'x' })
  },
  {
    what: 'an ACK of nothing in SYN-RECEIVED',
    reason: 'tcp.badAck',
    peer: halfOpen,
    packet: peer => peer.packet({ flags: '.', seq: 1, ack: 2 })
  },
  {
    what: 'text right of the window',
    reason: 'tcp.unacceptable',
    packet: peer => peer.packet({ ...TEXT, seq: 2 ** 20 })
  },
  {
    what: 'an old timestamp',
    reason: 'tcp.oldTimestamp',
    peer: () => established({ syn: { ts: [1000, 0] } }),
    packet: peer => peer.packet({ ...TEXT, ts: [999, 0] })
  },
  { what: 'RST beside RCV.NXT', reason: 'tcp.badReset', packet: peer => peer.packet({ flags: 'R', seq: 2 }) },
  { what: 'a SYN in the window', reason: 'tcp.unexpectedSyn', packet: peer => peer.packet({ flags: 'S', seq: 2 }) },
  { what: 'no ACK', reason: 'tcp.noAck', packet: peer => peer.packet({ flags: 'P', seq: 1, text: 'x' }) },
  {
    what: 'an ACK of what was not sent',
    reason: 'tcp.badAck',
    packet: peer => peer.packet({ flags: '.', seq: 1, ack: 2 })
  },
  {
    what: 'an ACK from long ago',
    reason: 'tcp.oldAck',
    packet: peer => peer.packet({ flags: '.', seq: 1, ack: -70_000 })
  },
  {
    what: 'text after a FIN',
    reason: 'tcp.textAfterFin',
    peer: () => {
      const peer = established()
      peer.arrive({ flags: 'F.', seq: 1, ack: 1 })
      return peer
    },
    packet: peer => peer.packet({ ...TEXT, seq: 2 })
  },
  {
    what: 'RST in TIME-WAIT',
    reason: 'tcp.inTimeWait',
    peer: timeWait,
    packet: peer => peer.packet({ flags: 'R', seq: 2 })
  },
  {
    what: 'a new SYN in TIME-WAIT when nobody listens any more',
    reason: 'tcp.inTimeWait',
    peer: () => {
      const peer = timeWait()
      peer.listener?.close()
      peer.settle()
      return peer
    },
    packet: peer => peer.packet({ flags: 'S', seq: 100_000 })
  }
]

for (const { what, reason, peer: begin = established, packet } of rows) {
  t.test(`dropped once: ${what} -> ${reason}`, async t => {
    const peer = begin()
    t.same(drops(peer.stack), [], 'nothing before')
    peer.inject(packet(peer))
    t.same(drops(peer.stack), [`${reason} 1`])
  })
}

/** What it takes more to bring about than a packet, and the tests that look at the counter. */
const ELSEWHERE: Record<string, [file: string, counter: string]> = {
  'ip.fragmentDuplicate': ['ip/reassembly', 'fragmentDuplicate'],
  'ip.fragmentRefused': ['ip/reassembly', 'fragmentRefused'],
  'ip.fragmentTooMany': ['ip/reassembly', 'fragmentTooMany'],
  'ip.fragmentEvicted': ['ip/reassembly', 'fragmentEvicted'],
  'ip.fragmentNoRoom': ['ip/reassembly', 'fragmentNoRoom'],
  'ip.fragmentTimeout': ['ip/reassembly', 'fragmentTimeout'],
  'ip.fragmentBadEcn': ['ip/reassembly', 'fragmentBadEcn'],
  'icmp.echoForOthers': ['ip/icmp', 'echoForOthers'],
  'tcp.notOurs': ['stack/statistics', 'droppedNotOurs'],
  'tcp.acceptQueueFull': ['stack/accept-queue', 'droppedAcceptQueueFull'],
  'tcp.deferred': ['stack/accept-queue', 'droppedDeferred'],
  'tcp.synInFlood': ['tcp/syn-cookies', 'droppedSynInFlood'],
  'tcp.badCookie': ['tcp/syn-cookies', 'droppedBadCookie'],
  'tcp.outOfMemory': ['tcp/text', 'droppedOutOfMemory'],
  'tcp.tooManyHoles': ['tcp/text', 'droppedTooManyHoles']
}

t.test(
  'where a kernel has the address too, segments for its ports are its own: dropped once, and never answered',
  async t => {
    const link = new HandLink()
    Object.assign(link, { addresses: undefined })
    const clock = new VirtualClock()
    const stack = new Stack({ link, host: clock })
    link.deliver(new Peer().packet({ flags: 'S' }))
    clock.run(1000)
    t.same(drops(stack), ['tcp.notOurs 1'])
    t.equal(stack.counters().tcp.droppedNotOurs, 1)
    t.same(link.sent, [])
  }
)

t.test('each reason is brought about by a test', async t => {
  const tested = new Set(rows.map(row => row.reason))
  for (const [layer, reasons] of Object.entries(new Peer().stack.statistics().dropped)) {
    for (const reason of Object.keys(reasons)) {
      const name = `${layer}.${reason}`
      if (tested.has(name)) continue
      const [file, counter] = ELSEWHERE[name] ?? []
      if (!t.ok(file, `${name} has no test`)) continue
      const source = readFileSync(join(import.meta.dirname, `../${file}.test.ts`), 'utf8')
      t.ok(source.includes(counter), `${name}: ${counter} in ${file}`)
    }
  }
})

t.test('ICMP messages are counted by type, whatever becomes of them', async t => {
  const peer = new Peer()
  const quote = packetOf({ protocol: 17, source: 0x0a000001 })
  for (const type of [3, 3, 11, 12, 4, 5]) peer.inject(icmp(type, 0, 0, quote))
  for (const type of [0, 8]) peer.inject(icmp(type, 0, 0, new Uint8Array(8)))
  t.match(peer.stack.statistics().icmp, {
    InMsgs: 8,
    InDestUnreachs: 2,
    InTimeExcds: 1,
    InParmProbs: 1,
    InSrcQuenchs: 1,
    InRedirects: 1,
    InEchos: 1,
    InEchoReps: 1
  })
})

t.test('how connections end before their time: reset half open, at a close that resets', async t => {
  const half = halfOpen()
  half.arrive({ flags: 'R', seq: 1 })
  t.equal(half.stack.statistics().tcpExt.EmbryonicRsts, 1)
  const open = established()
  open.arrive({ flags: 'R', seq: 1 })
  t.equal(open.stack.statistics().tcpExt.EmbryonicRsts, 0)
  const lingering = established({ sockets: { resetOnClose: true } })
  lingering.call(connection => connection.close())
  t.match(lingering.stack.statistics().tcpExt, { TCPAbortOnLinger: 1, TCPAbortOnClose: 0 })
})

t.test(
  'losses and their repair are counted as Linux does: recoveries, what goes again in them and after timeouts, duplicates',
  async t => {
    const ack = (n: number, sack: [number, number][] = []) => ({ flags: '.', seq: 1, ack: n, sack })
    const peer = established({ syn: { mss: 1000, sackPermitted: true } })
    const counted = () => peer.stack.statistics().tcpExt
    peer.call(connection => connection.write(new Uint8Array(6000)))
    t.equal(counted().TCPOrigDataSent, 6)
    peer.arrive(ack(1, [[1001, 4001]]))
    t.match(counted(), { TCPSackRecovery: 1, TCPRenoRecovery: 0, TCPFastRetrans: 1, TCPSlowStartRetrans: 0 })
    peer.arrive(ack(4001, [[1, 1001]]))
    t.match(counted(), { TCPDSACKRecv: 1, TCPDSACKOfoRecv: 0 })
    peer.arrive(ack(6001))
    const late = established({ syn: { mss: 1000, sackPermitted: true }, sockets: { tailLossProbe: false } })
    late.call(connection => connection.write(new Uint8Array(2000)))
    late.wait(250)
    t.match(late.stack.statistics().tcpExt, { TCPFastRetrans: 0, TCPSlowStartRetrans: 1, TCPTimeouts: 1 })
    const probing = established({ syn: { mss: 1000, sackPermitted: true } })
    probing.call(connection => connection.write(new Uint8Array(2000)))
    probing.wait(50)
    t.match(probing.stack.statistics().tcpExt, { TCPLossProbes: 1, TCPTimeouts: 0 })
  }
)

t.test('duplicates that we tell of, windows that we close and open', async t => {
  const peer = established({ syn: { sackPermitted: true }, sockets: { receiveBuffer: 4096 } })
  const counted = () => peer.stack.statistics().tcpExt
  peer.arrive({ ...TEXT, seq: 101, text: new Uint8Array(100) })
  peer.arrive({ ...TEXT, seq: 101, text: new Uint8Array(100) })
  t.match(counted(), { TCPDSACKOldSent: 0, TCPDSACKOfoSent: 1 })
  peer.arrive({ ...TEXT, text: new Uint8Array(100) })
  peer.arrive({ ...TEXT, text: new Uint8Array(100) })
  t.match(counted(), { TCPDSACKOldSent: 1, TCPDSACKOfoSent: 1 })
  peer.arrive({ ...TEXT, seq: 201, text: new Uint8Array(3896) })
  t.match(counted(), { TCPToZeroWindowAdv: 1, TCPFromZeroWindowAdv: 0 })
  peer.call(connection => connection.read())
  t.match(counted(), { TCPToZeroWindowAdv: 1, TCPFromZeroWindowAdv: 1 })
})

t.test('the state diagram is counted as RFC 4022 says, whoever causes the move', async t => {
  const count = (peer: Peer): number[] => {
    const { ActiveOpens, PassiveOpens, AttemptFails, EstabResets, CurrEstab } = peer.stack.statistics().tcp
    return [ActiveOpens, PassiveOpens, AttemptFails, EstabResets, CurrEstab]
  }
  t.same(count(halfOpen()), [0, 1, 0, 0, 0], 'LISTEN to SYN-RECEIVED')
  const reset = halfOpen()
  reset.arrive({ flags: 'R', seq: 1 })
  t.same(count(reset), [0, 1, 1, 0, 0], 'SYN-RECEIVED to LISTEN')
  const gone = synSent()
  gone.call(connection => connection.close())
  t.same(count(gone), [1, 0, 1, 0, 0], 'SYN-SENT to CLOSED')
  const open = established()
  t.same(count(open), [0, 1, 0, 0, 1])
  open.arrive({ flags: 'F.', seq: 1, ack: 1 })
  t.same(count(open), [0, 1, 0, 0, 1], 'CLOSE-WAIT counts as open')
  open.call(connection => connection.abort())
  t.same(count(open), [0, 1, 0, 1, 0], 'CLOSE-WAIT to CLOSED')
  const finWait = established()
  finWait.call(connection => connection.shutdown())
  finWait.arrive({ flags: 'R', seq: 1 })
  t.same(count(finWait), [0, 1, 0, 0, 0], 'FIN-WAIT-1 to CLOSED is neither')
})

t.test('what is only sent again is not in OutSegs; what is broken is in InErrs (RFC 4022)', async t => {
  const peer = established()
  const before = peer.stack.statistics().tcp
  peer.call(connection => connection.write(new Uint8Array(10)))
  peer.wait(1500)
  peer.inject(set(peer.packet(TEXT), 40, 0))
  const after = peer.stack.statistics().tcp
  t.equal(after.OutSegs - before.OutSegs, 1)
  t.ok(after.RetransSegs >= 1)
  t.equal(after.InSegs - before.InSegs, 1)
  t.same([after.InErrs, after.InCsumErrors], [1, 1])
  t.equal(after.OutRsts, 0)
})

t.test('octets and packets of IP, both ways', async t => {
  const peer = established()
  const before = peer.stack.statistics()
  peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'hello' })
  peer.call(connection => connection.write(new Uint8Array(100)))
  const after = peer.stack.statistics()
  t.equal(after.ipExt.InOctets - before.ipExt.InOctets, 45)
  t.equal(after.ipExt.OutOctets - before.ipExt.OutOctets, 140, 'the ACK rides on the text')
  t.equal(after.ip.OutRequests - before.ip.OutRequests, 1)
  t.equal(after.ip.InReceives - before.ip.InReceives, 1)
})

t.test('echo: requests and replies, and their octets', async t => {
  const peer = new Peer()
  peer.inject(icmp(8, 0, 1, new Uint8Array(56)))
  const { icmp: counted, ipExt } = peer.stack.statistics()
  t.match(counted, { InMsgs: 1, InEchos: 1, OutMsgs: 1, OutEchoReps: 1, InErrors: 0 })
  t.equal(ipExt.OutOctets, 84)
})

t.test(
  'Prometheus: each line is a sample of a metric declared before it, each metric once, and no counter is missing',
  async t => {
    const peer = established()
    peer.inject(set(peer.packet(TEXT), 40, 0))
    const lines = formatPrometheus(peer.stack).split('\n')
    t.equal(lines.pop(), '', 'the last line ends')
    const declared = new Set<string>()
    let current = ''
    for (const line of lines) {
      const type = /^# TYPE (\w+) (counter|gauge)$/.exec(line)
      if (type !== null) {
        t.notOk(declared.has(type[1]), `${type[1]} is declared once`)
        declared.add(type[1])
        current = type[1]
      } else if (!/^# HELP \w+ \S/.test(line)) {
        const sample = /^(\w+)(\{\w+="\w+"(,\w+="\w+")*\})? (-?\d+(\.\d+)?(e\+\d+)?)$/.exec(line)
        t.equal(sample?.[1], current, line)
      }
    }
    const has = (line: string): boolean => t.ok(lines.includes(line), line)
    has('# TYPE rawtcp_netstat_Tcp_CurrEstab gauge')
    has('rawtcp_netstat_Tcp_CurrEstab 1')
    has('# TYPE rawtcp_netstat_Tcp_PassiveOpens counter')
    has('rawtcp_netstat_Tcp_PassiveOpens 1')
    has('rawtcp_netstat_TcpExt_TCPTimeouts 0')
    has('rawtcp_dropped_total{layer="tcp",reason="badChecksum"} 1')
    has('rawtcp_connections{kind="connections"} 1')
    for (const kind of ['unread', 'fragments']) has(`rawtcp_held_bytes{kind="${kind}"} 0`)
    has('rawtcp_slab_bytes{kind="used"} 0')
    for (const [part, counters] of Object.entries(peer.stack.counters())) {
      for (const [name, value] of Object.entries(counters)) {
        if (name.endsWith('Bytes') && part === 'stack') continue // gauges
        has(`rawtcp_events_total{part="${part}",event="${name}"} ${value}`)
      }
    }
  }
)
