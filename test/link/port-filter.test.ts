// The packet filter, run by an interpreter.

import t from 'tap'
import { coveringRanges, icmpAboutTcp, MAX_INSTRUCTIONS, type Program, portFilter } from '../../src/link/port-filter.ts'
import { Random } from '../../src/random.ts'
import { run } from './interpreter.ts'

function segmentTo(port: number, { protocol = 6, options = 0 } = {}): Uint8Array {
  const packet = new Uint8Array(20 + options + 20)
  packet[0] = 0x40 | (5 + options / 4)
  packet[9] = protocol
  new DataView(packet.buffer).setUint16(20 + options + 2, port)
  return packet
}

/** All ports that pass. */
function passing(program: Program): number[] {
  const packet = segmentTo(0)
  const view = new DataView(packet.buffer)
  const ports: number[] = []
  for (let port = 0; port < 65536; port++) {
    view.setUint16(22, port)
    if (run(program, packet) !== 0) ports.push(port)
  }
  return ports
}

function randomPorts(count: number, seed: number): number[] {
  const random = new Random(seed)
  const ports = new Set<number>()
  while (ports.size < count) ports.add(random.int(65536))
  return [...ports]
}

const ascending = (ports: number[]): number[] => [...ports].sort((a, b) => a - b)

const exact = [
  { what: 'no port', ports: [] },
  { what: 'one port', ports: [80] },
  { what: 'port 0', ports: [0] },
  { what: 'port 65535', ports: [65535] },
  { what: 'the first and the last', ports: [0, 65535] },
  { what: 'neighbours', ports: [80, 81, 82, 84] },
  { what: 'two hundred at random', ports: randomPorts(200, 1) },
  { what: 'a thousand at random', ports: randomPorts(1000, 2) },
  { what: 'two thousand at random', ports: randomPorts(2000, 3) },
  { what: 'every port', ports: Array.from({ length: 65536 }, (_, i) => i) }
]
for (const { what, ports } of exact) {
  t.test(`${what}: passes, and nothing else`, async t => {
    const program = portFilter(coveringRanges(ports, Infinity))
    t.ok(program.length / 4 <= MAX_INSTRUCTIONS)
    t.same(passing(program), ascending(ports))
  })
}

t.test('a filter that would be too long is refused', async t => {
  const ranges = coveringRanges(
    Array.from({ length: 3000 }, (_, i) => 3 * i),
    Infinity
  )
  t.throws(() => portFilter(ranges), RangeError)
})

t.test('with a limit on ranges, no port in use is lost', async t => {
  for (const limit of [1, 2, 7, 64, 300]) {
    for (const count of [1, 3, 64, 500, 5000]) {
      const ports = randomPorts(count, limit * 10_007 + count)
      const ranges = coveringRanges(ports, limit)
      t.ok(ranges.length <= limit)
      t.ok(ranges.every(([first, last], i) => first <= last && (i === 0 || ranges[i - 1][1] + 1 < first)))
      const passes = new Set(passing(portFilter(ranges)))
      t.ok(
        ports.every(port => passes.has(port)),
        `${count} ports in ${limit} ranges`
      )
    }
  }
})

t.test('within the limit, ranges are exact', async t => {
  t.same(coveringRanges([22, 80, 443, 81], 3), [
    [22, 22],
    [80, 81],
    [443, 443]
  ])
})

t.test('beyond the limit, ports next to those in use are covered already', async t => {
  const ranges = coveringRanges([40000, 40010, 40020, 50000], 2)
  t.ok(ranges.some(([first, last]) => first <= 40005 && 40005 <= last))
})

t.test('IPv4 options are stepped over', async t => {
  const program = portFilter([[80, 80]])
  for (const options of [0, 4, 40]) {
    t.not(run(program, segmentTo(80, { options })), 0)
    t.equal(run(program, segmentTo(81, { options })), 0)
  }
})

t.test('other protocols and packets cut short do not pass', async t => {
  const program = portFilter([[0, 65535]])
  t.equal(run(program, segmentTo(80, { protocol: 17 })), 0)
  t.equal(run(program, segmentTo(80).subarray(0, 23)), 0)
  t.equal(run(program, new Uint8Array(0)), 0)
})

t.test('of ICMP errors, those about TCP pass', async t => {
  const packet = new Uint8Array(56)
  packet[0] = 0x45
  packet[20 + 8] = 0x45
  packet[20 + 8 + 9] = 6
  t.not(run(icmpAboutTcp, packet), 0)
  packet[20 + 8 + 9] = 17
  t.equal(run(icmpAboutTcp, packet), 0)
  t.equal(run(icmpAboutTcp, packet.subarray(0, 30)), 0)
})
