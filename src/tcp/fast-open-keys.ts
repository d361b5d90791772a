// Fast Open cookies of the server (RFC 7413 §4.1.2): a keyed hash over the addresses of both ends, made as Linux makes it, so
// that servers that share a key may share their clients. Two keys can hold at a time: cookies of the former one are still
// taken while the new one spreads.

import { SipHash } from '../siphash.ts'
import type { Segment } from '../wire/segment.ts'

/** Bytes of a key. */
export const FAST_OPEN_KEY_LENGTH = 16
/** Bytes of our cookies: a whole hash. */
export const FAST_OPEN_COOKIE_LENGTH = 8

export type CookieVerdict = 'wrong' | 'valid' | 'former'

export class FastOpenKeys {
  readonly #hashes: readonly SipHash[]

  /** The key that cookies are made with, and one more whose cookies are still good. */
  constructor(key: Uint8Array, former?: Uint8Array) {
    this.#hashes = (former === undefined ? [key] : [key, former]).map(each => new SipHash(each))
  }

  /** The cookie for a client, two int32 as they lie in the option. Addresses int32. */
  cookie(client: number, server: number): readonly [number, number] {
    return cookieOf(this.#hashes[0], client, server)
  }

  /** The same as bytes. */
  cookieBytes(client: number, server: number): Uint8Array {
    const bytes = new Uint8Array(FAST_OPEN_COOKIE_LENGTH)
    layOut(this.cookie(client, server), bytes)
    return bytes
  }

  /** `former`: the client should get a new cookie. */
  check(seg: Segment): CookieVerdict {
    if (seg.cookieLength !== FAST_OPEN_COOKIE_LENGTH) return 'wrong'
    const found = this.#hashes.findIndex(hash => {
      const [first, second] = cookieOf(hash, seg.sourceAddress, seg.destinationAddress)
      return wordAt(seg.cookie, 0) === first && wordAt(seg.cookie, 4) === second
    })
    return found < 0 ? 'wrong' : found === 0 ? 'valid' : 'former'
  }
}

/** A cookie for a SYN-ACK, in the form of the option that the client has used. */
export interface CookieOffer {
  readonly cookie: readonly [number, number]
  readonly isExperimental: boolean
}

export function writeCookie({ cookie, isExperimental }: CookieOffer, segment: Segment): void {
  segment.cookieLength = FAST_OPEN_COOKIE_LENGTH
  segment.cookieIsExperimental = isExperimental
  layOut(cookie, segment.cookie)
}

function layOut(cookie: readonly [number, number], into: Uint8Array): void {
  for (let i = 0; i < FAST_OPEN_COOKIE_LENGTH; i++) into[i] = cookie[i >> 2] >>> (24 - 8 * (i & 3))
}

function cookieOf(hash: SipHash, client: number, server: number): readonly [number, number] {
  const low = hash.hashPair(swap(client), swap(server))
  return [swap(low), swap(hash.high)]
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]

/** Between network order and that of the hash. */
const swap = (word: number): number => (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
