// The bytes of a run: which byte stands where in a stream follows from the stream's key, so that any byte lost, doubled or
// out of place shows.

export const byteAt = (key: number, i: number): number => (Math.imul((i + key) | 0, 0x9e3779b1) >>> 24) & 255

/** Bytes [from, from + length) of the stream. */
export function bytesOf(key: number, from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = byteAt(key, from + i)
  return bytes
}
