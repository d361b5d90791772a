// A router whose next link carries less than ours: it drops what is too big, since our packets may not be fragmented, and
// says so by ICMP (RFC 1191).

import t, { type Test } from 'tap'
import { capture } from '../support/capture.ts'
import { connect } from '../support/netns.ts'
import { checkWire } from '../support/wire-check.ts'
import { namespaceFor, type Pair, startHost, unlessPeers } from './setup.ts'

const skip = unlessPeers('tcpdump')
const MIB = 1024 * 1024
const PATH_MTU = 1300
const HEADERS = 40
const TIMESTAMPS = 12

for (const role of ['server', 'client'] as const) {
  t.test(`a smaller MTU on the way, our stack as ${role}: the transfer goes on`, { skip }, async t => {
    const { ours, kernel, device } = await acrossRouter(t)
    const witness = await capture(t, ours.namespace, device)
    const [server, client] = role === 'server' ? [ours, kernel] : [kernel, ours]
    const port = await server.host.do('serve', {})
    const connected = client.host.do('connect', { address: server.address, port })
    const [there, here] =
      role === 'server' ? [connected, server.host.do('accept')] : [server.host.do('accept'), connected]
    const [id, peersId] = await Promise.all([here, there])
    t.equal((await ours.host.do('info', id)).sndMss, 1500 - HEADERS, 'our own link carries more')

    const [sent, received, sentThere, receivedHere] = await Promise.all([
      ours.host.do('send', id, { seed: 1, bytes: 10 * MIB }),
      kernel.host.do('receive', peersId),
      kernel.host.do('send', peersId, { seed: 2, bytes: 10 * MIB }),
      ours.host.do('receive', id)
    ])
    t.equal(received.received, sent)
    t.equal(receivedHere.received, sentThere)
    t.equal((await ours.host.do('info', id)).sndMss, PATH_MTU - HEADERS)
    t.ok((await ours.host.do('counters')).tcp.icmpErrorsTaken >= 1)
    await witness.stop()

    const { faults, icmp, ours: figures } = checkWire(witness.path, role === 'server' ? [port] : [])
    t.ok(icmp >= 1, 'the router has said so')
    t.equal(figures.largestText, 1500 - HEADERS - TIMESTAMPS, 'the first ones were too big')
    const { 'retransmission of ours': ours1, 'retransmission of the peer': peers, ...others } = faults
    t.same(others, {}, 'packets that do not fit were sent again, and nothing else was wrong')
    t.comment(`${figures.segments} segments, ${figures.retransmissions} again, ${icmp} of ICMP`)
  })
}

/** Three hosts in a row. The one in the middle forwards either way what is no larger than the path's MTU. */
async function acrossRouter(t: Test): Promise<Pair> {
  const [left, router, right] = [namespaceFor(t), namespaceFor(t), namespaceFor(t)]
  connect(left, router, { addresses: ['10.1.0.1/24', '10.1.0.254/24'], names: ['v0', 'left'] })
  connect(router, right, { addresses: ['10.2.0.254/24', '10.2.0.1/24'], names: ['right', 'v0'] })
  left.ip('route add default via 10.1.0.254')
  right.ip('route add default via 10.2.0.254')
  router.ip(`route change 10.1.0.0/24 dev left mtu ${PATH_MTU}`)
  router.ip(`route change 10.2.0.0/24 dev right mtu ${PATH_MTU}`)
  router.setSysctl('net/ipv4/ip_forward', 1)
  const [ours, kernel] = await Promise.all([startHost(t, 'ours', left), startHost(t, 'kernel', right)])
  return {
    ours: { namespace: left, address: '10.1.0.1', host: ours },
    kernel: { namespace: right, address: '10.2.0.1', host: kernel },
    device: 'v0'
  }
}
