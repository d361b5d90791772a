// The addon's ways of summing against each other and against RFC 1071 as one writes it down.

import t from 'tap'
import { loadAddon } from '../../src/native/addon.ts'
import { Random } from '../../src/random.ts'

const addon = loadAddon()
const variants = addon.variants()

function reference(bytes: Uint8Array, initial: number): number {
  let sum = initial
  for (let i = 0; i < bytes.length; i++) sum += i % 2 === 0 ? bytes[i] << 8 : bytes[i]
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return sum
}

/** The two zeros of ones' complement are the same number. */
const same = (a: number, b: number): boolean => a === b || (a % 0xffff === 0 && b % 0xffff === 0)

t.test('the scalar way is always there, and the last named is the fastest', async t => {
  t.equal(variants[0], 'scalar')
  t.equal(new Set(variants).size, variants.length)
})

for (const variant of variants) {
  t.test(`${variant}: every length from 0 to 300 at every alignment of 32`, async t => {
    const memory = Uint8Array.from({ length: 400 }, (_, i) => (i * 197 + 13) & 255)
    const copy = new Uint8Array(400)
    const wrong: string[] = []
    for (let length = 0; length <= 300; length++) {
      for (let offset = 0; offset < 32; offset++) {
        const expected = reference(memory.subarray(offset, offset + length), 0)
        const sum = addon.checksum(memory, offset, length, 0, variant)
        const copied = addon.copyChecksum(copy, (offset * 7) % 32, memory, offset, length, 0, variant)
        if (!same(sum, expected) || !same(copied, expected)) {
          wrong.push(`length ${length} at ${offset}: ${sum} and ${copied}, not ${expected}`)
        }
      }
    }
    t.same(wrong, [])
  })

  t.test(`${variant}: random data, lengths, places and initial sums`, async t => {
    const random = new Random(20250731)
    const memory = new Uint8Array(70000)
    for (let i = 0; i < memory.length; i++) memory[i] = random.int(256)
    const copy = new Uint8Array(70100)
    const wrong: string[] = []
    for (let round = 0; round < 500; round++) {
      const offset = random.int(64)
      const length = random.int(round % 5 === 0 ? 65536 : 3000)
      const initial = random.int(65536)
      const to = random.int(64)
      copy.fill(0xa5)
      const expected = reference(memory.subarray(offset, offset + length), initial)
      const sum = addon.checksum(memory, offset, length, initial, variant)
      const copied = addon.copyChecksum(copy, to, memory, offset, length, initial, variant)
      if (!same(sum, expected)) wrong.push(`round ${round}: sum ${sum}, not ${expected}`)
      if (!same(copied, expected)) wrong.push(`round ${round}: sum while copying ${copied}, not ${expected}`)
      const exact = Buffer.compare(copy.subarray(to, to + length), memory.subarray(offset, offset + length)) === 0
      if (!exact) wrong.push(`round ${round}: the copy differs`)
      if (copy[to + length] !== 0xa5 || (to > 0 && copy[to - 1] !== 0xa5)) wrong.push(`round ${round}: wrote outside`)
    }
    t.same(wrong, [])
  })

  t.test(`${variant}: megabytes of the smallest and the largest words, and of words of either sign`, async t => {
    const memory = new Uint8Array(3 * 1024 * 1024 + 100)
    const patterns: readonly (readonly number[])[] = [
      [0x00],
      [0xff],
      [0x7f, 0xff],
      [0x80, 0x00],
      [0x00, 0x80],
      [0xff, 0x7f]
    ]
    for (const pattern of patterns) {
      for (let i = 0; i < memory.length; i++) memory[i] = pattern[i % pattern.length]
      for (const length of [524_287, 524_288, 524_319, 1_048_576, memory.length]) {
        const [sum, expected] = [
          addon.checksum(memory, 0, length, 7, variant),
          reference(memory.subarray(0, length), 7)
        ]
        t.ok(same(sum, expected), `${length} bytes of ${pattern}: ${sum}, expected ${expected}`)
      }
    }
  })

  t.test(`${variant}: all ones carry round`, async t => {
    const ones = new Uint8Array(65535).fill(0xff)
    for (const length of [1, 2, 3, 31, 32, 64, 128, 129, 65534, 65535]) {
      t.ok(same(addon.checksum(ones, 0, length, 0xffff, variant), reference(ones.subarray(0, length), 0xffff)))
    }
  })
}

t.test('ranges are cut to the memory that is there', async t => {
  const bytes = Uint8Array.of(1, 2, 3, 4)
  t.equal(addon.checksum(bytes, 2, 100, 0), 0x0304)
  t.equal(addon.checksum(bytes, 100, 100, 0), 0)
  t.equal(addon.copyChecksum(new Uint8Array(2), 0, bytes, 0, 4, 0), 0x0102)
})

t.test('a variant that this processor lacks is refused', async t => {
  t.throws(() => addon.checksum(new Uint8Array(4), 0, 4, 0, 'abacus'), TypeError)
})
