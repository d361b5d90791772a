// The parts of a channel that pairs do not show already: models of loss, rates that vary, policers, marks.

import t from 'tap'
import { Channel, type ChannelOptions } from '../../src/link/path/channel.ts'
import { markCongestion, spendHop } from '../../src/link/path/ecn.ts'
import { createLoss, type LossOptions } from '../../src/link/path/loss.ts'
import { PacketPool } from '../../src/link/path/packets.ts'
import { Policer } from '../../src/link/path/policer.ts'
import { createRate, parseMahimahi } from '../../src/link/path/rate.ts'
import { Random } from '../../src/random.ts'
import { finish, fold, sumPlainHeader } from '../../src/wire/checksum.ts'

function lossesOf(options: LossOptions, count: number, seed = 1): boolean[] {
  const loss = createLoss(options, new Random(seed))
  return Array.from({ length: count }, () => loss.next())
}

const share = (list: boolean[]): number => list.filter(Boolean).length / list.length

/** Lengths of runs of losses. */
function bursts(list: boolean[]): number[] {
  return list
    .map(lost => (lost ? '1' : '0'))
    .join('')
    .split(/0+/)
    .map(run => run.length)
    .filter(length => length > 0)
}

const mean = (list: number[]): number => list.reduce((sum, n) => sum + n, 0) / list.length

t.test('Bernoulli: the share that was asked for, in bursts as chance has them', async t => {
  const list = lossesOf(0.2, 100_000)
  t.ok(Math.abs(share(list) - 0.2) < 0.005, `${share(list)}`)
  t.ok(Math.abs(mean(bursts(list)) - 1 / 0.8) < 0.02, `${mean(bursts(list))}`)
  t.same(lossesOf({ model: 'bernoulli', probability: 0.2 }, 1000), list.slice(0, 1000))
})

t.test('Gilbert: the share is toBad / (toBad + toGood), a burst is 1 / toGood long', async t => {
  const list = lossesOf({ model: 'gilbert-elliott', toBad: 0.01, toGood: 0.25 }, 400_000)
  t.ok(Math.abs(share(list) - 0.01 / 0.26) < 0.002, `${share(list)}`)
  t.ok(Math.abs(mean(bursts(list)) - 4) < 0.15, `${mean(bursts(list))}`)
})

t.test('Elliott: each state has losses of its own', async t => {
  const list = lossesOf(
    { model: 'gilbert-elliott', toBad: 0.02, toGood: 0.08, lossWhenGood: 0.01, lossWhenBad: 0.5 },
    400_000
  )
  // Bad one time in five: 0.8 * 0.01 + 0.2 * 0.5.
  t.ok(Math.abs(share(list) - 0.108) < 0.004, `${share(list)}`)
})

t.test('a trace of losses: a digit a packet, from the beginning again at its end', async t => {
  t.same(lossesOf({ model: 'trace', trace: '0 1\n10' }, 9), [false, true, true, false, false, true, true, false, false])
})

t.test('what chance decides follows from the seed', async t => {
  t.same(lossesOf(0.5, 100, 3), lossesOf(0.5, 100, 3))
  t.notSame(lossesOf(0.5, 100, 3), lossesOf(0.5, 100, 4))
})

t.test('losses that make no sense are refused', async t => {
  const range = { code: 'ERR_OUT_OF_RANGE' }
  const value = { code: 'ERR_INVALID_ARG_VALUE' }
  t.throws(() => lossesOf(1.5, 1), range)
  t.throws(() => lossesOf({ model: 'gilbert-elliott', toBad: 2, toGood: 1 }, 1), range)
  t.throws(() => lossesOf({ model: 'trace', trace: 'none' }, 1), value)
  t.throws(() => lossesOf({ model: 'sometimes' } as never, 1), value)
})

t.test('a rate in steps: a packet that lasts over a step leaves at the speed of both', async t => {
  const rate = createRate({
    steps: [
      { atMs: 0, rateBitsPerSecond: 8000 },
      { atMs: 10, rateBitsPerSecond: 0 },
      { atMs: 20, rateBitsPerSecond: 16_000 }
    ]
  })
  t.equal(rate.finish(0, 5), 5, 'a byte a ms')
  t.equal(rate.finish(5, 9), 22, 'five until 10, none until 20, four at twice the speed')
  t.equal(rate.finish(22, 1000), 522, 'the last step holds')
})

t.test('a rate in steps begins anew after its period', async t => {
  const rate = createRate({
    steps: [
      { atMs: 0, rateBitsPerSecond: 8000 },
      { atMs: 10, rateBitsPerSecond: 16_000 }
    ],
    periodMs: 20
  })
  t.equal(rate.finish(0, 30), 20)
  t.equal(rate.finish(20, 30), 40)
  t.equal(rate.finish(1000, 10), 1010)
  t.equal(rate.finish(1015, 2), 1016)
})

t.test('Mahimahi: 1500 bytes at each moment of the trace, which begins anew at its end', async t => {
  const rate = createRate({ mahimahi: '1\n2\n2\n5\n' })
  t.equal(rate.finish(0, 1500), 1)
  t.equal(rate.finish(1, 3000), 2, 'two at 2 ms')
  t.equal(rate.finish(2, 1500), 5)
  t.equal(rate.finish(5, 1500), 6, 'again from the beginning: 5 + 1')
})

t.test(
  'Mahimahi: small packets share an opportunity, a large one takes several, and one that nobody used is gone',
  async t => {
    const rate = createRate({ mahimahi: [1, 2, 3, 4, 10] })
    t.equal(rate.finish(0, 500), 1)
    t.equal(rate.finish(1, 1000), 1, 'what is left of it')
    t.equal(rate.finish(1, 1), 2)
    t.equal(rate.finish(2, 2999 + 1500), 4, '1499 at 2 ms, and the next two')
    t.equal(rate.finish(11.5, 100), 12, 'idle since 4 ms')
  }
)

t.test('Mahimahi: a trace that is none is refused, and says where', async t => {
  const bad = { code: 'ERR_INVALID_ARG_VALUE' }
  t.throws(() => parseMahimahi('1\n3\n2\n'), { ...bad, message: /Line 3 is 2/ })
  t.throws(() => parseMahimahi('1\nx\n'), { ...bad, message: /Line 2 is x/ })
  t.throws(() => parseMahimahi(''), bad)
  t.throws(() => parseMahimahi('0\n0\n'), bad)
  t.same([...parseMahimahi('0\n0\n7\n')], [0, 0, 7])
})

t.test('rates that make no sense are refused', async t => {
  const range = { code: 'ERR_OUT_OF_RANGE' }
  t.throws(() => createRate(0), range)
  t.throws(() => createRate({ steps: [] }), range)
  t.throws(() => createRate({ steps: [{ atMs: 1, rateBitsPerSecond: 1 }] }), range)
  t.throws(() => createRate({ steps: [{ atMs: 0, rateBitsPerSecond: 0 }] }), range)
  t.throws(() => createRate({ steps: [{ atMs: 0, rateBitsPerSecond: 0 }], periodMs: 5 }), range)
  t.throws(() => createRate({} as never), { code: 'ERR_INVALID_ARG_VALUE' })
})

t.test('a policer lets a burst through, then its rate, and delays nobody', async t => {
  const policer = new Policer({ rateBitsPerSecond: 8000, burstBytes: 3000 }) // a byte a ms
  const passed = (count: number, now: number): number =>
    Array.from({ length: count }, () => policer.passes(1000, now)).filter(Boolean).length
  t.equal(passed(5, 0), 3)
  t.equal(passed(1, 999), 0)
  t.equal(passed(2, 1000), 1)
  t.equal(passed(5, 100_000), 3, 'no more than a burst is saved up')
})

class Bench {
  readonly pool = new PacketPool(1500)
  readonly channel: Channel
  constructor(options: ChannelOptions, seed = 1) {
    this.channel = new Channel(this.pool, new Random(seed), options)
  }
  send(now: number, bytes = 125, tos = 0): number {
    const id = this.pool.allocate(bytes)
    const { view } = this.pool.regions[this.pool.region[id]]
    const at = this.pool.offset[id]
    for (let i = 0; i < 20; i += 4) view.setInt32(at + i, 0)
    view.setInt32(at, 0x45000000 | (tos << 16) | bytes)
    view.setInt32(at + 8, 0x40060000)
    view.setUint16(at + 10, finish(sumPlainHeader(view, at)))
    this.channel.send(id, now)
    return id
  }
  /** Ids and times of all arrivals, by following `nextEvent`. */
  drain(): [number, number][] {
    const arrived: [number, number][] = []
    for (let now = this.channel.nextEvent; now < Infinity; now = this.channel.nextEvent) {
      for (let id = this.channel.take(now); id >= 0; id = this.channel.take(now)) {
        arrived.push([id, now])
        this.pool.release(id)
      }
    }
    return arrived
  }
}

t.test('a policer stands before the queue, and counts what it drops', async t => {
  const bench = new Bench({ policer: { rateBitsPerSecond: 8000, burstBytes: 250 } })
  for (let i = 0; i < 5; i++) bench.send(0)
  t.equal(bench.drain().length, 2)
  t.match(bench.channel.counters(), { droppedPolicer: 3, packetsSent: 2 })
})

t.test('the times of arrival do not depend on when somebody looks', async t => {
  const run = (lookEvery: number): string => {
    const bench = new Bench({
      rateBitsPerSecond: 1e6,
      delayMs: 3,
      jitterMs: 2,
      loss: 0.1,
      reorder: 0.1,
      queue: { discipline: 'codel', targetMs: 2, intervalMs: 10, packets: 30 }
    })
    const log: string[] = []
    let next = 0
    for (let sent = 0; sent < 300; sent++) {
      const now = sent * 0.9
      for (let at = bench.channel.nextEvent; at <= now; at = bench.channel.nextEvent) {
        for (; next < at; next += lookEvery) bench.channel.backlog(next)
        for (let id = bench.channel.take(at); id >= 0; id = bench.channel.take(at)) {
          log.push(`${id}@${at.toFixed(6)}`)
          bench.pool.release(id)
        }
      }
      for (; next < now; next += lookEvery) bench.channel.backlog(next)
      bench.send(now)
    }
    for (const [id, at] of bench.drain()) log.push(`${id}@${at.toFixed(6)}`)
    t.equal(bench.pool.used, 0)
    return log.join(' ')
  }
  const often = run(0.1)
  t.ok(often.length > 1000)
  t.equal(run(50), often)
})

t.test('nothing that was handed over is ever forgotten: it arrives, or is counted as lost', async t => {
  for (const discipline of ['drop-tail', 'red', 'codel', 'fq-codel'] as const) {
    const bench = new Bench(
      {
        rateBitsPerSecond: 1e6,
        delayMs: 5,
        loss: 0.05,
        duplicate: 0.05,
        reorder: 0.05,
        queue: { discipline, packets: 20 }
      },
      7
    )
    for (let i = 0; i < 2000; i++) bench.send(i * 0.8)
    const arrived = bench.drain().length
    const { channel } = bench
    t.equal(arrived - channel.duplicated + channel.lost + channel.queueFull + channel.early, 2000, discipline)
    t.equal(bench.pool.used, 0)
  }
})

t.test(
  'a new queue takes over what waits, and a line without a rate lets all go after the one that is on it',
  async t => {
    const bench = new Bench({ rateBitsPerSecond: 1e6 })
    for (let i = 0; i < 5; i++) bench.send(0)
    bench.channel.set({ queue: { discipline: 'fq-codel' } }, 0.5)
    t.equal(bench.channel.backlog(0.5).packets, 5)
    bench.channel.set({ rateBitsPerSecond: Infinity }, 2.5)
    t.same(
      bench.drain().map(([, at]) => at),
      [1, 2, 3, 3, 3]
    )
  }
)

t.test('a mark for congestion: on packets that can bear one, the checksum of the header kept right', async t => {
  const bench = new Bench({ delayMs: 1 })
  for (const [tos, marked] of [
    [0, false],
    [1, true],
    [2, true],
    [3, true],
    [0xb8, false],
    [0xba, true]
  ] as const) {
    const id = bench.send(0, 40, tos)
    const { view } = bench.pool.regions[bench.pool.region[id]]
    const at = bench.pool.offset[id]
    t.equal(markCongestion(bench.pool, id), marked)
    t.equal(view.getUint8(at + 1), marked ? tos | 3 : tos)
    t.equal(fold(sumPlainHeader(view, at)), 0xffff)
    for (let hop = 63; hop > 0; hop--) if (!spendHop(bench.pool, id)) t.fail(`at ${hop}`)
    t.equal(fold(sumPlainHeader(view, at)), 0xffff)
    t.equal(view.getUint8(at + 8), 1)
    t.notOk(spendHop(bench.pool, id), 'the last hop is the host')
  }
})
