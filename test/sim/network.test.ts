// Networks of hosts, routers and links: what a flow gets on its way, which way that is, and that a seed repeats it.

import t from 'tap'
import type { ChannelOptions } from '../../src/link/path/channel.ts'
import { Network, type NetworkOptions } from '../../src/sim/network.ts'

/** a - r - q - b, with the bottleneck between the routers. */
function dumbbell(bottleneck: ChannelOptions, options: NetworkOptions = {}): Network {
  const net = new Network(options)
  for (const name of ['a', 'b']) net.host(name)
  for (const name of ['r', 'q']) net.router(name)
  net.link('a', 'r', { delayMs: 1 })
  net.link('r', 'q', bottleneck)
  net.link('q', 'b', { delayMs: 1 })
  return net
}

t.test('a flow across routers arrives whole, at the speed of the slowest line', async t => {
  const net = dumbbell({ rateBitsPerSecond: 8e6, delayMs: 8, queue: { packets: 500 } })
  const flow = net.flow({ from: 'a', to: 'b', bytes: 1_000_000 })
  net.run(60_000)
  const result = flow.result()
  t.equal(result.bytesReceived, 1_000_000)
  t.equal(result.connectedMs > 20 && result.connectedMs < 21, true, `a round trip: ${result.connectedMs}`)
  // A second and a little for headers, slow start and the handshake.
  t.ok(result.finishedMs > 1030 && result.finishedMs < 1300, `${result.finishedMs}`)
  t.equal(result.error, null)
  t.equal(net.pool.used, 0, 'no packet is forgotten')
  for (const host of net.hosts) t.match(host.stack.counts(), { connections: 0, halfOpen: 0 })
})

t.test('a packet takes its time on the line at each hop, and the delay of each', async t => {
  const net = dumbbell({ rateBitsPerSecond: 1e6, delayMs: 20 })
  const flow = net.flow({ from: 'a', to: 'b', bytes: 1, timestamps: false, selectiveAcks: false, windowScaling: false })
  net.run(1000)
  // A SYN with the MSS alone has 44 bytes: 0.352 ms at 1 Mbit/s, each way.
  t.equal(flow.connectedMs.toFixed(6), (2 * (1 + 0.352 + 20 + 1)).toFixed(6))
})

t.test('paths: the fewest links, or the smallest sum of costs; the first link where they are equal', async t => {
  const net = new Network()
  net.host('a')
  net.host('b')
  for (const name of ['long1', 'long2', 'short', 'other']) net.router(name)
  net.link('a', 'long1')
  net.link('long1', 'long2')
  net.link('long2', 'b')
  net.link('a', 'short')
  net.link('short', 'b')
  net.link('a', 'other')
  net.link('other', 'b')
  const sent = (from: string, to: string) => net.wire(from, to).channel.sentPackets
  net.flow({ from: 'a', to: 'b', bytes: 1000 })
  net.run(1000)
  t.ok(sent('a', 'short') > 0)
  t.equal(sent('a', 'long1') + sent('a', 'other'), 0)

  const costly = new Network()
  costly.host('a')
  costly.host('b')
  for (const name of ['r', 's']) costly.router(name)
  costly.link('a', 'r')
  costly.link('r', 'b', { cost: 10 })
  costly.link('r', 's', { cost: 2 })
  costly.link('s', 'b')
  costly.flow({ from: 'a', to: 'b', bytes: 1000 })
  costly.run(1000)
  t.equal(costly.wire('r', 'b').channel.sentPackets, 0)
  t.ok(costly.wire('s', 'b').channel.sentPackets > 0)
})

t.test('a host passes nothing on, and where no way leads the flow says so at once', async t => {
  const net = new Network()
  for (const name of ['a', 'middle', 'b']) net.host(name)
  net.link('a', 'middle')
  net.link('middle', 'b')
  net.flow({ from: 'a', to: 'b', bytes: 1 })
  t.throws(() => net.run(10), { code: 'ENETUNREACH' })
})

t.test('each hop costs a packet one from its time to live', async t => {
  const net = dumbbell({})
  net.flow({ from: 'a', to: 'b', bytes: 1000, timeToLive: 2 })
  net.run(100)
  const [r, q] = net.routers
  t.equal(r.droppedTimeToLive, 0)
  t.equal(q.droppedTimeToLive, 1)
  const enough = dumbbell({})
  const flow = enough.flow({ from: 'a', to: 'b', bytes: 1000, timeToLive: 3 })
  enough.run(100)
  t.equal(flow.bytesReceived, 1000)
})

t.test('the same seed gives the same run to the bit, another seed another', async t => {
  const run = (seed: number, changes: ChannelOptions = {}): string => {
    const net = dumbbell(
      {
        rateBitsPerSecond: 5e6,
        delayMs: 10,
        jitterMs: 3,
        loss: 0.01,
        reorder: 0.01,
        duplicate: 0.01,
        corrupt: 0.005,
        queue: { discipline: 'red', packets: 50 },
        ...changes
      },
      { seed, digest: true }
    )
    for (let i = 0; i < 5; i++) net.flow({ from: i % 2 ? 'a' : 'b', to: i % 2 ? 'b' : 'a', startMs: i * 10 })
    net.crossTraffic({ from: 'a', to: 'b', rateBitsPerSecond: 1e6, pattern: 'on-off', shape: 1.5 })
    const probe = net.probe(net.flows[0])
    net.run(5000)
    return `${net.digest} ${JSON.stringify(probe.series)} ${JSON.stringify(net.flows.map(flow => flow.result()))}`
  }
  const first = run(1)
  t.equal(run(1), first)
  t.not(run(2).slice(0, 16), first.slice(0, 16))
  t.not(run(1, { delayMs: 10.001 }).slice(0, 16), first.slice(0, 16), 'a microsecond shows')
})

t.test('a link that is cut loses all, and flows recover when it is restored', async t => {
  const net = dumbbell({ rateBitsPerSecond: 10e6, delayMs: 5, queue: { packets: 50 } })
  const flow = net.flow({ from: 'a', to: 'b', receiver: { receiveBuffer: 32_768 } })
  const [, link] = net.links
  let atCut = 0
  let beforeRestore = 0
  net.at(1000, () => {
    atCut = flow.bytesReceived
    link.cut()
  })
  net.at(3000, () => {
    beforeRestore = flow.bytesReceived
    link.restore()
  })
  net.run(10_000)
  t.ok(atCut > 500_000)
  // What was past the link at that moment still arrives.
  t.ok(beforeRestore - atCut < 10_000, `${beforeRestore - atCut}`)
  t.ok(flow.bytesReceived > beforeRestore + 1_000_000, 'the flow goes on')
  t.ok(link.there.counters().droppedDown > 0)
})

t.test('changes to a link hold from then on', async t => {
  const net = dumbbell({ rateBitsPerSecond: 10e6, delayMs: 5, queue: { packets: 50 } })
  const flow = net.flow({ from: 'a', to: 'b', receiver: { receiveBuffer: 32_768 } })
  net.run(2000)
  const before = flow.bytesReceived
  net.links[1].set({ rateBitsPerSecond: 1e6 })
  net.run(4000)
  const after = flow.bytesReceived - before
  t.ok(before > 2_200_000, `${before}`)
  t.ok(after < 320_000 && after > 200_000, `${after}`)
})

t.test('hundreds of hosts and flows share one router, and nothing is left over', async t => {
  const net = new Network({ seed: 3 })
  net.router('r')
  const count = 200
  for (let i = 0; i < count; i++) {
    net.host(`h${i}`)
    net.link(`h${i}`, 'r', { rateBitsPerSecond: 1e7, delayMs: 1 + (i % 20) })
  }
  for (let i = 0; i < 1000; i++) {
    net.flow({ from: `h${i % count}`, to: `h${(i * 7 + 1) % count}`, bytes: 5000, startMs: i })
  }
  net.run(60_000)
  t.equal(net.flows.filter(flow => flow.bytesReceived === 5000 && flow.error === null).length, 1000)
  t.equal(net.pool.used, 0)
})

t.test('probes: a row a sample, for flows and for lines', async t => {
  const net = dumbbell({ rateBitsPerSecond: 8e6, delayMs: 20, queue: { packets: 40 } })
  const flow = net.flow({ from: 'a', to: 'b', startMs: 100 })
  const ofFlow = net.probe(flow, { everyMs: 50 })
  const ofLine = net.probe(net.wire('r', 'q'), {
    everyMs: 50,
    quantities: ['queuePackets', 'throughput'],
    stopMs: 2000
  })
  net.run(5000)
  const series = Object.fromEntries(ofFlow.series.map(each => [each.quantity, each]))
  t.same(
    series.cwnd.times,
    Array.from({ length: 101 }, (_, i) => 50 * i)
  )
  t.ok(Number.isNaN(series.cwnd.values[1]), 'nothing before it starts')
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
  const measured = (quantity: string): number[] => series[quantity].values.filter(value => !Number.isNaN(value))
  t.equal(Math.round((sum(series.goodput.values) * 50) / 8000), flow.bytesReceived, 'goodput adds up')
  t.ok(
    Math.min(...measured('srtt')) >= 44 && Math.max(...measured('srtt')) < 110,
    'a round trip, and a full queue at most'
  )
  t.ok(Math.max(...measured('inFlight')) > 40_000)
  t.equal(series.cwnd.values.at(-1), flow.info()?.sndCwnd)
  t.equal(series.retransmits.values.at(-1), flow.result().retransmits)
  t.ok(series.ssthresh.values.at(-1)! > 0, 'there was a loss')
  const [queue, throughput] = ofLine.series
  t.equal(queue.times.at(-1), 2000)
  t.ok(Math.max(...queue.values) <= 40 && Math.max(...queue.values) > 30)
  t.ok(Math.abs(Math.max(...throughput.values) - 8e6) < 0.3e6, `${Math.max(...throughput.values)}`)
})

t.test('flows carry zeros, whatever other packets had in the same memory before', async t => {
  const net = new Network({ seed: 2 })
  const [a, b] = [net.host('a'), net.host('b')]
  net.link(a, b, { delayMs: 1, duplicate: 0.1 })
  let zeros = 0
  let others = 0
  const receive = b.receive.bind(b)
  b.receive = id => {
    const packet = net.pool.bytesOf(id)
    const headers = packet[9] === 17 ? 28 : 20 + (packet[32] >> 4) * 4
    const text = packet.subarray(headers)
    const isZero = text.every(byte => byte === 0)
    if (packet[22] === 0 && packet[23] === 80) others += isZero ? 0 : 1
    else if (text.length > 0) zeros++
    if (!isZero && packet[23] !== 80) t.fail(`byte ${text.findIndex(byte => byte !== 0)} is not zero`)
    receive(id)
  }
  b.stack.listen({ port: 80 }, connection => {
    connection.handlers = { readable: () => void connection.discard() }
  })
  const noise = new Uint8Array(50_000).fill(255)
  const client = a.stack.connect({ address: b.address, port: 80 }, { writable: connection => connection.write(noise) })
  for (let ms = 20; ms < 3000; ms += 20) net.at(ms, () => void client.write(noise))
  net.flow({ from: a, to: b, bytes: 3_000_000, startMs: 10 })
  net.crossTraffic({ from: a, to: b, rateBitsPerSecond: 1e6 })
  net.run(3000)
  t.ok(zeros > 1000 && others > 200, `${zeros}, ${others}`)
})

t.test('cross traffic: at its rate, and what a line has no room for is lost', async t => {
  const net = dumbbell({ rateBitsPerSecond: 1e6, queue: { packets: 10 } })
  const traffic = net.crossTraffic({
    from: 'a',
    to: 'b',
    rateBitsPerSecond: 2e6,
    packetBytes: 500,
    startMs: 100,
    stopMs: 1100
  })
  net.run(2000)
  t.equal(traffic.sentPackets, 500)
  const [, b] = net.hosts
  const wire = net.wire('r', 'q')
  t.equal(b.sunkPackets + wire.channel.queueFull, 500)
  t.ok(Math.abs(b.sunkPackets - 260) <= 1, `${b.sunkPackets}`) // half of them, and what the queue held
})

t.test('cross traffic: Poisson and bursts have the mean that they should', async t => {
  const sent = (pattern: 'poisson' | 'on-off', shape?: number): number => {
    const net = dumbbell({})
    const rate = pattern === 'poisson' ? 1e6 : 2e6
    const traffic = net.crossTraffic({
      from: 'a',
      to: 'b',
      rateBitsPerSecond: rate,
      pattern,
      onMs: 50,
      offMs: 50,
      ...(shape !== undefined && { shape })
    })
    net.run(100_000)
    return traffic.sentPackets / 12_500
  }
  t.ok(Math.abs(sent('poisson') - 1) < 0.03, `${sent('poisson')}`)
  t.ok(Math.abs(sent('on-off') - 1) < 0.1, `${sent('on-off')}`)
  t.ok(Math.abs(sent('on-off', 1.9) - 1) < 0.2, `${sent('on-off', 1.9)}`)
})

t.test('what makes no sense is refused, and says what would', async t => {
  const net = dumbbell({})
  const bad = { code: 'ERR_INVALID_ARG_VALUE' }
  t.throws(() => net.host('a'), bad)
  t.throws(() => net.node('nobody'), { ...bad, message: /There are: a, b, r, q/ })
  t.throws(() => net.link('a', 'a'), bad)
  t.throws(() => net.wire('a', 'b'), bad)
  t.throws(() => net.flow({ from: 'r', to: 'b' }), { ...bad, message: /router/ })
  t.throws(() => net.flow({ from: 'a', to: 'b', bytes: 0 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => net.link('a', 'b', { speed: 1 } as never), { ...bad, message: /Unknown option "speed"/ })
  t.throws(() => net.link('a', 'b', { loss: 2 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => net.link('a', 'b', { queue: { discipline: 'wfq' } as never }), { ...bad, message: /fq-codel/ })
  t.throws(() => net.link('a', 'b', { queue: { ecn: true } as never }), { ...bad, message: /drop-tail/ })
  t.throws(() => net.probe(net.wire('r', 'q'), { quantities: ['cwnd'] }), bad)
  t.throws(() => net.crossTraffic({ from: 'a', to: 'b', rateBitsPerSecond: 1, packetBytes: 9000 }), {
    code: 'ERR_OUT_OF_RANGE'
  })
  t.throws(() => new Network({ mtu: 10 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => new Network({ sed: 1 } as never), bad)
  t.throws(() => net.digest, bad)
})

t.test('options of the stack and of the socket reach it', async t => {
  const net = new Network()
  const a = net.host('a', { ecn: 'on' })
  net.host('b', { address: '192.168.7.9' })
  net.link('a', 'b', { delayMs: 1 })
  const flow = net.flow({ from: a, to: 'b', maximumSegmentSize: 500, receiver: { receiveBuffer: 4096 } })
  net.run(100)
  t.match(flow.info(), { sndMss: 500, options: { ecn: true } })
  t.equal(flow.receiverConnection?.options.receiveBuffer, 4096)
  t.equal(flow.connection?.remoteAddress, '192.168.7.9')
  t.throws(() => net.flow({ from: a, to: 'b', colour: 'red' } as never), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => net.host('c', { colour: 'red' } as never), { code: 'ERR_INVALID_ARG_VALUE' })
})
