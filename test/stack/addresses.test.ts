// Whose address a connection has (RFC 9293 §3.9.2.3, RFC 1122 §3.2.1.8 and §3.3.4.2): that of the route, that of the SYN, and
// none that an IP option names.

import t from 'tap'
import { VirtualClock } from '../../src/sim/clock.ts'
import { Stack } from '../../src/stack/stack.ts'
import { finish, sum } from '../../src/wire/checksum.ts'
import { ACK, Segment, SYN } from '../../src/wire/segment.ts'
import { HandLink, knock, OUR_ADDRESS, PEER_ADDRESS, Peer, parsed, tcpPacket } from '../support/peer.ts'

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
