// Initial sequence numbers: RFC 6528 §3, ISN = M + F(four-tuple, secret).

import t from 'tap'
import { SipHash } from '../../src/siphash.ts'
import { initialSequence, timestampOffset } from '../../src/tcp/isn.ts'
import { ahead, toSeq } from '../../src/tcp/seq.ts'
import { established } from '../support/peer.ts'

const TUPLE = { localAddress: 0x0a000001, remoteAddress: 0x0a000002, localPort: 80, remotePort: 5000 }
const secret = new SipHash(Uint8Array.from({ length: 16 }, (_, i) => 3 * i))
const otherSecret = new SipHash(new Uint8Array(16).fill(9))

const others = [
  { name: 'the local address', tuple: { ...TUPLE, localAddress: 0x0a000003 } },
  { name: 'the remote address', tuple: { ...TUPLE, remoteAddress: 0x0a000003 } },
  { name: 'the local port', tuple: { ...TUPLE, localPort: 81 } },
  { name: 'the remote port', tuple: { ...TUPLE, remotePort: 5001 } },
  { name: 'ports the other way round', tuple: { ...TUPLE, localPort: 5000, remotePort: 80 } }
]
for (const { name, tuple } of others) {
  t.test(`RFC 6528 §3: another tuple, another place in the sequence space: ${name}`, async t => {
    const apart = Math.abs(ahead(initialSequence(secret, tuple, 5), initialSequence(secret, TUPLE, 5)))
    t.ok(apart > 1_000_000, `${apart} apart`)
  })
}

t.test('RFC 6528 §3: without the secret nobody can tell', async t => {
  t.not(initialSequence(secret, TUPLE, 5), initialSequence(otherSecret, TUPLE, 5))
})

t.test('RFC 9293 §3.4.1: the clock ticks every 4 microseconds and goes round after 4.77 hours', async t => {
  const at = (ms: number) => initialSequence(secret, TUPLE, ms)
  for (const start of [0, 1000.5, 4_294_967 * 4, 2 ** 33, 2 ** 45]) {
    t.equal(ahead(at(start + 1), at(start)), 250, `a millisecond after ${start}`)
    t.equal(ahead(at(start + 1000), at(start)), 250_000)
  }
  t.equal(ahead(at(0.004), at(0)), 1)
  t.equal(ahead(at(0.0039), at(0)), 0)
  t.equal(ahead(at(2 ** 32 / 250), at(0)), 0)
})

t.test('RFC 6528 §3: a tuple used again begins above where it began before', async t => {
  let last = initialSequence(secret, TUPLE, 0)
  for (let ms = 0.5; ms < 100_000; ms *= 1.7) {
    const next = initialSequence(secret, TUPLE, ms)
    t.ok(ahead(next, last) > 0, `at ${ms} ms`)
    last = next
  }
})

t.test('an ISN is an int32', async t => {
  for (let ms = 0; ms < 20_000_000; ms += 999_999) {
    const isn = initialSequence(secret, TUPLE, ms)
    t.equal(isn, isn | 0)
  }
})

t.test(
  'RFC 6191 §2: the timestamp offset is one for all ports of two hosts, and differs from host to host',
  async t => {
    const offset = timestampOffset(secret, TUPLE)
    t.equal(timestampOffset(secret, { ...TUPLE, localPort: 1, remotePort: 2 }), offset)
    t.not(timestampOffset(secret, { ...TUPLE, remoteAddress: 0x0a000003 }), offset)
    t.not(timestampOffset(otherSecret, TUPLE), offset)
    t.not(offset, initialSequence(secret, { ...TUPLE, localPort: 0, remotePort: 0 }, 0))
  }
)

t.test('RFC 9293 §3.6.1: a SYN that reopens TIME-WAIT gets an ISN above all that was sent before', async t => {
  const peer = established({ sockets: { sendBuffer: 2 ** 22, delayedAckMs: 0 }, window: 65_535 })
  // Faster than the clock of 4 microseconds: 4 MB while time stands still.
  const text = new Uint8Array(50_000)
  let sent = 1
  for (let i = 0; i < 80; i++) {
    peer.call(connection => connection.write(text))
    for (let more = true; more; ) {
      peer.arrive({ flags: '.', seq: 1, ack: sent, window: 65_535 })
      const info = peer.connection!.info()
      const next = 1 + info.bytesSent
      more = next !== sent
      sent = next
    }
  }
  t.equal(sent, 1 + 80 * 50_000)
  peer.call(connection => connection.shutdown())
  peer.arrive({ flags: 'F.', seq: 1, ack: sent + 1 })
  t.equal(peer.stack.counts().timeWait, 1)
  peer.link.deliver(peer.packet({ flags: 'S', seq: 2000, mss: 1460 }))
  peer.settle()
  t.equal(peer.stack.counts().halfOpen, 1)
  const fin = toSeq(peer.ourIsn + sent)
  t.ok(ahead(toSeq(peer.last().seq), fin) > 0)
})
