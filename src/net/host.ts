// The engine's world when it runs in Node.

import { randomFillSync } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Host, HostTimer } from '../host.ts'

export class NodeHost implements Host {
  now(): number {
    return performance.now()
  }

  at(at: number, callback: () => void): HostTimer {
    // Node rounds down to whole milliseconds and never fires early, but for a fraction of one.
    const timer = setTimeout(callback, Math.max(0, Math.ceil(at - performance.now())))
    return { cancel: () => clearTimeout(timer) }
  }

  defer(callback: () => void): void {
    queueMicrotask(callback)
  }

  random(bytes: Uint8Array): void {
    randomFillSync(bytes)
  }
}
