// Packet sockets under the host's own address, on an Ethernet of network namespaces, with kernels as neighbours.

import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { HostPacketLink } from '../../src/link/host-packet.ts'
import { startHost, unlessPeers } from '../peers/setup.ts'
import type { TestHost } from '../support/host.ts'
import { connect, type Namespace } from '../support/netns.ts'
import { exchange, namespaceFor } from './exchange.ts'

const skip = unlessPeers()
const HOST = '10.97.0.1'
const PEER = '10.97.0.2'
/** Behind the peer, as behind a router. */
const BEYOND = '10.96.0.1'
const BYTES = 5_000_000

function network(t: Test): { here: Namespace; there: Namespace } {
  const [here, there] = [namespaceFor(t), namespaceFor(t)]
  connect(here, there, { addresses: [`${HOST}/24`, `${PEER}/24`] })
  return { here, there }
}

function ours(t: Test, namespace: Namespace, packet: object = {}): Promise<TestHost> {
  // A process that waits for a CPU is late with its ACKs, or hears late of the kernel's, which is no loss.
  const stack = { tailLossProbe: false, minRtoMs: 1000, packet: { interface: 'v0', ...packet } }
  return startHost(t, 'ours', namespace, { stack })
}

for (const { how, packet } of [
  { how: 'with a virtio header', packet: {} },
  { how: 'without', packet: { offload: false } },
  { how: 'at one of its addresses', packet: { hostAddress: HOST } },
  { how: 'as the only member of a group', packet: { share: { index: 0, of: 1 } } }
]) {
  t.test(`both roles against a kernel, ${how}`, { skip }, async t => {
    const { here, there } = network(t)
    const [us, peer] = await Promise.all([ours(t, here, packet), startHost(t, 'kernel', there)])
    t.ok(await exchange(us, peer, HOST, BYTES), 'as server')
    t.ok(await exchange(peer, us, PEER, BYTES), 'as client')
    const { link, tcp } = await us.do('counters')
    const segments = Math.ceil((2 * BYTES) / 1448)
    t.ok(link.sendShortcuts > 100, `${link.sendShortcuts} packets took the shortcut`)
    t.equal(link.sentPackets < segments / 3, packet.offload !== false, `${link.sentPackets} for ${segments} segments`)
    t.match(tcp, { segmentsRetransmitted: 0, resetsSent: 0 })
    t.match(link, { receivedChecksumBad: 0, sendMalformed: 0, sendHostUnreachable: 0, sendOtherErrors: 0 })
  })
}

t.test('a kernel that serves the same port is refused, and silent', { skip }, async t => {
  const { here, there } = network(t)
  const [us, kernel, peer] = await Promise.all([
    ours(t, here),
    startHost(t, 'kernel', here),
    startHost(t, 'kernel', there)
  ])
  const port = await us.do('serveExchange', {}, { seed: 1, bytes: 1000 })
  await t.rejects(kernel.do('serve', { port }), { code: 'EADDRINUSE' })
  await peer.do('exchange', { address: HOST, port }, { seed: 2, bytes: 1000 })
  t.match(await us.do('served'), { receivedBytes: 1000 })
  const resets = here.run('sh', '-c', "awk '/^Tcp:/ { print $15 }' /proc/net/snmp | tail -1").trim()
  t.equal(resets, '0', 'OutRsts')
})

t.test('what does not leave by the interface goes through the kernel', { skip }, async t => {
  const { here } = network(t)
  const [us, kernel] = await Promise.all([ours(t, here), startHost(t, 'kernel', here)])
  t.ok(await exchange(us, kernel, '127.0.0.1', BYTES), 'loopback')
  t.ok(await exchange(kernel, us, HOST, BYTES), 'the host itself')
  t.match((await us.do('counters')).link, { sendShortcuts: 0 })
})

t.test('what is behind a router goes to that', { skip }, async t => {
  const { here, there } = network(t)
  there.ip(`address add ${BEYOND}/32 dev lo`)
  here.ip(`route add ${BEYOND}/32 via ${PEER}`)
  const [us, peer] = await Promise.all([ours(t, here), startHost(t, 'kernel', there)])
  t.ok(await exchange(peer, us, BEYOND, BYTES))
  const { link, tcp } = await us.do('counters')
  t.ok(link.sendShortcuts > 10, `${link.sendShortcuts}`)
  t.match(tcp, { segmentsRetransmitted: 0 })
})

t.test('a neighbour that moves to another hardware address is followed', { skip }, async t => {
  const { here, there } = network(t)
  const [us, peer] = await Promise.all([ours(t, here), startHost(t, 'kernel', there)])
  t.ok(await exchange(peer, us, PEER, BYTES))
  // For a second the kernel believes nobody else (locktime).
  await sleep(1100)
  there.ip('link set v0 address 02:00:00:00:00:99')
  there.ip('neighbour flush all')
  const before = (await us.do('counters')).link.sendShortcuts
  t.ok(await exchange(us, peer, HOST, BYTES))
  t.match(here.ip(`neighbour show ${PEER}`), '02:00:00:00:00:99')
  t.ok((await us.do('counters')).link.sendShortcuts > before + 10)
})

t.test('what cannot be is refused by a code', { skip }, async t => {
  const rows = [
    [{ interface: 'v0', gateway: PEER }, 'ERR_INVALID_ARG_VALUE'],
    [{ interface: 'v0', macAddress: '02:00:00:00:00:05' }, 'ERR_INVALID_ARG_VALUE'],
    [{}, 'ERR_INVALID_ARG_TYPE'],
    [{ interface: 'nothing' }, 'ENODEV'],
    [{ interface: 'lo' }, 'EPROTONOSUPPORT'],
    [{ interface: 'v0', hostAddress: '192.0.2.1' }, 'EADDRNOTAVAIL']
  ] as const
  for (const [options, code] of rows) t.throws(() => new HostPacketLink(options as never), { code })
})
