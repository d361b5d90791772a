// Ports for tests that run side by side.

import type { PortGuard } from '../../src/link/link.ts'
import { LOOPBACK } from '../native/packets.ts'

const FIRST = 20000
const LAST = 32000

/** Below the range from which kernels choose, at random; it may be taken all the same. */
export function freePort(): number {
  return FIRST + Math.floor(Math.random() * (LAST - FIRST))
}

/** One that nobody had: it is claimed at once, and where another process or thread has it, the next one is tried. */
export function claimFree(guard: PortGuard, address = LOOPBACK): number {
  for (;;) {
    const port = freePort()
    try {
      guard.claim(address, port)
      return port
    } catch (error) {
      if ((error as { code?: string }).code !== 'EADDRINUSE') throw error
    }
  }
}
