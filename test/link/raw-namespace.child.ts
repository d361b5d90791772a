// Run in a network namespace of its own: what the kernel answers when packets cannot leave, and what a full queue does.
// Writes what it saw as JSON.

import { execFileSync } from 'node:child_process'
import { RawLink } from '../../src/link/raw.ts'
import { RST } from '../../src/wire/segment.ts'
import { addSegment, newBatch, type Sent } from '../native/packets.ts'
import { until } from '../support/until.ts'
import { Collector } from './collector.ts'

const OURS = 0x0a090001 // 10.9.0.1
const NEIGHBOUR = 0x0a090002
const SILENT_NEIGHBOUR = 0x0a090003
const TEXT_BYTES = 1000
const FRAME_BYTES = 14 + 40 + TEXT_BYTES

const ip = (command: string): void => void execFileSync('ip', command.split(' '))
ip('link set lo up')
ip('link add v0 type veth peer name v1')
ip('link set v0 up')
ip('link set v1 up')
ip('address add 10.9.0.1/24 dev v0')
ip('neighbour add 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0')
ip('route add unreachable 10.10.0.0/24')
ip('route add prohibit 10.11.0.0/24')
ip('route add blackhole 10.12.0.0/24')

const segment = (destination: number, bytes = 0): Sent => {
  return { source: OURS, destination, sourcePort: 9, destinationPort: 9, flags: RST, text: [0, bytes] }
}

/** Packets that leave, each followed by one that does not, and one more at the end. */
async function errors(): Promise<Record<string, number>> {
  const link = new RawLink()
  link.start(new Collector())
  const batch = newBatch(new Uint8Array(60_000), 16)
  const bad = [
    segment(0x0a0a0001), // EHOSTUNREACH
    segment(0xc0000201 | 0), // ENETUNREACH
    segment(0x0a0b0001), // EACCES
    segment(0x0a0c0001), // EINVAL
    segment(NEIGHBOUR, 1461) // EMSGSIZE
  ]
  for (const one of bad) {
    addSegment(batch, segment(NEIGHBOUR))
    addSegment(batch, one)
  }
  addSegment(batch, segment(NEIGHBOUR, 1460))
  link.send(batch)
  const counters = link.counters()
  link.close()
  return counters
}

/** Packets for a neighbour that does not answer ARP stay with the kernel, at the expense of our send buffer. */
async function congestion(): Promise<object> {
  const link = new RawLink({ sendBuffer: 16 * 1024 })
  const peer = new Collector()
  link.start(peer)
  const batch = newBatch(new Uint8Array(2000), 100)
  for (let seq = 0; seq < 100; seq++) addSegment(batch, { ...segment(SILENT_NEIGHBOUR, TEXT_BYTES), seq })
  link.send(batch)
  const queued = { congested: link.congested, ...link.counters() }
  link.send(batch)
  const more = link.counters()
  const writableBefore = peer.writable
  // The memory of the batch is ours again: what waits must not change with it.
  batch.headers.fill(0)
  ip('neighbour replace 10.9.0.3 lladdr 02:00:00:00:00:03 dev v0')
  await peer.until(() => peer.writable > 0)
  const after = { congested: link.congested, writable: peer.writable, ...link.counters() }
  link.close()
  return { queued, more, writableBefore, after }
}

/** A backlog without end is refused. */
function overflow(): Record<string, number> {
  const link = new RawLink({ sendBuffer: 16 * 1024 })
  link.start(new Collector())
  const batch = newBatch(new Uint8Array(2000), 250)
  for (let seq = 0; seq < 250; seq++) addSegment(batch, { ...segment(0x0a090004, 1400), seq })
  for (let i = 0; i < 20; i++) link.send(batch)
  const counters = link.counters()
  link.close()
  return counters
}

/** What the neighbours' end of the cable counted. */
function framesDelivered(): number {
  const [statistics] = JSON.parse(execFileSync('ip', ['-s', '-j', 'link', 'show', 'v1'], { encoding: 'utf8' }))
  return statistics.stats64.rx.bytes
}

function routes(): object {
  const link = new RawLink()
  const find = (destination: number): unknown => {
    try {
      return link.route(destination)
    } catch (error) {
      const { code, syscall, address } = error as { code: string; syscall: string; address: string }
      return { code, syscall, address }
    }
  }
  const found = { neighbour: find(NEIGHBOUR), unreachable: find(0x0a0a0001), nowhere: find(0xc0000201 | 0) }
  link.close()
  return found
}

const result = { routes: routes(), errors: await errors(), congestion: {}, overflow: {} }
const before = framesDelivered()
result.congestion = await congestion()
// What has left is at the other end when the kernel comes to it.
await until(() => framesDelivered() - before >= 200 * FRAME_BYTES)
result.overflow = overflow()
process.stdout.write(JSON.stringify(result))
