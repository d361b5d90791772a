// Several processes with one address and one port, against a kernel: each serves its part of the connections, keeps silent about the
// others', and dies alone.

import t, { type Test } from 'tap'
import type { TestHost } from '../support/host.ts'
import type { Namespace } from '../support/netns.ts'
import { hashOf } from '../support/tasks.ts'
import { until } from '../support/until.ts'
import { type Pair, pairAt, startHost, unlessPeers } from './setup.ts'

const skip = unlessPeers()
/** One of three members has none of them in one run of ten thousand million. */
const CONNECTIONS = 60
const MEMBERS = 3
const pattern = { seed: 1, bytes: 20_000 }
const PORT = 7000
const PACKET = '10.99.0.3'

type Kind = 'raw' | 'packet'
const kinds: readonly Kind[] = ['raw', 'packet']

function startMember(t: Test, kind: Kind, namespace: Namespace, index: number, of = MEMBERS): Promise<TestHost> {
  const share = { index, of }
  // A process that waits for a CPU is late with its ACKs, or hears late of the kernel's, which is no loss.
  const patient = { tailLossProbe: false, minRtoMs: 1000 }
  const stack = kind === 'raw' ? { raw: { share } } : { packet: { interface: 'v0', address: PACKET, share } }
  return startHost(t, 'ours', namespace, { stack: { ...patient, ...stack } })
}

interface Group {
  readonly pair: Pair
  readonly members: TestHost[]
  readonly address: string
}

async function group(t: Test, kind: Kind): Promise<Group> {
  const pair = await pairAt(t, 'veth', { isPatient: true })
  const { namespace } = pair.ours
  const members = await Promise.all(Array.from({ length: MEMBERS }, (_, i) => startMember(t, kind, namespace, i)))
  return { pair, members, address: kind === 'raw' ? pair.ours.address : PACKET }
}

for (const kind of kinds) {
  t.test(`${kind}: connections spread over all members, and nobody interferes`, { skip }, async t => {
    const { pair, members, address } = await group(t, kind)
    for (const member of members) await member.do('serveExchange', { port: PORT }, pattern)
    const { host } = pair.kernel
    const right = await host.do('exchangeMany', { address, port: PORT }, 8, CONNECTIONS, pattern, pattern)
    t.equal(right, CONNECTIONS)
    let accepted = 0
    for (const member of members) {
      const { tcp } = await member.do('counters')
      t.ok(tcp.passiveOpens > 0, `${tcp.passiveOpens} of ${CONNECTIONS} connections`)
      accepted += tcp.passiveOpens
      // Not a segment of another member came so far: the filter has kept them all away.
      t.match(tcp, { resetsSent: 0, segmentsRetransmitted: 0, droppedNotOurs: 0 })
    }
    t.equal(accepted, CONNECTIONS, 'each was accepted once')
  })

  t.test(`${kind}: each member connects from ports that are its own`, { skip }, async t => {
    const { pair, members } = await group(t, kind)
    const { host, address } = pair.kernel
    const port = await host.do('serveExchange', {}, pattern)
    const all = members.map(member => member.do('exchangeMany', { address, port }, 4, 20, pattern, pattern))
    t.same(await Promise.all(all), [20, 20, 20])
    for (const member of members) t.match((await member.do('counters')).tcp, { resetsSent: 0, droppedNotOurs: 0 })

    // Of any three members exactly one may use a certain port.
    const codes = await Promise.all(
      members.map(member =>
        member.do('connect', { address, port, localPort: 5000 }).then(
          () => 'connected',
          error => (error as NodeJS.ErrnoException).code
        )
      )
    )
    t.same(codes.sort(), ['EADDRNOTAVAIL', 'EADDRNOTAVAIL', 'connected'])
  })

  t.test(
    `${kind}: a member that is killed takes its own connections with it, and a new one its place`,
    {
      skip
    },
    async t => {
      const { pair, members, address } = await group(t, kind)
      const { host } = pair.kernel
      for (const member of members) await member.do('serve', { port: PORT })
      const connecting = Array.from({ length: CONNECTIONS }, () => host.do('connect', { address, port: PORT }))
      await Promise.all(connecting)
      const connected = (): Promise<number[]> =>
        Promise.all(members.map(async member => (await member.do('counts')).connections))
      // A client is connected before its ACK has arrived.
      await until(async () => (await connected()).reduce((sum, count) => sum + count) === CONNECTIONS)
      const accepted: [TestHost, number][] = []
      for (const [i, count] of (await connected()).entries()) {
        t.ok(count > 0, `${count} of ${CONNECTIONS}`)
        for (let k = 0; k < count; k++) accepted.push([members[i], await members[i].do('accept')])
      }

      await members[1].kill()
      const sent = hashOf(pattern)
      for (const [member, id] of accepted.filter(([member]) => member !== members[1])) {
        t.equal(await member.do('send', id, pattern), sent)
      }
      const heir = await startMember(t, kind, pair.ours.namespace, 1)
      await heir.do('serveExchange', { port: PORT }, pattern)
      for (const member of [members[0], members[2]]) {
        await member.do('stopListening', PORT)
        await member.do('serveExchange', { port: PORT }, pattern)
        t.match((await member.do('counters')).tcp, { resetsSent: 0, droppedNotOurs: 0 })
      }
      const right = await host.do('exchangeMany', { address, port: PORT }, 4, CONNECTIONS, pattern, pattern)
      t.equal(right, CONNECTIONS)
      t.ok((await heir.do('counters')).tcp.passiveOpens > 0, 'the heir has its part')
    }
  )
}

t.test('raw: a port is shared by members of different numbers only', { skip }, async t => {
  const pair = await pairAt(t, 'veth')
  const { namespace } = pair.ours
  const [first, second, double] = await Promise.all([0, 1, 0].map(index => startMember(t, 'raw', namespace, index, 2)))
  const [alone, kernel] = [await startHost(t, 'ours', namespace), await startHost(t, 'kernel', namespace)]
  const inUse = { code: 'EADDRINUSE' }
  await first.do('serve', { port: PORT })
  await second.do('serve', { port: PORT })
  await t.rejects(double.do('serve', { port: PORT }), inUse, 'the same program, started twice')
  await t.rejects(alone.do('serve', { port: PORT }), inUse, 'a stack that shares nothing')
  await t.rejects(kernel.do('serve', { port: PORT }), inUse, 'a program on the kernel')
  await first.kill()
  t.equal(await double.do('serve', { port: PORT }), PORT, 'a killed member has left nothing')
  await t.rejects(kernel.do('serve', { port: PORT }), inUse, 'the other member still has the port')
})
