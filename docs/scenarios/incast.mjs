// Incast: 40 servers of a data centre answer one client at the same moment, through a switch with a shallow buffer. With ECN the switch
// marks packets that find 20 others waiting, and DCTCP slows down by as much as is marked, before much is lost.
//
//   rawtcp sim --plot incast.html docs/scenarios/incast.mjs

import { Network } from 'rawtcp/sim'

const SERVERS = 40

export default function incast({ seed = 1, durationMs = 2000, ecn = true } = {}) {
  const net = new Network({ seed })
  const toSwitch = net.router('switch')
  const client = net.host('client')
  const queue = { packets: 150, ...(ecn && { markPackets: 20 }) }
  net.link(toSwitch, client, { rateBitsPerSecond: 1e9, delayMs: 0.02, queue })
  for (let i = 1; i <= SERVERS; i++) {
    const server = net.host(`server${i}`)
    net.link(server, toSwitch, { rateBitsPerSecond: 1e9, delayMs: 0.02 })
    net.flow({
      from: server,
      to: client,
      bytes: 250_000,
      startMs: 10,
      ecn: ecn ? 'on' : 'off',
      congestionControl: ecn ? 'dctcp' : 'cubic',
      minRtoMs: 10
    })
  }
  net.probe(net.flows[0], { everyMs: 1 })
  net.probe(net.wire(toSwitch, client), { name: 'switch', everyMs: 1 })
  net.run(durationMs)
  return net
}
