// The driver over the package raw-socket, against the kernel's TCP on loopback.

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { CHECKSUM_GOOD } from '../../src/link/link.ts'
import { RawSocketLink } from '../../src/link/raw-socket.ts'
import { codeOfText } from '../../src/link/raw-socket-package.ts'
import { ACK, PSH, RST, SYN } from '../../src/wire/segment.ts'
import { addSegment, newBatch, type Sent } from '../native/packets.ts'
import { unlessPrivileged } from '../support/privileges.ts'
import { typescriptWorker } from '../support/worker.ts'
import { Collector } from './collector.ts'
import { claimFree } from './ports.ts'

const skip = unlessPrivileged()

function open(t: Test): { link: RawSocketLink; peer: Collector; port: number; send: (...segments: Sent[]) => void } {
  const link = new RawSocketLink()
  t.teardown(() => link.close())
  const peer = new Collector()
  link.start(peer)
  const port = claimFree(link.guard)
  const batch = newBatch(Buffer.from('ping and more text'))
  const send = (...segments: Sent[]): void => {
    batch.count = 0
    for (const segment of segments) addSegment(batch, segment)
    link.send(batch)
    // The memory is ours again, though the package has sent nothing yet.
    batch.headers.fill(0)
  }
  return { link, peer, port, send }
}

t.test('a connection to a kernel server: handshake, text both ways, reset', { skip }, async t => {
  const { peer, port: sourcePort, send } = open(t)
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const destinationPort = (server.address() as AddressInfo).port
  send({ sourcePort, destinationPort, flags: SYN, seq: 1000 })
  const { segment, checksum, wantedChecksum } = await peer.segment(it => it.flags === (SYN | ACK))
  t.equal(checksum, wantedChecksum)
  await sleep(50)
  const established = { sourcePort, destinationPort, ack: (segment.seq + 1) | 0 }
  send({ ...established, seq: 1001 }, { ...established, seq: 1001, flags: PSH | ACK, text: [0, 4, 9, 4] })
  const [socket] = await accepted
  const [text] = await once(socket, 'data')
  t.equal(String(text), 'pingmore')
  socket.write('pong')
  t.equal((await peer.segment(it => it.payloadLength > 0)).text, 'pong')
  const failed = once(socket, 'error')
  send({ ...established, seq: 1009, flags: RST | ACK })
  t.match(await failed, [{ code: 'ECONNRESET' }])
})

t.test('packets wait in the package, in order, and the link says when they have left', { skip }, async t => {
  const { link, peer, port } = open(t)
  const batch = newBatch(new Uint8Array(2000), 256)
  for (let seq = 0; seq < 256; seq++) {
    addSegment(batch, { sourcePort: 9, destinationPort: port, flags: RST, seq, text: [0, 1400] })
  }
  link.send(batch)
  t.equal(link.congested, true)
  await peer.until(() => peer.writable === 1 && peer.segments.length === 256)
  t.equal(link.congested, false)
  t.ok(peer.segments.every((it, i) => it.segment.seq === i && it.checksum === CHECKSUM_GOOD))
  t.match(link.counters(), { sentPackets: 256, sentBytes: 256 * 1440, receivedPackets: 256 })
})

t.test('beyond the limit packets are dropped and counted', { skip }, async t => {
  const { link, port } = open(t)
  const batch = newBatch(new Uint8Array(60_000), 50)
  for (let i = 0; i < 50; i++) {
    addSegment(batch, { sourcePort: 9, destinationPort: port, flags: RST, text: [0, 60_000] })
  }
  link.send(batch)
  link.send(batch)
  t.equal(link.counters().sendQueueOverflows, 50)
})

t.test('segments for ports that are not ours are left alone', { skip }, async t => {
  const { link, peer, port, send } = open(t)
  send(
    { sourcePort: 9, destinationPort: open(t).port, flags: RST },
    { sourcePort: 9, destinationPort: port, flags: RST, seq: 2 }
  )
  await peer.segment(it => it.seq === 2)
  t.equal(peer.segments.length, 1)
  t.ok(link.counters().receivedForOthers >= 1)
})

t.test('a packet that the kernel refuses is counted, and the next one leaves', { skip }, async t => {
  const { link, peer, port, send } = open(t)
  send(
    { sourcePort: 9, destinationPort: 9, destination: 0x7fffffff, flags: RST },
    { sourcePort: 9, destinationPort: port, flags: RST, seq: 2 }
  )
  await peer.segment(it => it.seq === 2)
  t.equal(link.counters().sendOtherErrors, 1, 'EACCES: a broadcast address')
})

t.test('close may come twice, and nothing is heard afterwards', { skip }, async t => {
  const { link, peer, port, send } = open(t)
  send({ sourcePort: 9, destinationPort: port, flags: RST })
  link.close()
  link.close()
  send({ sourcePort: 9, destinationPort: port, flags: RST })
  await sleep(50)
  t.equal(peer.segments.length, 0)
})

t.test('in a worker thread the package does not load, and the error says so', { skip }, async t => {
  // Loaded here first: a second time in the same process is what it cannot do.
  open(t).link.close()
  const worker = typescriptWorker(new URL('raw-socket-worker.child.ts', import.meta.url))
  const [answer] = await once(worker, 'message')
  await worker.terminate()
  t.match(answer, { code: 'ERR_RAWTCP_RAW_SOCKET', message: /npm install raw-socket/ })
})

t.test('the text of an error gives its code', async t => {
  t.equal(codeOfText('Network is unreachable'), 'ENETUNREACH')
  t.equal(codeOfText('Message too long'), 'EMSGSIZE')
  t.equal(codeOfText('what nobody says'), undefined)
})
