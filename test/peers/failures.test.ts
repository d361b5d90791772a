// What a user is told when the peer, or the way to it, fails; and what is no failure, because it comes back.

import t from 'tap'
import { freePort } from '../link/ports.ts'
import type { TestHost } from '../support/host.ts'
import type { Namespace } from '../support/netns.ts'
import { ENDLESS } from '../support/tasks.ts'
import { until } from '../support/until.ts'
import { type Pair, pairAt, unlessPeers } from './setup.ts'

const skip = unlessPeers()
const MIB = 1024 * 1024
const endless = { seed: 5, bytes: ENDLESS }
const NOBODY = '10.99.0.77'

t.test('connections that never open', { skip }, async t => {
  const { ours, kernel } = await pairAt(t, 'veth')
  const { namespace, host } = ours
  const connect = (address: string, port = 9, options = {}): Promise<number> =>
    host.do('connect', { address, port, ...options })

  await t.test('nobody listens: ECONNREFUSED', async t => {
    await t.rejects(connect(kernel.address, freePort()), { code: 'ECONNREFUSED', message: /^connect ECONNREFUSED 10/ })
    await t.rejects(kernel.host.do('connect', { address: ours.address, port: freePort() }), { code: 'ECONNREFUSED' })
  })

  await t.test('a peer that never answers a SYN: ETIMEDOUT', async t => {
    answersNever(namespace, NOBODY)
    const before = (await host.do('counters')).tcp
    await t.rejects(connect(NOBODY, 9, { synRetries: 1, initialRtoMs: 100 }), { code: 'ETIMEDOUT' })
    const after = (await host.do('counters')).tcp
    t.equal(after.synRetransmissions - before.synRetransmissions, 1)
  })

  await t.test('a peer that never answers our SYN-ACK is forgotten', async t => {
    const port = await host.do('serve', { synAckRetries: 1, initialRtoMs: 50 })
    const way = answersNever(namespace, kernel.address)
    const unanswered = kernel.host.do('connect', { address: ours.address, port })
    await until(async () => (await host.do('counts')).halfOpen === 1)
    const { attemptFails } = (await host.do('counters')).tcp
    await until(async () => (await host.do('counters')).tcp.attemptFails > attemptFails)
    await host.do('stopListening', port)
    t.match(await host.do('counts'), { connections: 0, halfOpen: 0 })
    way.restore()
    await t.rejects(unanswered, { code: 'ECONNREFUSED' }, 'its next SYN finds nobody')
  })

  await t.test('no route: ENETUNREACH; a route that says so: EHOSTUNREACH', async t => {
    await t.rejects(connect('192.0.2.1'), { code: 'ENETUNREACH' })
    namespace.ip('route add unreachable 10.98.0.0/16')
    await t.rejects(connect('10.98.0.1'), { code: 'EHOSTUNREACH' })
  })

  await t.test('nobody has the address: EHOSTUNREACH when the kernel has given up to ask for it', async t => {
    namespace.setSysctl('net/ipv4/neigh/v0/retrans_time_ms', 50)
    await t.rejects(connect('10.99.0.78'), { code: 'EHOSTUNREACH' })
  })

  t.match(await host.do('counts'), { connections: 0, halfOpen: 0 })
})

t.test('a kernel peer that is killed in the middle: ECONNRESET', { skip }, async t => {
  const pair = await pairAt(t, 'veth')
  const { id, host } = await sendEndlessly(pair)
  await until(async () => (await host.do('info', id)).bytesAcked > MIB)
  await pair.kernel.host.kill()
  t.equal(await host.do('ended', id), 'ECONNRESET')
  t.match(await host.do('counters'), { stack: { slabUsedBytes: 0 } })
})

t.test('a peer that vanishes in the middle: ETIMEDOUT', { skip }, async t => {
  const pair = await pairAt(t, 'veth')
  const { id, host } = await sendEndlessly(pair, { retries: 3, minRtoMs: 20 })
  await until(async () => (await host.do('info', id)).bytesAcked > MIB)
  answersNever(pair.ours.namespace, pair.kernel.address)
  answersNever(pair.kernel.namespace, pair.ours.address)
  t.equal(await host.do('ended', id), 'ETIMEDOUT')
  t.match(await host.do('counters'), { tcp: { abortsOnTimeout: 1 }, stack: { slabUsedBytes: 0 } })
})

const cuts = [
  { what: 'our end of the cable is pulled, and put back', end: 'ours' },
  { what: 'the peer’s end of the cable is pulled, and put back', end: 'kernel' }
] as const

for (const { what, end } of cuts) {
  t.test(`${what}: the transfer goes on`, { skip }, async t => {
    const { ours, kernel, device } = await pairAt(t, 'veth')
    const { host } = ours
    const port = await kernel.host.do('serve', {})
    const [id, there] = await Promise.all([
      host.do('connect', { address: kernel.address, port }),
      kernel.host.do('accept')
    ])
    const exchanged = Promise.all([
      host.do('send', id, endless),
      kernel.host.do('receive', there),
      kernel.host.do('send', there, endless),
      host.do('receive', id)
    ])
    await until(async () => (await host.do('info', id)).bytesAcked > MIB)
    const { namespace } = end === 'ours' ? ours : kernel
    namespace.ip(`link set ${device} down`)
    await until(async () => (await host.do('counters')).tcp.retransmissionTimeouts >= 2)
    t.equal((await host.do('info', id)).state, 'ESTABLISHED')
    const { link } = await host.do('counters')
    if (end === 'ours') t.ok(link.sendNetworkDown + link.sendNetworkUnreachable > 0, 'what could not leave was counted')
    namespace.ip(`link set ${device} up`)
    const { bytesAcked } = await host.do('info', id)
    await until(async () => (await host.do('info', id)).bytesAcked > bytesAcked + MIB)
    await Promise.all([host.do('stopSending'), kernel.host.do('stopSending')])

    const [sent, received, sentThere, receivedHere] = await exchanged
    t.equal(received.received, sent)
    t.equal(receivedHere.received, sentThere)
    t.equal(await host.do('ended', id), null)
  })
}

async function sendEndlessly({ ours, kernel }: Pair, options = {}): Promise<{ id: number; host: TestHost }> {
  const { host } = ours
  const port = await kernel.host.do('serve', {})
  const to = { address: kernel.address, port, ...options }
  const [id, there] = await Promise.all([host.do('connect', to), kernel.host.do('accept')])
  // How it ends is what the tests ask.
  host.do('send', id, endless).catch(() => {})
  kernel.host.do('receive', there).catch(() => {})
  return { id, host }
}

/** From now on nothing sent to the address arrives: the neighbour's hardware address is nobody's. */
function answersNever(namespace: Namespace, address: string): { restore(): void } {
  namespace.ip(`neighbour replace ${address} lladdr 02:00:00:00:00:77 nud permanent dev v0`)
  return { restore: () => void namespace.ip(`neighbour delete ${address} dev v0`) }
}
