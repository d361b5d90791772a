// What is on the wire of a transfer by super-segments, which the kernel or the addon cuts, and of one by single segments: the same
// bytes, and nothing that tcpdump or tshark has to object to.
//
// The interfaces of the cable can neither cut nor sum, so whatever leaves on it is whole when tcpdump sees it.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { capture } from '../support/capture.ts'
import type { TestHost } from '../support/host.ts'
import { connect, type Namespace } from '../support/netns.ts'
import type { OurOptions } from '../support/tcp.ts'
import { namespaceFor, startHost, unlessPeers } from './setup.ts'

const skip = unlessPeers('tcpdump', 'tshark', 'ethtool')
const BYTES = 2_000_000
const MSS = 1448
const HERE = '10.99.0.1'
const THERE = '10.99.0.2'
const PACKET = '10.99.0.3'
const TUN = '10.98.0.2'
const DEVICE = 'v0'

/** On a lossless path TCP does none of it; windows may well close and open. */
const OBJECTIONS = [
  'ip.checksum.status == 0',
  'tcp.checksum.status != 1',
  '_ws.malformed',
  'tcp.analysis.flags and not tcp.analysis.window_update and not tcp.analysis.window_full and not tcp.analysis.zero_window'
]

interface Way {
  readonly how: string
  readonly address: string
  readonly stack: OurOptions
  /** Packets of the driver are larger than what is on the wire. */
  readonly isWhole: boolean
}

const tun = { address: TUN, hostAddress: '10.98.0.1', name: 'rawtcp0' }
const packet = { interface: DEVICE, address: PACKET }
const ways: readonly Way[] = [
  { how: 'packet socket, super-segments', address: PACKET, stack: { packet }, isWhole: true },
  { how: 'packet socket, single', address: PACKET, stack: { packet: { ...packet, offload: false } }, isWhole: false },
  { how: 'TUN, super-segments', address: TUN, stack: { tun }, isWhole: true },
  { how: 'TUN, single', address: TUN, stack: { tun: { ...tun, offload: false } }, isWhole: false },
  { how: 'raw socket, cut by the addon', address: HERE, stack: {}, isWhole: false }
]

/** SHA-256 of what the captures held in the direction from the client, and in that from the server. */
const seen = new Map<string, readonly [string, string]>()

for (const way of ways) {
  t.test(`two million bytes each way: ${way.how}`, { skip }, async t => {
    const [here, there] = [namespaceFor(t), namespaceFor(t)]
    connect(here, there, { addresses: [`${HERE}/24`, `${THERE}/24`] })
    for (const host of [here, there]) doWithoutOffload(host)
    // A host behind a TUN device is reached through the one that has it.
    here.setSysctl('net/ipv4/ip_forward', way.address === TUN ? 1 : 0)
    there.ip(`route add ${TUN}/32 via ${HERE}`)
    const stack = { tailLossProbe: false, minRtoMs: 1000, ...way.stack }
    const [us, kernel] = await Promise.all([startHost(t, 'ours', here, { stack }), startHost(t, 'kernel', there)])
    there.setSysctl('net/ipv4/tcp_rto_min_us', 1_000_000)

    const witness = await capture(t, here, DEVICE)
    const { sent, received } = await exchange(us, kernel)
    await witness.stop()

    const { link } = await us.do('counters')
    const segments = Math.ceil(BYTES / MSS)
    const packets = link.sentPackets
    t.equal(packets < segments / 2, way.isWhole, `${packets} packets left the driver for ${segments} segments`)
    checkByTcpdump(t, witness.path, 2 * segments)
    t.equal(tshark(witness.path, '-Y', OBJECTIONS.map(it => `(${it})`).join(' or ')), '', 'tshark has no objection')
    const lengths = tshark(witness.path, '-Y', 'tcp.len > 0', '-T', 'fields', '-e', 'tcp.len').split('\n').map(Number)
    t.equal(Math.max(...lengths), MSS, 'the largest segment')
    const streams = streamsIn(witness.path)
    t.same(streams, [sent, received], 'the capture holds what was sent, and what came back')
    seen.set(way.how, streams)
  })
}

t.test('all captures hold the same bytes', { skip }, async t => {
  t.equal(seen.size, ways.length)
  for (const [how, streams] of seen) t.same(streams, seen.get(ways[0].how), how)
})

function doWithoutOffload(host: Namespace): void {
  host.run('ethtool', '-K', DEVICE, 'tx', 'off', 'tso', 'off', 'gso', 'off')
}

/** Ours is the client. Hashes of what it has sent, and of what came back. */
async function exchange(us: TestHost, kernel: TestHost): Promise<{ sent: string; received: string }> {
  const port = await kernel.do('serveExchange', {}, { seed: 1, bytes: BYTES })
  const [ours, theirs] = await Promise.all([
    us.do('exchange', { address: THERE, port }, { seed: 2, bytes: BYTES }),
    kernel.do('served')
  ])
  if (ours.sent !== theirs.received || ours.received !== theirs.sent) throw new Error('Not all bytes arrived')
  return ours
}

function checkByTcpdump(t: Test, path: string, atLeast: number): void {
  const printed = execFileSync('tcpdump', ['-nn', '-vv', '-r', path, 'tcp'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'ignore']
  })
  const lines = printed.split('\n')
  const matching = (pattern: RegExp): string[] => lines.filter(line => pattern.test(line)).slice(0, 3)
  t.same(matching(/incorrect|\bbad\b|invalid|truncated/i), [], 'tcpdump has no objection')
  const good = lines.filter(line => /cksum 0x[0-9a-f]{4} \(correct\)/.test(line)).length
  t.ok(good >= atLeast, `tcpdump has summed ${good} segments`)
}

function tshark(path: string, ...more: string[]): string {
  const checking = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE']
  return execFileSync('tshark', ['-n', '-r', path, ...checking, ...more], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'ignore']
  }).trimEnd()
}

/** As tshark puts them together: lines in hexadecimal, those of the server indented. */
function streamsIn(path: string): [string, string] {
  const hashes = [createHash('sha256'), createHash('sha256')] as const
  for (const line of tshark(path, '-q', '-z', 'follow,tcp,raw,0').split('\n')) {
    const text = /^(\t?)([0-9a-f]+)$/.exec(line)
    if (text !== null) hashes[text[1] === '' ? 0 : 1].update(text[2], 'hex')
  }
  return [hashes[0].digest('hex'), hashes[1].digest('hex')]
}
