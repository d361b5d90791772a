// What a pair does to packets when it is told to: rates over many packets, exact times, and the same again for a seed.

import t from 'tap'
import { IpInput } from '../../src/ip/input.ts'
import type { Impairments } from '../../src/link/impairments.ts'
import { pairLinks } from '../../src/link/pair.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import { verifyTcpChecksum } from '../../src/wire/tcp.ts'
import { viewOf } from '../wire/bytes.ts'
import { Batcher, Sink } from './packets.ts'

function path(impairments: Partial<Impairments>, seed = 1) {
  const clock = new VirtualClock()
  const [left, right] = pairLinks({ host: clock, seed, impairments: [impairments, {}] })
  const sink = new Sink(clock)
  left.start(new Sink(clock))
  right.start(sink)
  const batcher = new Batcher()
  return { clock, left, right, sink, send: (...texts: string[]) => left.send(batcher.tcp(...texts)) }
}

/** Texts '0', '1', … one a millisecond; then time until all is quiet. */
function sendMany(impairments: Partial<Impairments>, count: number, seed = 1) {
  const bench = path(impairments, seed)
  for (let i = 0; i < count; i++) {
    bench.send(`${i}`)
    bench.clock.advance(1)
  }
  bench.clock.runUntilIdle()
  return bench
}

const numbers = (texts: string[]): number[] => texts.map(Number)
const isSorted = (list: number[]): boolean => list.every((n, i) => i === 0 || list[i - 1] <= n)

t.test('loss: about as many as asked for, the rest in order, both counted', async t => {
  const { sink, left } = sendMany({ loss: 0.1 }, 5000)
  const lost = 5000 - sink.packets.length
  t.ok(lost > 430 && lost < 570, `${lost}`)
  t.ok(isSorted(numbers(sink.texts)))
  t.match(left.counters(), { droppedLoss: lost, packetsSent: 5000 })
})

t.test('the same seed loses the same packets, another seed others', async t => {
  const all = { loss: 0.1, duplicate: 0.1, corrupt: 0.1, reorder: 0.1, delayMs: 5, jitterMs: 20 }
  const run = (seed: number): string => {
    const { sink } = sendMany(all, 500, seed)
    return sink.packets.map(({ bytes, at }) => `${at} ${Buffer.from(bytes).toString('hex')}`).join('\n')
  }
  t.equal(run(7), run(7))
  t.not(run(7), run(8))
})

t.test('the two directions do not share their luck', async t => {
  const clock = new VirtualClock()
  const [left, right] = pairLinks({ host: clock, impairments: { loss: 0.5 } })
  const [atLeft, atRight] = [new Sink(clock), new Sink(clock)]
  left.start(atLeft)
  right.start(atRight)
  const batcher = new Batcher()
  for (let i = 0; i < 100; i++) {
    left.send(batcher.tcp(`${i}`))
    right.send(batcher.tcp(`${i}`))
  }
  clock.run(1)
  t.notSame(atLeft.texts, atRight.texts)
})

t.test('duplicates: as many as asked for, next to their originals', async t => {
  const { sink, left } = sendMany({ duplicate: 0.2 }, 2000)
  const extra = sink.packets.length - 2000
  t.ok(extra > 330 && extra < 470, `${extra}`)
  t.ok(isSorted(numbers(sink.texts)))
  t.equal(new Set(sink.texts).size, 2000)
  t.equal(left.counters().duplicated, extra)
})

t.test('corruption: one bit, which a checksum always notices', async t => {
  const { sink, left } = sendMany({ corrupt: 1 }, 5000)
  const input = new IpInput({ accepts: () => true })
  t.equal(left.counters().corrupted, 5000)
  for (const { bytes } of sink.packets) {
    const isTaken = input.packetArrives(viewOf(bytes), bytes, 0, bytes.length, 0, 0)
    const { view, offset, length, source, destination } = input.packet
    if (isTaken && verifyTcpChecksum(view, offset, length, source, destination)) t.fail('a flipped bit came through')
  }
})

t.test('corruption of one copy leaves the other whole', async t => {
  const { sink } = sendMany({ corrupt: 0.5, duplicate: 1 }, 200)
  const pairs = Array.from({ length: 200 }, (_, i) => [sink.texts[2 * i], sink.texts[2 * i + 1]])
  t.ok(pairs.some(([a, b], i) => a === `${i}` && b !== `${i}`))
  t.ok(pairs.some(([a, b], i) => a !== `${i}` && b === `${i}`))
})

t.test('delay: to the moment, in one call for what arrives together', async t => {
  const { clock, sink, send } = path({ delayMs: 25 })
  send('a', 'b')
  clock.advance(10)
  send('c')
  clock.advance(14.9)
  t.equal(sink.packets.length, 0)
  clock.advance(100)
  t.same(sink.texts, ['a', 'b', 'c'])
  t.same(sink.times, [25, 25, 35])
  t.equal(sink.calls, 2)
})

t.test('jitter spreads the delay and overtakes nobody', async t => {
  const { sink } = sendMany({ delayMs: 50, jitterMs: 40 }, 2000)
  t.same(
    numbers(sink.texts),
    Array.from({ length: 2000 }, (_, i) => i)
  )
  const delays = sink.times.map((at, i) => at - i)
  t.ok(Math.min(...delays) >= 50 && Math.max(...delays) < 90)
  t.ok(Math.max(...delays) > 85)
})

t.test('jitter by distribution: its mean, its median, and how often it is far out', async t => {
  const rows = [
    { jitterDistribution: 'uniform', mean: 5, median: 5, far: 0 },
    // Of a normal distribution 2.3% are more than two deviations late.
    { jitterDistribution: 'normal', mean: 0, median: 0, far: 0.0228 },
    // Later than x times the mean are (1 + x / 2) ^ -3.
    { jitterDistribution: 'pareto', mean: 10, median: 5.2, far: 0.125 }
  ] as const
  for (const { jitterDistribution, mean, median, far } of rows) {
    const bench = path({ delayMs: 100, jitterMs: 10, jitterDistribution }, 1)
    const count = 20_000
    for (let i = 0; i < count; i++) {
      bench.send('x')
      bench.clock.advance(1000)
    }
    const late = bench.sink.times.map((at, i) => at - 1000 * i - 100).sort((a, b) => a - b)
    const average = late.reduce((sum, each) => sum + each, 0) / count
    t.ok(Math.abs(average - mean) < 0.4, `${jitterDistribution}: ${average} on average`)
    t.ok(Math.abs(late[count / 2] - median) < 0.4, `${jitterDistribution}: ${late[count / 2]} in the middle`)
    t.ok(Math.abs(late.filter(ms => ms > 20).length / count - far) < 0.006, `${jitterDistribution}: far out`)
  }
})

t.test('a normal jitter brings nobody in before it has left; other distributions there are none', async t => {
  const { sink } = sendMany({ delayMs: 1, jitterMs: 20, jitterDistribution: 'normal' }, 500)
  t.ok(sink.times.every((at, i) => at >= i))
  t.throws(() => path({ jitterDistribution: 'cauchy' as 'normal' }, 1), { code: 'ERR_OUT_OF_RANGE' })
})

t.test('reordering: some are held back, others overtake them, none is lost', async t => {
  const { sink, left } = sendMany({ delayMs: 5, reorder: 0.1, reorderDelayMs: 3.5 }, 2000)
  const held = sink.packets.filter(({ at }, i) => at - Number(sink.texts[i]) === 8.5).length
  t.ok(held > 140 && held < 260, `${held}`)
  t.equal(left.counters().reordered, held)
  t.same(
    numbers(sink.texts).sort((a, b) => a - b),
    Array.from({ length: 2000 }, (_, i) => i)
  )
  t.notOk(isSorted(numbers(sink.texts)))
})

// 1000 bits a millisecond: a packet of 125 bytes takes one.
const RATE = { rateBitsPerSecond: 1_000_000 }
const TEXT = 'x'.repeat(125 - 40)

t.test('a slow line sends one packet after the other, and then the delay begins', async t => {
  const { clock, sink, send } = path({ ...RATE, delayMs: 10 })
  send(TEXT, TEXT, TEXT)
  clock.advance(2.5)
  send(TEXT)
  clock.advance(20)
  send(TEXT)
  clock.advance(20)
  t.same(sink.times, [11, 12, 13, 14, 33.5])
})

t.test('its queue has room for so many packets, the one on the line included', async t => {
  const { clock, sink, send, left } = path({ ...RATE, queuePackets: 3 })
  send(TEXT, TEXT, TEXT, TEXT, TEXT)
  clock.advance(1)
  send(TEXT, TEXT)
  clock.advance(100)
  t.same(sink.times, [1, 2, 3, 4])
  t.equal(left.counters().droppedQueueFull, 3)
})

t.test('or for so many bytes: a small packet may fit where a large one does not', async t => {
  const { clock, sink, send } = path({ ...RATE, queueBytes: 300 })
  send(TEXT, TEXT, TEXT, 'small')
  clock.advance(100)
  t.same(sink.texts, [TEXT, TEXT, 'small'])
  send(TEXT, TEXT, TEXT)
  clock.advance(100)
  t.equal(sink.packets.length, 5, 'and there is room again later')
})

t.test('over a long time the line carries its rate', async t => {
  const { clock, sink, send } = path({ ...RATE, queuePackets: 50 })
  for (let i = 0; i < 20_000; i++) {
    send(TEXT)
    clock.advance(0.5)
  }
  clock.runUntilIdle()
  t.equal(sink.packets.length, 9999 + 50)
  t.ok(Math.abs(sink.times.at(-1)! - 10_049) < 1e-6)
})

t.test('a filter decides for each packet, in order from 0', async t => {
  const verdicts = ['pass', 'drop', 'duplicate', { delayMs: 4 }, 'pass'] as const
  const seen: number[] = []
  const filter = (packet: Uint8Array, index: number) => {
    seen.push(packet.length)
    return verdicts[index]
  }
  const { clock, sink, send, left } = path({ filter })
  send('0', '11', '222')
  send('3333', '44444')
  clock.advance(10)
  t.same(seen, [41, 42, 43, 44, 45])
  t.same(sink.texts, ['0', '222', '222', '44444', '3333'])
  t.same(sink.times, [0, 0, 0, 0, 4])
  t.match(left.counters(), { droppedFilter: 1, duplicated: 1 })
})

t.test('impairments change on the way: later packets go by the new ones, and nobody overtakes', async t => {
  const { clock, left, sink, send } = path({})
  send('at once')
  left.impair({ delayMs: 10 })
  send('delayed')
  clock.advance(5)
  left.impair({ delayMs: 0 })
  send('behind it')
  clock.advance(1)
  t.same(sink.texts, ['at once'])
  clock.advance(50)
  send('at once again')
  clock.advance(0)
  t.same(sink.texts, ['at once', 'delayed', 'behind it', 'at once again'])
  t.same(sink.times, [0, 10, 10, 56])
})

t.test('a pulled cable loses what is in the air and on the line', async t => {
  const { clock, left, sink, send } = path({ ...RATE, delayMs: 10 })
  send(TEXT, TEXT, TEXT)
  clock.advance(1.5)
  left.setUp(false)
  left.setUp(true)
  send(TEXT)
  clock.advance(100)
  t.same(sink.times, [12.5])
  t.equal(left.counters().droppedDown, 3)
})

t.test('packets above the MTU do not get as far as the filter', async t => {
  const { clock, left, sink, send } = path({ filter: () => 'pass' })
  send('x'.repeat(1461), 'fits')
  clock.advance(1)
  t.same(sink.texts, ['fits'])
  t.equal(left.counters().droppedTooLarge, 1)
})
