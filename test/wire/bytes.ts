// Bytes from hexadecimal text, spaces ignored, and random bytes from a seed.

import type { Random } from '../../src/random.ts'

export function bytesOf(hex: string): Uint8Array {
  const digits = hex.replace(/\s+/g, '')
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function randomBytes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  random.fill(bytes)
  return bytes
}

/** Fields of a Segment that ask for a Fast Open cookie or carry one. */
export function randomCookie(random: Random): {
  cookieLength: number
  cookieIsExperimental: boolean
  cookie: Uint8Array
} {
  const cookieLength = random.chance(0.3) ? 0 : 4 + 2 * random.int(7)
  const cookie = new Uint8Array(16)
  cookie.set(randomBytes(random, cookieLength))
  return { cookieLength, cookieIsExperimental: random.chance(0.5), cookie }
}
