// Send and receive buffers against plain arrays of bytes, at bases that put the wrap of sequence numbers anywhere.

import t from 'tap'
import { loadAddon } from '../../src/native/addon.ts'
import { Random } from '../../src/random.ts'
import { Arena } from '../../src/tcp/arena.ts'
import { ReceiveBuffer } from '../../src/tcp/receive-buffer.ts'
import { type BlockKeeper, SendBuffer } from '../../src/tcp/send-buffer.ts'
import { add, ahead, type Seq, toSeq } from '../../src/tcp/seq.ts'
import { Segment } from '../../src/wire/segment.ts'
import { type Block, Slab } from '../../src/wire/slab.ts'

const BASES = [1, 0x7fffff00, 0xffffff00]

/** Gives blocks back at once, and scribbles over them: whoever still reads from one is seen. */
class Keeper implements BlockKeeper {
  readonly slab: Slab
  released = 0

  constructor(limit = 2 ** 24) {
    this.slab = new Slab(limit)
  }

  release(block: Block): void {
    this.slab.regions[block.region].fill(0xdb, block.offset, block.offset + block.size)
    this.slab.release(block)
    this.released++
  }
}

/** The stream repeats after a prime number of bytes, and has none that the keeper scribbles. */
const PERIOD = 1_000_003
const stream = Uint8Array.from({ length: 2 * PERIOD }, (_, i) => (Math.imul(i % PERIOD, 0x9e3779b1) >>> 24) % 0xdb)
/** Bytes [from, to) of the stream: for reading only. */
const text = (from: number, to: number): Uint8Array => stream.subarray(from % PERIOD, (from % PERIOD) + to - from)

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** What a segment points at, in one piece or two. */
function payload(segment: Segment): Uint8Array {
  const first = segment.payloadLength - segment.wrappedLength
  const { bytes, payloadOffset, wrappedOffset } = segment
  return Buffer.concat([
    bytes.subarray(payloadOffset, payloadOffset + first),
    bytes.subarray(wrappedOffset, wrappedOffset + segment.wrappedLength)
  ])
}

for (const base of BASES) {
  t.test(`SendBuffer at ${base}: any part of what is kept is found: random writes and acknowledgements`, async t => {
    let wrapped = 0
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed)
      const limit = [2048, 3000, 100_000][seed % 3]
      const keeper = new Keeper()
      const buffer = new SendBuffer(limit)
      const at = (offset: number): Seq => add(toSeq(base), offset)
      buffer.beginAt(at(0))
      const segment = new Segment()
      let start = 0
      let end = 0
      for (let step = 0; step < 300; step++) {
        if (random.chance(0.5)) {
          const length = random.int(1 + limit / (random.chance(0.5) ? 20 : 1))
          const taken = buffer.write(text(end, end + length), keeper)
          if (taken !== Math.min(length, limit - (end - start))) t.fail(`seed ${seed}: took ${taken} of ${length}`)
          end += taken
        } else {
          start += random.chance(0.2) ? end - start : random.int(end - start + 1)
          buffer.acknowledge(at(start), keeper)
        }
        if (buffer.length !== end - start || buffer.space !== limit - (end - start)) t.fail(`seed ${seed}: length`)
        if (buffer.start !== at(start) || buffer.end !== at(end)) t.fail(`seed ${seed}: edges`)
        if (end === start) {
          if (keeper.slab.usedBytes !== 0) t.fail(`seed ${seed}: empty, and ${keeper.slab.usedBytes} bytes of the slab`)
          continue
        }
        const from = start + random.int(end - start)
        const to = from + 1 + random.int(end - from)
        buffer.locate(segment, at(from), to - from, keeper.slab)
        if (segment.payloadLength !== to - from) t.fail(`seed ${seed}: located ${segment.payloadLength}`)
        if (!same(payload(segment), text(from, to)))
          t.fail(`seed ${seed} step ${step}: wrong bytes in [${from}, ${to})`)
        if (segment.bytes !== keeper.slab.regions[segment.region]) t.fail('the region and its bytes are one')
        if (segment.wrappedLength > 0) wrapped++
      }
    }
    t.ok(wrapped > 100, 'the ring has wrapped')
  })

  t.test(`ReceiveBuffer at ${base}: what comes in any order is read in the right one`, async t => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed)
      const limit = [2048, 5000, 200_000][seed % 3]
      const keeper = new Keeper()
      const arena = seed % 2 === 0 ? new Arena() : new Arena(Number.POSITIVE_INFINITY, scribbled, loadAddon().copySpans)
      const batch = new Batch()
      const buffers = Array.from({ length: 1 + (seed % 4) }, () => new Arrivals(limit, base, random, batch))
      for (let step = 0; step < 400; step++) {
        const one = buffers[random.int(buffers.length)]
        const fault = random.chance(0.7) ? one.arrive(keeper, arena) : one.read()
        if (random.chance(0.05)) batch.end(arena)
        if (fault !== undefined) t.fail(`seed ${seed} step ${step}: ${fault}`)
      }
      for (const one of buffers) {
        one.buffer.forgetWaiting(keeper)
        while (one.buffer.readable > 0) one.read()
        if (one.fault() !== undefined) t.fail(`seed ${seed}: ${one.fault()}`)
      }
      t.equal(arena.unread, 0, `seed ${seed}: all is read`)
      t.equal(keeper.slab.usedBytes, 0, `seed ${seed}: nothing waits, nothing is kept`)
    }
  })
}

const scribbled = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0xdb)

/** What a link hands over: packets in memory that it fills anew for the next batch. */
class Batch {
  readonly bytes = new Uint8Array(65_536)
  #end = 0

  /** Answers where the packet lies now. */
  place(packet: Uint8Array, arena: Arena): number {
    if (this.#end + packet.length > this.bytes.length) this.end(arena)
    arena.lend({ regions: [this.bytes] })
    const at = this.#end
    this.bytes.set(packet, at)
    this.#end += packet.length
    return at
  }

  end(arena: Arena): void {
    arena.endLoans()
    this.bytes.fill(0xdb)
    this.#end = 0
  }
}

/** A receive buffer used as arrivals do, and the text that it should give. */
class Arrivals {
  readonly buffer: ReceiveBuffer
  rcvNxt: Seq
  /** In bytes of the stream: what is in order, what has been read, and which bytes wait behind holes. */
  #inOrder = 0
  #read = 0
  #waiting = new Set<number>()
  /** Views that the reader keeps: nothing that comes later may touch them. */
  readonly #kept: { view: Uint8Array; from: number }[] = []

  constructor(
    readonly limit: number,
    base: number,
    readonly random: Random,
    readonly batch: Batch
  ) {
    this.buffer = new ReceiveBuffer(limit)
    this.rcvNxt = toSeq(base)
  }

  arrive(keeper: Keeper, arena: Arena): string | undefined {
    const { random, buffer } = this
    const window = this.limit - buffer.readable
    if (window <= 0) return undefined
    const skip = random.chance(0.5) ? 0 : 1 + random.int(Math.min(window, 4000))
    const length = 1 + random.int(Math.min(1500, window))
    if (skip + length > window) return undefined
    // In the middle of a packet, as a link delivers it.
    const packet = new Uint8Array(length + 60).fill(0xdb)
    packet.set(text(this.#inOrder + skip, this.#inOrder + skip + length), 40)
    if (skip === 0) {
      if (random.chance(0.7)) buffer.append(arena, this.batch.bytes, this.batch.place(packet, arena) + 40, length)
      else buffer.append(arena, packet, 40, length)
      this.rcvNxt = buffer.advance(keeper, arena, add(this.rcvNxt, length))
      this.#inOrder += length
      for (const byte of this.#waiting) if (byte < this.#inOrder) this.#waiting.delete(byte)
      while (this.#waiting.delete(this.#inOrder)) this.#inOrder++
    } else {
      if (!buffer.keep(keeper, this.rcvNxt, add(this.rcvNxt, skip), packet, 40, length)) return 'not kept'
      for (let i = 0; i < length; i++) this.#waiting.add(this.#inOrder + skip + i)
    }
    return this.fault(keeper)
  }

  read(): string | undefined {
    const most = this.random.chance(0.3) ? Number.POSITIVE_INFINITY : this.random.int(3000)
    if (this.random.chance(0.3)) return this.#readInto(this.random.int(3000))
    const bytes = this.buffer.read(most)
    if (bytes === undefined) return this.buffer.readable > 0 && most > 0 ? 'nothing read' : undefined
    if (bytes.length > most || bytes.length === 0) return `${bytes.length} bytes read, asked for ${most}`
    if (!same(bytes, text(this.#read, this.#read + bytes.length))) return `wrong bytes at ${this.#read}`
    this.#kept.push({ view: bytes, from: this.#read })
    this.#read += bytes.length
    return this.fault()
  }

  #readInto(room: number): string | undefined {
    const target = new Uint8Array(room + 1).fill(0xdb)
    const expected = Math.min(room, this.buffer.readable)
    const read = this.buffer.readInto(target.subarray(0, room))
    if (read !== expected) return `${read} bytes read into ${room}, of ${expected}`
    if (!same(target.subarray(0, read), text(this.#read, this.#read + read))) return `wrong bytes at ${this.#read}`
    if (target.subarray(read).some(byte => byte !== 0xdb)) return 'more written than was read'
    this.#read += read
    return this.fault()
  }

  fault(keeper?: Keeper): string | undefined {
    const { buffer } = this
    if (buffer.readable !== this.#inOrder - this.#read) return `${buffer.readable} readable`
    if (keeper !== undefined && buffer.waiting.bytes !== this.#waiting.size) return `${buffer.waiting.bytes} waiting`
    for (const { view, from } of this.#kept) {
      if (!same(view, text(from, from + view.length))) return `what was read at ${from} has changed`
    }
    return undefined
  }
}

t.test('SendBuffer: the ring doubles as text comes, and goes when all is acknowledged', async t => {
  const keeper = new Keeper()
  const buffer = new SendBuffer(65_536)
  t.equal(keeper.slab.usedBytes, 0, 'a connection that is silent owns no block')
  const sizes: number[] = []
  for (let i = 0; i < 64; i++) {
    buffer.write(text(0, 1024), keeper)
    if (sizes.at(-1) !== keeper.slab.usedBytes) sizes.push(keeper.slab.usedBytes)
  }
  t.same(sizes, [1024, 2048, 4096, 8192, 16_384, 32_768, 65_536])
  t.equal(buffer.write(text(0, 1), keeper), 0)
  buffer.acknowledge(add(buffer.end, -1), keeper)
  t.equal(keeper.slab.usedBytes, 65_536)
  buffer.acknowledge(buffer.end, keeper)
  t.equal(keeper.slab.usedBytes, 0)
})

t.test(
  'SendBuffer: the ring of a writer who keeps it busy has its size at once the next time, that of one who did not is small',
  async t => {
    const keeper = new Keeper()
    const buffer = new SendBuffer(65_536)
    const sizes: number[] = []
    for (const bytes of [40_000, 100, 100, 65_536, 65_536]) {
      const before = keeper.released
      for (let left = bytes; left > 0; left -= buffer.write(text(0, Math.min(left, 1000)), keeper));
      sizes.push(keeper.slab.usedBytes)
      const grown = keeper.released - before
      buffer.acknowledge(buffer.end, keeper)
      if (sizes.length === 5) t.equal(grown, 0, 'nothing was copied')
    }
    t.same(sizes, [65_536, 65_536, 256, 65_536, 65_536])
  }
)

t.test('SendBuffer: where the slab is short it fills the ring that it has, and takes nothing without one', async t => {
  const keeper = new Keeper(2 ** 20)
  const buffer = new SendBuffer(65_536)
  t.equal(buffer.write(text(0, 1000), keeper), 1000)
  const others: Block[] = []
  for (let block = keeper.slab.allocate(256); block !== undefined; block = keeper.slab.allocate(256)) others.push(block)
  t.equal(buffer.write(text(1000, 2000), keeper), 24)
  t.equal(buffer.write(text(1024, 2000), keeper), 0)
  const segment = new Segment()
  buffer.locate(segment, toSeq(0), 1024, keeper.slab)
  t.ok(same(payload(segment), text(0, 1024)))
  t.equal(new SendBuffer(65_536).write(text(0, 1), keeper), 0)
})

t.test('SendBuffer: where the slab has only small blocks left, it makes do with one', async t => {
  const keeper = new Keeper(2 ** 20)
  const pieces: Block[] = []
  for (let block = keeper.slab.allocate(256); block !== undefined; block = keeper.slab.allocate(256)) pieces.push(block)
  keeper.slab.release(pieces[7])
  const buffer = new SendBuffer(65_536)
  t.equal(buffer.write(text(0, 10_000), keeper), 256)
  t.equal(buffer.write(text(256, 10_000), keeper), 0)
  buffer.acknowledge(toSeq(256), keeper)
  t.equal(buffer.write(text(256, 10_000), keeper), 256)
})

t.test('SendBuffer: the caller may use its buffer again at once', async t => {
  const keeper = new Keeper()
  const buffer = new SendBuffer(4096)
  const mine = text(0, 100).slice()
  buffer.write(mine, keeper)
  mine.fill(0)
  const segment = new Segment()
  buffer.locate(segment, toSeq(0), 100, keeper.slab)
  t.ok(same(payload(segment), text(0, 100)))
})

t.test('ReceiveBuffer: where the slab is short nothing is kept, and what waited still waits', async t => {
  const keeper = new Keeper(2 ** 20)
  const buffer = new ReceiveBuffer(2 ** 21)
  const next = toSeq(0)
  t.ok(buffer.keep(keeper, next, toSeq(100), text(100, 200), 0, 100))
  t.notOk(buffer.keep(keeper, next, toSeq(2 ** 20), text(0, 100), 0, 100))
  t.equal(buffer.waiting.bytes, 100)
  const arena = new Arena()
  buffer.append(arena, text(0, 100), 0, 100)
  t.equal(buffer.advance(keeper, arena, toSeq(100)), 200)
  const read: Uint8Array[] = []
  for (let bytes = buffer.read(1000); bytes !== undefined; bytes = buffer.read(1000)) read.push(bytes)
  t.ok(same(Buffer.concat(read), text(0, 200)))
  t.equal(keeper.slab.usedBytes, 0)
})

t.test('ReceiveBuffer: text that comes again with what is in order is given once', async t => {
  const keeper = new Keeper()
  const arena = new Arena()
  const buffer = new ReceiveBuffer(4096)
  const next = toSeq(-50)
  buffer.keep(keeper, next, add(next, 100), text(100, 200), 0, 100)
  buffer.keep(keeper, next, add(next, 300), text(300, 400), 0, 100)
  // Past the first range's end, up to the middle of the second.
  buffer.append(arena, text(0, 350), 0, 350)
  const after = buffer.advance(keeper, arena, add(next, 350))
  t.equal(ahead(after, next), 400)
  t.equal(buffer.readable, 400)
  t.equal(buffer.waiting.count, 0)
})

t.test('Arena: a piece that ends where the next chunk stands is not taken for one of that chunk', async t => {
  const arena = new Arena()
  const [one, two] = [new ReceiveBuffer(2 ** 20), new ReceiveBuffer(2 ** 20)]
  one.append(arena, text(0, 10), 0, 10)
  const first = one.read(5) as Uint8Array
  // Fills the chunk up, piece by piece, and begins another.
  let other = 0
  const chunkOf = (): ArrayBufferLike => {
    two.append(arena, text(500, 510), 0, 10)
    other += 10
    let last = first
    while (two.readable > 0) last = two.read(10) as Uint8Array
    return last.buffer
  }
  while (other < 2 ** 17 && chunkOf() === first.buffer);
  t.ok(other < 2 ** 17, 'the chunk has ended')
  one.append(arena, text(10, 20), 0, 10)
  const rest: Uint8Array[] = []
  for (let bytes = one.read(100); bytes !== undefined; bytes = one.read(100)) rest.push(bytes)
  t.ok(same(Buffer.concat([first, ...rest]), text(0, 20)))
})

t.test('Arena: small pieces of many connections share chunks, text of one connection comes in one piece', async t => {
  const arena = new Arena()
  const buffers = Array.from({ length: 100 }, () => new ReceiveBuffer(4096))
  buffers.forEach((buffer, i) => {
    buffer.append(arena, text(i, i + 10), 0, 10)
  })
  const chunks = new Set(
    buffers.map((buffer, i) => {
      const bytes = buffer.read(10) as Uint8Array
      t.ok(same(bytes, text(i, i + 10)))
      return bytes.buffer
    })
  )
  t.equal(chunks.size, 1)

  const alone = new ReceiveBuffer(2 ** 20)
  for (let i = 0; i < 100; i++) alone.append(arena, text(1000 * i, 1000 * (i + 1)), 0, 1000)
  const pieces: Uint8Array[] = []
  for (let bytes = alone.read(2 ** 20); bytes !== undefined; bytes = alone.read(2 ** 20)) pieces.push(bytes)
  t.ok(same(Buffer.concat(pieces), text(0, 100_000)))
  t.ok(pieces.length <= 8, `${pieces.length} pieces`)
})

t.test('ReceiveBuffer: what is read while the batch is at hand comes in memory of its own, 64 KiB at once', async t => {
  const given: number[] = []
  const arena = new Arena(Number.POSITIVE_INFINITY, bytes => {
    given.push(bytes)
    return new Uint8Array(bytes).fill(0xdb)
  })
  const buffer = new ReceiveBuffer(2 ** 20)
  const batch = text(0, 200_000)
  arena.lend({ regions: [batch] })
  for (let at = 0; at < 200_000; at += 1000) buffer.append(arena, batch, at, 1000)
  t.equal(arena.unread, 200_000)
  const first = buffer.read(2 ** 20) as Uint8Array
  const second = buffer.read(30_000) as Uint8Array
  t.equal(second.length, 30_000, 'no more than was asked for')
  t.equal(arena.unread, 200_000 - 65_536 - 30_000)
  arena.endLoans()
  const rest: Uint8Array[] = []
  for (let bytes = buffer.read(2 ** 20); bytes !== undefined; bytes = buffer.read(2 ** 20)) rest.push(bytes)
  t.same(given, [65_536, 30_000], 'what was left is in chunks')
  t.ok(same(Buffer.concat([first, second, ...rest]), text(0, 200_000)))
  t.equal(arena.unread, 0)
})

/** As a driver: a packet in each region, whose memory is replaced when it is given away. */
class Slots {
  readonly regions: Uint8Array[]
  readonly given: number[] = []

  constructor(count: number, bytes: number) {
    this.regions = Array.from({ length: count }, () => scribbled(bytes))
  }

  readonly surrender = (region: number): void => {
    this.given.push(region)
    this.regions[region] = scribbled(this.regions[region].length)
  }

  /** [from, to) of the text into a region, behind headers. */
  arrive(arena: Arena, buffer: ReceiveBuffer, region: number, from: number, to: number, at = 52): void {
    const bytes = this.regions[region]
    bytes.set(text(from, to), at)
    arena.lentRegion = region
    buffer.append(arena, bytes, at, to - from)
  }

  end(arena: Arena): void {
    arena.endLoans()
    for (const bytes of this.regions) bytes.fill(0xdb)
  }
}

function lengthsOf(views: readonly Uint8Array[]): number[] {
  return views.map(({ length }) => length)
}

function readAll(buffer: ReceiveBuffer, most = 2 ** 20): Uint8Array[] {
  const views: Uint8Array[] = []
  for (let bytes = buffer.read(most); bytes !== undefined; bytes = buffer.read(most)) views.push(bytes)
  return views
}

t.test(
  'ReceiveBuffer: memory that its text fills is given to the reader, and text before and behind is copied',
  async t => {
    for (const copySpans of [undefined, loadAddon().copySpans]) {
      const arena = new Arena(Number.POSITIVE_INFINITY, scribbled, copySpans)
      const buffer = new ReceiveBuffer(2 ** 20)
      const slots = new Slots(6, 65_728)
      const memories = [...slots.regions]
      arena.lend(slots)
      const ends = [1000, 3000, 68_000, 100_864, 133_727, 134_000]
      for (const [i, end] of ends.entries()) slots.arrive(arena, buffer, i, i === 0 ? 0 : ends[i - 1], end)
      const views = readAll(buffer)
      t.equal(arena.unread, 0)
      t.same(lengthsOf(views), [3000, 65_000, 32_864, 33_136], 'at least half of the memory is needed')
      t.same(slots.given, [2, 3])
      t.equal(views[1].buffer, memories[2].buffer)
      t.equal(views[2].buffer, memories[3].buffer)
      slots.end(arena)
      t.ok(same(Buffer.concat(views), text(0, 134_000)), 'no later packet overwrites it')
    }
  }
)

t.test(
  'ReceiveBuffer: small text behind that of a memory which is given away comes with it, where it fits',
  async t => {
    const ends = [65_160, 65_536, 130_696, 131_072, 134_000]
    for (const { most, lengths } of [
      { most: 2 ** 20, lengths: [65_536, 65_536, 2928] },
      { most: 65_535, lengths: [65_160, 376, 65_160, 3304] }
    ]) {
      const arena = new Arena(Number.POSITIVE_INFINITY, scribbled)
      const buffer = new ReceiveBuffer(2 ** 20)
      const slots = new Slots(5, 67_776)
      arena.lend(slots)
      for (const [i, end] of ends.entries()) slots.arrive(arena, buffer, i, i === 0 ? 0 : ends[i - 1], end)
      const views = readAll(buffer, most)
      t.same(lengthsOf(views), lengths)
      t.equal(arena.unread, 0)
      slots.end(arena)
      t.ok(same(Buffer.concat(views), text(0, 134_000)))
    }
  }
)

t.test('ReceiveBuffer: memory is not given away', async t => {
  const give = (
    name: string,
    slots: Slots,
    read: (slots: Slots, arena: Arena, buffer: ReceiveBuffer) => Uint8Array[]
  ): void => {
    const arena = new Arena()
    const buffer = new ReceiveBuffer(2 ** 20)
    arena.lend(slots)
    const views = read(slots, arena, buffer)
    slots.end(arena)
    views.push(...readAll(buffer))
    t.same(slots.given, [], name)
    const bytes = Buffer.concat(views)
    t.ok(same(bytes, text(0, bytes.length)), `${name}: the text is right`)
  }
  give('for a part of its text', new Slots(1, 65_728), (slots, arena, buffer) => {
    slots.arrive(arena, buffer, 0, 0, 60_000)
    return [buffer.read(59_999) as Uint8Array]
  })
  give('for less than 16 KiB', new Slots(1, 16_500), (slots, arena, buffer) => {
    slots.arrive(arena, buffer, 0, 0, 16_383)
    return readAll(buffer)
  })
  give('that has other text in it', new Slots(1, 65_728), (slots, arena, buffer) => {
    slots.arrive(arena, buffer, 0, 0, 33_000)
    slots.arrive(arena, buffer, 0, 33_000, 50_000, 40_000)
    return readAll(buffer)
  })
  give('to whom has his own', new Slots(1, 65_728), (slots, arena, buffer) => {
    slots.arrive(arena, buffer, 0, 0, 60_000)
    const target = new Uint8Array(60_000)
    buffer.readInto(target)
    return [target]
  })
  give('when nobody reads while the batch is at hand', new Slots(1, 65_728), (slots, arena, buffer) => {
    slots.arrive(arena, buffer, 0, 0, 60_000)
    return []
  })
})

t.test(
  'ReceiveBuffer: what is borrowed can be discarded, and stays where it is when its connection is over',
  async t => {
    const arena = new Arena()
    const [one, two] = [new ReceiveBuffer(2 ** 20), new ReceiveBuffer(2 ** 20)]
    const batch = text(0, 30_000).slice()
    arena.lend({ regions: [batch] })
    one.append(arena, text(0, 5), 0, 5)
    one.append(arena, batch, 10_000, 10_000)
    two.append(arena, batch, 20_000, 10_000)
    t.equal(one.discard(arena), 10_005)
    t.equal(one.read(1), undefined)
    one.append(arena, batch, 0, 10)
    two.disown()
    t.equal(arena.unread, 10)
    arena.endLoans()
    batch.fill(0xdb)
    t.ok(same(one.read(100) as Uint8Array, text(0, 10)))
    const rest: Uint8Array[] = []
    for (let bytes = two.read(2 ** 20); bytes !== undefined; bytes = two.read(2 ** 20)) rest.push(bytes)
    t.ok(same(Buffer.concat(rest), text(20_000, 30_000)))
    t.equal(arena.unread, 0)
  }
)
