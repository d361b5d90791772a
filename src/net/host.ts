// The engine's world when it runs in Node.

import { randomFillSync } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Host, HostTimer } from '../host.ts'
import { addonIfAny } from '../native/addon.ts'
import { uncleared } from '../native/uncleared.ts'
import { Deferred } from './deferred.ts'

export class NodeHost implements Host {
  /**
   * What was allocated last lives on: else each collection would free all of the heap's end, malloc would give it back to the kernel,
   * and each page would be faulted in again.
   */
  #newest: Uint8Array | undefined
  readonly #deferred = new Deferred(() => performance.now())

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
    this.#deferred.push(callback)
  }

  random(bytes: Uint8Array): void {
    randomFillSync(bytes)
  }

  /** Absent where there is no addon. */
  readonly copySpans: Host['copySpans'] = addonIfAny()?.copySpans

  allocate(bytes: number): Uint8Array {
    this.#newest = uncleared(bytes)
    return this.#newest
  }
}
