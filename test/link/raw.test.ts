// The driver over raw sockets, against the kernel's TCP on loopback.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { CHECKSUM_GOOD, TX_HEADER_OFFSET, TX_HEADER_ROOM, TX_STRIDE } from '../../src/link/link.ts'
import { RawLink, type RawLinkOptions } from '../../src/link/raw.ts'
import { ICMP_ECHO_REPLY, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE } from '../../src/wire/icmp.ts'
import { PROTOCOL_ICMP, PROTOCOL_TCP, writeIpv4Header } from '../../src/wire/ipv4.ts'
import { ACK, CWR, ECE, FIN, PSH, RST, SYN } from '../../src/wire/segment.ts'
import { addSegment, LOOPBACK, newBatch, type Sent } from '../native/packets.ts'
import { unlessPrivileged } from '../support/privileges.ts'
import { Collector } from './collector.ts'
import { claimFree } from './ports.ts'

const skip = unlessPrivileged()

function open(
  t: Test,
  options: RawLinkOptions = {}
): { link: RawLink; peer: Collector; send: (...segments: Sent[]) => void } {
  const link = new RawLink({ address: '127.0.0.1', ...options })
  t.teardown(() => link.close())
  const peer = new Collector()
  link.start(peer)
  const text = Buffer.from('ping and more text, even for a second piece')
  const batch = newBatch(text)
  const send = (...segments: Sent[]): void => {
    batch.count = 0
    for (const segment of segments) addSegment(batch, segment)
    link.send(batch)
  }
  return { link, peer, send }
}

t.test(
  'active open: a SYN made by hand is answered, the handshake ends, text arrives, the kernel keeps quiet',
  {
    skip
  },
  async t => {
    const { link, peer, send } = open(t)
    const server = createServer().listen(0, '127.0.0.1')
    t.teardown(() => server.close())
    await once(server, 'listening')
    const accepted = once(server, 'connection')
    const destinationPort = (server.address() as AddressInfo).port
    const sourcePort = claimFree(link.guard)

    send({ sourcePort, destinationPort, flags: SYN, seq: 1000 })
    const { segment, checksum, wantedChecksum } = await peer.segment(it => it.flags === (SYN | ACK))
    t.equal(segment.ack, 1001)
    t.equal(checksum, wantedChecksum, 'a segment that never met a wire')
    // Were the port not guarded, the kernel would have answered the SYN-ACK with a RST by now.
    await sleep(50)
    const established = { sourcePort, destinationPort, ack: (segment.seq + 1) | 0 }
    send({ ...established, seq: 1001 }, { ...established, seq: 1001, flags: PSH | ACK, text: [0, 4, 9, 4] })
    const [socket] = await accepted
    const [text] = await once(socket, 'data')
    t.equal(String(text), 'pingmore', 'in two pieces')
    socket.write('pong')
    t.equal((await peer.segment(it => it.payloadLength > 0)).text, 'pong')
    const failed = once(socket, 'error')
    send({ ...established, seq: 1009, flags: RST | ACK })
    t.match(await failed, [{ code: 'ECONNRESET' }])
  }
)

t.test('passive open: the kernel as client meets silence where nothing answers, and no RST', { skip }, async t => {
  const { link, peer, send } = open(t)
  const port = claimFree(link.guard)
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const failed: unknown[] = []
  socket.on('error', error => failed.push(error))
  const { segment } = await peer.segment(it => it.flags === SYN)
  await sleep(100)
  t.same(failed, [])
  send({
    sourcePort: port,
    destinationPort: segment.sourcePort,
    flags: SYN | ACK,
    seq: 77,
    ack: (segment.seq + 1) | 0
  })
  await once(socket, 'connect')
})

t.test('a packet that the kernel has not cut up comes as one, larger than any MTU of Ethernet', { skip }, async t => {
  const { link, peer, send } = open(t)
  const port = claimFree(link.guard)
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const { segment } = await peer.segment(it => it.flags === SYN)
  const reply = { sourcePort: port, destinationPort: segment.sourcePort, ack: (segment.seq + 1) | 0 }
  send({ ...reply, flags: SYN | ACK, seq: 77 })
  await once(socket, 'connect')
  socket.write(Buffer.alloc(60_000, 'x'))
  let acked = 0
  await peer.until(() => {
    const texts = peer.segments.filter(it => it.segment.payloadLength > 0)
    const received = texts.reduce(
      (sum, it) => Math.max(sum, ((it.segment.seq - segment.seq - 1) | 0) + it.text.length),
      0
    )
    if (received > acked) {
      acked = received
      send({ ...reply, seq: 78, ack: (segment.seq + 1 + acked) | 0 })
    }
    return acked >= 60_000
  })
  const largest = Math.max(...peer.segments.map(it => it.length))
  t.ok(largest > 1500, `${largest} bytes`)
  t.equal(link.counters().receivedTruncated, 0)
})

t.test('segments between ports of ours come back complete: GOOD, not PARTIAL', { skip }, async t => {
  const { link, peer, send } = open(t)
  const port = claimFree(link.guard)
  send({ sourcePort: 9, destinationPort: port, flags: RST, text: [0, 7] })
  const arrived = await peer.segment(it => it.destinationPort === port)
  t.equal(arrived.checksum, CHECKSUM_GOOD)
  t.equal(arrived.text, 'ping an')
  const { sentPackets, sentBytes, receivedPackets, receivedBytes } = link.counters()
  t.same([sentPackets, sentBytes, receivedPackets, receivedBytes], [1, 47, 1, 47])
})

t.test(
  'only ports in use are received, from the moment of the claim, and no more a while after release',
  {
    skip
  },
  async t => {
    const { link, peer, send } = open(t)
    const port = claimFree(link.guard)
    const other = claimFree(open(t).link.guard)
    send(
      { sourcePort: 9, destinationPort: other, flags: RST, seq: 1 },
      { sourcePort: 9, destinationPort: port, flags: RST, seq: 2 }
    )
    await peer.segment(it => it.seq === 2)
    t.equal(peer.segments.length, 1)
    link.guard.release(LOOPBACK, port)
    await sleep(1200)
    send({ sourcePort: 9, destinationPort: port, flags: RST, seq: 3 })
    await sleep(50)
    t.equal(peer.segments.length, 1)
  }
)

t.test('a thousand packets in one call arrive, in order, in few batches', { skip }, async t => {
  const { link, peer } = open(t)
  const port = claimFree(link.guard)
  const batch = newBatch(Buffer.alloc(2000, 'y'), 1000)
  for (let seq = 0; seq < 1000; seq++) {
    addSegment(batch, { sourcePort: 9, destinationPort: port, flags: RST, seq, text: [0, 1000] })
  }
  link.send(batch)
  await peer.until(() => peer.segments.length === 1000)
  t.ok(peer.segments.every((it, i) => it.segment.seq === i && it.checksum === CHECKSUM_GOOD))
  t.equal(peer.batches, Math.ceil(1000 / 64))
})

t.test('a good checksum is GOOD whatever it is, that of the pseudo-header among them', { skip }, async t => {
  const { link, peer } = open(t)
  const port = claimFree(link.guard)
  const batch = newBatch(new Uint8Array(0), 512)
  for (let seq = 0; seq < 65_536; seq += 512) {
    batch.count = 0
    for (let i = 0; i < 512; i++) addSegment(batch, { sourcePort: 9, destinationPort: port, flags: RST, seq: seq + i })
    link.send(batch)
    await peer.until(() => peer.segments.length === seq + 512)
  }
  t.same(
    peer.segments.filter(it => it.checksum !== CHECKSUM_GOOD).map(it => [it.segment.seq, it.checksum]),
    []
  )
})

t.test('while packets are large, a batch asks for few, so that ACKs leave between them', { skip }, async t => {
  const { link, peer } = open(t, { joinSegments: false })
  const port = claimFree(link.guard)
  const text = new Uint8Array(60_000)
  const send = async (count: number, bytes: number): Promise<number> => {
    const batch = newBatch(text)
    for (let i = 0; i < count; i++) {
      addSegment(batch, { sourcePort: 9, destinationPort: port, seq: i * bytes, text: [0, bytes] })
    }
    const [batches, segments] = [peer.batches, peer.segments.length]
    link.send(batch)
    await peer.until(() => peer.segments.length === segments + count)
    return peer.batches - batches
  }
  t.equal(await send(1, 60_000), 1)
  t.equal(await send(40, 60_000), 5, 'eight at once')
  t.ok((await send(100, 100)) <= 3, 'and again many that are small, but for the first ones')
})

t.test('ICMP errors about TCP are heard, other ICMP is not', { skip }, async t => {
  const { link, peer } = open(t)
  const batch = newBatch(new Uint8Array(0), 4)
  const addIcmp = (type: number, quotedProtocol: number): void => {
    const at = batch.count * TX_HEADER_ROOM
    const quote = at + 28
    writeIpv4Header(batch.headerView, at, 56, 0, 1, false, 64, PROTOCOL_ICMP, LOOPBACK, LOOPBACK)
    batch.headers.fill(0, at + 20, at + 28)
    batch.headers[at + 20] = type
    writeIpv4Header(batch.headerView, quote, 40, 0, 1, false, 64, quotedProtocol, LOOPBACK, LOOPBACK)
    batch.table.set([at, 56, 0, 0, 0, 0, 0, 0], batch.count * TX_STRIDE)
    batch.count++
  }
  addIcmp(ICMP_ECHO_REPLY, PROTOCOL_TCP)
  addIcmp(ICMP_UNREACHABLE, 17)
  addIcmp(ICMP_TIME_EXCEEDED, PROTOCOL_TCP)
  addIcmp(ICMP_UNREACHABLE, PROTOCOL_TCP)
  link.send(batch)
  await peer.until(() => peer.icmpTypes.length === 2)
  await sleep(20)
  t.same(peer.icmpTypes, [ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE])
  t.equal(link.counters().receivedChecksumBad, 0)
})

t.test('a descriptor that points nowhere is counted, and the packets around it leave', { skip }, async t => {
  const { link, peer } = open(t)
  const port = claimFree(link.guard)
  const batch = newBatch()
  for (const seq of [1, 2, 3]) addSegment(batch, { sourcePort: 9, destinationPort: port, flags: RST, seq })
  batch.table[TX_STRIDE + TX_HEADER_OFFSET] = -1
  link.send(batch)
  await peer.segment(it => it.seq === 3)
  t.same(
    peer.segments.map(it => it.segment.seq),
    [1, 3]
  )
  t.equal(link.counters().sendMalformed, 1)
})

t.test('a receive buffer that is too small overflows, and the packets lost are counted', { skip }, async t => {
  const link = new RawLink({ address: '127.0.0.1', receiveBuffer: 64 * 1024 })
  t.teardown(() => link.close())
  const peer = new Collector()
  link.start(peer)
  const port = claimFree(link.guard)
  const batch = newBatch(new Uint8Array(1000), 1000)
  for (let seq = 0; seq < 1000; seq++) {
    addSegment(batch, { sourcePort: 9, destinationPort: port, flags: RST, seq, text: [0, 1000] })
  }
  link.send(batch)
  await peer.until(() => link.counters().receiveOverflows + peer.segments.length === 1000)
  const { receiveOverflows } = link.counters()
  t.ok(receiveOverflows > 0)
  batch.count = 20
  link.send(batch)
  await peer.until(() => peer.segments.length === 1020 - receiveOverflows)
  t.equal(link.counters().receiveOverflows, receiveOverflows, 'each is counted once')
})

t.test('a batch tells how full the queue is that it came from', { skip }, async t => {
  const { link, peer, send } = open(t, { receiveBuffer: 1024 * 1024 })
  const port = claimFree(link.guard)
  send({ sourcePort: 9, destinationPort: port, flags: RST, seq: 0 })
  await peer.segment(it => it.seq === 0)
  t.equal(peer.fullest, 0)
  for (let first = 1; first <= 1000; first += 200) {
    send(
      ...Array.from({ length: 200 }, (_, i) => ({ sourcePort: 9, destinationPort: port, flags: RST, seq: first + i }))
    )
  }
  await peer.segment(it => it.seq === 1000)
  // 2 MiB, since the kernel doubles it for what it keeps with a packet, some 700 to 1300 bytes of which there are 936 times.
  t.ok(peer.fullest > 0.25 && peer.fullest < 0.75, `${peer.fullest}`)
})

t.test('close may come twice, in a callback too, and nothing is heard or sent afterwards', { skip }, async t => {
  const { link, send } = open(t)
  const port = claimFree(link.guard)
  let calls = 0
  let isCalled: () => void = () => {}
  const called = new Promise<void>(resolve => (isCalled = resolve))
  const second = new RawLink({ address: '127.0.0.1' })
  const port2 = claimFree(second.guard)
  second.start({
    packetsArrived() {
      calls++
      second.close()
      second.close()
      isCalled()
    },
    linkWritable() {}
  })
  const many = Array.from({ length: 200 }, () => ({ sourcePort: 9, destinationPort: port2, flags: RST }))
  send(...many)
  await called
  await sleep(50)
  t.equal(calls, 1)
  second.send(newBatch())
  second.guard.release(LOOPBACK, port2)
  link.close()
  send({ sourcePort: 9, destinationPort: port })
  link.close()
  t.equal(link.counters().sentPackets, 200)
})

t.test('options: unknown names and wrong values are refused', async t => {
  const wrong = [
    [{ adress: '127.0.0.1' }, 'ERR_INVALID_ARG_VALUE'],
    [{ receiveBuffer: 1 }, 'ERR_OUT_OF_RANGE'],
    [{ sendBuffer: '1' }, 'ERR_INVALID_ARG_TYPE'],
    [{ acceptPartialChecksums: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ address: '127.0.0' }, 'ERR_INVALID_IP_ADDRESS'],
    [{ address: 1 }, 'ERR_INVALID_ARG_TYPE']
  ] as const
  for (const [options, code] of wrong) t.throws(() => new RawLink(options as object), { code })
})

t.test('an address that is not the host’s is refused', { skip }, async t => {
  t.throws(() => new RawLink({ address: '192.0.2.1' }), { code: 'EADDRNOTAVAIL', address: '192.0.2.1' })
})

t.test('route: loopback has its own address and an MTU beyond Ethernet’s', { skip }, async t => {
  const { link } = open(t)
  const route = link.route(LOOPBACK)
  t.equal(route.source, LOOPBACK)
  t.ok(route.mtu > 1500 && route.mtu <= 65535)
  t.equal(link.route(LOOPBACK), route, 'remembered')
})

t.test(
  'a super-segment leaves in segments that carry its text on; what its flags say is said once',
  { skip },
  async t => {
    const { link, peer, send } = open(t)
    const destinationPort = claimFree(link.guard)
    // 'ping and more text, even' round the end of a ring, in tens: across the edge, on it, and a shorter last one.
    const flags = ACK | PSH | FIN | CWR | ECE
    send({ sourcePort: 9, destinationPort, flags, seq: 0x7ffffffa, text: [5, 14, 20, 11], segment: 10 })
    await peer.until(() => peer.segments.length === 3)
    t.same(
      peer.segments.map(({ segment, text, checksum }) => [segment.seq, segment.flags, text, checksum]),
      [
        [0x7ffffffa, ACK | CWR | ECE, 'and more t', CHECKSUM_GOOD],
        [(0x7ffffffa + 10) | 0, ACK | ECE, 'ext,even f', CHECKSUM_GOOD],
        [(0x7ffffffa + 20) | 0, ACK | PSH | FIN | ECE, 'or a ', CHECKSUM_GOOD]
      ]
    )
    t.equal(link.counters().sentPackets, 3)
  }
)

t.test(
  'super-segments beyond one chunk of messages, and around them single packets, all leave in order',
  { skip },
  async t => {
    const { link, peer } = open(t, { joinSegments: false })
    const destinationPort = claimFree(link.guard)
    const batch = newBatch(new Uint8Array(65_536), 16)
    let seq = 1
    for (let i = 0; i < 12; i++) {
      const length = i % 3 === 0 ? 0 : 20_000
      addSegment(batch, {
        sourcePort: 9,
        destinationPort,
        seq,
        text: [i * 100, length],
        segment: length > 0 ? 1000 : 0
      })
      seq += length
    }
    link.send(batch)
    await peer.until(() => peer.segments.length === 4 + 8 * 20)
    const bounds = peer.segments.map(({ segment }) => [segment.seq, segment.seq + segment.payloadLength])
    t.ok(bounds.every(([left], i) => left === (i === 0 ? 1 : bounds[i - 1][1])))
    t.equal(bounds.at(-1)?.[1], seq)
  }
)

t.test('segments that follow one another arrive as one, and are counted', { skip }, async t => {
  const { link, peer, send } = open(t)
  const destinationPort = claimFree(link.guard)
  const [before, behind] = [
    { seq: 1, flags: SYN },
    { seq: 27, flags: FIN | ACK }
  ]
  const texts = [0, 8, 16].map(at => ({ seq: 2 + at, text: [at, 8] as const }))
  send(...[before, ...texts, behind].map(it => ({ sourcePort: 9, destinationPort, ...it })))
  await peer.segment(({ flags }) => (flags & FIN) !== 0)
  t.same(
    peer.segments.map(({ segment, text, checksum }) => [segment.seq, text, checksum]),
    [
      [1, '', CHECKSUM_GOOD],
      [2, 'ping and more text, even', CHECKSUM_GOOD],
      [27, '', CHECKSUM_GOOD]
    ]
  )
  const { receivedPackets, receivedJoined } = link.counters()
  t.same({ receivedPackets, receivedJoined }, { receivedPackets: 5, receivedJoined: 2 })
})
