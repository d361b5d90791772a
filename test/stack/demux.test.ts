// The demultiplexer against a Map keyed by text.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { Demux } from '../../src/stack/demux.ts'

interface Tuple {
  readonly localAddress: number
  readonly localPort: number
  readonly remoteAddress: number
  readonly remotePort: number
}

const find = (demux: Demux, tuple: Tuple): number =>
  demux.find(tuple.localAddress, tuple.localPort, tuple.remoteAddress, tuple.remotePort)
const insert = (demux: Demux, slot: number, tuple: Tuple): void =>
  demux.insert(slot, tuple.localAddress, tuple.localPort, tuple.remoteAddress, tuple.remotePort)
const nameOf = (tuple: Tuple): string =>
  `${tuple.localAddress} ${tuple.localPort} ${tuple.remoteAddress} ${tuple.remotePort}`

function seeded(seed: number): (bytes: Uint8Array) => void {
  const random = new Random(seed)
  return bytes => random.fill(bytes)
}

/** Entropy that makes every tuple collide: one cluster of buckets holds all. */
const noEntropy = (): void => {}
/** Only the lowest byte of the remote port counts: many clusters that run into each other. */
const littleEntropy = (bytes: Uint8Array): void => {
  const tables = new Int32Array(bytes.buffer)
  for (let i = 0; i < 256; i++) tables[2048 + i] = i >> 2
}

const kinds = [
  { name: 'random hashes', entropy: seeded(7), steps: 20_000 },
  { name: 'all hashes equal', entropy: noEntropy, steps: 3000 },
  { name: 'hashes in clusters', entropy: littleEntropy, steps: 6000 },
  {
    name: 'a cluster that goes round the end of the table',
    entropy: (bytes: Uint8Array) => void new Int32Array(bytes.buffer).fill(-3, 2048, 2304),
    steps: 3000
  }
]

for (const { name, entropy, steps } of kinds) {
  t.test(`finds what was inserted and not removed, and nothing else: ${name}`, async t => {
    const random = new Random(1)
    const demux = new Demux(entropy)
    const model = new Map<string, number>()
    const bySlot = new Map<number, Tuple>()
    const free = Array.from({ length: 300 }, (_, slot) => slot)
    let faults = 0
    // Few values, so that tuples differ in one place only; addresses above 2^31 are negative.
    const any = (): Tuple => ({
      localAddress: [0x0a000001, -0x3f57ff00][random.int(2)],
      localPort: [80, 65535, 32768][random.int(3)],
      remoteAddress: [0x0a000002, -1, 0, 0x0a000102][random.int(4)],
      remotePort: [1, 255, 256, 257, 65535, 1000 + random.int(20)][random.int(6)]
    })
    for (let step = 0; step < steps; step++) {
      const tuple = any()
      const known = model.get(nameOf(tuple))
      if (find(demux, tuple) !== (known ?? -1)) faults++
      if (known === undefined && free.length > 0 && random.chance(0.6)) {
        const slot = free.splice(random.int(free.length), 1)[0]
        insert(demux, slot, tuple)
        model.set(nameOf(tuple), slot)
        bySlot.set(slot, tuple)
      } else if (known !== undefined && random.chance(0.5)) {
        demux.remove(known)
        model.delete(nameOf(tuple))
        bySlot.delete(known)
        free.push(known)
        // Whatever moved up is still found.
        for (const [slot, other] of bySlot) if (find(demux, other) !== slot) faults++
      }
      if (demux.size !== model.size) faults++
    }
    t.equal(faults, 0)
    t.ok(model.size > 20)
  })
}

t.test('the four parts of a tuple are told apart', async t => {
  const demux = new Demux(noEntropy)
  const tuple = { localAddress: 1, localPort: 2, remoteAddress: 3, remotePort: 4 }
  insert(demux, 0, tuple)
  t.equal(find(demux, tuple), 0)
  for (const part of ['localAddress', 'localPort', 'remoteAddress', 'remotePort'] as const) {
    t.equal(find(demux, { ...tuple, [part]: 5 }), -1, part)
  }
  t.equal(find(demux, { ...tuple, localPort: 4, remotePort: 2 }), -1)
})

t.test('a hundred thousand tuples of one server are found at once, and gone when removed', async t => {
  const demux = new Demux(seeded(3))
  const tuples = Array.from({ length: 100_000 }, (_, i) => ({
    localAddress: 0x0a000001,
    localPort: 80,
    remoteAddress: 0x0b000000 + (i >> 8),
    remotePort: 1024 + (i & 255)
  }))
  tuples.forEach((tuple, slot) => {
    insert(demux, slot, tuple)
  })
  t.equal(demux.size, tuples.length)
  t.ok(tuples.every((tuple, slot) => find(demux, tuple) === slot))
  for (let slot = 0; slot < tuples.length; slot += 2) demux.remove(slot)
  t.equal(demux.size, tuples.length / 2)
  t.ok(tuples.every((tuple, slot) => find(demux, tuple) === (slot % 2 === 0 ? -1 : slot)))
  for (let slot = 1; slot < tuples.length; slot += 2) demux.remove(slot)
  t.ok(tuples.every(tuple => find(demux, tuple) === -1))
})

t.test('a slot that is given again carries its new tuple only', async t => {
  const demux = new Demux(seeded(3))
  const first = { localAddress: 1, localPort: 2, remoteAddress: 3, remotePort: 4 }
  const second = { ...first, remotePort: 5 }
  insert(demux, 9, first)
  demux.remove(9)
  insert(demux, 9, second)
  t.equal(find(demux, first), -1)
  t.equal(find(demux, second), 9)
})
