// Buffers whose size nobody has fixed follow what the path holds, the bandwidth-delay product. The receive buffer, and so the
// window, is kept above twice what the reader takes in a round trip (Linux's dynamic right-sizing); the send buffer above
// twice what the windows of congestion and of the peer let out. They grow, and never shrink.

import type { Segment } from '../wire/segment.ts'
import type { SocketValues } from './options.ts'
import type { Outbox } from './outbox.ts'
import { lt, type Seq } from './seq.ts'
import type { Tcb } from './tcb.ts'
import { timestampNow } from './timestamps.ts'

/** To begin with: what a network nearby needs, so that most connections never ask for more. */
const FIRST_BUFFER = 512 * 1024
/** What a gigabit per second takes over 100 ms, and a third more. */
const LARGEST_RECEIVE_BUFFER = 16 * 1024 * 1024
/**
 * Of the send buffer, for each millisecond of a round trip: 25 Gbit/s. Where a path is shorter than the bursts of its sender, the windows
 * say nothing: the larger the buffer the longer the burst, the longer the burst the larger the windows, and text that
 * has left the caches before it is sent costs twice as much.
 */
const SEND_BUFFER_PER_MS = 3 * 1024 * 1024
/**
 * No path is taken for longer than this, or than four of its shortest round trips: beyond that text waits in a queue of our own, which grows with
 * the buffer, and the buffer would grow with it.
 */
const QUEUE_MS = 2
/** A connection that has received less has no need of tuning, and no memory for it. */
const TUNED_FROM = 64 * 1024

/** After so long without a round trip as short the path may have changed. */
const RTT_HOLDS_MS = 10_000

type Sizes = Pick<SocketValues, 'receiveBuffer' | 'maximumReceiveBuffer' | 'sendBuffer' | 'maximumSendBuffer'>

/** The most that the receive buffer will ever be: the window scale is chosen for it (RFC 7323 §2.3). */
export function largestReceiveBuffer({ receiveBuffer, maximumReceiveBuffer }: Sizes): number {
  if (receiveBuffer > 0) return Math.max(receiveBuffer, maximumReceiveBuffer)
  return maximumReceiveBuffer > 0 ? maximumReceiveBuffer : LARGEST_RECEIVE_BUFFER
}

export const firstReceiveBuffer = (sizes: Sizes): number =>
  sizes.receiveBuffer > 0 ? sizes.receiveBuffer : Math.min(FIRST_BUFFER, largestReceiveBuffer(sizes))

export const firstSendBuffer = (sizes: Sizes): number =>
  sizes.sendBuffer > 0 ? sizes.sendBuffer : Math.min(FIRST_BUFFER, sizes.maximumSendBuffer)

/** How fast the reader is, in bytes a round trip. */
export class ReceiveTuning {
  /**
   * From an ACK to the text that it lets out, the least of late; 0 while it is not known. Timestamps tell it, and how long a whole window
   * takes. Not its average: a larger window makes a longer queue somewhere, and that would ask for a larger window.
   */
  rttMs = 0
  #rttAt = 0
  #lastEcho = 0
  #windowEnd: Seq
  #windowAt: number
  /** The most that was read in a round trip. */
  #pace: number
  /** When the round trip at hand began, and what had been read by then. */
  #since: number
  #readBefore: number

  constructor(tcb: Tcb, now: number) {
    this.#windowEnd = tcb.rcvAdv
    this.#windowAt = now
    this.#pace = tcb.options.initialWindow * tcb.offeredMss
    this.#since = now
    this.#readBefore = bytesRead(tcb)
  }

  /** Text in order has come. */
  textArrives(tcb: Tcb, seg: Segment, now: number): void {
    const isFull = (seg.segmentText === 0 ? seg.payloadLength : seg.segmentText) >= tcb.rcvMss
    if (isFull && tcb.timestampsOn && seg.hasTimestamps && seg.tsEcr !== this.#lastEcho) {
      this.#lastEcho = seg.tsEcr
      this.#sample(Math.max(1, (timestampNow(tcb.tsOffset, now) - seg.tsEcr) | 0), now)
    }
    if (lt(tcb.rcvNxt, this.#windowEnd)) return
    if (now > this.#windowAt) this.#sample(now - this.#windowAt, now)
    this.#windowEnd = tcb.rcvAdv
    this.#windowAt = now
  }

  #sample(ms: number, now: number): void {
    if (this.rttMs > 0 && ms > this.rttMs && now - this.#rttAt < RTT_HOLDS_MS) return
    this.rttMs = ms
    this.#rttAt = now
  }

  /** The reader has taken something: answers how large the buffer should be, 0 where there is no news. */
  wanted(tcb: Tcb, now: number): number {
    const took = now - this.#since
    if (this.rttMs === 0 || took < this.rttMs) return 0
    const read = bytesRead(tcb)
    const pace = ((read - this.#readBefore) * this.rttMs) / took
    this.#since = now
    this.#readBefore = read
    if (pace <= this.#pace) return 0
    // In slow start the next round trip brings twice as much, and what is offered now counts a round trip later.
    const growth = Math.min(1, (pace - this.#pace) / this.#pace)
    this.#pace = pace
    return (2 * pace + 16 * tcb.offeredMss) * (1 + growth)
  }
}

const bytesRead = (tcb: Tcb): number => tcb.bytesReceived - tcb.receiveBuffer.readable

export function tunedTextArrives(tcb: Tcb, seg: Segment, now: number): void {
  if (tcb.receiveTuning === null) {
    if (tcb.options.receiveBuffer > 0 || tcb.bytesReceived < TUNED_FROM) return
    tcb.receiveTuning = new ReceiveTuning(tcb, now)
  }
  tcb.receiveTuning.textArrives(tcb, seg, now)
}

/** After a read. Nothing grows while half of what all connections may leave unread is unread. */
export function tuneReceiveBuffer(tcb: Tcb, now: number, out: Outbox): void {
  const { receiveTuning, options, receiveBuffer } = tcb
  if (receiveTuning === null || options.receiveBuffer > 0) return
  const wanted = Math.min(receiveTuning.wanted(tcb, now), largestReceiveBuffer(options))
  if (wanted > receiveBuffer.limit && !out.arena.isHalfFull) receiveBuffer.limit = Math.floor(wanted)
}

/** While a writer waits. A third of the buffer is free before he is told, so that much more than the windows is needed. */
export function tuneSendBuffer(tcb: Tcb, out: Outbox): void {
  const { sendBuffer, options } = tcb
  const most = Math.min(options.maximumSendBuffer, SEND_BUFFER_PER_MS * pathMs(tcb))
  if (options.sendBuffer > 0 || sendBuffer.limit >= most || out.slab.isHalfFull) return
  const mayLeave = Math.min(tcb.cwnd, tcb.sndWnd)
  if (1.5 * mayLeave > sendBuffer.limit) sendBuffer.limit = Math.floor(Math.min(2 * mayLeave, most))
}

const pathMs = ({ srttMs, minRttMs }: Tcb): number => Math.max(1, Math.min(srttMs, Math.max(QUEUE_MS, 4 * minRttMs)))
