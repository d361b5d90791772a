// Bulk text from one stack to another in memory, on a host that allocates nothing: what a steady flow costs, with nothing
// beside it. The clock is no clock, but goes on a little with each look at it.

import type { Host, HostTimer } from '../../src/host.ts'
import { type LinkReceiver, RX_OFFSET, RX_REGION, RX_STRIDE, type RxBatch } from '../../src/link/link.ts'
import { nativeGather, nativeVerify } from '../../src/link/native-gather.ts'
import { type PairLink, type PairOptions, pairLinks } from '../../src/link/pair.ts'
import { loadAddon } from '../../src/native/addon.ts'
import { Random } from '../../src/random.ts'
import { Stack } from '../../src/stack/stack.ts'
import { IPV4_HEADER_LENGTH } from '../../src/wire/ipv4.ts'
import { PSH } from '../../src/wire/segment.ts'
import { cpuMicroseconds } from './window.ts'

/** Of a look at the clock, ms: with a fraction, as a real one. */
const TICK_MS = 0.0137
const NO_TIMER: HostTimer = { cancel() {} }

class SteadyHost implements Host {
  #now = 1000.1
  #calls: (() => void)[] = []
  #running: (() => void)[] = []
  readonly #random = new Random(1)

  now(): number {
    this.#now += TICK_MS
    return this.#now
  }

  /** Nothing is ever late. */
  at(): HostTimer {
    return NO_TIMER
  }

  defer(callback: () => void): void {
    this.#calls.push(callback)
  }

  random(bytes: Uint8Array): void {
    this.#random.fill(bytes)
  }

  readonly copySpans: Host['copySpans'] = loadAddon().copySpans

  /** Runs what was deferred; false where there is nothing. */
  turn(): boolean {
    const running = this.#calls
    if (running.length === 0) return false
    this.#calls = this.#running
    this.#running = running
    for (let i = 0; i < running.length; i++) running[i]()
    while (running.length > 0) running.pop()
    return true
  }
}

export interface SteadyOptions {
  /** Bytes of text in each segment; 1448 fit an MTU of 1500. */
  readonly segmentText: number
  /** How the reader takes the text: in memory of its own, or not at all. */
  readonly reads: boolean
  readonly superSegments: boolean
  /** Measures how long the receiver has the thread. */
  readonly times?: boolean
  /** Each segment has PSH, as a short message has, so that none is taken together with the next. */
  readonly pushes?: boolean
}

const TIMESTAMPS = 12
/** From the begin of the TCP header. */
const TCP_FLAGS = 13
/** Of both ends, fixed: all that is touched stays in a second-level cache. */
const BUFFER = 512 * 1024

export class SteadyFlow {
  /** Segments of text that have arrived. */
  get segments(): number {
    return this.#received / this.#segmentText
  }

  /** What the reader was given: so many views. */
  views = 0
  /** CPU time of the receiver, µs: from the arrival of a batch until its ACK has left, all batches together. */
  receivingUs = 0
  #received = 0
  readonly #segmentText: number
  readonly #host = new SteadyHost()

  constructor({ segmentText, reads, superSegments, times = false, pushes = false }: SteadyOptions) {
    this.#segmentText = segmentText
    const host = this.#host
    const byAddon: Pick<PairOptions, 'assemble' | 'verify'> = { assemble: nativeGather(), verify: nativeVerify() }
    const [left, right] = pairLinks({ host, superSegments, ...byAddon })
    if (times) this.#time(right)
    if (pushes) push(right)
    const [sender, receiver] = [new Stack({ link: left, host }), new Stack({ link: right, host })]
    receiver.listen({ port: 80, receiveBuffer: BUFFER }, connection => {
      connection.handlers = {
        readable: () => {
          if (!reads) this.#received += connection.discard()
          else {
            for (let bytes = connection.read(); bytes !== undefined; bytes = connection.read()) {
              this.#received += bytes.length
              this.views++
            }
          }
        }
      }
    })
    const chunk = new Uint8Array(64 * 1024).fill(7)
    const connection = sender.connect({
      address: '10.0.0.2',
      port: 80,
      maximumSegmentSize: segmentText + TIMESTAMPS,
      sendBuffer: BUFFER
    })
    const write = (): void => {
      while (connection.write(chunk) === chunk.length);
    }
    connection.handlers = { connected: write, writable: write }
  }

  #time(link: PairLink): void {
    intercept(link, (batch, receiver) => {
      const before = cpuMicroseconds()
      receiver.packetsArrived(batch)
      this.receivingUs += cpuMicroseconds() - before
    })
  }

  /** Goes on until so many more segments have arrived. */
  run(segments: number): void {
    const until = this.#received + segments * this.#segmentText
    while (this.#received < until) if (!this.#host.turn()) throw new Error('The flow has come to a halt')
  }
}

/** The link has verified the checksums by then, and nobody does so again. */
function push(link: PairLink): void {
  intercept(link, (batch, receiver) => {
    for (let row = 0; row < batch.count * RX_STRIDE; row += RX_STRIDE) {
      const flags = batch.table[row + RX_OFFSET] + IPV4_HEADER_LENGTH + TCP_FLAGS
      batch.regions[batch.table[row + RX_REGION]][flags] |= PSH
    }
    receiver.packetsArrived(batch)
  })
}

/** To be called before the stack starts the link. */
function intercept(link: PairLink, arrive: (batch: RxBatch, receiver: LinkReceiver) => void): void {
  const start = link.start.bind(link)
  link.start = receiver =>
    start({ packetsArrived: batch => arrive(batch, receiver), linkWritable: () => receiver.linkWritable() })
}
