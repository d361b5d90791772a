// The internet checksum, against the example of RFC 1071 §3 and the plainest implementation that there is.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { finish, fold, pseudoHeaderSum, sum, sumPlainHeader } from '../../src/wire/checksum.ts'
import { bytesOf, randomBytes, viewOf } from './bytes.ts'

/** Sixteen bits at a time, the carry brought round at each step. */
function plainSum(bytes: Uint8Array): number {
  let total = 0
  for (let i = 0; i < bytes.length; i += 2) {
    total += (bytes[i] << 8) | (i + 1 < bytes.length ? bytes[i + 1] : 0)
    if (total > 0xffff) total -= 0xffff
  }
  return total
}

t.test('the example of RFC 1071 §3 sums to ddf2', async t => {
  const view = viewOf(bytesOf('0001 f203 f4f5 f6f7'))
  t.equal(fold(sum(view, 0, 8, 0)), 0xddf2)
  t.equal(finish(sum(view, 0, 8, 0)), 0x220d)
})

t.test('an IPv4 header with its checksum filled in folds to ffff', async t => {
  const view = viewOf(bytesOf('4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7'))
  t.equal(fold(sum(view, 0, 20, 0)), 0xffff)
})

const lengths = [0, 1, 2, 3, 4, 15, 16, 17, 18, 19, 20, 31, 32, 33, 1459, 1460, 65534, 65535, 65536, 65537, 200_001]

t.test('any length, at any offset, sums as the plain implementation does', async t => {
  const random = new Random(1)
  for (const length of lengths) {
    for (let offset = 0; offset < 4; offset++) {
      const bytes = randomBytes(random, offset + length + 3)
      const expected = plainSum(bytes.subarray(offset, offset + length))
      t.equal(fold(sum(viewOf(bytes), offset, length, 0)), expected, `${length} bytes at ${offset}`)
    }
  }
})

t.test('a range of nothing but ones overflows nowhere', async t => {
  for (const length of lengths) {
    const bytes = new Uint8Array(length).fill(0xff)
    t.equal(fold(sum(viewOf(bytes), 0, length, 0)), plainSum(bytes), `${length} bytes`)
    const expected = plainSum(new Uint8Array(length + 2).fill(0xff, 0, length)) || 0xffff
    t.equal(fold(sum(viewOf(bytes), 0, length, 0xffff_ffff)), expected, `${length} bytes on top of the largest sum`)
  }
})

t.test('a plain header sums as any 20 bytes do', async t => {
  const random = new Random(4)
  for (let i = 0; i < 1000; i++) {
    const bytes = i === 0 ? new Uint8Array(21).fill(0xff) : randomBytes(random, 21)
    const expected = fold(sum(viewOf(bytes), 1, 20, 0))
    if (fold(sumPlainHeader(viewOf(bytes), 1)) !== expected) t.fail(`case ${i}`)
  }
  t.pass()
})

t.test('a running sum may be taken up at any even place (RFC 1071 §2)', async t => {
  const random = new Random(2)
  const bytes = randomBytes(random, 3001)
  const view = viewOf(bytes)
  for (let cut = 0; cut <= 3000; cut += 2) {
    const total = sum(view, cut, 3001 - cut, sum(view, 0, cut, 0))
    if (fold(total) !== plainSum(bytes)) t.fail(`cut at ${cut}`)
  }
  t.pass()
})

t.test('each single flipped bit changes the sum', async t => {
  const bytes = randomBytes(new Random(3), 40)
  const view = viewOf(bytes)
  const before = fold(sum(view, 0, 40, 0))
  for (let bit = 0; bit < 320; bit++) {
    bytes[bit >> 3] ^= 1 << (bit & 7)
    if (fold(sum(view, 0, 40, 0)) === before) t.fail(`bit ${bit}`)
    bytes[bit >> 3] ^= 1 << (bit & 7)
  }
  t.pass()
})

t.test('the pseudo-header sums as its twelve bytes do, addresses above 128.0.0.0 included (RFC 9293 §3.1)', async t => {
  const pseudoHeader = bytesOf('c0a80001 f0a800c7 00 06 ffe3')
  const source = 0xc0a80001 | 0
  const destination = 0xf0a800c7 | 0
  t.equal(fold(pseudoHeaderSum(source, destination, 6, 0xffe3)), plainSum(pseudoHeader))
})
