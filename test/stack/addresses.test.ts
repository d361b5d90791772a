// Whose address a connection has (RFC 9293 §3.9.2.3, RFC 1122 §3.2.1.8 and §3.3.4.2): that of the route, that of the SYN, and
// none that an IP option names.

import t from 'tap'
import { VirtualClock } from '../../src/sim/clock.ts'
import { Stack } from '../../src/stack/stack.ts'
import { finish, sum } from '../../src/wire/checksum.ts'
import { ACK, Segment, SYN } from '../../src/wire/segment.ts'
import { packetOf } from '../ip/packets.ts'
import { established, HandLink, knock, OUR_ADDRESS, PEER_ADDRESS, Peer, parsed, tcpPacket } from '../support/peer.ts'

const SECOND_ADDRESS = 0x0a000007

/** A host with two addresses, of which the route takes the second. */
function twoAddresses() {
  const link = Object.assign(new HandLink(), {
    addresses: [OUR_ADDRESS, SECOND_ADDRESS],
    route: () => ({ source: SECOND_ADDRESS, mtu: 1500 })
  })
  const clock = new VirtualClock({ seed: 1 })
  return { link, clock, stack: new Stack({ link, host: clock }) }
}

const source = (packet: Uint8Array): number => new DataView(packet.buffer, packet.byteOffset).getInt32(12)
const destination = (packet: Uint8Array): number => new DataView(packet.buffer, packet.byteOffset).getInt32(16)

/** From PEER_ADDRESS, port 5000. */
function segment(fields: Partial<Segment>, ports: [number, number], text = ''): Segment & { text: string } {
  return Object.assign(new Segment(), { sourcePort: ports[0], destinationPort: ports[1], window: 1000, text }, fields)
}

t.test(
  'a connection without a local address takes that of the route before its SYN, and keeps it (MUST-44, MUST-45)',
  async t => {
    const { link, clock, stack } = twoAddresses()
    const connection = stack.connect({ address: '10.0.0.2', port: 80 })
    t.equal(connection.localAddress, '10.0.0.7')
    clock.run(0)
    const syn = parsed(link.sent[0])
    link.route = () => ({ source: OUR_ADDRESS, mtu: 1500 })
    const answer = segment({ flags: SYN | ACK, seq: 99, ack: syn.seq + 1 }, [80, syn.sourcePort])
    link.deliver(tcpPacket(answer, new Uint8Array(0), PEER_ADDRESS, SECOND_ADDRESS))
    connection.write(new Uint8Array(10))
    clock.run(5000)
    connection.abort()
    clock.run(5000)
    t.ok(link.sent.length > 4)
    t.same(new Set(link.sent.map(source)), new Set([SECOND_ADDRESS]))
  }
)

t.test(
  'a connection that a SYN opens has the address that the SYN was sent to (MUST-45, RFC 1122 §4.2.3.7)',
  async t => {
    const { link, clock, stack } = twoAddresses()
    stack.listen({ port: 80 }, c => c.write(new Uint8Array(10)))
    link.deliver(tcpPacket(segment({ flags: SYN, seq: 99 }, [5000, 80]), new Uint8Array(0)))
    clock.run(0)
    const synAck = parsed(link.sent[0])
    const opens = segment({ flags: ACK, seq: 100, ack: synAck.seq + 1 }, [5000, 80])
    link.deliver(tcpPacket(opens, new Uint8Array(0)))
    link.deliver(tcpPacket(segment({ flags: SYN, seq: 99 }, [5000, 81]), new Uint8Array(0))) // a RST
    clock.run(5000)
    t.ok(link.sent.length > 3)
    t.same(new Set(link.sent.map(source)), new Set([OUR_ADDRESS]))
  }
)

/** The packet with these options in its IPv4 header. */
function withOptions(packet: Uint8Array, options: number[]): Uint8Array {
  const longer = new Uint8Array(packet.length + options.length)
  longer.set(packet.subarray(0, 20))
  longer.set(options, 20)
  longer.set(packet.subarray(20), 20 + options.length)
  const view = new DataView(longer.buffer)
  longer[0] = 0x40 | (5 + options.length / 4)
  view.setUint16(2, longer.length)
  view.setUint16(10, 0)
  view.setUint16(10, finish(sum(view, 0, 20 + options.length, 0)))
  return longer
}

t.test(
  'a recorded route, a source route and what else an IP option says are stepped over: answers go straight, without options',
  async t => {
    const rows: { what: string; options: number[] }[] = [
      { what: 'loose source route', options: [131, 7, 8, 10, 0, 0, 99, 0] },
      { what: 'strict source route', options: [137, 7, 8, 10, 0, 0, 99, 0] },
      { what: 'record route', options: [7, 11, 8, 10, 0, 0, 99, 0, 0, 0, 0, 0] },
      { what: 'timestamps', options: [68, 8, 5, 0, 0, 0, 0, 0] },
      { what: 'stream identifier', options: [136, 4, 1, 2] },
      { what: 'security', options: [130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] },
      { what: 'an unknown one', options: [94, 4, 1, 2] },
      { what: 'a length of 0', options: [7, 0, 0, 0] },
      { what: 'a length beyond the header', options: [131, 99, 4, 0] }
    ]
    for (const { what, options } of rows) {
      const peer = new Peer().listen()
      peer.inject()
      peer.link.deliver(withOptions(peer.packet({ flags: 'S' }), options))
      peer.settle()
      t.equal(peer.link.sent.length, 1, what)
      const [answer] = peer.link.sent
      t.equal(answer[0], 0x45, `${what}: no options`)
      t.equal(destination(answer), PEER_ADDRESS, `${what}: to the source`)
      peer.ourIsn = peer.last().seq
      peer.inject(withOptions(peer.packet({ flags: 'P.', seq: 1, ack: 1, text: 'hello' }), options))
      t.equal(peer.read(), 'hello', what)
    }
    t.equal(knock(new Peer().listen(), 5001)?.flags, SYN | ACK)
  }
)

/** A message to us from THERE of ip/packets.ts, which is PEER_ADDRESS. */
function icmp(type: number, data = new Uint8Array(28)): Uint8Array {
  const payload = new Uint8Array(8 + data.length)
  payload[0] = type
  payload.set(data, 8)
  const view = new DataView(payload.buffer)
  view.setInt32(4, 0x12345678)
  view.setUint16(2, finish(sum(view, 0, payload.length, 0)))
  return packetOf({ protocol: 1, payload })
}

t.test(
  'nothing that comes makes us send an ICMP error, or any message but an echo reply (RFC 1122 §3.2.2)',
  async t => {
    const peer = established()
    const packets = [
      packetOf({ protocol: 17, payload: new Uint8Array(8) }),
      packetOf({ protocol: 99, payload: new Uint8Array(8) }),
      packetOf({ moreFragments: true, payload: new Uint8Array(8) }), // its time will be up
      withOptions(packetOf({ protocol: 17, payload: new Uint8Array(8) }), [131, 7, 4, 10, 0, 0, 99, 0]),
      withOptions(packetOf({ protocol: 17, payload: new Uint8Array(8) }), [7, 0, 0, 0]), // a bad parameter
      ...[0, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 255].map(type => icmp(type))
    ]
    peer.link.sent = []
    for (const packet of packets) peer.link.deliver(packet)
    peer.clock.run(peer.clock.now() + 300_000)
    t.equal(peer.stack.counters().ip.fragmentTimeout, 1)
    t.same(peer.link.sent, [])
    peer.link.deliver(icmp(8))
    peer.settle()
    t.equal(peer.link.sent.length, 1)
  }
)

t.test('an echo request with a source route is answered straight, without options (RFC 1122 §3.2.2.6)', async t => {
  const peer = new Peer()
  const data = Uint8Array.from({ length: 40 }, (_, i) => i)
  for (const options of [
    [131, 7, 8, 10, 0, 0, 99, 0],
    [7, 11, 8, 10, 0, 0, 99, 0, 0, 0, 0, 0],
    [68, 8, 5, 0, 0, 0, 0, 0]
  ]) {
    peer.link.sent = []
    peer.link.deliver(withOptions(icmp(8, data), options))
    peer.settle()
    const [reply] = peer.link.sent
    t.equal(reply[0], 0x45)
    t.same([source(reply), destination(reply)], [OUR_ADDRESS, PEER_ADDRESS])
    t.same([...reply.subarray(28)], [...data])
  }
})

t.test('an echo reply is one packet: what does not fit is left out (RFC 1122 §3.2.2.6)', async t => {
  const peer = new Peer()
  peer.link.deliver(icmp(8, new Uint8Array(3000).fill(7)))
  peer.settle()
  const [reply] = peer.link.sent
  t.equal(reply.length, 1500)
  t.equal(reply[1499], 7)
})
