// What IpInput lets through, and the counter that each refusal moves.

import t from 'tap'
import type { IpCounters } from '../../src/ip/counters.ts'
import { IpInput } from '../../src/ip/input.ts'
import { Random } from '../../src/random.ts'
import { parseAddress } from '../../src/wire/address.ts'
import { ECN_CE } from '../../src/wire/ipv4.ts'
import { bytesOf, randomBytes, viewOf } from '../wire/bytes.ts'
import { HERE, packetOf, THERE } from './packets.ts'

function arrive(input: IpInput, packet: Uint8Array, checksumState = 0): boolean {
  return input.packetArrives(viewOf(packet), packet, 0, packet.length, checksumState, 0)
}

/** The counters that moved. */
function moved(counters: IpCounters): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).filter(([name, count]) => count !== 0 && name !== 'receivedBytes'))
}

const address = (text: string): number => parseAddress(text)!
const changed = (at: number, to: number): Uint8Array => {
  const packet = packetOf()
  packet[at] = to
  return packet
}

const refusals: { what: string; packet: Uint8Array; counter: keyof IpCounters }[] = [
  { what: 'no bytes', packet: new Uint8Array(0), counter: 'tooShort' },
  { what: 'half a header', packet: packetOf().subarray(0, 10), counter: 'tooShort' },
  { what: 'IPv6', packet: changed(0, 0x65), counter: 'badVersion' },
  { what: 'a header of 4 words', packet: changed(0, 0x44), counter: 'badHeaderLength' },
  { what: 'a total length beyond the packet', packet: changed(3, 29), counter: 'badTotalLength' },
  { what: 'a wrong header checksum', packet: changed(8, 63), counter: 'badHeaderChecksum' },
  // RFC 1122 §3.2.1.3.
  { what: 'from 0.0.0.0', packet: packetOf({ source: 0 }), counter: 'martianSource' },
  { what: 'from 0.1.2.3', packet: packetOf({ source: address('0.1.2.3') }), counter: 'martianSource' },
  { what: 'from a multicast group', packet: packetOf({ source: address('224.0.0.1') }), counter: 'martianSource' },
  {
    what: 'from the end of multicast',
    packet: packetOf({ source: address('239.255.255.255') }),
    counter: 'martianSource'
  },
  { what: 'from class E', packet: packetOf({ source: address('240.0.0.1') }), counter: 'martianSource' },
  { what: 'from broadcast', packet: packetOf({ source: -1 }), counter: 'martianSource' },
  { what: 'to a multicast group', packet: packetOf({ destination: address('224.0.0.1') }), counter: 'notUnicast' },
  { what: 'to broadcast', packet: packetOf({ destination: -1 }), counter: 'notUnicast' },
  { what: 'to 0.0.0.0', packet: packetOf({ destination: 0 }), counter: 'notUnicast' },
  { what: 'to somebody else', packet: packetOf({ destination: THERE }), counter: 'notOurs' }
]
for (const row of refusals) {
  t.test(`dropped: ${row.what} -> ${row.counter}`, async t => {
    const input = new IpInput({ accepts: destination => destination === HERE })
    t.equal(arrive(input, row.packet), false)
    t.same(moved(input.counters), { received: 1, [row.counter]: 1 })
  })
}

t.test('multicast and broadcast are refused even where every address is ours', async t => {
  const input = new IpInput({ accepts: () => true })
  for (const destination of ['224.0.0.1', '255.255.255.255', '0.0.0.0']) {
    t.notOk(arrive(input, packetOf({ destination: address(destination) })))
  }
  t.ok(arrive(input, packetOf({ destination: address('203.0.113.77') })))
})

t.test('taken: the packet is described in place', async t => {
  const input = new IpInput({ accepts: destination => destination === HERE })
  const inner = packetOf({
    protocol: 1,
    tos: 0xb8 | ECN_CE,
    ttl: 9,
    options: bytesOf('01010100'),
    payload: new Uint8Array(11)
  })
  const slab = new Uint8Array(100)
  slab.set(inner, 30)
  const view = viewOf(slab)
  t.ok(input.packetArrives(view, slab, 30, inner.length + 5, 2, 0))
  const { packet } = input
  t.match(packet, {
    protocol: 1,
    source: THERE,
    destination: HERE,
    tos: 0xbb,
    ttl: 9,
    checksumState: 2,
    offset: 54,
    length: 11
  })
  t.equal(packet.ecn, ECN_CE)
  t.equal(packet.view, view)
  t.equal(packet.bytes, slab)
  t.same(moved(input.counters), { received: 1, delivered: 1, ce: 1 })
})

for (const ttl of [0, 1]) {
  t.test(`RFC 1122 §3.2.1.7: a TTL of ${ttl} is no reason to drop`, async t => {
    t.ok(arrive(new IpInput({ accepts: () => true }), packetOf({ ttl })))
  })
}

t.test('127.0.0.1 talks to itself: on a raw socket, loopback is a network', async t => {
  const loopback = address('127.0.0.1')
  t.ok(arrive(new IpInput({ accepts: () => true }), packetOf({ source: loopback, destination: loopback })))
})

t.test('fragments come out whole, the checksum unknown whatever the driver said', async t => {
  const input = new IpInput({ accepts: () => true })
  const payload = randomBytes(new Random(1), 30)
  t.notOk(arrive(input, packetOf({ id: 7, fragmentOffset: 16, payload: payload.subarray(16) }), 1))
  t.ok(arrive(input, packetOf({ id: 7, moreFragments: true, payload: payload.subarray(0, 16), ttl: 5 }), 1))
  const { packet } = input
  t.match(packet, { protocol: 6, source: THERE, destination: HERE, checksumState: 0, length: 30 })
  t.same(packet.bytes.subarray(packet.offset, packet.offset + 30), payload)
  t.equal(packet.view.getUint8(packet.offset + 29), payload[29])
  t.same(moved(input.counters), { received: 2, delivered: 1, notEct: 1, fragments: 2, reassembled: 1 })
})

t.test('random packets never throw, and each one is counted once: 100000 cases', async t => {
  const random = new Random(2)
  const input = new IpInput({ accepts: () => true })
  for (let i = 0; i < 100_000; i++) {
    const options = new Uint8Array(4 * random.int(11))
    const packet = packetOf({
      id: i >> 1,
      fragmentOffset: 8 * random.int(3),
      moreFragments: random.chance(0.3),
      options,
      payload: randomBytes(random, random.chance(0.5) ? 8 : random.int(40))
    })
    for (let flips = random.int(3); flips > 0; flips--) packet[random.int(packet.length)] = random.int(256)
    const cut = packet.subarray(0, random.chance(0.8) ? packet.length : random.int(packet.length))
    arrive(input, cut)
  }
  const c = input.counters
  const refused = c.tooShort + c.badVersion + c.badHeaderLength + c.badTotalLength + c.badHeaderChecksum
  const addressed = refused + c.martianSource + c.notUnicast + c.notOurs
  t.equal(c.received, 100_000)
  t.equal(addressed + c.fragments + c.delivered - c.reassembled, 100_000)
  for (const counter of ['tooShort', 'badTotalLength', 'badHeaderChecksum', 'reassembled', 'fragmentOverlap'] as const)
    t.ok(c[counter] > 0, counter)
})
