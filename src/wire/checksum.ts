// The internet checksum (RFC 1071) over ranges of a DataView. Good for headers and small packets, and the fallback for
// text where no addon is there to sum it. A running sum is a plain number that any function here takes up again; only
// the last range of a packet may have an odd length.

/** Bytes summed before the halves are folded: 16384 words of 0xffff stay below 2^31, so int32 never overflows. */
const CHUNK = 65536

/** Adds the 16-bit words of a range, most significant byte first, to a running sum. An odd last byte is padded with zero. */
export function sum(view: DataView, offset: number, length: number, initial: number): number {
  let total = initial
  while (length > CHUNK) {
    total = partlyFold(total) + sumChunk(view, offset, CHUNK)
    offset += CHUNK
    length -= CHUNK
  }
  return partlyFold(total) + sumChunk(view, offset, length)
}

/** `sum` of an IPv4 header without options, a third of its price: every packet needs this one. */
export function sumPlainHeader(view: DataView, offset: number): number {
  const a = view.getInt32(offset)
  const b = view.getInt32(offset + 4)
  const c = view.getInt32(offset + 8)
  const d = view.getInt32(offset + 12)
  const e = view.getInt32(offset + 16)
  const high = (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16) + (e >>> 16)
  return high + (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff) + (e & 0xffff)
}

/** A running sum brought into 16 bits, end-around carry included (RFC 1071 §1). A good packet folds to 0xffff. */
export function fold(total: number): number {
  total = partlyFold(total)
  return (total & 0xffff) + (total >>> 16)
}

/** What goes into a checksum field: the complement of the folded sum. */
export function finish(total: number): number {
  return ~fold(total) & 0xffff
}

/** The pseudo-header of RFC 9293 §3.1; `length` is that of the transport header and its text. */
export function pseudoHeaderSum(source: number, destination: number, protocol: number, length: number): number {
  return (
    (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + protocol + (length & 0xffff)
  )
}

/** At most 17 bits, for any sum below 2^32. */
function partlyFold(total: number): number {
  return (total & 0xffff) + (total >>> 16)
}

function sumChunk(view: DataView, offset: number, length: number): number {
  let high = 0
  let low = 0
  const end = offset + length
  const unrolled = offset + (length & ~15)
  while (offset < unrolled) {
    const a = view.getInt32(offset)
    const b = view.getInt32(offset + 4)
    const c = view.getInt32(offset + 8)
    const d = view.getInt32(offset + 12)
    high = (high + (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16)) | 0
    low = (low + (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff)) | 0
    offset += 16
  }
  while (offset + 1 < end) {
    low = (low + view.getUint16(offset)) | 0
    offset += 2
  }
  if (offset < end) low = (low + (view.getUint8(offset) << 8)) | 0
  return partlyFold(high) + partlyFold(low)
}
