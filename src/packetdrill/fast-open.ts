// Fast Open as Linux lets a host set it, by the bits of tcp_fastopen and the text of tcp_fastopen_key, and a socket, by setsockopt.

import type { ListenOptions } from '../stack/stack.ts'

/** tcp_fastopen. */
export const FAST_OPEN_CLIENT = 1
const FAST_OPEN_SERVER = 2
/** Clients send text without a cookie. */
const FAST_OPEN_CLIENT_NO_COOKIE = 4
/** Servers take text without a cookie. */
const FAST_OPEN_SERVER_NO_COOKIE = 0x200
/** Listeners have a queue as long as their backlog without asking for one. */
const FAST_OPEN_ALL_LISTENERS = 0x400

/** Linux's default: clients only. */
export const FAST_OPEN_DEFAULT = FAST_OPEN_CLIENT

/** The most that TCP_FASTOPEN makes of a queue: Linux's somaxconn. */
export const MOST_FAST_OPENS = 4096

/** What setsockopt has set on one socket. */
export class FastOpenSetting {
  /** TCP_FASTOPEN: how long a listener's queue is, as asked for. */
  queue = 0
  /** TCP_FASTOPEN_KEY of a listener: one key or two; none for the stack's. */
  keys: readonly Uint8Array[] = []
  /** TCP_FASTOPEN_CONNECT. */
  isForConnect = false
  /** TCP_FASTOPEN_NO_COOKIE. */
  noCookie = false

  /** `bits` of tcp_fastopen, as everywhere. */
  ofListener(bits: number, backlog: number): Pick<ListenOptions, 'fastOpen' | 'fastOpenWithoutCookie'> {
    const isForAll = (bits & FAST_OPEN_ALL_LISTENERS) !== 0 && this.queue === 0
    const queue = isForAll ? backlog : this.queue
    return {
      fastOpen: (bits & FAST_OPEN_SERVER) === 0 ? 0 : queue,
      fastOpenWithoutCookie: this.noCookie || (bits & FAST_OPEN_SERVER_NO_COOKIE) !== 0
    }
  }

  connectsWithoutCookie(bits: number): boolean {
    return this.noCookie || (bits & FAST_OPEN_CLIENT_NO_COOKIE) !== 0
  }
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

const KEY = /^([0-9a-f]{1,8})-([0-9a-f]{1,8})-([0-9a-f]{1,8})-([0-9a-f]{1,8})$/i

/** One key or two, `x-x-x-x,x-x-x-x`, each x a number in hex; undefined where the text is none. */
export function parseKeys(text: string): Uint8Array[] | undefined {
  const keys = text.split(',').map(parseKey)
  return keys.length <= 2 && keys.every(key => key !== undefined) ? keys : undefined
}

function parseKey(text: string): Uint8Array | undefined {
  const words = KEY.exec(text.trim())?.slice(1)
  if (words === undefined) return undefined
  const key = new Uint8Array(16)
  const view = new DataView(key.buffer)
  for (const [i, word] of words.entries()) view.setUint32(4 * i, Number.parseInt(word, 16), true)
  return key
}

/** One key or two as bytes, 16 each, of a string with escapes in C's way: `"\\xa1\\xa1..."`. */
export function keysOfBytes(text: string): Uint8Array[] | undefined {
  const escapes = /\\x([0-9a-fA-F]{2})|\\([0-7]{1,3})|([^\\])/g
  const bytes = Array.from(text.matchAll(escapes), ([, hex, octal, plain]) => {
    if (hex !== undefined) return Number.parseInt(hex, 16)
    return octal !== undefined ? Number.parseInt(octal, 8) & 255 : plain.charCodeAt(0)
  })
  if (bytes.length !== 16 && bytes.length !== 32) return undefined
  const keys = [Uint8Array.from(bytes.slice(0, 16))]
  return bytes.length === 16 ? keys : [...keys, Uint8Array.from(bytes.slice(16))]
}
