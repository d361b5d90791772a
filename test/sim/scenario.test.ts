// Scenarios as data: what is built from them, and what is said of those that make no sense.

import t from 'tap'
import { reportOf, seriesToCsv } from '../../src/sim/report.ts'
import { buildScenario, type Scenario } from '../../src/sim/scenario.ts'

const SMALL: Scenario = {
  seed: 5,
  durationMs: 3000,
  hosts: { a: { delayedAckMs: 0 }, b: { address: '10.9.9.9' } },
  routers: ['r'],
  links: [
    { between: ['a', 'r'], delayMs: 5 },
    { between: ['r', 'b'], rateBitsPerSecond: 4e6, delayMs: 5, queue: { packets: 50 }, back: { delayMs: 20 } }
  ],
  flows: [{ from: 'a', to: 'b', bytes: 100_000, name: 'main' }],
  crossTraffic: [{ from: 'a', to: 'b', rateBitsPerSecond: 1e5 }],
  probes: [
    { flow: 'main', everyMs: 100, quantities: ['cwnd', 'goodput'] },
    { link: ['r', 'b'], name: 'line, slow', everyMs: 100, quantities: ['queuePackets'] }
  ],
  events: [
    { atMs: 2000, link: ['b', 'r'], cut: true },
    { atMs: 2100, link: ['r', 'b'], restore: true },
    { atMs: 2200, link: ['r', 'b'], set: { rateBitsPerSecond: 1e6 } }
  ]
}

t.test('a scenario becomes a network, and its run a report', async t => {
  const net = buildScenario(SMALL)
  net.run(SMALL.durationMs)
  const report = reportOf(net)
  t.equal(report.seed, 5)
  t.equal(report.durationMs, 3000)
  t.match(report.flows, [{ name: 'main', from: 'a', to: 'b', bytesReceived: 100_000, error: null }])
  t.equal(report.flows[0].connectedMs > 35, true, 'the way back takes longer')
  t.same(Object.keys(report.links), ['a -> r', 'r -> a', 'r -> b', 'b -> r'])
  t.ok(report.links['r -> b'].droppedDown > 0, 'cross traffic met the cut')
  t.equal(net.hosts[0].stack.counts().connections, 0)
  t.equal(net.hosts[1].address, '10.9.9.9')
  t.equal(report.segmentsSent, net.segmentsSent)
})

t.test('series as comma-separated values: a row a sample, names quoted where they must be, gaps empty', async t => {
  const net = buildScenario(SMALL)
  net.run(200)
  const rows = seriesToCsv(reportOf(net).series).trimEnd().split('\n')
  t.equal(rows[0], 'time_ms,name,quantity,unit,value')
  t.equal(rows.length, 1 + 3 * 3)
  t.match(rows[1], /^0,main,cwnd,bytes,\d*$/)
  t.match(rows[2], /^100,main,cwnd,bytes,\d+$/)
  t.ok(rows.includes('0,"line, slow",queuePackets,packets,0'))
})

t.test('a seed from outside takes the place of its own, and the report follows', async t => {
  const digest = (seed?: number): string => {
    const net = buildScenario(
      { ...SMALL, crossTraffic: [{ ...SMALL.crossTraffic![0], pattern: 'poisson' }] },
      { seed, digest: true }
    )
    net.run(1000)
    return net.digest
  }
  t.equal(digest(), digest(5))
  t.not(digest(), digest(6))
})

t.test('files that it names are read for it', async t => {
  const read: string[] = []
  const readText = (name: string): string => {
    read.push(name)
    return name.endsWith('.trace') ? '1\n2\n3\n' : `${'0'.repeat(19)}1`
  }
  const net = buildScenario(
    {
      ...SMALL,
      links: [
        { between: ['a', 'r'], loss: { model: 'trace', trace: { file: 'loss.txt' } as never } },
        { between: ['r', 'b'], rateTrace: { mahimahi: { file: 'lte.trace' } as never } }
      ]
    },
    { readText }
  )
  net.run(20_000)
  t.same(read, ['loss.txt', 'lte.trace'])
  const { lost, sentPackets } = net.wire('a', 'r').channel
  t.equal(lost, Math.floor(sentPackets / 20))
  t.ok(net.wire('r', 'b').counters().packetsDelivered > 10)
})

t.test('what makes no sense is refused, and the message says where it stands and what may', async t => {
  const wrong: [changes: object, message: RegExp, code?: string][] = [
    [{ durationMs: undefined }, /"durationMs"/],
    [{ duration: 5 }, /Unknown option "duration" of a scenario. Known options: seed, durationMs/],
    [{ hosts: 'a' }, /"hosts" must be an object/],
    [{ hosts: ['a', 'a'] }, /hosts\[1\]: Two nodes are called "a"/],
    [{ hosts: { a: { speed: 1 }, b: {} } }, /Unknown option "speed"/],
    [{ links: [{ between: ['a'] }] }, /links\[0\]: "between" must be the names of two nodes/],
    [{ links: [{ between: ['a', 'x'] }] }, /links\[0\]: No node is called "x". There are: a, b, r/],
    [{ links: [{ between: ['a', 'r'], delayMs: '5' }], flows: [] }, /links\[0\]: .*"delayMs"/, 'ERR_OUT_OF_RANGE'],
    [{ links: [{ between: ['a', 'r'], delay: 5 }] }, /links\[0\]: Unknown option "delay"/],
    [
      { links: [{ between: ['a', 'r'], queue: { discipline: 'codel', min: 3 } }] },
      /links\[0\]: Unknown option "queue.min" for codel/
    ],
    [
      { links: [{ between: ['a', 'r'], loss: { model: 'trace', trace: { file: 'x' } } }] },
      /links\[0\]: files cannot be read/
    ],
    [{ flows: [{ from: 'a', to: 'r' }] }, /flows\[0\]: .*is a router/],
    [{ flows: [{ from: 'a', to: 'b', colour: 1 }] }, /flows\[0\]: Unknown option "colour"/],
    [{ flows: {} }, /"flows" must be a list/],
    [{ flows: [7] }, /flows\[0\]: it must be an object/],
    [{ probes: [{ everyMs: 5 }] }, /probes\[0\]: it must have either "flow"/],
    [{ probes: [{ flow: 'other' }] }, /probes\[0\]: No flow is called "other". There are: main/],
    [{ probes: [{ link: ['a', 'b'] }] }, /probes\[0\]: No link joins "a" and "b"/],
    [{ probes: [{ flow: 'main', every: 5 }] }, /probes\[0\]: Unknown option "every"/],
    [{ events: [{ atMs: 1, link: ['a', 'r'] }] }, /events\[0\]: it must have one of "cut"/],
    [{ events: [{ atMs: 1, link: ['a', 'r'], cut: true, restore: true }] }, /events\[0\]: it must have one of/],
    [{ events: [{ atMs: -1, link: ['a', 'r'], cut: true }] }, /events\[0\]: "atMs"/],
    [{ seed: 'x' }, /"seed"/, 'ERR_OUT_OF_RANGE']
  ]
  for (const [changes, message, code = 'ERR_INVALID_ARG_VALUE'] of wrong) {
    t.throws(
      () =>
        buildScenario({
          ...SMALL,
          probes: [],
          events: [],
          crossTraffic: [],
          flows: SMALL.flows,
          ...changes
        } as Scenario),
      { code, message },
      String(message)
    )
  }
  t.throws(() => buildScenario(null as never), { code: 'ERR_INVALID_ARG_VALUE' })
})
