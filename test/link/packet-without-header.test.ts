// Packet sockets on a kernel that knows no virtio header (PACKET_VNET_HDR): single packets with whole checksums, and a warning. The kernel at
// hand knows it; a library that is loaded before libc says that it does not.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startHost, unlessPeers } from '../peers/setup.ts'
import type { HostOptions } from '../support/host.ts'
import { connect, type Namespace } from '../support/netns.ts'
import { exchange, namespaceFor } from './exchange.ts'

const skip = unlessPeers('cc')
const OURS = '10.97.0.5'
const HOST = '10.97.0.1'
const PEER = '10.97.0.2'
const BYTES = 3_000_000
const MSS = 1448

/** The library, compiled. */
function refusal(t: Test): string {
  const library = join(t.testdir(), 'no-virtio-header.so')
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, join(import.meta.dirname, 'no-virtio-header.c')])
  return library
}

function network(t: Test): [here: Namespace, there: Namespace] {
  const [here, there] = [namespaceFor(t), namespaceFor(t)]
  connect(here, there, { addresses: [`${HOST}/24`, `${PEER}/24`] })
  return [here, there]
}

for (const { how, address, packet } of [
  { how: 'with an address of its own', address: OURS, packet: { interface: 'v0', address: OURS } },
  { how: 'under the host’s address', address: HOST, packet: { interface: 'v0' } }
]) {
  t.test(`bulk both ways in single packets with whole checksums, ${how}`, { skip }, async t => {
    const [here, there] = network(t)
    const options: HostOptions = {
      stack: { tailLossProbe: false, minRtoMs: 1000, packet },
      env: { LD_PRELOAD: refusal(t), NODE_NO_WARNINGS: '1' }
    }
    const [us, peer] = await Promise.all([startHost(t, 'ours', here, options), startHost(t, 'kernel', there)])
    const badBefore = checksumErrors(there)
    t.ok(await exchange(us, peer, address, BYTES), 'as server')
    t.ok(await exchange(peer, us, PEER, BYTES), 'as client')
    const { link, tcp } = await us.do('counters')
    t.equal(link.sentPackets >= (2 * BYTES) / MSS, true, `${link.sentPackets} packets, each a segment`)
    t.equal(checksumErrors(there), badBefore, 'the kernel has found each checksum good')
    t.equal(tcp.segmentsRetransmitted, 0)
    t.match(link, { receivedChecksumBad: 0, receivedTruncated: 0, sendMalformed: 0, sendTooLarge: 0, sendInvalid: 0 })
  })
}

t.test('a warning says so once, and not where no offload is wanted', { skip }, async t => {
  const [here] = network(t)
  const preload = `LD_PRELOAD=${refusal(t)}`
  const child = join(import.meta.dirname, 'packet-without-header.child.ts')
  const run = (...command: string[]): unknown => JSON.parse(here.run('env', 'NODE_NO_WARNINGS=1', ...command))
  const node = [process.execPath, '--import=tsx', child]
  t.same(run(preload, ...node, 'offload'), { whole: [false, false, false], seen: ['RAWTCP_NO_OFFLOAD'] })
  t.same(run(preload, ...node, 'single'), { whole: [false, false, false], seen: [] })
  t.same(run(...node, 'offload'), { whole: [true, true, true], seen: [] }, 'the kernel at hand knows it')
})

/** Segments that a kernel has thrown away for their checksums. */
function checksumErrors(namespace: Namespace): number {
  const [names, values] = namespace
    .run('cat', '/proc/net/snmp')
    .split('\n')
    .filter(line => line.startsWith('Tcp:'))
    .map(line => line.split(' '))
  return Number(values[names.indexOf('InCsumErrors')])
}
