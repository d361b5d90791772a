// Random early detection, as RFC 2309 §3 recommends it and as Floyd and Jacobson describe it (1993), with Floyd's gentle
// variant. A packet that arrives moves the average of the queue's length,
//
//     avg <- (1 - w) avg + w q            q: packets or bytes that wait
//     avg <- (1 - w)^m avg                after an idle time, m: packets that could have been sent in it
//
// and is dropped or marked, never below `min`, with a probability that rises to `maxProbability` at `max`,
//
//     pb = maxProbability (avg - min) / (max - min)        bytes: times the packet's length / mean packet
//     pa = pb / (1 - count pb)                             count: packets let through since the last that was hit
//
// from there on (gentle) to 1 at twice `max`, and always above that.

import type { Random } from '../../random.ts'
import { hasRoom, type Limits, PacketList, type Queue, type QueueEnd } from './queue.ts'

export interface RedSettings extends Limits {
  /** Whether `min` and `max` count packets or bytes. */
  readonly unit: 'packets' | 'bytes'
  readonly min: number
  readonly max: number
  readonly maxProbability: number
  /** w of the average. */
  readonly weight: number
  readonly gentle: boolean
  readonly ecn: boolean
  /** Bytes. */
  readonly meanPacket: number
  /** How long the line takes for a mean packet, ms: for the average after an idle time. */
  readonly meanPacketMs: number
}

export class Red implements Queue {
  /** The average length. */
  average = 0
  /** Packets since the last one that was hit; -1 for none since then, or while the average is below `min`. */
  #count = -1
  /** When the queue ran empty, ms; NaN while it is not. */
  #idleSince = 0
  readonly #list: PacketList
  readonly #end: QueueEnd
  readonly #random: Random
  readonly #set: RedSettings

  constructor(end: QueueEnd, random: Random, set: RedSettings) {
    this.#list = new PacketList(end.pool)
    this.#end = end
    this.#random = random
    this.#set = set
  }

  get packets(): number {
    return this.#list.packets
  }

  get bytes(): number {
    return this.#list.bytes
  }

  enqueue(id: number, now: number): void {
    this.#updateAverage(now)
    const probability = this.#probability(this.#end.pool.length[id])
    if (probability > 0 && this.#isHit(probability) && !(this.#set.ecn && probability < 1 && this.#end.mark(id))) {
      this.#end.drop(id, true)
    } else if (hasRoom(this.#list, this.#end, this.#set, id)) {
      this.#list.push(id)
    } else {
      this.#count = -1
      this.#end.drop(id, false)
    }
  }

  dequeue(now: number): number {
    const id = this.#list.shift()
    if (id >= 0 && this.#list.packets === 0) this.#idleSince = now
    return id
  }

  #updateAverage(now: number): void {
    const { weight, unit, meanPacketMs } = this.#set
    const length = unit === 'packets' ? this.#list.packets : this.#list.bytes
    if (length > 0) this.average += weight * (length - this.average)
    else this.average *= (1 - weight) ** (1 + (now - this.#idleSince) / meanPacketMs)
    if (length === 0) this.#idleSince = now
  }

  /** pb: 0 below `min`, 1 where every packet is hit. */
  #probability(length: number): number {
    const { min, max, maxProbability, gentle, unit, meanPacket } = this.#set
    const average = this.average
    if (average < min) {
      this.#count = -1
      return 0
    }
    if (average >= (gentle ? 2 * max : max)) return 1
    const rising =
      average < max
        ? (maxProbability * (average - min)) / (max - min)
        : maxProbability + ((1 - maxProbability) * (average - max)) / max
    return unit === 'packets' ? rising : Math.min(1, (rising * length) / meanPacket)
  }

  #isHit(probability: number): boolean {
    this.#count++
    const spread = 1 - this.#count * probability
    const isHit = spread <= 0 || this.#random.chance(probability / spread)
    if (isHit) this.#count = -1
    return isHit
  }
}
