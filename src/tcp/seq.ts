// Sequence numbers (RFC 9293 §3.4): int32 modulo 2^32, so that they stay V8's small integers. A peer chose the
// operands, so every function is total. There is no total order, hence none to sort by: never `<` or `-` on two Seq.

declare const kind: unique symbol

/** A sequence number: not to be mixed up with a length. */
export type Seq = number & { readonly [kind]: 'seq' }

export const toSeq = (n: number): Seq => (n | 0) as Seq

export const add = (a: Seq, n: number): Seq => ((a + n) | 0) as Seq

/** How far a is ahead of b, bytes; negative when it is behind. */
export const ahead = (a: Seq, b: Seq): number => (a - b) | 0

export const lt = (a: Seq, b: Seq): boolean => ((a - b) | 0) < 0
export const leq = (a: Seq, b: Seq): boolean => ((a - b) | 0) <= 0

export const later = (a: Seq, b: Seq): Seq => (((a - b) | 0) > 0 ? a : b)
export const earlier = (a: Seq, b: Seq): Seq => (((a - b) | 0) < 0 ? a : b)

/** lo =< a < lo + size, for any size from 0 to 2^32. */
export const within = (a: Seq, lo: Seq, size: number): boolean => (a - lo) >>> 0 < size
