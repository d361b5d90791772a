// Readers that do not read: the peer's makes our writer wait, ours makes the peer's. With tcpdump as a witness that nothing
// is sent into a closed window, and no window taken back.

import t from 'tap'
import { capture } from '../support/capture.ts'
import { hashOf } from '../support/tasks.ts'
import { until } from '../support/until.ts'
import { checkWire } from '../support/wire-check.ts'
import { pairAt, unlessPeers } from './setup.ts'

const skip = unlessPeers('tcpdump')
const MIB = 1024 * 1024
const pattern = { seed: 7, bytes: 64 * MIB }

for (const place of ['loopback', 'veth'] as const) {
  t.test(`a peer that does not read, over ${place}`, { skip }, async t => {
    const { ours, kernel, device } = await pairAt(t, place, { isPatient: true })
    const witness = await capture(t, ours.namespace, device)
    const sendBuffer = MIB
    const port = await kernel.host.do('serve', {})
    const to = { address: kernel.address, port, sendBuffer }
    const [id, there] = await Promise.all([ours.host.do('connect', to), kernel.host.do('accept')])
    const before = await ours.host.do('memory')
    const sending = ours.host.do('send', id, pattern)
    await until(async () => (await ours.host.do('counters')).tcp.zeroWindowProbes >= 2)

    const info = await ours.host.do('info', id)
    t.equal(info.sndWnd, 0, 'the window is closed')
    t.equal(info.unacked, 0, 'nothing is on its way')
    t.ok(info.notsentBytes > sendBuffer / 2, `${info.notsentBytes} bytes wait in the send buffer`)
    const { stack } = await ours.host.do('counters')
    t.ok(stack.slabUsedBytes <= 2 * sendBuffer, `${stack.slabUsedBytes} bytes of the slab`)
    const { rss } = await ours.host.do('memory')
    t.ok(rss - before.rss < 32 * MIB, `${Math.round((rss - before.rss) / MIB)} MiB more than before, of 64 to send`)

    const [sent, { received }] = await Promise.all([sending, kernel.host.do('receive', there)])
    t.equal(received, sent, 'when the peer reads, all arrives')
    await witness.stop()
    const { faults, ours: figures, peers } = checkWire(witness.path)
    t.same(faults, {})
    t.ok(figures.probes >= 2, `${figures.probes} probes, without text`)
    t.ok(peers.windowsClosed >= 1)
  })

  t.test(`a reader of ours that does not read, over ${place}`, { skip }, async t => {
    const { ours, kernel, device } = await pairAt(t, place, { isPatient: true })
    const witness = await capture(t, ours.namespace, device)
    const receiveBuffer = MIB
    const port = await ours.host.do('serve', { receiveBuffer })
    const [there, id] = await Promise.all([
      kernel.host.do('connect', { address: ours.address, port }),
      ours.host.do('accept')
    ])
    const before = await ours.host.do('memory')
    const sending = kernel.host.do('send', there, pattern)
    await until(async () => (await ours.host.do('info', id)).rcvWnd === 0)

    const { readableBytes } = await ours.host.do('info', id)
    // Windows are rounded up to the scale, a little with each ACK.
    t.ok(readableBytes < 1.01 * receiveBuffer, `${readableBytes} bytes wait for the reader`)
    t.ok(readableBytes > receiveBuffer - 65_536, 'the buffer was offered to the end')
    const { rss } = await ours.host.do('memory')
    t.ok(rss - before.rss < 32 * MIB, `${Math.round((rss - before.rss) / MIB)} MiB more than before, of 64 to come`)
    const { segmentsReceived } = (await ours.host.do('counters')).tcp
    await until(async () => (await ours.host.do('counters')).tcp.segmentsReceived >= segmentsReceived + 2)
    t.pass('the peer has probed the closed window twice')

    const [sent, { received }] = await Promise.all([sending, ours.host.do('receive', id)])
    t.equal(received, sent, 'when we read, all arrives')
    t.equal(received, hashOf(pattern))
    t.ok((await ours.host.do('counters')).tcp.windowUpdates >= 1, 'the peer was told that there is room again')
    await witness.stop()
    const { faults, ours: figures } = checkWire(witness.path, [port])
    t.same(faults, {})
    t.ok(figures.windowsClosed >= 1)
  })
}
