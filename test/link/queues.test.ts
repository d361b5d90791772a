// Each queue discipline against its definition, packet by packet.

import t from 'tap'
import { PacketPool } from '../../src/link/path/packets.ts'
import type { QueueEnd } from '../../src/link/path/queue.ts'
import { createQueue, type QueueOptions } from '../../src/link/path/queues.ts'
import type { Red } from '../../src/link/path/red.ts'
import { Random } from '../../src/random.ts'
import { finish, sumPlainHeader } from '../../src/wire/checksum.ts'

/** A queue in front of a line that the test plays. */
class Bench implements QueueEnd {
  readonly pool = new PacketPool(1500)
  linePackets = 0
  lineBytes = 0
  readonly dropped: number[] = []
  readonly early: number[] = []
  readonly marked: number[] = []
  readonly queue
  /** Whether packets can be marked. */
  ect = true

  constructor(options: QueueOptions, seed = 1, rate = 8e6) {
    this.queue = createQueue(options, this, new Random(seed), rate)
  }

  drop(id: number, early: boolean): void {
    ;(early ? this.early : this.dropped).push(id)
    this.pool.release(id)
  }

  mark(id: number): boolean {
    if (this.ect) this.marked.push(id)
    return this.ect
  }

  /** Of a flow that is named by its source port. */
  packet(bytes = 1000, flow = 1): number {
    const id = this.pool.allocate(bytes)
    const { view } = this.pool.regions[this.pool.region[id]]
    const at = this.pool.offset[id]
    view.setInt32(at, 0x45000000 | bytes)
    view.setInt32(at + 4, 0)
    view.setInt32(at + 8, 0x40060000)
    view.setInt32(at + 12, 0x0a000001)
    view.setInt32(at + 16, 0x0a000002)
    view.setUint16(at + 10, finish(sumPlainHeader(view, at)))
    view.setInt32(at + 20, (flow << 16) | 80)
    return id
  }

  arrive(now: number, bytes?: number, flow?: number): number {
    const id = this.packet(bytes, flow)
    this.queue.enqueue(id, now)
    return id
  }
}

t.test('drop-tail: first in, first out, and what finds no room is lost', async t => {
  const bench = new Bench({ packets: 3 })
  const ids = [0, 1, 2, 3].map(now => bench.arrive(now))
  t.same(bench.dropped, [ids[3]])
  t.same([bench.queue.packets, bench.queue.bytes], [3, 3000])
  t.same(
    [4, 5, 6, 7].map(now => bench.queue.dequeue(now)),
    [ids[0], ids[1], ids[2], -1]
  )
  t.same([bench.queue.packets, bench.queue.bytes], [0, 0])
})

t.test('drop-tail: the packet on the line takes room, in packets and in bytes', async t => {
  const bench = new Bench({ packets: 2, bytes: 2500 })
  bench.linePackets = 1
  bench.lineBytes = 1500
  bench.arrive(0, 1000)
  bench.arrive(0, 100)
  t.equal(bench.dropped.length, 1, 'two packets are there')
  const inBytes = new Bench({ packets: 9, bytes: 2500 })
  inBytes.lineBytes = 1500
  inBytes.arrive(0, 1000)
  inBytes.arrive(0, 1)
  t.equal(inBytes.dropped.length, 1, '2500 bytes are there')
})

t.test('drop-tail: the step of RFC 8257 marks packets that find so many before them', async t => {
  const bench = new Bench({ packets: 10, markPackets: 2 })
  const ids = [0, 1, 2, 3].map(now => bench.arrive(now))
  t.same(bench.marked, ids.slice(2))
  t.equal(bench.queue.packets, 4)
})

t.test('RED: the average moves by its weight, and decays over an idle time', async t => {
  const bench = new Bench({ discipline: 'red', min: 50, max: 100, weight: 0.5, meanPacketBytes: 1000 })
  const red = bench.queue as Red
  for (const average of [0, 0.5, 1.25, 2.125]) {
    bench.arrive(0)
    t.equal(red.average, average)
  }
  for (let now = 1; now <= 4; now++) bench.queue.dequeue(now)
  // Empty since 4 ms; a packet takes 1 ms: at 7 ms three could have left (m = 3, and the weight of the empty queue itself).
  bench.arrive(7)
  t.equal(red.average, 2.125 * 0.5 ** 4)
})

/** Packets that RED hits of `count` that find the same average, which stays as the queue's length does. */
function hits(options: Partial<QueueOptions>, waiting: number, count: number): number {
  const bench = new Bench({ discipline: 'red', ecn: true, weight: 1, packets: 1e6, ...options } as QueueOptions)
  const quiet = bench.queue as Red
  while (bench.queue.packets < waiting) bench.arrive(0)
  bench.marked.length = 0
  for (let i = 0; i < count; i++) {
    bench.arrive(0)
    if (bench.queue.packets > waiting) bench.pool.release(bench.queue.dequeue(0))
  }
  t.equal(quiet.average, waiting)
  return (bench.marked.length + bench.early.length) / count
}

t.test('RED: below min none, between min and max as many as the line says, spread evenly', async t => {
  const set = { min: 10, max: 30, maxProbability: 0.1 } as const
  t.equal(hits(set, 9, 1000), 0)
  // Halfway pb is 0.05, and packets between two hits are evenly spread over 1 to 1 / pb: one in (1 / pb + 1) / 2 on average.
  const halfway = hits(set, 20, 20_000)
  t.ok(Math.abs(halfway - 1 / 10.5) < 0.004, `${halfway}`)
  const gentle = hits(set, 45, 20_000)
  // Gentle: pb is 0.1 + 0.9 * 15 / 30 = 0.55, so the first is hit or else the second: 1 / (0.55 + 2 * 0.45).
  t.ok(Math.abs(gentle - 1 / 1.45) < 0.02, `${gentle}`)
  t.equal(hits(set, 60, 1000), 1, 'all from twice the maximum on')
  t.equal(hits({ ...set, gentle: false }, 30, 1000), 1, 'not gentle: all from the maximum on')
})

t.test('RED: in bytes, a packet of half the length is hit half as often', async t => {
  const set = { unit: 'bytes', min: 10_000, max: 30_000, maxProbability: 0.02, meanPacketBytes: 1000 } as const
  const rate = (bytes: number): number => {
    const bench = new Bench({ discipline: 'red', ecn: true, weight: 1, packets: 1e6, ...set })
    while (bench.queue.bytes < 20_000) bench.arrive(0, bytes)
    bench.marked.length = 0
    for (let i = 0; i < 20_000; i++) {
      bench.arrive(0, bytes)
      bench.pool.release(bench.queue.dequeue(0))
    }
    return bench.marked.length / 20_000
  }
  t.ok(Math.abs(rate(1000) * 50.5 - 1) < 0.1, `${rate(1000)}`)
  t.ok(Math.abs(rate(500) * 100.5 - 1) < 0.1, `${rate(500)}`)
})

t.test('RED: marks what can be marked, drops what cannot, and drops all the same where it would drop each', async t => {
  const bench = new Bench({ discipline: 'red', ecn: true, min: 1, max: 2, maxProbability: 1, weight: 1, gentle: false })
  bench.arrive(0)
  const second = bench.arrive(0)
  t.same([bench.marked, bench.early], [[], []])
  t.equal(bench.queue.packets, 2)
  const third = bench.arrive(0)
  t.same(bench.early, [third], 'the average is at the maximum: dropped, though it could be marked')
  t.equal(bench.queue.packets, 2)
  t.ok(second >= 0)
})

t.test(
  'CoDel: drops once packets have waited for longer than the target for an interval, then faster and faster',
  async t => {
    const bench = new Bench({ discipline: 'codel' })
    // A packet arrives and one leaves each ms, behind 20 that wait: each has waited 20 ms.
    for (let i = 0; i < 20; i++) bench.arrive(i)
    const drops: number[] = []
    for (let now = 20; now < 600; now++) {
      bench.arrive(now)
      const before = bench.early.length
      bench.queue.dequeue(now)
      for (let i = before; i < bench.early.length; i++) {
        drops.push(now)
        bench.arrive(now) // the queue stays as long as it is
      }
    }
    // First above at 20, so the first drop at 120; then 100 ms / sqrt(count) apart.
    const expected = [120]
    let next = 120 + 100
    for (let count = 2; Math.ceil(next) < 600; count++) {
      expected.push(Math.ceil(next))
      next += 100 / Math.sqrt(count)
    }
    t.same(drops, expected)
  }
)

t.test('CoDel: a wait below the target, or no more than one packet, ends it', async t => {
  const bench = new Bench({ discipline: 'codel' })
  bench.arrive(0, 1500)
  bench.arrive(0, 1500)
  t.ok(bench.queue.dequeue(500) >= 0)
  t.ok(bench.queue.dequeue(1000) >= 0, 'the last packet is never dropped')
  t.equal(bench.queue.dequeue(1000), -1)
  for (let now = 2000; now < 3000; now++) {
    bench.arrive(now)
    if (now >= 2004) bench.queue.dequeue(now)
  }
  t.equal(bench.early.length, 0, '4 ms each: below the target for good')
})

t.test('CoDel: comes back to the rate that was right a short while ago', async t => {
  const bench = new Bench({ discipline: 'codel' })
  const times: number[] = []
  const run = (from: number, to: number, wait: number): void => {
    while (bench.queue.packets > 0) bench.queue.dequeue(from)
    for (let i = wait; i > 0; i--) bench.arrive(from - i)
    for (let now = from; now < to; now++) {
      bench.arrive(now)
      const before = bench.early.length
      bench.queue.dequeue(now)
      for (let i = before; i < bench.early.length; i++) {
        times.push(now)
        bench.arrive(now)
      }
    }
  }
  run(100, 1000, 20)
  const first = times.length
  t.ok(first > 10)
  times.length = 0
  run(1020, 1300, 20)
  // In drop state again after an interval, and the second drop comes at once at the pace of before.
  t.ok(times[1] - times[0] < 40, times.slice(0, 3).join())
})

t.test('CoDel with ECN marks instead, and drops what cannot be marked', async t => {
  const run = (ect: boolean): Bench => {
    const bench = new Bench({ discipline: 'codel', ecn: true })
    bench.ect = ect
    for (let i = 0; i < 20; i++) bench.arrive(i)
    for (let now = 20; now < 400; now++) {
      bench.arrive(now)
      bench.queue.dequeue(now)
    }
    return bench
  }
  t.ok(run(true).marked.length > 3)
  t.equal(run(true).early.length, 0)
  t.ok(run(false).early.length > 2)
})

t.test('FQ-CoDel: flows take turns, a quantum each, whatever they have waiting', async t => {
  const bench = new Bench({ discipline: 'fq-codel', quantumBytes: 1000 })
  const owner = new Map<number, number>()
  for (const flow of [1, 2, 3]) for (let i = 0; i < 10 * flow; i++) owner.set(bench.arrive(0, 1000, flow), flow)
  const order: number[] = []
  for (let i = 0; i < 30; i++) order.push(owner.get(bench.queue.dequeue(0))!)
  for (let round = 0; round < 10; round++) t.same(order.slice(3 * round, 3 * round + 3).sort(), [1, 2, 3])
  // Flow 1 had ten: the rest is shared by the others.
  t.equal(owner.get(bench.queue.dequeue(0)) === 1, false)
  t.equal(bench.queue.packets, 60 - 31)
})

t.test('FQ-CoDel: small packets get as many bytes as large ones', async t => {
  const bench = new Bench({ discipline: 'fq-codel', quantumBytes: 1500 })
  const owner = new Map<number, number>()
  for (let i = 0; i < 300; i++) owner.set(bench.arrive(0, 100, 1), 1)
  for (let i = 0; i < 20; i++) owner.set(bench.arrive(0, 1500, 2), 2)
  const bytes = [0, 0, 0]
  for (let i = 0; i < 160; i++) {
    const id = bench.queue.dequeue(0)
    bytes[owner.get(id)!] += bench.pool.length[id]
  }
  t.ok(Math.abs(bytes[1] - bytes[2]) <= 1500, bytes.join())
})

t.test('FQ-CoDel: a flow that has just begun goes first, and cannot go on doing so', async t => {
  const bench = new Bench({ discipline: 'fq-codel', quantumBytes: 1000 })
  for (let i = 0; i < 12; i++) bench.arrive(0, 300, 1)
  for (let i = 0; i < 5; i++) bench.queue.dequeue(0) // flow 1 is an old one now, with 500 bytes of its turn left
  const first = bench.arrive(1, 100, 2)
  t.equal(bench.queue.dequeue(1), first, 'the new flow goes first')
  t.not(bench.queue.dequeue(1), -1) // finds the new queue empty: it waits among the old ones
  const again = bench.arrive(1, 100, 2)
  const next = [bench.queue.dequeue(1), bench.queue.dequeue(1)]
  t.equal(next.indexOf(again), 1, 'what comes now waits until flow 1 has had its turn')
})

t.test('FQ-CoDel: where all is full, the longest queue pays', async t => {
  const bench = new Bench({ discipline: 'fq-codel', packets: 20 })
  const small = bench.arrive(0, 1000, 2)
  const large = Array.from({ length: 20 }, () => bench.arrive(0, 1000, 1))
  t.same(bench.dropped, large.slice(0, 10), 'from its head, half of it')
  t.equal(bench.queue.packets, 11)
  t.ok(bench.queue.dequeue(0) === small || bench.queue.dequeue(0) === small || bench.queue.dequeue(0) === small)
})
