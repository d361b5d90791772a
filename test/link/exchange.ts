// What the tests of packet sockets do between hosts in namespaces.

import type { Test } from 'tap'
import type { TestHost } from '../support/host.ts'
import { Namespace } from '../support/netns.ts'

export function namespaceFor(t: Test): Namespace {
  const namespace = new Namespace()
  t.teardown(() => namespace.remove())
  return namespace
}

/** Whether all bytes arrived, each way. */
export async function exchange(server: TestHost, client: TestHost, address: string, bytes: number): Promise<boolean> {
  const port = await server.do('serveExchange', {}, { seed: 1, bytes })
  const [there, here] = await Promise.all([
    client.do('exchange', { address, port }, { seed: 2, bytes }),
    server.do('served')
  ])
  return there.received === here.sent && here.received === there.sent
}
