// The slab: blocks that never share a byte, inside a limit.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { type Block, Slab } from '../../src/wire/slab.ts'

const MIB = 2 ** 20

/** Which bytes of which region are whose; answers what is wrong. */
function overlaps(slab: Slab, live: readonly Block[]): string[] {
  const faults: string[] = []
  const byPlace = [...live].sort((a, b) => a.region - b.region || a.offset - b.offset)
  byPlace.forEach((block, i) => {
    const next = byPlace[i + 1] as Block | undefined
    const end = block.offset + block.size
    if (next !== undefined && next.region === block.region && next.offset < end) faults.push(`overlap at ${end}`)
    if (block.offset < 0 || end > slab.regions[block.region].length) faults.push(`outside region ${block.region}`)
  })
  return faults
}

const sizes = [
  { bytes: 1, size: 256 },
  { bytes: 256, size: 256 },
  { bytes: 257, size: 512 },
  { bytes: 65_535, size: 65_536 },
  { bytes: 65_536, size: 65_536 },
  { bytes: 65_537, size: 131_072 },
  { bytes: 2 ** 26, size: 2 ** 26 }
]
for (const { bytes, size } of sizes) {
  t.test(`a block for ${bytes} bytes has ${size}`, async t => {
    const slab = new Slab(2 ** 27)
    const block = slab.allocate(bytes)
    t.equal(block?.size, size)
    t.equal(slab.usedBytes, size)
  })
}

t.test('a block larger than any region can be is refused', async t => {
  const slab = new Slab(2 ** 40)
  t.equal(slab.allocate(2 ** 26 + 1), undefined)
  t.equal(slab.usedBytes, 0)
  t.equal(slab.reservedBytes, 0)
})

t.test('no two live blocks share a byte, used bytes add up, the limit holds: random calls', async t => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed)
    const limit = [MIB, 3 * MIB + 4096, 10 * MIB][seed % 3]
    const slab = new Slab(limit)
    const live: Block[] = []
    const regions: Uint8Array[] = []
    let refused = 0
    for (let step = 0; step < 1500; step++) {
      if (random.chance(0.55)) {
        const bytes = 1 + random.int(2 ** (4 + random.int(17)))
        const block = slab.allocate(bytes)
        if (block === undefined) refused++
        else {
          if (block.size < bytes) t.fail(`seed ${seed}: ${block.size} bytes for ${bytes}`)
          live.push(block)
        }
      } else if (live.length > 0) slab.release(live.splice(random.int(live.length), 1)[0])
      if (step % 100 === 0) {
        t.same(overlaps(slab, live), [], `seed ${seed}`)
        for (const [i, region] of regions.entries()) t.equal(slab.regions[i], region, 'a region stays what it was')
        regions.splice(0, regions.length, ...slab.regions)
      }
      if (slab.reservedBytes > limit || slab.usedBytes > slab.reservedBytes) t.fail(`seed ${seed}: over the limit`)
    }
    t.equal(
      slab.usedBytes,
      live.reduce((sum, block) => sum + block.size, 0)
    )
    t.equal(
      slab.reservedBytes,
      slab.regions.reduce((sum, region) => sum + region.length, 0)
    )
    if (limit === MIB) t.ok(refused > 0, `seed ${seed} reaches the limit`)
    for (const block of live) slab.release(block)
    t.equal(slab.usedBytes, 0)
  }
})

t.test('a released block is used again before new memory is taken', async t => {
  const slab = new Slab(16 * MIB)
  const block = slab.allocate(4096) as Block
  slab.release(block)
  t.equal(slab.allocate(3000), block)
  const reserved = slab.reservedBytes
  for (let i = 0; i < 10_000; i++) slab.release(slab.allocate(MIB) as Block)
  t.ok(slab.reservedBytes <= reserved + 2 * MIB)
})

t.test('at the limit a larger free block is split, and all of it can be used', async t => {
  const slab = new Slab(MIB)
  const whole = slab.allocate(MIB) as Block
  t.equal(slab.allocate(1), undefined)
  slab.release(whole)
  const pieces: Block[] = []
  for (let block = slab.allocate(256); block !== undefined; block = slab.allocate(256)) pieces.push(block)
  t.equal(pieces.length, MIB / 256)
  t.same(overlaps(slab, pieces), [])
  t.equal(slab.usedBytes, MIB)
})

t.test('what is left of a region when the next is opened is not lost', async t => {
  const slab = new Slab(3 * MIB)
  const blocks = [slab.allocate(MIB / 2), slab.allocate(MIB / 4), slab.allocate(2 * MIB)] as Block[]
  t.equal(slab.regions.length, 2)
  const last = slab.allocate(MIB / 4) as Block
  t.equal(last.region, 0)
  t.same(overlaps(slab, [...blocks, last]), [])
  t.equal(slab.usedBytes, 3 * MIB)
  t.equal(slab.allocate(1), undefined)
})

t.test('where the next region as planned would pass the limit, a smaller one is taken', async t => {
  const slab = new Slab(MIB + 4096)
  t.equal(slab.allocate(MIB)?.size, MIB)
  t.equal(slab.allocate(4096)?.size, 4096)
  t.equal(slab.reservedBytes, MIB + 4096)
  t.equal(slab.allocate(256), undefined)
})

t.test('zeros: one block for all, outside the count; none where there is no memory', async t => {
  const slab = new Slab(MIB)
  const whole = slab.allocate(MIB) as Block
  slab.regions[0].fill(0xff)
  t.equal(slab.zeros(), undefined)
  slab.release(whole)
  const zeros = slab.zeros() as Block
  t.equal(zeros.size, 65_536)
  t.ok(slab.regions[zeros.region].subarray(zeros.offset, zeros.offset + zeros.size).every(byte => byte === 0))
  t.equal(slab.usedBytes, 0)
  t.equal(slab.zeros(), zeros)
  const others: Block[] = []
  for (let block = slab.allocate(65_536); block !== undefined; block = slab.allocate(65_536)) others.push(block)
  t.same(overlaps(slab, [...others, zeros]), [])
})
