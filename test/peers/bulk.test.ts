// 100 MiB in each direction at once, against the kernel, with tcpdump as a witness.

import t from 'tap'
import { capture } from '../support/capture.ts'
import { checkWire } from '../support/wire-check.ts'
import { inBothRoles, pairAt, unlessPeers } from './setup.ts'

const skip = unlessPeers('tcpdump')
const BYTES = 100 * 1024 * 1024

const rows = [
  { where: 'over loopback', place: 'loopback', segmentationOffload: true },
  { where: 'over veth', place: 'veth', segmentationOffload: true },
  { where: 'over TUN', place: 'tun', segmentationOffload: true },
  { where: 'over TUN, no packet larger than the MTU', place: 'tun', segmentationOffload: false },
  { where: 'over a packet socket', place: 'packet', segmentationOffload: true },
  { where: 'over a packet socket, no packet larger than the MTU', place: 'packet', segmentationOffload: false },
  { where: 'over veth, no packet larger than the MTU', place: 'veth', segmentationOffload: false }
] as const

for (const { where, place, segmentationOffload } of rows) {
  t.test(`100 MiB both ways ${where}`, { skip }, async t => {
    const pair = await pairAt(t, place, { segmentationOffload, isPatient: true })
    await inBothRoles(t, pair, async (t, server, client) => {
      const witness = await capture(t, pair.ours.namespace, pair.device)
      const port = await server.host.do('serveExchange', {}, { seed: 1, bytes: BYTES })
      const [there, here] = await Promise.all([
        client.host.do('exchange', { address: server.address, port }, { seed: 2, bytes: BYTES }),
        server.host.do('served')
      ])
      await witness.stop()

      t.equal(there.received, here.sent, 'what the server sent arrived')
      t.equal(here.received, there.sent, 'what the client sent arrived')
      t.equal(there.receivedBytes, BYTES)
      const { faults, connections, ours, peers } = checkWire(
        witness.path,
        server === pair.ours ? [port] : [],
        (place === 'tun' || place === 'packet') && segmentationOffload
      )
      t.same(faults, {})
      t.equal(connections, 1)
      t.equal(ours.textBytes, BYTES)
      t.equal(ours.resets + peers.resets, 0)
      t.comment(`${Math.round(here.elapsedMs)} ms, ours ${JSON.stringify(ours)}, the peer's ${JSON.stringify(peers)}`)
    })
  })
}
