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
    const timer = setTimeout(heardFirst, Math.max(0, Math.ceil(at - performance.now())))
    let immediate: NodeJS.Immediate | undefined
    // When the process was busy, timers come before the packets that arrived meanwhile, and an ACK that waits for us would be
    // taken for lost. Immediates come after.
    function heardFirst(): void {
      immediate = setImmediate(callback)
    }
    return {
      cancel() {
        clearTimeout(timer)
        clearImmediate(immediate)
      }
    }
  }

  defer(callback: () => void): void {
    queueMicrotask(callback)
  }

  random(bytes: Uint8Array): void {
    randomFillSync(bytes)
  }
}
