// What our stack and the kernel's share, ports: a port has one owner, the kernel is silent on ours, and when our process
// dies nothing stays behind.

import t from 'tap'
import { freePort } from '../link/ports.ts'
import { capture } from '../support/capture.ts'
import type { Namespace } from '../support/netns.ts'
import { hashOf } from '../support/tasks.ts'
import { checkWire } from '../support/wire-check.ts'
import { namespaceFor, pairAt, startHost, unlessPeers } from './setup.ts'

const skip = unlessPeers('tcpdump')
const pattern = { seed: 1, bytes: 100_000 }

t.test('a port has one owner', { skip }, async t => {
  const namespace = namespaceFor(t)
  const [ours, kernel] = [await startHost(t, 'ours', namespace), await startHost(t, 'kernel', namespace)]
  const inUse = { code: 'EADDRINUSE' }

  const kernels = await kernel.do('serve', {})
  await t.rejects(ours.do('serve', { port: kernels }), inUse, 'the kernel listens: we cannot')
  await t.rejects(
    ours.do('connect', { address: '127.0.0.1', port: kernels, localPort: kernels }),
    inUse,
    'nor connect from there'
  )
  await kernel.do('stopListening', kernels)
  t.equal(await ours.do('serve', { port: kernels }), kernels, 'the kernel has closed it: we can')

  const port = await ours.do('serve', {})
  await t.rejects(kernel.do('serve', { port }), inUse, 'we listen: the kernel cannot')
  await ours.do('stopListening', port)
  t.equal(await kernel.do('serve', { port }), port, 'we have closed it: the kernel can')

  const localPort = freePort()
  await ours.do('connect', { address: '127.0.0.1', port, localPort })
  await t.rejects(kernel.do('serve', { port: localPort }), inUse, 'the port that we connect from is ours as well')
})

for (const place of ['loopback', 'veth'] as const) {
  t.test(`nothing stays behind after kill -9 over ${place}`, { skip }, async t => {
    const before: Record<string, string> = {}
    const prepare = (namespace: Namespace): void => void Object.assign(before, traces(namespace))
    const { ours, kernel, device } = await pairAt(t, place, { prepare, isPatient: true })
    const { namespace } = ours
    const witness = await capture(t, namespace, device)

    // In the middle of it: a listener, a connection that it accepted, one of ours, and one that waits for an answer.
    const port = await ours.host.do('serve', {})
    const kernelsPort = await kernel.host.do('serve', {})
    await Promise.all([kernel.host.do('connect', { address: ours.address, port }), ours.host.do('accept')])
    await Promise.all([
      ours.host.do('connect', { address: kernel.address, port: kernelsPort, localPort: freePort() }),
      kernel.host.do('accept')
    ])
    await ours.host.do('exchange', { address: kernel.address, port: await kernel.host.do('serveEcho', {}) }, pattern)
    await witness.stop()
    const { faults, ours: sent, peers } = checkWire(witness.path, [port])
    t.same(faults, {})
    t.equal(sent.resets + peers.resets, 0, 'the kernel was silent')
    await ours.host.kill()
    await kernel.host.kill()

    t.same(traces(namespace), before)
    const heir = await startHost(t, 'kernel', namespace)
    const other = await startHost(t, 'kernel', kernel.namespace)
    t.equal(await heir.do('serveEcho', { port, address: ours.address }), port, 'the kernel can listen at once')
    const { received } = await other.do('exchange', { address: ours.address, port }, pattern)
    t.equal(received, hashOf(pattern), 'and be heard')
  })
}

/** What a process can leave in a namespace but for ports: raw sockets, routes, and rules of a firewall. */
function traces(namespace: Namespace): Record<string, string> {
  const read = (path: string): string => namespace.run('sh', '-c', `cat ${path} 2>/dev/null || true`)
  return {
    raw: read('/proc/net/raw'),
    packet: read('/proc/net/packet'),
    tables: read('/proc/net/ip_tables_names'),
    rules: namespace.ip('rule'),
    routes: namespace.ip('-4 route show table all'),
    addresses: namespace.ip('-4 -brief address')
  }
}
