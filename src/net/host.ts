// The engine's world when it runs in Node.

import { randomFillSync } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Host, HostTimer } from '../host.ts'
import { addonIfAny } from '../native/addon.ts'
import { uncleared } from '../native/uncleared.ts'
import { Deferred } from './deferred.ts'

/** One for all hosts of a thread: what the stack of one sends, that of another may wait for. */
const deferred = new Deferred(() => performance.now())

export class NodeHost implements Host {
  /**
   * What was allocated last lives on: else each collection would free all of the heap's end, malloc would give it back to the kernel,
   * and each page would be faulted in again.
   */
  #newest: Uint8Array | undefined

  now(): number {
    return performance.now()
  }

  at(at: number, callback: (heardUntil: number) => void): HostTimer {
    // Node rounds down to whole milliseconds and never fires early, but for a fraction of one.
    const timer = setTimeout(heardFirst, Math.max(0, Math.ceil(at - performance.now())))
    let isCancelled = false
    // When the process was busy, timers come before the packets that arrived meanwhile, and an ACK that waits for us would be
    // taken for lost. Immediates come after sockets. In memory the text may still wait for its receiver, and then the ACK for us.
    function heardFirst(): void {
      const heardUntil = performance.now()
      const fire = (): void => {
        if (!isCancelled) callback(heardUntil)
      }
      setImmediate(() => deferred.pushBehindAnswers(fire))
    }
    return {
      cancel() {
        isCancelled = true
        clearTimeout(timer)
      }
    }
  }

  defer(callback: () => void): void {
    deferred.push(callback)
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
