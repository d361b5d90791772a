// What can go wrong with packets on their way in one direction: a slow line with a queue in front of it, loss,
// duplicates, flipped bits, delay, reordering. Time is a parameter and chance comes from a seed, so a run repeats.

import { rangeError } from '../errors.ts'
import { Heap } from '../heap.ts'
import type { Random } from '../random.ts'
import type { BatchQueue } from './batches.ts'
import { CHECKSUM_UNKNOWN } from './link.ts'

/** What a filter says of a packet. */
export type Verdict = 'pass' | 'drop' | 'duplicate' | { readonly delayMs: number }

export interface Impairments {
  /** Probabilities, 0 to 1, for each packet. */
  readonly loss: number
  readonly duplicate: number
  /** One bit is flipped: each checksum notices one. */
  readonly corrupt: number
  /** The packet is held for `reorderDelayMs`, and later ones overtake it. */
  readonly reorder: number
  readonly reorderDelayMs: number
  readonly delayMs: number
  /** Up to so much is added to the delay, evenly spread. It does not reorder: no packet overtakes another. */
  readonly jitterMs: number
  /** Speed of the line; Infinity for a line that takes no time. */
  readonly rateBitsPerSecond: number
  /** Room in front of the line, counting the packet that is being sent. A packet that finds it full is lost. */
  readonly queuePackets: number
  readonly queueBytes: number
  /** Decides before chance does, for the packet with this index, counted from 0. The bytes may be changed. */
  readonly filter: ((packet: Uint8Array, index: number) => Verdict) | undefined
}

const NONE: Impairments = {
  loss: 0,
  duplicate: 0,
  corrupt: 0,
  reorder: 0,
  reorderDelayMs: 10,
  delayMs: 0,
  jitterMs: 0,
  rateBitsPerSecond: Infinity,
  queuePackets: 1000,
  queueBytes: Infinity,
  filter: undefined
}

/** A path holds no more than this, however long its delay. */
const MAX_BYTES_UNDER_WAY = 256 * 1024 * 1024

/** Bytes that checksums protect only by accident: a flipped header length moves the end of what is summed. */
const FIRST_BIT_TO_FLIP = 8

export class ImpairedPath {
  filtered = 0
  lost = 0
  queueFull = 0
  duplicated = 0
  corrupted = 0
  reordered = 0

  #set: Impairments = NONE
  #isClean = true
  #offered = 0
  #order = 0
  #bytesUnderWay = 0
  /** When the last packet that kept its place arrives: none of its kind comes before it. */
  #lastArrival = -Infinity
  readonly #random: Random
  readonly #line = new Line()
  readonly #flights = new Heap<Flight>(landsBefore)

  constructor(random: Random) {
    this.#random = random
  }

  /** Changes some impairments, for packets still to come. */
  set(changes: Partial<Impairments>): void {
    const set = { ...this.#set, ...changes }
    validate(set)
    this.#set = set
    this.#isClean =
      set.loss === 0 &&
      set.duplicate === 0 &&
      set.corrupt === 0 &&
      set.reorder === 0 &&
      set.delayMs === 0 &&
      set.jitterMs === 0 &&
      set.rateBitsPerSecond === Infinity &&
      set.filter === undefined
  }

  /** Nothing happens to packets, and none is under way: they may go round this path. */
  get isClear(): boolean {
    return this.#isClean && this.#flights.size === 0
  }

  /** When the next packet arrives, Infinity for none. */
  get nextArrival(): number {
    return this.#flights.peek()?.arrival ?? Infinity
  }

  /** Takes a copy of the packet, or loses it. */
  launch(bytes: Uint8Array, checksum: number, now: number): void {
    const set = this.#set
    const packet = bytes.slice()
    const verdict = set.filter?.(packet, this.#offered) ?? 'pass'
    this.#offered++
    if (verdict === 'drop') {
      this.filtered++
      return
    }
    const isOverfull = this.#bytesUnderWay + packet.length > MAX_BYTES_UNDER_WAY
    if (isOverfull || !this.#line.hasRoom(packet.length, set, now)) {
      this.queueFull++
      return
    }
    const sent = this.#line.send(packet.length, set.rateBitsPerSecond, now)
    if (this.#random.chance(set.loss)) {
      this.lost++
      return
    }
    const heldMs = typeof verdict === 'object' ? verdict.delayMs : 0
    this.#fly(packet, checksum, sent, heldMs)
    if (verdict !== 'duplicate' && !this.#random.chance(set.duplicate)) return
    this.duplicated++
    this.#fly(packet, checksum, sent, heldMs)
  }

  /** Moves what has arrived by now to `queue`. */
  land(now: number, queue: BatchQueue): void {
    while (this.nextArrival <= now) {
      const { packet, checksum } = this.#flights.pop()!
      this.#bytesUnderWay -= packet.length
      queue.add(packet, checksum)
    }
  }

  /** Loses all that is under way, and answers how many packets that was. */
  clear(): number {
    const count = this.#flights.size
    this.#flights.clear()
    this.#line.clear()
    this.#bytesUnderWay = 0
    this.#lastArrival = -Infinity
    return count
  }

  #fly(packet: Uint8Array, checksum: number, sent: number, heldMs: number): void {
    const set = this.#set
    const random = this.#random
    let arrival = sent + set.delayMs + (set.jitterMs === 0 ? 0 : set.jitterMs * random.float())
    if (random.chance(set.reorder)) {
      this.reordered++
      heldMs += set.reorderDelayMs
    }
    if (heldMs > 0) arrival += heldMs
    else this.#lastArrival = arrival = Math.max(arrival, this.#lastArrival)
    if (random.chance(set.corrupt)) {
      this.corrupted++
      packet = withOneBitFlipped(packet, random)
      checksum = CHECKSUM_UNKNOWN
    }
    this.#bytesUnderWay += packet.length
    this.#flights.push({ arrival, order: this.#order++, packet, checksum })
  }
}

interface Flight {
  readonly arrival: number
  readonly order: number
  readonly packet: Uint8Array
  readonly checksum: number
}

function landsBefore(a: Flight, b: Flight): boolean {
  return a.arrival === b.arrival ? a.order < b.order : a.arrival < b.arrival
}

function withOneBitFlipped(packet: Uint8Array, random: Random): Uint8Array {
  const copy = packet.slice()
  const bit = FIRST_BIT_TO_FLIP + random.int(8 * copy.length - FIRST_BIT_TO_FLIP)
  copy[bit >> 3] ^= 0x80 >> (bit & 7)
  return copy
}

/** A line that sends one packet after the other, and the queue in front of it. */
class Line {
  #freeAt = -Infinity
  /** When each packet will have left, and its length, in turn; those before `#gone` have left. */
  #departures: number[] = []
  #gone = 0
  #bytes = 0

  hasRoom(length: number, set: Impairments, now: number): boolean {
    if (set.rateBitsPerSecond === Infinity) return true
    this.#letGo(now)
    const packets = (this.#departures.length - this.#gone) / 2
    return packets < set.queuePackets && this.#bytes + length <= set.queueBytes
  }

  /** Answers when the last bit has left. */
  send(length: number, rateBitsPerSecond: number, now: number): number {
    if (rateBitsPerSecond === Infinity) return now
    this.#freeAt = Math.max(this.#freeAt, now) + (length * 8 * 1000) / rateBitsPerSecond
    this.#departures.push(this.#freeAt, length)
    this.#bytes += length
    return this.#freeAt
  }

  clear(): void {
    this.#freeAt = -Infinity
    this.#departures.length = 0
    this.#gone = 0
    this.#bytes = 0
  }

  #letGo(now: number): void {
    while (this.#gone < this.#departures.length && this.#departures[this.#gone] <= now) {
      this.#bytes -= this.#departures[this.#gone + 1]
      this.#gone += 2
    }
    if (this.#gone < 1024 && this.#gone < this.#departures.length) return
    this.#departures = this.#departures.slice(this.#gone)
    this.#gone = 0
  }
}

function validate(set: Impairments): void {
  for (const name of ['loss', 'duplicate', 'corrupt', 'reorder'] as const) {
    if (!(set[name] >= 0 && set[name] <= 1)) throw outOfRange(name, 'a probability, 0 to 1', set[name])
  }
  for (const name of ['reorderDelayMs', 'delayMs', 'jitterMs'] as const) {
    if (!(set[name] >= 0 && set[name] < Infinity)) throw outOfRange(name, '0 or more', set[name])
  }
  for (const name of ['rateBitsPerSecond', 'queuePackets', 'queueBytes'] as const) {
    if (!(set[name] > 0)) throw outOfRange(name, 'above 0', set[name])
  }
}

function outOfRange(name: string, wanted: string, value: number): RangeError {
  return rangeError(
    'ERR_OUT_OF_RANGE',
    `The value of "${name}" is out of range. It must be ${wanted}. Received ${value}`
  )
}
