// The packet driver on an Ethernet of network namespaces, with kernels as its neighbours.

import t, { type Test } from 'tap'
import { startHost, unlessPeers } from '../peers/setup.ts'
import type { TestHost } from '../support/host.ts'
import { connect, type Namespace } from '../support/netns.ts'
import { ENDLESS } from '../support/tasks.ts'
import { until } from '../support/until.ts'
import { exchange, namespaceFor } from './exchange.ts'

const skip = unlessPeers()
const OURS = '10.97.0.5'
const HOST = '10.97.0.1'
const PEER = '10.97.0.2'
const NOBODY = '10.97.0.77'
const BYTES = 3_000_000

interface Network {
  readonly here: Namespace
  readonly there: Namespace
}

function network(t: Test, mtu = 1500): Network {
  const [here, there] = [namespaceFor(t), namespaceFor(t)]
  connect(here, there, { mtu, addresses: [`${HOST}/24`, `${PEER}/24`] })
  return { here, there }
}

function ours(t: Test, namespace: Namespace, packet: object = {}): Promise<TestHost> {
  // A process that waits for a CPU is late with its ACKs, or hears late of the kernel's, which is no loss.
  const stack = { tailLossProbe: false, minRtoMs: 1000, packet: { interface: 'v0', address: OURS, ...packet } }
  return startHost(t, 'ours', namespace, { stack })
}

/** What `namespace` knows of a neighbour: its hardware address. */
function macAt(namespace: Namespace, address: string): string | undefined {
  return /lladdr (\S+)/.exec(namespace.ip(`neighbour show ${address}`))?.[1]
}

function macOf(namespace: Namespace): string {
  return namespace.run('cat', '/sys/class/net/v0/address').trim()
}

for (const { how, packet } of [
  { how: 'with a virtio header', packet: {} },
  { how: 'without', packet: { offload: false } },
  { how: 'past the queue of the interface', packet: { bypassQueue: true } }
]) {
  t.test(`both roles against a kernel, ${how}`, { skip }, async t => {
    const { here, there } = network(t)
    const [us, peer] = await Promise.all([ours(t, here, packet), startHost(t, 'kernel', there)])
    t.ok(await exchange(us, peer, OURS, BYTES), 'as server')
    t.ok(await exchange(peer, us, PEER, BYTES), 'as client')
    t.equal(macAt(there, OURS), macOf(here), 'at the hardware address of the host')

    const { link, tcp } = await us.do('counters')
    const segments = Math.ceil((2 * BYTES) / 1448)
    const isWhole = packet.offload !== false
    t.equal(link.sentPackets < segments / 4, isWhole, `${link.sentPackets} packets for ${segments} segments`)
    t.equal(link.receivedChecksumPartial > 0, true, 'what the kernel sends has no checksum on a veth')
    t.equal(tcp.segmentsRetransmitted, 0)
    t.match(link, {
      receivedChecksumBad: 0,
      receivedTruncated: 0,
      receiveErrors: 0,
      sendMalformed: 0,
      sendTooLarge: 0,
      sendInvalid: 0,
      sendOtherErrors: 0,
      sendHostUnreachable: 0,
      sendNeighbourOverflows: 0,
      neighboursLost: 0,
      addressConflicts: 0,
      arpMalformed: 0,
      arpNotSent: 0
    })
  })
}

t.test('at a hardware address of its own, on a host that forwards packets', { skip }, async t => {
  const { here, there } = network(t)
  here.setSysctl('net/ipv4/ip_forward', 1)
  const macAddress = '02:00:00:00:00:05'
  const [us, peer] = await Promise.all([ours(t, here, { macAddress }), startHost(t, 'kernel', there)])
  t.ok(await exchange(us, peer, OURS, BYTES), 'as server')
  t.ok(await exchange(peer, us, PEER, BYTES), 'as client')
  t.equal(macAt(there, OURS), macAddress)
  t.equal(macAt(here, OURS), undefined, 'the host has not looked for us')
  t.match((await us.do('counters')).tcp, { segmentsRetransmitted: 0 })
})

t.test('a neighbour is asked for by ARP, and what was sent to it meanwhile follows', { skip }, async t => {
  const { here, there } = network(t)
  const [us, peer] = await Promise.all([ours(t, here), startHost(t, 'kernel', there)])
  const before = (await us.do('counters')).link
  t.ok(await exchange(peer, us, PEER, 1000))
  const { link, tcp } = await us.do('counters')
  t.equal(link.arpRequestsSent - before.arpRequestsSent <= 2, true, 'a request, and perhaps the second announcement')
  t.equal(link.sendAwaitedNeighbour, 1, 'the SYN')
  t.equal(tcp.segmentsRetransmitted, 0, 'which was not lost')
})

t.test('a kernel that asks for us is answered, and not asked back', { skip }, async t => {
  const { here, there } = network(t)
  const [us, peer] = await Promise.all([ours(t, here), startHost(t, 'kernel', there)])
  there.ip('neighbour flush all')
  t.ok(await exchange(us, peer, OURS, 1000))
  const { link } = await us.do('counters')
  t.equal(link.arpRepliesSent >= 1, true)
  t.equal(link.sendAwaitedNeighbour, 0)
})

t.test('packets to a neighbour that does not answer are dropped and counted', { skip }, async t => {
  const { here } = network(t)
  const us = await ours(t, here)
  us.do('connect', { address: NOBODY, port: 9 }).catch(() => {})
  await until(async () => (await us.do('counters')).link.neighboursLost > 0)
  const { sendAwaitedNeighbour, sendHostUnreachable } = (await us.do('counters')).link
  t.equal(sendHostUnreachable >= 1, true)
  t.equal(sendAwaitedNeighbour - sendHostUnreachable <= 1, true, 'all but one that has come to wait since')
})

t.test('other networks are reached by the gateway, and not without', { skip }, async t => {
  const { here, there: router } = network(t)
  const far = namespaceFor(t)
  connect(router, far, { addresses: ['10.96.0.1/24', '10.96.0.2/24'], names: ['v1', 'v0'] })
  router.setSysctl('net/ipv4/ip_forward', 1)
  far.ip('route add default via 10.96.0.1')
  const [us, peer] = await Promise.all([ours(t, here, { gateway: PEER }), startHost(t, 'kernel', far)])
  t.ok(await exchange(us, peer, OURS, BYTES), 'as server')
  t.ok(await exchange(peer, us, '10.96.0.2', BYTES), 'as client')
  const alone = await ours(t, here, { address: '10.97.0.6' })
  await t.rejects(alone.do('connect', { address: '10.96.0.2', port: 9 }), { code: 'ENETUNREACH' })
  await t.rejects(alone.do('connect', { address: '10.97.0.255', port: 9 }), { code: 'ENETUNREACH' })
})

t.test('an interface that goes down loses packets, which are counted, and no connection', { skip }, async t => {
  const { here, there } = network(t)
  const [us, peer] = await Promise.all([ours(t, here), startHost(t, 'kernel', there)])
  const port = await us.do('serveExchange', {}, { seed: 1, bytes: ENDLESS })
  const done = Promise.all([peer.do('exchange', { address: OURS, port }, { seed: 2, bytes: 0 }), us.do('served')])
  const isMoreSent = async (than: number): Promise<void> =>
    until(async () => (await us.do('counters')).link.sentBytes > than + 20_000_000)
  await isMoreSent(0)
  here.ip('link set v0 down')
  await until(async () => (await us.do('counters')).link.sendNetworkDown > 0)
  here.ip('link set v0 up')
  await isMoreSent((await us.do('counters')).link.sentBytes)
  await us.do('stopSending')
  const [received, sent] = await done
  t.equal(received.received, sent.sent)
  const { link } = await us.do('counters')
  t.equal(link.receiveErrors >= 1, true, 'the kernel has said so on the socket')
})

t.test('the MTU is the interface’s, which may change', { skip }, async t => {
  const { here, there } = network(t, 4000)
  const [us, peer] = await Promise.all([ours(t, here), startHost(t, 'kernel', there)])
  const pathMtu = async (): Promise<number> => {
    const port = await peer.do('serveEcho', {})
    const id = await us.do('connect', { address: PEER, port })
    const { pmtu } = await us.do('info', id)
    await us.do('destroy', id)
    return pmtu
  }
  t.equal(await pathMtu(), 4000)
  here.ip('link set v0 mtu 1400')
  await until(async () => (await pathMtu()) === 1400)
})

t.test('an address that somebody says is theirs later on is defended, and counted', { skip }, async t => {
  const { here, there } = network(t)
  const us = await ours(t, here)
  await ours(t, there, { probeMs: 0 })
  await until(async () => (await us.do('counters')).link.addressConflicts > 0)
  t.pass('counted')
})

t.test('what cannot be is refused by a code that says what to do', { skip }, async t => {
  const { here, there } = network(t)
  here.ip('link add down0 type veth peer name down1')
  const first = await ours(t, there)
  const child = `${import.meta.dirname}/packet-refusals.child.ts`
  const answers = JSON.parse(here.run(process.execPath, '--import=tsx', child, HOST, PEER, OURS))
  t.match(answers, {
    unknown: { code: 'ENODEV', message: /no interface none0/ },
    long: { code: 'ENODEV' },
    down: { code: 'ENETDOWN', message: /ip link set down0 up/ },
    loopback: { code: 'EPROTONOSUPPORT', message: /lo is no Ethernet/ },
    hosts: { code: 'EADDRINUSE', message: /host has it itself, on v0/ },
    peers: { code: 'EADDRINUSE', message: new RegExp(`${macOf(there)} has it already`) },
    taken: { code: 'EADDRINUSE', message: new RegExp(`${macOf(there)} has it already`) },
    gateway: { code: 'ERR_OUT_OF_RANGE' },
    ownGateway: { code: 'ERR_OUT_OF_RANGE' },
    address: { code: 'ERR_INVALID_IP_ADDRESS' },
    noInterface: { code: 'ERR_INVALID_ARG_TYPE' },
    group: { code: 'ERR_INVALID_ARG_VALUE' },
    option: { code: 'ERR_INVALID_ARG_VALUE' },
    unprivileged: { code: 'EPERM', message: /CAP_NET_RAW/ }
  })
  t.equal((await first.do('counters')).link.addressConflicts, 0, 'a probe is no claim')
})
