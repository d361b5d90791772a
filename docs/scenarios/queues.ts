// Four queue disciplines beside each other: the same two flows and the same bursts of cross traffic through each, a long queue
// in packets in front of 10 Mbit/s. Compare the round trips.
//
//   rawtcp sim --plot queues.html docs/scenarios/queues.ts      (Node 22.18 or later, or node --import=tsx)

import { Network, type QueueOptions, type ScenarioContext } from 'rawtcp/sim'

const QUEUES: Readonly<Record<string, QueueOptions>> = {
  'drop-tail': { packets: 200 },
  red: { discipline: 'red', packets: 200, min: 20, max: 60 },
  codel: { discipline: 'codel', packets: 200 },
  'fq-codel': { discipline: 'fq-codel', packets: 200 }
}

export default function queues({ seed = 1, durationMs = 20_000 }: ScenarioContext = {}): Network {
  const net = new Network({ seed })
  for (const [name, queue] of Object.entries(QUEUES)) {
    const [left, right] = [net.router(`${name} left`), net.router(`${name} right`)]
    const [from, to] = [net.host(`${name} sender`), net.host(`${name} receiver`)]
    net.link(from, left, { rateBitsPerSecond: 1e9, delayMs: 1 })
    net.link(left, right, { rateBitsPerSecond: 10e6, delayMs: 15, queue })
    net.link(right, to, { rateBitsPerSecond: 1e9, delayMs: 1 })

    const flow = net.flow({ from, to, name })
    net.flow({ from, to, name: `${name}, second`, startMs: 3000 })
    net.crossTraffic({ from, to, rateBitsPerSecond: 4e6, pattern: 'on-off', onMs: 300, offMs: 1500, startMs: 6000 })
    net.probe(flow, { everyMs: 50, quantities: ['srtt', 'goodput', 'cwnd'] })
    net.probe(net.wire(left, right), { name, everyMs: 50, quantities: ['queuePackets', 'drops'] })
  }
  net.run(durationMs)
  return net
}
