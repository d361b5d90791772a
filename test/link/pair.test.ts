// The pair without impairments: what it carries, when it hands over, what it refuses.

import t from 'tap'
import { IpInput } from '../../src/ip/input.ts'
import {
  CHECKSUM_BAD,
  CHECKSUM_GOOD,
  CHECKSUM_UNKNOWN,
  RX_CHECKSUM,
  RX_LENGTH,
  RX_STRIDE
} from '../../src/link/link.ts'
import { nativeCut, nativeGather, nativeVerify } from '../../src/link/native-gather.ts'
import { pairLinks } from '../../src/link/pair.ts'
import { Random } from '../../src/random.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import { Stack } from '../../src/stack/stack.ts'
import { parseAddress } from '../../src/wire/address.ts'
import { ICMP_OK, IcmpMessage, parseIcmp } from '../../src/wire/icmp.ts'
import { verifyTcpChecksum } from '../../src/wire/tcp.ts'
import { viewOf } from '../wire/bytes.ts'
import { Batcher, Sink } from './packets.ts'

function joined(options: Partial<Parameters<typeof pairLinks>[0]> = {}) {
  const clock = new VirtualClock()
  const [left, right] = pairLinks({ host: clock, ...options })
  const [atLeft, atRight] = [new Sink(clock), new Sink(clock)]
  left.start(atLeft)
  right.start(atRight)
  return { clock, left, right, atLeft, atRight, batcher: new Batcher() }
}

t.test('a batch arrives whole, in order, in one call, at the end of the turn and never before', async t => {
  const { clock, left, atRight, atLeft, batcher } = joined()
  const texts = ['', 'a', 'hello', 'x'.repeat(1400)]
  left.send(batcher.tcp(...texts))
  left.send(batcher.tcp('second batch'))
  t.equal(atRight.packets.length, 0)
  t.equal(clock.pending, 1)
  clock.run(0)
  t.same(atRight.texts, [...texts, 'second batch'])
  t.equal(atRight.calls, 1)
  t.equal(atLeft.calls, 0)
  t.match(left.counters(), { packetsSent: 5, bytesSent: 5 * 40 + 1418, packetsReceived: 0 })
})

t.test('the memory of a batch is free again when send returns', async t => {
  const { clock, left, atRight, batcher } = joined()
  left.send(batcher.tcp('kept'))
  batcher.batch.headers.fill(0xff)
  batcher.region.fill(0xff)
  clock.run(0)
  t.same(atRight.texts, ['kept'])
})

t.test('checksums are filled in, of TCP and of ICMP, for text in two pieces too', async t => {
  const { clock, left, atRight, batcher } = joined()
  left.send(batcher.tcp('odd', 'even', 'w'.repeat(301)))
  left.send(batcher.icmp('ping'))
  left.send(batcher.wrapped('round the', ' corner'))
  clock.run(0)
  t.same(atRight.texts, ['odd', 'even', 'w'.repeat(301), 'ping', 'round the corner'])
  const input = new IpInput({ accepts: () => true })
  const message = new IcmpMessage()
  for (const { bytes, checksum } of atRight.packets) {
    t.equal(checksum, CHECKSUM_UNKNOWN)
    t.ok(input.packetArrives(viewOf(bytes), bytes, 0, bytes.length, checksum, 0))
    const { view, offset, length, source, destination, protocol } = input.packet
    if (protocol === 6) t.ok(verifyTcpChecksum(view, offset, length, source, destination))
    else t.match([parseIcmp(view, offset, length, message), message.rest], [ICMP_OK, 7])
  }
})

t.test('a receiver may answer at once: the answer comes a turn later', async t => {
  const { clock, left, right, atLeft, atRight, batcher } = joined()
  const answers = new Batcher()
  atRight.onPackets = () => {
    if (atRight.packets.length < 3) right.send(answers.tcp('pong'))
    t.equal(atLeft.packets.length, atRight.packets.length - 1, 'nothing has come back within this call')
  }
  atLeft.onPackets = () => left.send(batcher.tcp('again'))
  left.send(batcher.tcp('ping'))
  clock.run(0)
  t.same(atRight.texts, ['ping', 'again', 'again'])
  t.same(atLeft.texts, ['pong', 'pong'])
})

t.test('a receiver may send in its own call in the direction that it receives from', async t => {
  const { clock, left, atRight, batcher } = joined()
  let more = 3
  atRight.onPackets = () => {
    if (more-- > 0) left.send(batcher.tcp(`${more}`))
  }
  left.send(batcher.tcp('first', 'first too'))
  clock.run(0)
  t.same(atRight.texts, ['first', 'first too', '2', '1', '0'])
})

t.test('packets above the MTU are dropped and counted, their neighbours pass', async t => {
  const { clock, left, atRight, batcher } = joined({ mtu: 100 })
  left.send(batcher.tcp('x'.repeat(61), 'y'.repeat(60), 'x'.repeat(900), 'z'))
  clock.run(0)
  t.same(atRight.texts, ['y'.repeat(60), 'z'])
  t.match(left.counters(), { packetsSent: 2, bytesSent: 141, droppedTooLarge: 2 })
})

t.test('super-segments of 64 KiB pass where the MTU allows them', async t => {
  const { clock, left, atRight, batcher } = joined({ mtu: 65535 })
  const text = 'm'.repeat(65535 - 40)
  left.send(batcher.tcp(text, text))
  clock.run(0)
  t.same(atRight.texts, [text, text])
})

t.test('more packets in a turn than one batch has room for come in several', async t => {
  const { clock, left, atRight, batcher } = joined()
  for (let i = 0; i < 3000; i += 50) left.send(batcher.tcp(...Array.from({ length: 50 }, (_, j) => `${i + j}`)))
  clock.run(0)
  t.same(
    atRight.texts,
    Array.from({ length: 3000 }, (_, i) => `${i}`)
  )
  t.ok(atRight.calls > 1)
})

t.test('congestion: said while much is under way, and its end is reported once', async t => {
  const { clock, left, atLeft, atRight, batcher } = joined({ mtu: 65535 })
  const text = 'm'.repeat(65_000)
  let sent = 0
  while (!left.congested) {
    left.send(batcher.tcp(text))
    sent++
  }
  t.ok(sent > 5 && sent < 20, `${sent}`)
  left.send(batcher.tcp('still taken'))
  t.equal(atLeft.writable, 0)
  clock.run(0)
  t.notOk(left.congested)
  t.equal(atLeft.writable, 1)
  t.equal(atRight.packets.length, sent + 1)
  left.send(batcher.tcp('little'))
  clock.run(0)
  t.equal(atLeft.writable, 1)
})

t.test('who does not heed congestion loses packets at a limit', async t => {
  const { clock, left, atRight, batcher } = joined({ mtu: 65535 })
  const text = 'm'.repeat(65_000)
  for (let i = 0; i < 300; i++) left.send(batcher.tcp(text))
  clock.run(0)
  const dropped = left.counters().droppedQueueFull
  t.ok(dropped > 0)
  t.equal(atRight.packets.length, 300 - dropped)
})

t.test(
  'a pulled cable loses what is under way and what is sent, in both directions, until it is plugged in',
  async t => {
    const { clock, left, right, atLeft, atRight, batcher } = joined()
    left.send(batcher.tcp('under way'))
    right.setUp(false)
    left.send(batcher.tcp('lost'))
    right.send(batcher.tcp('lost too'))
    clock.run(10)
    left.setUp(true)
    left.send(batcher.tcp('passes'))
    right.send(batcher.tcp('passes too'))
    clock.run(20)
    t.same([atRight.texts, atLeft.texts], [['passes'], ['passes too']])
    t.equal(left.counters().droppedDown, 2)
    t.equal(right.counters().droppedDown, 1)
  }
)

t.test('no call follows close, which may come twice; what was sent before it arrives', async t => {
  const { clock, left, right, atLeft, atRight, batcher } = joined()
  left.send(batcher.tcp('sent'))
  right.send(batcher.tcp('nobody is there'))
  left.close()
  left.close()
  left.send(batcher.tcp('closed'))
  clock.run(10)
  t.same([atRight.texts, atLeft.texts], [['sent'], []])
  t.equal(right.counters().droppedNotReceiving, 1)
})

t.test('an end that has not started drops and counts', async t => {
  const clock = new VirtualClock()
  const [left] = pairLinks({ host: clock })
  left.send(new Batcher().tcp('early'))
  clock.run(0)
  t.equal(left.counters().droppedNotReceiving, 1)
})

t.test('routes lead to the addresses of both ends, and nowhere else', async t => {
  const addresses = ['192.0.2.1', ['192.0.2.2', '198.51.100.7']] as const
  const { left, right } = joined({ addresses, mtu: 1400 })
  const at = (text: string): number => parseAddress(text)!
  t.same(left.route(at('198.51.100.7')), { source: at('192.0.2.1'), mtu: 1400 })
  t.same(right.route(at('192.0.2.1')), { source: at('192.0.2.2'), mtu: 1400 })
  t.same(right.route(at('198.51.100.7')), { source: at('198.51.100.7'), mtu: 1400 }, 'to itself, from itself')
  t.same(right.addresses, [at('192.0.2.2'), at('198.51.100.7')])
  t.throws(() => left.route(at('203.0.113.1')), { code: 'ENETUNREACH', address: '203.0.113.1' })
  t.same(joined({ routesAll: true }).left.route(at('203.0.113.1')), { source: at('10.0.0.1'), mtu: 1500 })
})

t.test('misuse is refused with a code', async t => {
  const host = new VirtualClock()
  for (const mtu of [67, 65536, 1500.5, Number.NaN])
    t.throws(() => pairLinks({ host, mtu }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => pairLinks({ host, addresses: ['10.0.0.1', '10.0.0.256'] }), { code: 'ERR_INVALID_IP_ADDRESS' })
  t.throws(() => pairLinks({ host, addresses: ['10.0.0.1', []] }), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => pairLinks({ host, impairments: { loss: 1.1 } }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => pairLinks({ host, impairments: [{}, { delayMs: -1 }] }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => pairLinks({ host })[0].impair({ rateBitsPerSecond: 0 }), { code: 'ERR_OUT_OF_RANGE' })
})

t.test('another function may put the packets together, and say what it knows of the checksums', async t => {
  const { clock, left, atRight, batcher } = joined({
    assemble: (batch, into, at) => {
      for (let i = 0; i < batch.count; i++) {
        into.bytes.set([0x45, i], at)
        into.table.set([at, 2, 1], RX_STRIDE * into.count++)
        at += 2
      }
      return at
    }
  })
  left.send(batcher.tcp('a', 'b'))
  clock.run(0)
  t.same(
    atRight.packets.map(({ bytes, checksum }) => [...bytes, checksum]),
    [
      [0x45, 0, 1],
      [0x45, 1, 1]
    ]
  )
})

t.test('checksums are looked at on arrival where that is asked for, once a batch', async t => {
  const looked: number[] = []
  const { clock, left, atRight, batcher } = joined({
    verify: batch => {
      looked.push(batch.count)
      for (let i = 0; i < batch.count; i++) batch.table[i * RX_STRIDE + RX_CHECKSUM] = CHECKSUM_GOOD
    }
  })
  left.send(batcher.tcp('a', 'b'))
  t.same(looked, [])
  clock.run(0)
  t.same(looked, [2])
  t.same(
    atRight.packets.map(({ checksum }) => checksum),
    [CHECKSUM_GOOD, CHECKSUM_GOOD]
  )
})

t.test('the addon puts packets together and finds the bit that was flipped on the way', async t => {
  const { clock, left, atRight, batcher } = joined({ assemble: nativeGather(), verify: nativeVerify() })
  left.send(batcher.tcp('good', 'good too'))
  clock.run(0)
  left.impair({
    filter: packet => {
      packet[42] ^= 1
      return 'pass'
    }
  })
  left.send(batcher.tcp('changed'))
  clock.run(1)
  t.same(
    atRight.packets.map(({ checksum }) => checksum),
    [CHECKSUM_GOOD, CHECKSUM_GOOD, CHECKSUM_BAD]
  )
})

t.test('any batches, of any sizes, arrive as they were sent', async t => {
  const random = new Random(1)
  const { clock, left, atRight, batcher } = joined({ mtu: 65535 })
  const sent: string[] = []
  for (let i = 0; i < 500; i++) {
    const count = random.int(40)
    const texts = Array.from({ length: count }, () =>
      String.fromCharCode(97 + random.int(26)).repeat(random.int(random.chance(0.02) ? 60_000 : 2000))
    )
    sent.push(...texts)
    left.send(batcher.tcp(...texts))
    if (random.chance(0.3)) clock.advance(1)
  }
  clock.run(clock.now() + 1)
  t.equal(left.counters().droppedQueueFull, 0)
  t.equal(atRight.texts.length, sent.length)
  t.ok(atRight.texts.every((text, i) => text === sent[i]))
})

t.test(
  'superSegments cut: segments of the MTU are on the line, joined again by who looks at checksums, and no byte is lost',
  async t => {
    for (const joins of [false, true]) {
      for (const impairments of [{}, { loss: 0.02, corrupt: 0.01, delayMs: 3 }]) {
        const clock = new VirtualClock()
        const longest: number[] = []
        const verify = nativeVerify({ joins })
        const [left, right] = pairLinks({
          host: clock,
          superSegments: 'cut',
          impairments,
          assemble: nativeCut(),
          verify: batch => {
            for (let i = 0; i < batch.count; i++) longest.push(batch.table[i * RX_STRIDE + RX_LENGTH])
            verify(batch)
          }
        })
        const [client, server] = [new Stack({ link: left, host: clock }), new Stack({ link: right, host: clock })]
        const random = new Random(5)
        const sent = Buffer.from(Uint8Array.from({ length: 700_001 }, () => random.int(256)))
        const received: Uint8Array[] = []
        server.listen({ port: 80 }, connection => {
          connection.handlers = {
            readable() {
              for (let bytes = connection.read(); bytes !== undefined; bytes = connection.read()) received.push(bytes)
            },
            ended: () => connection.close()
          }
        })
        const connection = client.connect({ address: '10.0.0.2', port: 80 })
        let written = 0
        const write = (): void => {
          written += connection.write(sent.subarray(written))
          if (written === sent.length) connection.shutdown()
        }
        connection.handlers = { connected: write, writable: () => void (written < sent.length && write()) }
        clock.advance(60_000)
        t.ok(Buffer.concat(received).equals(sent), `joins: ${joins}, ${JSON.stringify(impairments)}`)
        t.equal(Math.max(...longest), 1500)
        const lengths = left.counters()
        t.ok(
          lengths.bytesSent >= sent.length + 40 * Math.ceil(sent.length / 1460),
          'each piece has its headers, and counts'
        )
        t.equal(lengths.droppedTooLarge, 0)
      }
    }
  }
)
