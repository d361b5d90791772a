// The scenarios of the guide run, for a short while, and show what the guide says of them.

import { readdirSync } from 'node:fs'
import t from 'tap'
import { loadScenario } from '../../src/cli/sim-load.ts'
import type { Network } from '../../src/sim.ts'

const FOLDER = 'docs/scenarios'

const run = (name: string, durationMs: number, seed?: number): Promise<Network> =>
  loadScenario(`${FOLDER}/${name}`, { durationMs, seed })

const series = (net: Network, name: string, quantity: string): number[] =>
  net.probes.flatMap(probe => probe.series).find(each => each.name === name && each.quantity === quantity)!.values

const mean = (values: number[]): number => {
  const measured = values.filter(value => !Number.isNaN(value))
  return measured.reduce((sum, value) => sum + value, 0) / measured.length
}

t.test('each scenario is one of these', async t => {
  const names = readdirSync(FOLDER).filter(name => !name.endsWith('.trace'))
  t.same(names.sort(), ['bottleneck.json', 'crowd.mjs', 'incast.mjs', 'phone.mjs', 'policed.json', 'queues.ts'])
})

t.test('bottleneck: both flows get through, and the queue fills', async t => {
  const net = await run('bottleneck.json', 7000)
  for (const flow of net.flows) t.ok(flow.bytesReceived > 500_000, flow.name)
  const longest = Math.max(...series(net, 'bottleneck', 'queuePackets'))
  t.ok(longest > 80 && longest <= 100, `${longest}`)
  t.ok(net.wire('left', 'right').channel.queueFull > 0)
})

t.test('queues: FQ-CoDel keeps the round trip shorter than drop-tail does', async t => {
  const net = await run('queues.ts', 6000)
  const roundTrip = (name: string): number => mean(series(net, name, 'srtt'))
  t.ok(roundTrip('fq-codel') < 0.85 * roundTrip('drop-tail'), `${roundTrip('fq-codel')}, ${roundTrip('drop-tail')}`)
  t.ok(net.wire('codel left', 'codel right').channel.early > 0)
  t.ok(net.wire('red left', 'red right').channel.early > 0)
})

t.test('phone: pages load over a bad link, the same way each time', async t => {
  const received = async (): Promise<string> => {
    const net = await run('phone.mjs', 9000)
    const [phone] = net.hosts
    t.ok(net.wire('tower', 'phone').cutOff > 0, 'the tunnel')
    t.ok(net.wire('tower', 'phone').channel.lost > 0)
    const bytes = phone.stack.counters().ip.receivedBytes
    t.ok(bytes > 1_000_000, `${bytes}`)
    return JSON.stringify([net.now, bytes, net.probes.map(probe => probe.series)])
  }
  t.equal(await received(), await received())
})

t.test('incast: marks come before losses, and everything arrives', async t => {
  const net = await run('incast.mjs', 2000)
  t.equal(net.flows.filter(flow => flow.bytesReceived === 250_000).length, 40)
  const { marked, queueFull } = net.wire('switch', 'client').channel
  t.ok(marked > queueFull, `${marked}, ${queueFull}`)
})

t.test('policed: the policer holds the download to its rate, and cross traffic arrives', async t => {
  const net = await run('policed.json', 6000)
  const { policed } = net.wire('core', 'edge').channel
  t.ok(policed > 10, `${policed}`)
  const bits = net.wire('core', 'edge').channel.sentBytes * 8
  t.ok(bits <= 10e6 * 6 + 50_000 * 8, `${bits}`)
  t.ok(net.node('neighbour').counters().packetsSunk > 0)
})

t.test('crowd: hundreds of hosts, a flow every few milliseconds', async t => {
  const net = await run('crowd.mjs', 1000)
  t.equal(net.hosts.length, 300)
  t.ok(net.flows.length > 200)
  t.ok(net.flows.filter(flow => !Number.isNaN(flow.finishedMs)).length > 0.6 * net.flows.length)
})
