// A thousand connections one after the other, and two hundred at once, with tcpdump as a witness.

import t from 'tap'
import { capture } from '../support/capture.ts'
import { checkWire } from '../support/wire-check.ts'
import { inBothRoles, pairAt, unlessPeers } from './setup.ts'

const skip = unlessPeers('tcpdump')

const rows = [
  { what: '1000 connections one after the other', count: 1000, together: 1, bytes: 1000 },
  { what: '200 connections at once', count: 200, together: 200, bytes: 10_000 }
]

for (const place of ['loopback', 'veth'] as const) {
  for (const { what, count, together, bytes } of rows) {
    t.test(`${what} over ${place}`, { skip }, async t => {
      const pair = await pairAt(t, place, { isPatient: true })
      await inBothRoles(t, pair, async (t, server, client) => {
        const witness = await capture(t, pair.ours.namespace, pair.device)
        const fromServer = { seed: 1, bytes }
        const fromClient = { seed: 2, bytes: 2 * bytes }
        const port = await server.host.do('serveExchange', {}, fromServer)
        const began = performance.now()
        const to = { address: server.address, port }
        t.equal(await client.host.do('exchangeMany', to, together, count, fromClient, fromServer), count)
        const elapsed = Math.round(performance.now() - began)
        for (let i = 0; i < count; i++) {
          if ((await server.host.do('served')).receivedBytes !== 2 * bytes) t.fail(`connection ${i}`)
        }
        await witness.stop()
        const { faults, connections, ours, peers } = checkWire(witness.path, server === pair.ours ? [port] : [])
        t.same(faults, {})
        t.equal(connections, count)
        t.equal(ours.resets + peers.resets, 0)
        t.comment(`${elapsed} ms, ours ${JSON.stringify(ours)}, the peer's ${JSON.stringify(peers)}`)
      })
      t.match(await pair.ours.host.do('counts'), { connections: 0, halfOpen: 0 })
      t.match(await pair.ours.host.do('counters'), { stack: { slabUsedBytes: 0 }, link: { receiveOverflows: 0 } })
    })
  }
}
