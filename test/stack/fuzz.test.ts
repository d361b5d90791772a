// Any bytes whatever on the way in: nothing is thrown, everything is counted, and the stack goes on serving. A million
// packets by default; RAWTCP_FUZZ sets another number, RAWTCP_SEED another seed.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { finish, pseudoHeaderSum, sum } from '../../src/wire/checksum.ts'
import { PROTOCOL_TCP } from '../../src/wire/ipv4.ts'
import { type Fields, OUR_ADDRESS, PEER_ADDRESS, Peer } from '../support/peer.ts'

const PACKETS = Number(process.env.RAWTCP_FUZZ ?? 1_000_000)
const SEED = Number(process.env.RAWTCP_SEED ?? 1)
const BATCH = 64

function randomBytes(random: Random): Uint8Array {
  const bytes = new Uint8Array(random.int(120))
  random.fill(bytes)
  // Half of them look like IPv4 for us, so that they get past the first check.
  if (bytes.length > 0 && random.chance(0.5)) {
    bytes[0] = 0x45
    if (bytes.length >= 20) {
      const view = new DataView(bytes.buffer)
      view.setUint16(2, bytes.length)
      view.setUint8(9, random.chance(0.5) ? PROTOCOL_TCP : 1)
      if (random.chance(0.7)) view.setUint16(6, 0)
      view.setInt32(12, PEER_ADDRESS)
      view.setInt32(16, OUR_ADDRESS)
      sealIp(view)
    }
  }
  return bytes
}

/** A segment that could belong to the connection, with numbers near those that matter. */
function nearSegment(peer: Peer, random: Random): Uint8Array {
  const near = (center: number): number => center + (random.chance(0.7) ? random.int(3000) - 1500 : random.uint32())
  const letters = 'SFRP.UEC'
    .split('')
    .filter(letter => random.chance(letter === '.' ? 0.8 : letter === 'R' || letter === 'S' ? 0.05 : 0.2))
  const info = peer.connection?.info()
  const fields: Fields = {
    flags: letters.join(''),
    seq: near(info === undefined ? 1 : info.bytesReceived + 1),
    ack: near(info === undefined ? 1 : info.bytesAcked + 1),
    window: random.int(65_536),
    text: new Uint8Array(random.chance(0.5) ? 0 : random.int(1600)),
    urgentPointer: random.int(65_536)
  }
  if (random.chance(0.3)) fields.ts = [random.uint32() | 0, random.uint32() | 0]
  if (random.chance(0.2))
    fields.sack = [
      [near(1), near(1)],
      [near(1), near(1)]
    ]
  if (random.chance(0.1))
    Object.assign(fields, { mss: random.int(65_536), windowScale: random.int(256), sackPermitted: true })
  return peer.packet(fields)
}

/** Flips, cuts, or lengthens what was a good packet; usually the checksums are made good again, so that it gets far. */
function mutate(packet: Uint8Array, random: Random): Uint8Array {
  let bytes = packet
  const cut = random.int(10)
  if (cut === 0) bytes = bytes.slice(0, random.int(bytes.length + 1))
  for (let n = random.int(4); n > 0 && bytes.length > 0; n--)
    bytes[20 + random.int(Math.max(1, bytes.length - 20))] ^= 1 << random.int(8)
  if (random.chance(0.1) && bytes.length > 0) bytes[random.int(Math.min(20, bytes.length))] ^= 1 << random.int(8)
  if (random.chance(0.9) && bytes.length >= 40) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    if (random.chance(0.5)) view.setUint16(2, bytes.length)
    sealIp(view)
    view.setUint16(36, 0)
    const length = bytes.length - 20
    const pseudo = pseudoHeaderSum(view.getInt32(12), view.getInt32(16), PROTOCOL_TCP, length)
    view.setUint16(36, finish(sum(view, 20, length, pseudo)))
  }
  return bytes
}

function sealIp(view: DataView): void {
  view.setUint16(10, 0)
  view.setUint16(10, finish(sum(view, 0, 20, 0)))
}

/** A new connection is opened, echoes a line and closes. */
function serves(peer: Peer, port: number): boolean {
  const { stack, link } = peer
  link.sent = []
  peer.peerPort = port
  link.deliver(peer.packet({ flags: 'S', mss: 1460 }))
  peer.settle()
  if (link.sent.length !== 1) return false
  peer.ourIsn = peer.last().seq
  peer.arrive({ flags: '.', seq: 1, ack: 1 })
  const { connection } = peer
  const replies = peer.arrive({ flags: 'FP.', seq: 1, ack: 1, text: 'alive' })
  const answered = replies.length > 0 && connection?.state === 'CLOSE-WAIT' && peer.read() === 'alive'
  connection?.close()
  peer.settle()
  peer.arrive({ flags: '.', seq: 7, ack: 2 })
  return answered && stack.counts().connections === 0
}

function run(name: string, packets: number, make: (peer: Peer, random: Random) => Uint8Array): void {
  t.test(`${packets} ${name}, seed ${SEED}: nothing is thrown and the stack goes on serving`, async t => {
    const random = new Random(SEED)
    const peer = new Peer({ seed: SEED, sockets: { timeWaitMs: 1000 } }).listen()
    let opened = 0
    for (let sent = 0; sent < packets; sent += BATCH) {
      // A connection for the segments to hit; when it has ended, another one.
      if (peer.connection === undefined || peer.connection.isClosed) {
        opened++
        peer.peerPort = 1024 + (opened % 60_000)
        peer.link.sent = []
        peer.link.deliver(peer.packet({ flags: 'S', mss: 1460, windowScale: 7, sackPermitted: true }))
        peer.settle()
        peer.ourIsn = peer.link.sent.length > 0 ? peer.last().seq : 0
        peer.arrive({ flags: '.', seq: 1, ack: 1 })
        if (peer.connection !== undefined && !peer.connection.isClosed) peer.connection.write(new Uint8Array(4000))
        peer.settle()
      }
      const batch: Uint8Array[] = []
      for (let i = 0; i < BATCH; i++) batch.push(make(peer, random))
      peer.inject(...batch)
      if (random.chance(0.3)) peer.connection?.read()
      if (random.chance(0.05)) peer.clock.run(peer.clock.now() + random.int(3000))
      if (random.chance(0.01)) peer.connection?.close()
      if (random.chance(0.01)) peer.connection?.abort()
    }
    const counters = peer.stack.counters()
    t.equal(counters.tcp.impossibleTransitions, 0, 'no state change off the diagram')
    peer.connection?.abort()
    peer.clock.run(peer.clock.now() + 600_000)
    t.equal(peer.stack.counts().connections + peer.stack.counts().halfOpen, 0, 'every connection has ended')
    t.equal(counters.stack.slabReservedBytes <= 64 * 1024 * 1024, true, 'memory kept its bounds')
    t.equal(peer.stack.counters().stack.slabUsedBytes, 0, 'and all is given back')
    t.ok(serves(peer, 999), 'and it serves')
  })
}

run('random packets', PACKETS * 0.4, (_, random) => randomBytes(random))
run('segments near the window', PACKETS * 0.3, nearSegment)
run('mutated segments', PACKETS * 0.3, (peer, random) => mutate(nearSegment(peer, random), random))
