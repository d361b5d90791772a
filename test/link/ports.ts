// Ports for tests that run side by side.

const FIRST = 20000
const LAST = 32000

/** Below the range from which kernels choose, at random; it may be taken all the same. */
export function freePort(): number {
  return FIRST + Math.floor(Math.random() * (LAST - FIRST))
}
