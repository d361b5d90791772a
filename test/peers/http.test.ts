// Node's own HTTP over our stack, in both roles: keep-alive, and large bodies in chunks.

import t from 'tap'
import { capture } from '../support/capture.ts'
import { hashOf } from '../support/tasks.ts'
import { checkWire } from '../support/wire-check.ts'
import { inBothRoles, pairAt, unlessPeers } from './setup.ts'

const skip = unlessPeers('tcpdump')

const bodies = [
  { seed: 1, bytes: 10 },
  { seed: 2, bytes: 20 * 1024 * 1024 },
  { seed: 4, bytes: 65_536 }
]

for (const place of ['loopback', 'veth'] as const) {
  t.test(`HTTP over ${place}`, { skip }, async t => {
    const pair = await pairAt(t, place, { isPatient: true })
    await inBothRoles(t, pair, async (t, server, client) => {
      const witness = await capture(t, pair.ours.namespace, pair.device)
      const port = await server.host.do('serveHttp', {})
      const answers = await client.host.do('requestHttp', { address: server.address, port }, '/echo', bodies)
      await witness.stop()

      for (const [i, { status, headers, body }] of answers.entries()) {
        t.equal(status, 200)
        t.match(headers, { 'transfer-encoding': 'chunked', connection: 'keep-alive' })
        t.equal(body, hashOf(bodies[i]), `body of ${bodies[i].bytes} bytes`)
      }
      const { faults, connections } = checkWire(witness.path, server === pair.ours ? [port] : [])
      t.same(faults, {})
      t.equal(connections, 1, 'all on one connection')
    })
  })
}
