// SipHash-2-4: the authors' vector, and an implementation in BigInt that follows their description.

import t from 'tap'
import { Random } from '../src/random.ts'
import { SipHash } from '../src/siphash.ts'

const MASK = 2n ** 64n - 1n
const rotate = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (64n - by))) & MASK

/** Of a message of 16 bytes: two words, and the one that holds its length. */
function reference(key: Uint8Array, message: Uint8Array): bigint {
  const word = (bytes: Uint8Array, at: number) => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true)
  const [k0, k1] = [word(key, 0), word(key, 8)]
  let v0 = k0 ^ 0x736f6d6570736575n
  let v1 = k1 ^ 0x646f72616e646f6dn
  let v2 = k0 ^ 0x6c7967656e657261n
  let v3 = k1 ^ 0x7465646279746573n
  const round = (): void => {
    v0 = (v0 + v1) & MASK
    v1 = rotate(v1, 13n) ^ v0
    v0 = rotate(v0, 32n)
    v2 = (v2 + v3) & MASK
    v3 = rotate(v3, 16n) ^ v2
    v0 = (v0 + v3) & MASK
    v3 = rotate(v3, 21n) ^ v0
    v2 = (v2 + v1) & MASK
    v1 = rotate(v1, 17n) ^ v2
    v2 = rotate(v2, 32n)
  }
  for (const block of [word(message, 0), word(message, 8), 16n << 56n]) {
    v3 ^= block
    round()
    round()
    v0 ^= block
  }
  v2 ^= 0xffn
  for (let i = 0; i < 4; i++) round()
  return v0 ^ v1 ^ v2 ^ v3
}

function hashOf(key: Uint8Array, message: Uint8Array): bigint {
  const sip = new SipHash(key)
  const view = new DataView(message.buffer, message.byteOffset)
  const [a, b, c, d] = [0, 4, 8, 12].map(at => view.getInt32(at, true))
  const low = sip.hash(a, b, c, d)
  return (BigInt(sip.high >>> 0) << 32n) | BigInt(low >>> 0)
}

const counting = Uint8Array.from({ length: 16 }, (_, i) => i)

t.test('the vector of the reference implementation for 16 bytes', async t => {
  t.equal(hashOf(counting, counting), 0x3f2acc7f57c29bdbn)
  t.equal(reference(counting, counting), 0x3f2acc7f57c29bdbn, 'and the model agrees')
})

t.test('random keys and messages hash as in 64-bit arithmetic', async t => {
  const random = new Random(1)
  let faults = 0
  for (let i = 0; i < 2000; i++) {
    const key = new Uint8Array(16)
    const message = new Uint8Array(16)
    // All ones bring every carry, few bits bring none.
    for (const bytes of [key, message]) {
      if (random.chance(0.2)) bytes.fill(random.chance(0.5) ? 0xff : 0)
      else random.fill(bytes)
    }
    if (hashOf(key, message) !== reference(key, message)) faults++
  }
  t.equal(faults, 0)
})

t.test('a sum of 2^32 - 1 in a low half carries nothing, one of 2^32 does', async t => {
  const random = new Random(3)
  for (const sum of [0xffffffff, 0x100000000]) {
    for (let i = 0; i < 20; i++) {
      // The first two additions of the first round, v0 + v1 and v2 + v3, come straight from key and message.
      const key = new Uint8Array(16)
      const message = new Uint8Array(16)
      random.fill(key)
      random.fill(message)
      const keyView = new DataView(key.buffer)
      const k0 = keyView.getUint32(0, true)
      const k1 = ((sum - ((0x70736575 ^ k0) >>> 0)) ^ 0x6e646f6d) >>> 0
      keyView.setUint32(8, k1, true)
      t.equal(hashOf(key, message), reference(key, message))
      const v3 = sum - ((0x6e657261 ^ k0) >>> 0)
      new DataView(message.buffer).setUint32(0, (v3 ^ 0x79746573 ^ k1) >>> 0, true)
      t.equal(hashOf(key, message), reference(key, message))
    }
  }
})

t.test('words are taken modulo 2^32, and both halves of the hash are int32', async t => {
  const sip = new SipHash(counting)
  const low = sip.hash(-1, 2 ** 31, 0, -5)
  const high = sip.high
  t.equal(sip.hash(0xffffffff, -(2 ** 31), 2 ** 32, 0xfffffffb), low)
  t.equal(sip.high, high)
  t.equal(low, low | 0)
  t.equal(high, high | 0)
})

t.test('the key may lie anywhere in a larger buffer', async t => {
  const buffer = new Uint8Array(40).fill(0xee)
  buffer.set(counting, 7)
  t.equal(hashOf(buffer.subarray(7, 23), counting), 0x3f2acc7f57c29bdbn)
})

t.test('of 8 bytes, the cookies of Linux for a known key', async t => {
  const key = Uint8Array.from('a1a1a1a1b2b2b2b2c3c3c3c3d4d4d4d4'.match(/../g) ?? [], hex => Number.parseInt(hex, 16))
  // 192.0.2.1 and 192.168.0.1, as they lie in a packet, read in little-endian order.
  const pair = [0x010200c0, 0x0100a8c0] as const
  const hashed = (bytes: Uint8Array): bigint => {
    const sip = new SipHash(bytes)
    const low = sip.hashPair(...pair)
    return (BigInt(sip.high >>> 0) << 32n) | BigInt(low >>> 0)
  }
  t.equal(hashed(key), 0xeb7e0189d8b92130n)
  t.equal(hashed(new Uint8Array(16)), 0xf5c80da95023c1b7n)
})
