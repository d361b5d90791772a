// A crowd: 300 hosts behind 10 access routers and one backbone, and thousands of short flows between them that begin at random
// and are long at random, most of them small and a few very large, as on the web.
//
//   rawtcp sim --json crowd.json docs/scenarios/crowd.mjs

import { Network } from 'rawtcp/sim'

const ROUTERS = 10
const HOSTS = 300
const FLOWS_PER_SECOND = 300

export default function crowd({ seed = 1, durationMs = 10_000, digest = false } = {}) {
  const net = new Network({ seed, digest })
  const backbone = net.router('backbone')
  for (let i = 0; i < ROUTERS; i++) {
    net.link(net.router(`router${i}`), backbone, {
      rateBitsPerSecond: 200e6,
      delayMs: 5 + i,
      queue: { discipline: 'fq-codel' }
    })
  }
  const hosts = Array.from({ length: HOSTS }, (_, i) => {
    const host = net.host(`host${i}`)
    net.link(host, `router${i % ROUTERS}`, { rateBitsPerSecond: 50e6, delayMs: 2, jitterMs: 1 })
    return host
  })

  const random = net.random()
  const pick = () => hosts[random.int(HOSTS)]
  for (let ms = 0; ms < durationMs; ms += (-1000 / FLOWS_PER_SECOND) * Math.log(1 - random.float())) {
    const from = pick()
    let to = pick()
    while (to === from) to = pick()
    // Pareto: half of them below 12 kB, one in a hundred above 200 kB.
    const bytes = Math.ceil(7000 / (1 - random.float()) ** (1 / 1.3))
    net.flow({ from, to, bytes: Math.min(bytes, 20e6), startMs: ms })
  }
  net.probe(net.wire('router0', backbone), { name: 'router0, up', everyMs: 50 })
  net.probe(net.wire(backbone, 'router0'), { name: 'router0, down', everyMs: 50 })
  net.run(durationMs)
  return net
}
