// What V8's heap grows by while nothing is collected: to the byte. The process needs a young generation that takes it all
// (`HEAP_ARGUMENTS`).

import { Session } from 'node:inspector'
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import { SteadyFlow, type SteadyOptions } from './steady.ts'

/** For Node. In one thread, what is compiled and when does not depend on how busy the machine is. */
export const HEAP_ARGUMENTS = ['--single-threaded', '--min-semi-space-size=256', '--max-semi-space-size=256']

export interface Allocated {
  /** Bytes of heap for each segment. */
  readonly perSegment: number
  /** Bytes in each view that the reader was given; 0 where it was given none. */
  readonly perView: number
  /** By function, the most first, where it was asked for: as samples have it. */
  readonly places: readonly (readonly [place: string, bytesPerSegment: number])[]
}

export interface AllocationInput extends SteadyOptions {
  readonly warmup: number
  readonly segments: number
  /** Looks for the places: that costs time and memory of its own, which are not counted. */
  readonly finds?: boolean
}

/** Text that a reader takes makes the collector run: then only the places are to be believed. */
export async function allocated({ warmup, segments, finds = false, ...options }: AllocationInput): Promise<Allocated> {
  const flow = new SteadyFlow(options)
  flow.run(warmup)
  const sampler = finds ? new Sampler() : undefined
  let collections = 0
  let end = Number.POSITIVE_INFINITY
  const observer = new PerformanceObserver(list => {
    // One that was begun before may end while we wait to hear of them: it has changed nothing.
    collections += list.getEntries().filter(({ startTime }) => startTime < end).length
  })
  observer.observe({ entryTypes: ['gc'] })
  const views = flow.views
  const from = flow.segments
  const before = getHeapStatistics().used_heap_size
  flow.run(segments)
  const after = getHeapStatistics().used_heap_size
  end = performance.now()
  const count = flow.segments - from
  const places = sampler === undefined ? [] : sampler.stop(count)
  // The observer hears of collections in a turn of its own.
  await setTimeout(10)
  observer.disconnect()
  if (!options.reads && !finds && collections > 0)
    throw new Error(`${collections} collections: the heap was too small to measure`)
  return {
    perSegment: (after - before) / count,
    perView: options.reads ? Math.round((count * options.segmentText) / (flow.views - views)) : 0,
    places
  }
}

interface Node {
  readonly callFrame: { readonly functionName: string; readonly url: string }
  readonly selfSize: number
  readonly children: readonly Node[]
}

/** Every few hundred bytes that are allocated, by whom, whether they live or not. */
class Sampler {
  readonly #session = new Session()

  constructor() {
    this.#session.connect()
    this.#session.post('HeapProfiler.startSampling', {
      samplingInterval: 256,
      // Known to V8 since Node 18, and not yet to the types.
      ...{ includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true }
    })
  }

  stop(segments: number): [string, number][] {
    const bytes = new Map<string, number>()
    // What has no file of its own, a `subarray` say, counts for who has called it.
    const add = (node: Node, caller: string): void => {
      const { functionName, url } = node.callFrame
      const place = url.startsWith('file:') ? `${url.replace(/.*\/(?=[^/]+\/[^/]+$)/, '')} ${functionName}` : caller
      bytes.set(place, (bytes.get(place) ?? 0) + node.selfSize)
      for (const child of node.children) add(child, place)
    }
    this.#session.post('HeapProfiler.stopSampling', (_, result) => add(result.profile.head as Node, 'others'))
    this.#session.disconnect()
    const found = [...bytes].map(([place, sum]): [string, number] => [place, sum / segments])
    return found.filter(([, sum]) => sum >= 0.005).sort((a, b) => b[1] - a[1])
  }
}
