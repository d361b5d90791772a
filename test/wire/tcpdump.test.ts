// What we write, read by tcpdump: the same line from both, and no fault found with lengths and checksums. Needs tcpdump,
// no privileges.

import { spawnSync } from 'node:child_process'
import t from 'tap'
import { fillChecksums } from '../../src/link/gather.ts'
import { Random } from '../../src/random.ts'
import { writeIpv4Header } from '../../src/wire/ipv4.ts'
import { formatSegment } from '../../src/wire/notation.ts'
import { Segment, SYN } from '../../src/wire/segment.ts'
import { writeTcpHeader } from '../../src/wire/tcp.ts'
import { randomCookie, viewOf } from './bytes.ts'

const COUNT = 1000
/** Packets in the file are IP, with no link header (LINKTYPE_RAW). */
const FILE_HEADER = [0xa1b2c3d4, 0x00020004, 0, 0, 65535, 101]

const random = new Random(10)
const segments = Array.from({ length: COUNT }, randomSegment)
const capture = Buffer.concat([words(FILE_HEADER), ...segments.map(record)])

function tcpdump(...options: string[]): string[] | undefined {
  const { error, stdout } = spawnSync('tcpdump', ['-t', '-n', '-S', ...options, '-r', '-'], { input: capture })
  return error === undefined ? stdout.toString().trimEnd().split('\n') : undefined
}

const lines = tcpdump()
const skip = lines === undefined && 'there is no tcpdump'

t.test('tcpdump prints the lines that we print', { skip }, async t => {
  const ours = segments.map(seg => `IP ${formatSegment(seg)}`)
  t.equal(lines?.length, COUNT)
  t.same(
    lines?.filter((line, i) => line !== ours[i]),
    []
  )
})

t.test('tcpdump finds each checksum correct', { skip }, async t => {
  const verbose = tcpdump('-v')!.join('\n')
  t.equal(verbose.match(/\(correct\)/g)?.length, COUNT)
  t.notMatch(verbose, /bad cksum|incorrect|bad hdr|truncated/)
})

/** Ports without a name and without a protocol that tcpdump would decode. */
function randomSegment(): Segment {
  const seg = new Segment()
  const int32 = (): number => random.uint32() | 0
  const addresses = { sourceAddress: int32(), destinationAddress: int32() }
  const ports = { sourcePort: 40_000 + random.int(20_000), destinationPort: 40_000 + random.int(20_000) }
  Object.assign(seg, addresses, ports, {
    seq: int32(),
    ack: int32(),
    flags: random.int(256),
    window: random.int(65536)
  })
  seg.urgentPointer = random.int(100)
  seg.payloadLength = random.int(20)
  if ((seg.flags & SYN) !== 0) {
    if (random.chance(0.7)) seg.mss = random.int(65536)
    if (random.chance(0.7)) seg.windowScale = random.int(15)
    seg.sackPermitted = random.chance(0.5)
    if (random.chance(0.4)) Object.assign(seg, randomCookie(random))
  }
  if (random.chance(0.5)) Object.assign(seg, { hasTimestamps: true, tsVal: int32(), tsEcr: int32() })
  seg.sackBlocks = random.int(5)
  for (let i = 0; i < 2 * seg.sackBlocks; i++) seg.sack[i] = int32()
  return seg
}

function record(seg: Segment): Buffer {
  const packet = new Uint8Array(100)
  const view = viewOf(packet)
  const length = 20 + writeTcpHeader(view, 20, seg) + seg.payloadLength
  writeIpv4Header(view, 0, length, 0, 1, true, 64, 6, seg.sourceAddress, seg.destinationAddress)
  fillChecksums(view, 0, length)
  return Buffer.concat([words([0, 0, length, length]), packet.subarray(0, length)])
}

function words(values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i)
  return bytes
}
