// A target as the fuzzer calls it, with an eye on the heap: what one input leaves behind shows after many.

const MS_BETWEEN_LOOKS = 1000
/** Caches of V8 and of the stack fill up first. */
const LOOKS_BEFORE_BASELINE = 5
const MOST_GROWTH_BYTES = 48 * 1024 * 1024

export class HeapGrowth extends Error {
  override readonly name = 'HeapGrowth'
}

/** Needs node's --expose-gc; without it, as in the tests, it only calls the target. */
export function watched(target: (bytes: Uint8Array) => void): (bytes: Uint8Array) => void {
  const { gc } = globalThis
  // What comes is a Buffer, whose `slice` is no copy.
  const call = (bytes: Uint8Array): void => target(Uint8Array.from(bytes))
  if (gc === undefined) return call
  let lookedAt = performance.now()
  let looks = 0
  let baseline = Number.POSITIVE_INFINITY
  let heap = 0
  const look = (): void => {
    gc()
    gc() // buffers go when the next one begins
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    heap = heapUsed + arrayBuffers
    looks++
    lookedAt = performance.now()
    if (looks === LOOKS_BEFORE_BASELINE) baseline = heap
    if (heap > baseline + MOST_GROWTH_BYTES) throw new HeapGrowth(`${baseline} bytes have become ${heap}`)
  }
  process.on('exit', () => {
    const megabytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1)
    console.error(
      `HEAP ${megabytes(baseline)} MB after ${LOOKS_BEFORE_BASELINE} looks, ${megabytes(heap)} MB after ${looks}`
    )
  })
  return bytes => {
    call(bytes)
    if (performance.now() - lookedAt > MS_BETWEEN_LOOKS) look()
  }
}
