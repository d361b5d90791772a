// Which SYNs to answer in a flood that comes faster than all can be answered. Nobody can tell a forged SYN from a client's by
// its looks. But who gets no answer sends the same SYN again, after a second (RFC 6298 §2), and forged ones are new each time.
// So while packets wait for us, a SYN that comes for the first time is noted and not answered, and one that comes again is.
// To note one takes a fraction of the time of an answer: the queue stays short, and nothing of open connections is lost in it.

import type { SipHash } from '../siphash.ts'
import type { Segment } from '../wire/segment.ts'

/** How full the queue of received packets is, of 1, from where a SYN must have come before. */
const FULL_ENOUGH = 1 / 8
/** From where none is answered: the rest of the queue is for open connections. */
const TOO_FULL = 3 / 4

const BUCKET_BITS = 18
/** Bytes of a bucket lie in one line of the cache. */
const BUCKET_LENGTH = 4
/** Separates our hash from others by the same secret (see isn.ts). */
const PURPOSE = 8

/** The last million SYNs or so: at 300 000 a second, nearly all of the last one and half of the last three. */
export class SynSieve {
  #buckets: Int32Array | undefined
  #seed = 0

  /** Whether to answer, where there is no room to keep it. `queueFill` as in RxBatch. */
  passes(seg: Segment, queueFill: number, secret: SipHash): boolean {
    return queueFill < FULL_ENOUGH || (this.#note(seg, secret) && queueFill < TOO_FULL)
  }

  /** Whether it was there before. */
  #note(seg: Segment, secret: SipHash): boolean {
    if (this.#buckets === undefined) {
      this.#buckets = new Int32Array(BUCKET_LENGTH << BUCKET_BITS)
      this.#seed = secret.hash(0, 0, 0, PURPOSE)
    }
    const buckets = this.#buckets
    const hash = mix(this.#seed, seg)
    const at = (hash >>> (32 - BUCKET_BITS)) * BUCKET_LENGTH
    for (let i = at; i < at + BUCKET_LENGTH; i++) if (buckets[i] === hash) return true
    // The oldest makes room.
    for (let i = at + BUCKET_LENGTH - 1; i > at; i--) buckets[i] = buckets[i - 1]
    buckets[at] = hash
    return false
  }
}

/** Not for secrets: who could tell the hash would win no more than by sending each SYN twice. */
function mix(seed: number, seg: Segment): number {
  let hash = Math.imul(seed ^ seg.seq, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15) ^ seg.sourceAddress, 0x85ebca77)
  hash = Math.imul(hash ^ (hash >>> 13) ^ (seg.sourcePort << 16) ^ seg.destinationPort, 0xc2b2ae3d)
  return hash ^ (hash >>> 16)
}
