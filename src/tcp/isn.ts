// Numbers that must be hard to guess from outside: initial sequence numbers (RFC 6528) and timestamp offsets. Both are
// keyed hashes of the four-tuple, so that a new incarnation of a connection goes on above the old one.

import type { SipHash } from '../siphash.ts'
import type { FourTuple } from './output.ts'
import { type Seq, toSeq } from './seq.ts'

/** RFC 6528 §3: ISN = M + F(four-tuple, secret), M a clock of 4 microseconds. */
export function initialSequence(secret: SipHash, tuple: FourTuple, now: number): Seq {
  const f = hashTuple(secret, tuple, 1)
  return toSeq(f + Math.floor((now * 250) % 2 ** 32))
}

/** Differs from peer to peer, not from port to port: RFC 6191 counts on timestamps that grow between two hosts. */
export function timestampOffset(secret: SipHash, tuple: FourTuple): number {
  return secret.hash(tuple.localAddress, tuple.remoteAddress, 0, 2)
}

function hashTuple(secret: SipHash, tuple: FourTuple, purpose: number): number {
  return secret.hash(tuple.localAddress, tuple.remoteAddress, (tuple.localPort << 16) | tuple.remotePort, purpose)
}
