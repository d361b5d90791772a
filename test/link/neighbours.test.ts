// Our end of ARP, on a virtual clock: RFC 826, RFC 1122 §2.3.2 and RFC 5227.

import t from 'tap'
import {
  ANNOUNCE_INTERVAL_MS,
  DEFEND_INTERVAL_MS,
  HOLDS_MS,
  MOST_NEIGHBOURS,
  Neighbours,
  RETRY_MS
} from '../../src/link/neighbours.ts'
import { formatAddress, parseAddress } from '../../src/wire/address.ts'
import { ARP_REPLY, ARP_REQUEST, ArpPacket, MAC_BROADCAST } from '../../src/wire/arp.ts'

const OUR_MAC = 0x02000000aa01
const THEIR_MAC = 0x02000000aa02
const THIRD_MAC = 0x02000000aa03
const OURS = address('10.0.0.1')
const THEIRS = address('10.0.0.2')
const THIRD = address('10.0.0.3')
const NOBODY = 0

function address(text: string): number {
  return parseAddress(text) as number
}

const NAMES = new Map([
  [MAC_BROADCAST, 'all'],
  [OUR_MAC, 'us'],
  [THEIR_MAC, 'them'],
  [THIRD_MAC, 'the third']
])

/** Writes down what happens, and keeps the time. */
class Bench {
  readonly neighbours = new Neighbours(OURS, OUR_MAC, {
    sendArp: ({ operation, senderAddress, senderMac, targetAddress, targetMac }, to) => {
      const name = `${formatAddress(targetAddress)} from ${formatAddress(senderAddress)} to ${NAMES.get(to)}`
      const isSound = senderMac === OUR_MAC && targetMac === (operation === ARP_REPLY ? to : 0)
      this.#log.push(`${operation === ARP_REQUEST ? 'who has' : 'reply'} ${name}${isSound ? '' : ', unsound'}`)
    },
    neighbourFound: (address, mac) => void this.#log.push(`found ${formatAddress(address)} at ${NAMES.get(mac)}`),
    neighbourLost: address => void this.#log.push(`lost ${formatAddress(address)}`),
    wasUsed: () => this.isUsed
  })
  isUsed = true
  now = 1000
  #log: string[] = []

  arrives(operation: number, senderAddress: number, senderMac: number, targetAddress: number): string[] {
    this.neighbours.arrives(packetOf(operation, senderAddress, senderMac, targetAddress), this.now)
    return this.log()
  }

  wanted(address: number): string[] {
    this.neighbours.wanted(address, this.now)
    return this.log()
  }

  /** Each line with the time at which it was written. */
  passes(ms: number): string[] {
    const lines: string[] = []
    const [began, end] = [this.now, this.now + ms]
    while (this.neighbours.deadline <= end) {
      this.now = this.neighbours.deadline
      this.neighbours.timePassed(this.now)
      lines.push(...this.log().map(line => `${this.now - began} ${line}`))
    }
    this.now = end
    return lines
  }

  log(): string[] {
    return this.#log.splice(0)
  }
}

function packetOf(operation: number, senderAddress: number, senderMac: number, targetAddress: number): ArpPacket {
  return Object.assign(new ArpPacket(), { operation, senderAddress, senderMac, targetMac: 0, targetAddress })
}

const ASKED = 'who has 10.0.0.2 from 10.0.0.1 to all'
const FOUND = 'found 10.0.0.2 at them'

t.test('a neighbour that is wanted is asked for once, and found by its answer', async t => {
  const bench = new Bench()
  t.same(bench.wanted(THEIRS), [ASKED])
  t.same(bench.wanted(THEIRS), [], 'packets that follow ask no more')
  t.same(bench.arrives(ARP_REPLY, THEIRS, THEIR_MAC, OURS), [FOUND])
  t.same(bench.passes(HOLDS_MS - 1), [])
})

t.test('RFC 1122 §2.3.2.1: without an answer it is asked once a second, three times, and given up', async t => {
  const bench = new Bench()
  t.same(bench.wanted(THEIRS), [ASKED])
  t.same(bench.passes(60_000), [`${RETRY_MS} ${ASKED}`, `${2 * RETRY_MS} ${ASKED}`, `${3 * RETRY_MS} lost 10.0.0.2`])
  t.equal(bench.neighbours.counters.neighboursLost, 1)
  t.same(bench.wanted(THEIRS), [ASKED], 'the next packet begins anew')
})

t.test('an answer to the last request is in time', async t => {
  const bench = new Bench()
  bench.wanted(THEIRS)
  bench.passes(3 * RETRY_MS - 1)
  t.same(bench.arrives(ARP_REPLY, THEIRS, THEIR_MAC, OURS), [FOUND])
  t.same(bench.passes(RETRY_MS), [])
})

t.test('a neighbour in use is asked again, alone, before it is old; its answer renews it', async t => {
  const bench = new Bench()
  bench.wanted(THEIRS)
  bench.arrives(ARP_REPLY, THEIRS, THEIR_MAC, OURS)
  t.same(bench.passes(HOLDS_MS), [`${HOLDS_MS} who has 10.0.0.2 from 10.0.0.1 to them`])
  t.same(bench.arrives(ARP_REPLY, THEIRS, THEIR_MAC, OURS), [])
  t.same(bench.passes(HOLDS_MS - 1), [])
})

t.test('a neighbour in use that has fallen silent is given up, and asked for by a broadcast the next time', async t => {
  const bench = new Bench()
  bench.wanted(THEIRS)
  bench.arrives(ARP_REPLY, THEIRS, THEIR_MAC, OURS)
  const polls = [0, 1, 2].map(i => `${HOLDS_MS + i * RETRY_MS} who has 10.0.0.2 from 10.0.0.1 to them`)
  t.same(bench.passes(2 * HOLDS_MS), [...polls, `${HOLDS_MS + 3 * RETRY_MS} lost 10.0.0.2`])
  t.same(bench.wanted(THEIRS), [ASKED])
})

t.test('a neighbour that is not in use is forgotten without a word', async t => {
  const bench = new Bench()
  bench.wanted(THEIRS)
  bench.arrives(ARP_REPLY, THEIRS, THEIR_MAC, OURS)
  bench.isUsed = false
  t.same(bench.passes(2 * HOLDS_MS), [`${HOLDS_MS} lost 10.0.0.2`])
  t.equal(bench.neighbours.counters.neighboursLost, 0)
  t.equal(bench.neighbours.deadline, Number.POSITIVE_INFINITY)
})

t.test('RFC 826: who asks for us is answered, and known from then on', async t => {
  const bench = new Bench()
  const reply = 'reply 10.0.0.2 from 10.0.0.1 to them'
  t.same(bench.arrives(ARP_REQUEST, THEIRS, THEIR_MAC, OURS), [FOUND, reply])
  t.same(bench.wanted(THEIRS), [])
  t.same(bench.arrives(ARP_REQUEST, THEIRS, THEIR_MAC, OURS), [reply], 'once more, answered again')
})

t.test('a request that crosses ours finds its sender too', async t => {
  const bench = new Bench()
  bench.wanted(THEIRS)
  t.same(bench.arrives(ARP_REQUEST, THEIRS, THEIR_MAC, OURS), [FOUND, 'reply 10.0.0.2 from 10.0.0.1 to them'])
  t.same(bench.passes(3 * RETRY_MS), [])
})

t.test('RFC 826: what is said to others sets right what is known, and teaches nothing new', async t => {
  const bench = new Bench()
  bench.wanted(THEIRS)
  bench.arrives(ARP_REPLY, THEIRS, THEIR_MAC, OURS)
  t.same(bench.arrives(ARP_REQUEST, THEIRS, THIRD_MAC, THEIRS), ['found 10.0.0.2 at the third'], 'it has moved')
  t.equal(bench.neighbours.counters.neighboursMoved, 1)
  t.same(bench.arrives(ARP_REQUEST, THIRD, THIRD_MAC, THEIRS), [], 'a request for somebody else')
  t.same(bench.arrives(ARP_REPLY, THIRD, THIRD_MAC, THIRD), [], 'an announcement by somebody unknown')
  t.same(bench.wanted(THIRD), ['who has 10.0.0.3 from 10.0.0.1 to all'])
})

t.test('a probe for our address by somebody else is answered, and teaches no neighbour 0.0.0.0', async t => {
  const bench = new Bench()
  t.same(bench.arrives(ARP_REQUEST, NOBODY, THEIR_MAC, OURS), ['reply 0.0.0.0 from 10.0.0.1 to them'])
})

t.test('our own packets come back from a loop: no conflict, no neighbour', async t => {
  const bench = new Bench()
  t.same(bench.arrives(ARP_REQUEST, OURS, OUR_MAC, OURS), [])
  t.equal(bench.neighbours.counters.addressConflicts, 0)
})

t.test('a table that is full drops the neighbour that it has known for longest', async t => {
  const bench = new Bench()
  const first = address('10.1.0.0')
  for (let i = 0; i < MOST_NEIGHBOURS; i++) bench.arrives(ARP_REQUEST, first + i, THEIR_MAC, OURS)
  t.same(bench.wanted(THEIRS), ['lost 10.1.0.0', ASKED])
})

t.test('RFC 5227 §2.3: our address is announced twice', async t => {
  const bench = new Bench()
  const announced = 'who has 10.0.0.1 from 10.0.0.1 to all'
  bench.neighbours.begin(bench.now)
  t.same(bench.log(), [announced])
  t.same(bench.passes(60_000), [`${ANNOUNCE_INTERVAL_MS} ${announced}`])
})

t.test('RFC 5227 §2.1.1: a probe does not say whose the address is', async t => {
  const bench = new Bench()
  bench.neighbours.probe()
  t.same(bench.log(), ['who has 10.0.0.1 from 0.0.0.0 to all'])
})

const contests = [
  { what: 'an answer by its owner', packet: packetOf(ARP_REPLY, OURS, THEIR_MAC, NOBODY), isOne: true },
  { what: 'a request by its owner', packet: packetOf(ARP_REQUEST, OURS, THEIR_MAC, THIRD), isOne: true },
  { what: 'a probe by somebody who wants it too', packet: packetOf(ARP_REQUEST, NOBODY, THEIR_MAC, OURS), isOne: true },
  { what: 'a probe for another', packet: packetOf(ARP_REQUEST, NOBODY, THEIR_MAC, THIRD), isOne: false },
  { what: 'a request for it', packet: packetOf(ARP_REQUEST, THEIRS, THEIR_MAC, OURS), isOne: false },
  { what: 'our own probe', packet: packetOf(ARP_REQUEST, NOBODY, OUR_MAC, OURS), isOne: false }
]
for (const { what, packet, isOne } of contests) {
  t.test(`RFC 5227 §2.1.1: ${what} ${isOne ? 'contests' : 'does not contest'} the address`, async t => {
    t.equal(new Bench().neighbours.contests(packet), isOne)
  })
}

t.test('RFC 5227 §2.4 (c): our address is defended, once in ten seconds', async t => {
  const bench = new Bench()
  const defended = ['who has 10.0.0.1 from 10.0.0.1 to all']
  t.same(bench.arrives(ARP_REPLY, OURS, THEIR_MAC, THIRD), defended)
  bench.passes(DEFEND_INTERVAL_MS - 1)
  t.same(bench.arrives(ARP_REPLY, OURS, THEIR_MAC, THIRD), [])
  bench.passes(1)
  t.same(bench.arrives(ARP_REQUEST, OURS, THEIR_MAC, OURS), defended)
  t.equal(bench.neighbours.counters.addressConflicts, 3)
  t.same(bench.wanted(OURS), ['who has 10.0.0.1 from 10.0.0.1 to all'], 'and nobody is learned at it')
})
