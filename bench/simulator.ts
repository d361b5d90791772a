// How many segments a second of wall time does the simulator carry on one core?
//
// Segments of TCP that hosts have sent, data and ACKs, each of which crosses two links and the router between them, one event a hop.
// Nothing is lost in the rows of bulk flows; the crowd is hundreds of hosts through queues with FQ-CoDel, once with short flows that
// come and go, once with thousands that stay.

import { Network } from '../src/sim/network.ts'
import type { NetworkHost } from '../src/sim/node.ts'
import type { Context, Row, Timing } from './support/bench.ts'
import { Window } from './support/window.ts'

export const parts = { bulk, crowd }

type Flows = 'short' | 'long'

const LONG_FLOWS = 3000
/** Virtual time goes on in pieces of this, ms. */
const PIECE_MS = 20

async function bulk({ flows, ...timing }: Timing & { flows: number }): Promise<number> {
  const net = new Network({ seed: 1 })
  const router = net.router('router')
  const sink = net.host('sink')
  net.link(router, sink, { rateBitsPerSecond: 1e9, delayMs: 2, queue: { packets: 20_000 } })
  for (let i = 0; i < flows; i++) {
    const source = net.host(`source${i}`)
    net.link(source, router, { rateBitsPerSecond: 1e9, delayMs: 1 })
    net.flow({ from: source, to: sink, startMs: i / flows, receiver: { receiveBuffer: 128 * 1024 } })
  }
  return measure(net, timing)
}

async function crowd({ flows, ...timing }: Timing & { flows: Flows }): Promise<number> {
  const net = new Network({ seed: 1 })
  const random = net.random()
  const routers = Array.from({ length: 10 }, (_, i) => net.router(`router${i}`))
  for (const router of routers.slice(1)) {
    net.link(routers[0], router, { rateBitsPerSecond: 200e6, delayMs: 5, queue: { discipline: 'fq-codel' } })
  }
  const hosts = Array.from({ length: 300 }, (_, i) => {
    const host = net.host(`host${i}`)
    net.link(host, routers[i % routers.length], { rateBitsPerSecond: 50e6, delayMs: 2, jitterMs: 1 })
    return host
  })
  const ends = (): { from: NetworkHost; to: NetworkHost } => {
    const from = random.int(hosts.length)
    return { from: hosts[from], to: hosts[(from + 1 + random.int(hosts.length - 1)) % hosts.length] }
  }
  const start = (): void => {
    net.flow({
      ...ends(),
      bytes: Math.min(20e6, Math.ceil(7000 / (1 - random.float()) ** (1 / 1.3))),
      startMs: net.now
    })
    net.at(net.now + 3, start)
  }
  if (flows === 'short') start()
  else for (let i = 0; i < LONG_FLOWS; i++) net.flow({ ...ends(), startMs: i / 10 })
  return measure(net, timing)
}

function measure(net: Network, timing: Timing): number {
  const window = new Window(timing, () => ({ segments: net.segmentsSent }))
  do net.run(net.now + PIECE_MS)
  while (!window.tick())
  return window.perSecond('segments')
}

export default async function simulator({ warmupMs, measureMs, repeats, partsOf }: Context): Promise<Row[]> {
  const timing = { warmupMs, measureMs }
  const start = partsOf<typeof parts>(import.meta.url)
  const one: number[] = []
  const many: number[] = []
  const short: number[] = []
  const long: number[] = []
  for (let i = 0; i < repeats; i++) {
    one.push(await start('bulk', { flows: 1, ...timing }, { profileAs: 'simulator-one-flow' }).result)
    many.push(await start('bulk', { flows: 16, ...timing }, { profileAs: 'simulator-16-flows' }).result)
    short.push(await start('crowd', { flows: 'short', ...timing }, { profileAs: 'simulator-short' }).result)
    long.push(await start('crowd', { flows: 'long', ...timing }, { profileAs: 'simulator-long' }).result)
  }
  const row = (name: string, values: number[]): Row => ({ name, unit: 'segments/s', values })
  return [
    row('one bulk flow over a router', one),
    row('16 bulk flows over a router', many),
    row('300 hosts, 330 short flows a second', short),
    row(`300 hosts, ${LONG_FLOWS} long flows`, long)
  ]
}
