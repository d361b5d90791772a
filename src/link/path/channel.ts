// One direction of a line, from the moment a packet is handed to it until it arrives: a filter and a policer, a queue, the
// line itself, what it loses, doubles and damages, and the way to the other end. Time is a parameter and chance comes from a
// seed, so a run repeats. Packets are ids of a pool (packets.ts).
//
// Nothing happens between calls: what the line sends is worked out when somebody looks, with the times at which it left. So a
// packet costs one event, its arrival, and not another for its departure.

import { rangeError, typeError } from '../../errors.ts'
import { Heap } from '../../heap.ts'
import type { Random } from '../../random.ts'
import type { Counters } from '../../stats.ts'
import { CHECKSUM_UNKNOWN } from '../link.ts'
import { markCongestion } from './ecn.ts'
import { FlightRing } from './flights.ts'
import { type JitterDistribution, jitters } from './jitter.ts'
import { createLoss, type Loss, type LossOptions, NO_LOSS } from './loss.ts'
import type { PacketPool } from './packets.ts'
import { Policer, type PolicerOptions } from './policer.ts'
import type { Queue, QueueEnd } from './queue.ts'
import { createQueue, type QueueOptions } from './queues.ts'
import { createRate, type Rate, type RateSteps, type RateTrace } from './rate.ts'

/** What a filter says of a packet. */
export type Verdict = 'pass' | 'drop' | 'duplicate' | { readonly delayMs: number }

/** Decides before chance does, for the packet with this index, counted from 0. The bytes may be changed. */
export type Filter = (packet: Uint8Array, index: number) => Verdict

export interface ChannelOptions {
  /** Speed of the line; Infinity, the default, for a line that takes no time, where nothing ever waits. */
  readonly rateBitsPerSecond?: number
  /** A speed that varies, instead. */
  readonly rateTrace?: RateSteps | RateTrace | undefined
  /** What stands in front of the line: drop-tail with room for 1000 packets unless given. */
  readonly queue?: QueueOptions
  readonly delayMs?: number
  /** How much is added to the delay: up to so much, unless `jitterDistribution` says otherwise. It does not reorder: no packet overtakes another. */
  readonly jitterMs?: number
  /** Evenly spread; or `normal`, with `jitterMs` for the standard deviation; or `pareto`, with a long tail, `jitterMs` on average. */
  readonly jitterDistribution?: JitterDistribution
  readonly loss?: LossOptions
  /** Probabilities, 0 to 1, for each packet. */
  readonly duplicate?: number
  /** One bit is flipped: each checksum notices one. */
  readonly corrupt?: number
  /** The packet is held for `reorderDelayMs`, and later ones overtake it. */
  readonly reorder?: number
  readonly reorderDelayMs?: number
  readonly policer?: PolicerOptions | undefined
  readonly filter?: Filter | undefined
}

const DEFAULTS: Required<ChannelOptions> = {
  rateBitsPerSecond: Infinity,
  rateTrace: undefined,
  queue: {},
  delayMs: 0,
  jitterMs: 0,
  jitterDistribution: 'uniform',
  loss: 0,
  duplicate: 0,
  corrupt: 0,
  reorder: 0,
  reorderDelayMs: 10,
  policer: undefined,
  filter: undefined
}

export const channelOptionNames = Object.keys(DEFAULTS) as readonly (keyof ChannelOptions)[]

/** Bits that checksums protect only by accident: a flipped header length moves the end of what is summed. */
const FIRST_BIT_TO_FLIP = 8

export class Channel implements QueueEnd {
  readonly pool: PacketPool
  sentPackets = 0
  sentBytes = 0
  filtered = 0
  policed = 0
  queueFull = 0
  /** By the queue's decision, with room left. */
  early = 0
  marked = 0
  lost = 0
  duplicated = 0
  corrupted = 0
  reordered = 0
  /** Doubles for which there was no memory. */
  notDuplicated = 0
  linePackets = 0
  lineBytes = 0

  #set = DEFAULTS
  // Of these, what each packet asks for. Objects made by spreads may have a shape each, and V8 then looks for their fields by name.
  #filter: Filter | undefined = undefined
  #delayMs = 0
  #isReordering = false
  /** Packets are held back, or may have been: others can overtake them. Stays true, which only costs a look. */
  #mayOvertake = false
  #isClean = true
  #offered = 0
  /** When the line has sent what is on it. */
  #freeAt = -Infinity
  /** When the last packet that kept its place arrives: none of its kind comes before it. */
  #lastArrival = -Infinity
  #rate: Rate = createRate(Infinity)
  #loss: Loss = NO_LOSS
  #policer: Policer | undefined = undefined
  #queue: Queue
  readonly #random: Random
  readonly #inOrder = new FlightRing()
  readonly #held = new Heap<Held>(landsBefore)
  #heldCount = 0
  /** What a filter has asked for, for packets that have to wait for the line. */
  readonly #verdicts = new Map<number, Verdict>()

  constructor(pool: PacketPool, random: Random, options: ChannelOptions = {}) {
    this.pool = pool
    this.#random = random
    this.#queue = createQueue({}, this, random, 0)
    this.set(options, 0)
  }

  /** Changes some options, for packets still to come. Throws ERR_* for what makes no sense, and then changes nothing. */
  set(changes: ChannelOptions, now: number): void {
    this.#serve(now)
    const isNewRate = changes.rateBitsPerSecond !== undefined || changes.rateTrace !== undefined
    const set = { ...this.#set, ...(isNewRate && { rateTrace: undefined }), ...changes }
    validate(set)
    const rate = isNewRate ? createRate(set.rateTrace ?? set.rateBitsPerSecond) : this.#rate
    const loss = changes.loss === undefined ? this.#loss : createLoss(changes.loss, this.#random)
    const policer = set.policer === undefined ? undefined : new Policer(set.policer)
    if (changes.queue !== undefined)
      this.#replaceQueue(createQueue(changes.queue, this, this.#random, rate.nominal), now)
    if (changes.policer !== undefined || set.policer === undefined) this.#policer = policer
    this.#rate = rate
    this.#loss = loss
    this.#set = set
    this.#filter = set.filter
    this.#delayMs = set.delayMs
    this.#isReordering = set.reorder > 0
    this.#mayOvertake ||= this.#isReordering || set.filter !== undefined
    this.#isClean =
      set.loss === 0 && set.duplicate === 0 && set.corrupt === 0 && set.reorder === 0 && set.jitterMs === 0
    if (rate.isInfinite) this.#serveAll(now)
  }

  /** Nothing happens to packets, and none is under way: they may go round this channel. */
  get isClear(): boolean {
    const { delayMs, filter, policer } = this.#set
    return this.#isClean && delayMs === 0 && this.#rate.isInfinite && !filter && !policer && this.isEmpty
  }

  get isEmpty(): boolean {
    return this.#inOrder.count === 0 && this.#held.size === 0 && this.#queue.packets === 0
  }

  get queueOptions(): QueueOptions {
    return this.#set.queue
  }

  /** Packets that wait for the line, the one on it included, and their bytes. */
  backlog(now: number): { packets: number; bytes: number } {
    this.#serve(now)
    return { packets: this.#queue.packets + this.linePackets, bytes: this.#queue.bytes + this.lineBytes }
  }

  /** When something happens next that cannot wait to be asked for, ms: no arrival comes before it. Infinity for never. */
  get nextEvent(): number {
    const first = this.#inOrder.firstAt
    if (first < Infinity && !this.#mayOvertake) return first
    const held = this.#held.size > 0 ? this.#held.peek()!.arrival : Infinity
    const next = first < held ? first : held
    // What still waits cannot overtake what keeps its place; what will be held back could.
    if (this.#queue.packets === 0 || (first < Infinity && !this.#isReordering && this.#verdicts.size === 0)) return next
    return Math.min(next, this.#freeAt)
  }

  /** Takes over a packet: it arrives some time, or is lost. */
  send(id: number, now: number): void {
    this.#serve(now)
    let verdict: Verdict = 'pass'
    if (this.#filter !== undefined) {
      this.pool.completeChecksums(id)
      this.pool.noteWritten(id)
      verdict = this.#filter(this.pool.bytesOf(id), this.#offered)
    }
    this.#offered++
    if (verdict === 'drop') {
      this.filtered++
      this.pool.release(id)
      return
    }
    if (this.#policer !== undefined && !this.#policer.passes(this.pool.length[id], now)) {
      this.policed++
      this.pool.release(id)
      return
    }
    if (this.#rate.isInfinite) {
      this.#launch(id, now, verdict)
      return
    }
    if (verdict !== 'pass') this.#verdicts.set(id, verdict)
    this.#queue.enqueue(id, now)
    if (this.#freeAt <= now) this.#sendNext(now)
  }

  /** The next packet that has arrived by now, -1 for none. It is the caller's. */
  take(now: number): number {
    this.#serve(now)
    if (this.#mayOvertake && this.#held.size > 0) {
      const held = this.#held.peek()!
      if (held.arrival <= now && this.#inOrder.firstAt > held.arrival) {
        this.#held.pop()
        return held.id
      }
    }
    return this.#inOrder.firstAt > now ? -1 : this.#inOrder.shift()
  }

  /** Loses all that is under way, and answers how many packets that was. */
  clear(now: number): number {
    this.#serve(now)
    let count = 0
    for (let id = this.#queue.dequeue(now); id >= 0; id = this.#queue.dequeue(now)) {
      this.pool.release(id)
      count++
    }
    for (; this.#inOrder.count > 0; count++) this.pool.release(this.#inOrder.shift())
    for (; this.#held.size > 0; count++) this.pool.release(this.#held.pop()!.id)
    this.#verdicts.clear()
    this.#freeAt = -Infinity
    this.linePackets = this.lineBytes = 0
    this.#lastArrival = -Infinity
    return count
  }

  counters(): Counters {
    return {
      packetsSent: this.sentPackets,
      bytesSent: this.sentBytes,
      markedCongestion: this.marked,
      duplicated: this.duplicated,
      corrupted: this.corrupted,
      reordered: this.reordered,
      droppedFilter: this.filtered,
      droppedPolicer: this.policed,
      droppedQueueFull: this.queueFull,
      droppedEarly: this.early,
      droppedLoss: this.lost
    }
  }

  // --- What the queue asks for (QueueEnd) ---

  drop(id: number, early: boolean): void {
    if (early) this.early++
    else this.queueFull++
    if (this.#verdicts.size > 0) this.#verdicts.delete(id)
    this.pool.release(id)
  }

  mark(id: number): boolean {
    if (!markCongestion(this.pool, id)) return false
    this.marked++
    return true
  }

  // --- The line ---

  /** Brings the line up to date: it sends one packet after the other, as long as any waits. */
  #serve(now: number): void {
    while (this.#freeAt <= now) {
      if (this.linePackets === 0) return
      this.#sendNext(this.#freeAt)
    }
  }

  /** The line is free at `at`: the next packet goes on it, if there is one. */
  #sendNext(at: number): void {
    const id = this.#queue.dequeue(at)
    if (id < 0) {
      this.linePackets = this.lineBytes = 0
      return
    }
    const bytes = this.pool.length[id]
    this.linePackets = 1
    this.lineBytes = bytes
    this.#freeAt = this.#rate.finish(at, bytes)
    let verdict: Verdict = 'pass'
    if (this.#verdicts.size > 0) {
      verdict = this.#verdicts.get(id) ?? 'pass'
      this.#verdicts.delete(id)
    }
    this.#launch(id, this.#freeAt, verdict)
  }

  /** A line that takes no time any more has no queue. */
  #serveAll(now: number): void {
    this.linePackets = this.lineBytes = 0
    this.#freeAt = -Infinity
    for (let id = this.#queue.dequeue(now); id >= 0; id = this.#queue.dequeue(now)) {
      this.#launch(id, now, this.#verdicts.get(id) ?? 'pass')
      this.#verdicts.delete(id)
    }
  }

  #replaceQueue(queue: Queue, now: number): void {
    const old = this.#queue
    this.#queue = queue
    for (let id = old.dequeue(now); id >= 0; id = old.dequeue(now)) queue.enqueue(id, now)
  }

  // --- The way ---

  /** The packet has left the line at `at`. */
  #launch(id: number, at: number, verdict: Verdict): void {
    this.sentPackets++
    this.sentBytes += this.pool.length[id]
    if (this.#isClean && verdict === 'pass') {
      this.#keepPlace(id, at + this.#delayMs)
      return
    }
    if (this.#loss.next()) {
      this.lost++
      this.pool.release(id)
      return
    }
    const heldMs = typeof verdict === 'object' ? verdict.delayMs : 0
    const isDoubled = verdict === 'duplicate' || this.#random.chance(this.#set.duplicate)
    const copy = isDoubled ? this.pool.duplicate(id) : -1
    this.#fly(id, at, heldMs)
    if (!isDoubled) return
    if (copy < 0) {
      this.notDuplicated++
      return
    }
    this.duplicated++
    this.#fly(copy, at, heldMs)
  }

  #fly(id: number, at: number, heldMs: number): void {
    const set = this.#set
    const random = this.#random
    const jitter = set.jitterMs === 0 ? 0 : set.jitterMs * jitters[set.jitterDistribution](random)
    const arrival = at + Math.max(0, set.delayMs + jitter)
    if (random.chance(set.reorder)) {
      this.reordered++
      heldMs += set.reorderDelayMs
    }
    if (random.chance(set.corrupt)) this.#flipOneBit(id)
    if (heldMs > 0) this.#held.push({ arrival: arrival + heldMs, order: this.#heldCount++, id })
    else this.#keepPlace(id, arrival)
  }

  #keepPlace(id: number, arrival: number): void {
    if (arrival < this.#lastArrival) arrival = this.#lastArrival
    this.#lastArrival = arrival
    this.#inOrder.push(id, arrival)
  }

  #flipOneBit(id: number): void {
    this.corrupted++
    this.pool.noteWritten(id)
    this.pool.completeChecksums(id)
    this.pool.checksum[id] = CHECKSUM_UNKNOWN
    const bit = FIRST_BIT_TO_FLIP + this.#random.int(8 * this.pool.length[id] - FIRST_BIT_TO_FLIP)
    this.pool.regions[this.pool.region[id]].bytes[this.pool.offset[id] + (bit >> 3)] ^= 0x80 >> (bit & 7)
  }
}

/** A packet that others may overtake. */
interface Held {
  readonly arrival: number
  readonly order: number
  readonly id: number
}

function landsBefore(a: Held, b: Held): boolean {
  return a.arrival === b.arrival ? a.order < b.order : a.arrival < b.arrival
}

function validate(set: Required<ChannelOptions>): void {
  for (const name of Object.keys(set)) {
    if (Object.hasOwn(DEFAULTS, name)) continue
    throw typeError(
      'ERR_INVALID_ARG_VALUE',
      `Unknown option "${name}" of a link. Known options: ${channelOptionNames.join(', ')}`
    )
  }
  for (const name of ['duplicate', 'corrupt', 'reorder'] as const) {
    if (typeof set[name] !== 'number' || !(set[name] >= 0 && set[name] <= 1))
      throw outOfRange(name, 'a probability, 0 to 1', set[name])
  }
  for (const name of ['reorderDelayMs', 'delayMs', 'jitterMs'] as const) {
    if (typeof set[name] !== 'number' || !(set[name] >= 0 && set[name] < Infinity))
      throw outOfRange(name, '0 or more', set[name])
  }
  if (!Object.hasOwn(jitters, set.jitterDistribution))
    throw outOfRange('jitterDistribution', `one of ${Object.keys(jitters).join(', ')}`, set.jitterDistribution)
}

function outOfRange(name: string, wanted: string, value: unknown): RangeError {
  return rangeError(
    'ERR_OUT_OF_RANGE',
    `The value of "${name}" is out of range. It must be ${wanted}. Received ${String(value)}`
  )
}
