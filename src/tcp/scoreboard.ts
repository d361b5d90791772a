// What has been sent and not acknowledged, a record for each run that left in one segment (RFC 6675 §2, RFC 8985 §5.2).
// Records stand in the order of sequence numbers, and each is in one of two lists or none: those in flight by time of
// sending, so that RACK looks at nothing but what is old; those lost and not sent again by sequence number, so that the
// next to repeat is at hand. Every counter is kept as flags change: nothing is ever summed up by a walk.
// What an ACK means for a record is decided elsewhere (ack-records.ts, rack.ts, recovery.ts).

import { Ranges } from './ranges.ts'
import {
  DELIVERED,
  DELIVERED_AT,
  DOUBLES,
  END,
  FIRST_SENT_AT,
  FLAGS,
  INTS,
  LOST_THEN,
  NEXT,
  NO_RECORDS,
  PREVIOUS,
  type RecordBlock,
  type RecordPool,
  SEGMENTS,
  SENT_AT,
  START,
  TX_IN_FLIGHT
} from './records.ts'
import { leq, lt, type Seq } from './seq.ts'

/** The peer has said that it holds it. */
export const SACKED = 1
/** It was lost, and is in flight again. */
export const RESENT = 2
export const LOST = 4
/** It has been sent more than once: it tells no round trip. */
export const EVER_RESENT = 8
/** It left while the sender had nothing more to send. */
export const APP_LIMITED = 16
/** Its delivery has been counted in a rate sample. */
export const SAMPLED = 32
const IN_FLIGHT_LIST = 64
const LOST_LIST = 128

export class Scoreboard {
  #block: RecordBlock = NO_RECORDS
  #ints = NO_RECORDS.ints
  #doubles = NO_RECORDS.doubles
  #order = NO_RECORDS.order
  #mask = -1
  #first = 0
  /** Records. */
  count = 0
  #free = -1
  #used = 0
  /** Of the list by time of sending. */
  oldest = -1
  newest = -1
  /** Of the list of what is lost. */
  firstLost = -1
  #lastLost = -1
  #latestLost = -1

  // In segments.
  sent = 0
  sacked = 0
  lost = 0
  resent = 0
  /** All that the peer holds behind holes, whether it makes whole records or not. */
  readonly held = new Ranges()

  /** The record at that place in the order of sequence numbers. */
  at(place: number): number {
    return this.#order[(this.#first + place) & this.#mask]
  }

  start(id: number): Seq {
    return this.#ints[id * INTS + START] as Seq
  }

  end(id: number): Seq {
    return this.#ints[id * INTS + END] as Seq
  }

  bytes(id: number): number {
    return (this.#ints[id * INTS + END] - this.#ints[id * INTS + START]) | 0
  }

  flags(id: number): number {
    return this.#ints[id * INTS + FLAGS]
  }

  setFlag(id: number, flag: number): void {
    this.#ints[id * INTS + FLAGS] |= flag
  }

  segments(id: number): number {
    return this.#ints[id * INTS + SEGMENTS]
  }

  next(id: number): number {
    return this.#ints[id * INTS + NEXT]
  }

  sentAt(id: number): number {
    return this.#doubles[id * DOUBLES + SENT_AT]
  }

  deliveredThen(id: number): number {
    return this.#doubles[id * DOUBLES + DELIVERED]
  }

  deliveredAtThen(id: number): number {
    return this.#doubles[id * DOUBLES + DELIVERED_AT]
  }

  firstSentAtThen(id: number): number {
    return this.#doubles[id * DOUBLES + FIRST_SENT_AT]
  }

  lostThen(id: number): number {
    return this.#doubles[id * DOUBLES + LOST_THEN]
  }

  txInFlight(id: number): number {
    return this.#ints[id * INTS + TX_IN_FLIGHT]
  }

  /** What delivery-rate.ts wants to know when the record is acknowledged. */
  stamp(id: number, delivered: number, deliveredAt: number, firstSentAt: number, lost: number, inFlight: number): void {
    const at = id * DOUBLES
    this.#doubles[at + DELIVERED] = delivered
    this.#doubles[at + DELIVERED_AT] = deliveredAt
    this.#doubles[at + FIRST_SENT_AT] = firstSentAt
    this.#doubles[at + LOST_THEN] = lost
    this.#ints[id * INTS + TX_IN_FLIGHT] = inFlight
  }

  /** The place of the record that holds `seq`; `count` where it lies beyond all. */
  find(seq: Seq): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (leq(this.end(this.at(middle)), seq)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The right edge of the highest range that the peer holds; `una` where it holds none. */
  highestSacked(una: Seq): Seq {
    const { held } = this
    return held.count > 0 ? held.right(held.count - 1) : una
  }

  // --- Records come and go ---

  /** [start, end) leaves now for the first time. */
  append(start: Seq, end: Seq, segments: number, now: number, pool: RecordPool): number {
    if (this.count === this.#order.length) this.#grow(pool)
    const id = this.#allocate()
    const at = id * INTS
    this.#ints[at + START] = start
    this.#ints[at + END] = end
    this.#ints[at + FLAGS] = 0
    this.#ints[at + SEGMENTS] = segments
    this.#doubles[id * DOUBLES + SENT_AT] = now
    this.#order[(this.#first + this.count) & this.#mask] = id
    this.count++
    this.sent += segments
    this.#linkNewest(id)
    return id
  }

  /** The first record has been acknowledged as a whole. */
  removeFirst(): void {
    const id = this.#order[this.#first]
    this.#uncount(id, this.segments(id))
    this.#unlink(id)
    this.#first = (this.#first + 1) & this.#mask
    this.count--
    this.#ints[id * INTS + NEXT] = this.#free
    this.#free = id
  }

  /** Everything has been acknowledged: the block goes back. */
  releaseBlock(pool: RecordPool): void {
    pool.release(this.#block)
    this.#use(NO_RECORDS)
    this.#first = 0
    this.#free = -1
    this.#used = 0
  }

  /** The connection is at an end. */
  clear(pool: RecordPool): void {
    this.count = 0
    this.oldest = this.newest = -1
    this.firstLost = this.#lastLost = this.#latestLost = -1
    this.sent = this.sacked = this.lost = this.resent = 0
    this.held.clear()
    this.releaseBlock(pool)
  }

  /** The first record is acknowledged up to `seq`: what is left counts for `segments`. */
  trimFirst(seq: Seq, segments: number): void {
    const id = this.#order[this.#first]
    this.#uncount(id, this.segments(id) - segments)
    this.#ints[id * INTS + START] = seq
    this.#ints[id * INTS + SEGMENTS] = segments
  }

  /** Cuts a record in two that share all but their bytes. */
  split(place: number, seq: Seq, left: number, right: number, pool: RecordPool): void {
    if (this.count === this.#order.length) this.#grow(pool)
    const id = this.at(place)
    const tail = this.#allocate()
    const ints = this.#ints
    ints.copyWithin(tail * INTS, id * INTS, id * INTS + INTS)
    this.#doubles.copyWithin(tail * DOUBLES, id * DOUBLES, id * DOUBLES + DOUBLES)
    ints[id * INTS + END] = seq
    ints[tail * INTS + START] = seq
    this.#uncount(id, this.segments(id) - left - right)
    ints[id * INTS + SEGMENTS] = left
    ints[tail * INTS + SEGMENTS] = right
    this.#openPlace(place + 1, tail)
    const lists = ints[id * INTS + FLAGS] & (IN_FLIGHT_LIST | LOST_LIST)
    if (lists === 0) return
    ints[tail * INTS + PREVIOUS] = id
    const next = ints[id * INTS + NEXT]
    ints[id * INTS + NEXT] = tail
    if (next >= 0) ints[next * INTS + PREVIOUS] = tail
    else if (lists === IN_FLIGHT_LIST) this.newest = tail
    else this.#lastLost = tail
  }

  /** The record after `place` becomes part of it: the two go again as one, which counts for `segments`. */
  join(place: number, segments: number): void {
    const id = this.at(place)
    const gone = this.at(place + 1)
    this.#uncount(gone, this.segments(gone))
    this.#unlink(gone)
    this.#uncount(id, this.segments(id) - segments)
    this.#ints[id * INTS + SEGMENTS] = segments
    this.#ints[id * INTS + END] = this.end(gone)
    this.#ints[id * INTS + FLAGS] |= this.flags(gone) & EVER_RESENT
    this.#closePlace(place + 1)
    this.#ints[gone * INTS + NEXT] = this.#free
    this.#free = gone
  }

  // --- What becomes of a record ---

  /** The peer holds it. */
  sack(id: number): void {
    const at = id * INTS
    const segments = this.#ints[at + SEGMENTS]
    this.#uncountRepair(id, segments)
    this.#ints[at + FLAGS] = (this.#ints[at + FLAGS] & ~(LOST | RESENT)) | SACKED
    this.sacked += segments
    this.#unlink(id)
  }

  /** It is lost: the first time, or again. */
  lose(id: number): void {
    const at = id * INTS
    const segments = this.#ints[at + SEGMENTS]
    this.#uncountRepair(id, segments)
    this.#ints[at + FLAGS] = (this.#ints[at + FLAGS] & ~RESENT) | LOST
    this.lost += segments
    this.#unlink(id)
    this.#linkLost(id)
  }

  /** It leaves again. A probe was not known to be lost, and is not counted as such. */
  resend(id: number, now: number): void {
    const at = id * INTS
    if ((this.#ints[at + FLAGS] & (LOST | RESENT)) === LOST) {
      this.#ints[at + FLAGS] |= RESENT
      this.resent += this.#ints[at + SEGMENTS]
    }
    this.#ints[at + FLAGS] = (this.#ints[at + FLAGS] | EVER_RESENT) & ~(SAMPLED | APP_LIMITED)
    this.#doubles[id * DOUBLES + SENT_AT] = now
    this.#unlink(id)
    this.#linkNewest(id)
  }

  /** A repetition of it, though not held for lost any more, has left the network: a duplicate is reported. */
  landed(id: number): void {
    const at = id * INTS
    if ((this.#ints[at + FLAGS] & (LOST | RESENT)) !== RESENT) return
    this.#ints[at + FLAGS] &= ~RESENT
    this.resent -= this.#ints[at + SEGMENTS]
  }

  /** Nothing was lost after all: what was held for lost is in flight, by when it was sent. */
  unloseAll(): void {
    for (let place = 0; place < this.count && this.lost > 0; place++) {
      const id = this.at(place)
      const flags = this.flags(id)
      if ((flags & LOST) === 0) continue
      this.lost -= this.segments(id)
      this.#ints[id * INTS + FLAGS] &= ~LOST
      if ((flags & IN_FLIGHT_LIST) !== 0) continue
      this.#unlink(id)
      this.#linkByTime(id)
    }
  }

  /** The peer has thrown away what it had said it holds (RFC 2018 §8). */
  renege(): void {
    this.held.clear()
    this.sacked = 0
    for (let place = 0; place < this.count; place++) {
      const id = this.at(place)
      if ((this.flags(id) & SACKED) === 0) continue
      this.#ints[id * INTS + FLAGS] &= ~SACKED
      this.#linkByTime(id)
    }
  }

  // --- Within ---

  #uncount(id: number, segments: number): void {
    this.sent -= segments
    if ((this.#ints[id * INTS + FLAGS] & SACKED) !== 0) this.sacked -= segments
    this.#uncountRepair(id, segments)
  }

  #uncountRepair(id: number, segments: number): void {
    const flags = this.#ints[id * INTS + FLAGS]
    if ((flags & LOST) !== 0) this.lost -= segments
    if ((flags & RESENT) !== 0) this.resent -= segments
  }

  #allocate(): number {
    const id = this.#free
    if (id < 0) return this.#used++
    this.#free = this.#ints[id * INTS + NEXT]
    return id
  }

  #use(block: RecordBlock): void {
    this.#block = block
    this.#ints = block.ints
    this.#doubles = block.doubles
    this.#order = block.order
    this.#mask = block.capacity - 1
  }

  #grow(pool: RecordPool): void {
    const old = this.#block
    const block = pool.take(Math.max(1, 2 * old.capacity))
    if (old.capacity > 0) {
      block.ints.set(old.ints)
      block.doubles.set(old.doubles)
    }
    for (let place = 0; place < this.count; place++) block.order[place] = this.at(place)
    this.#first = 0
    this.#use(block)
    pool.release(old)
  }

  /** Makes room in the order, by moving the shorter side. */
  #openPlace(place: number, id: number): void {
    const order = this.#order
    const mask = this.#mask
    if (2 * place < this.count) {
      this.#first = (this.#first - 1) & mask
      for (let i = 0; i < place; i++) order[(this.#first + i) & mask] = order[(this.#first + i + 1) & mask]
    } else {
      for (let i = this.count; i > place; i--) order[(this.#first + i) & mask] = order[(this.#first + i - 1) & mask]
    }
    order[(this.#first + place) & mask] = id
    this.count++
  }

  #closePlace(place: number): void {
    const order = this.#order
    const mask = this.#mask
    this.count--
    if (2 * place < this.count) {
      for (let i = place; i > 0; i--) order[(this.#first + i) & mask] = order[(this.#first + i - 1) & mask]
      this.#first = (this.#first + 1) & mask
    } else {
      for (let i = place; i < this.count; i++) order[(this.#first + i) & mask] = order[(this.#first + i + 1) & mask]
    }
  }

  #unlink(id: number): void {
    const ints = this.#ints
    const at = id * INTS
    const lists = ints[at + FLAGS] & (IN_FLIGHT_LIST | LOST_LIST)
    if (lists === 0) return
    ints[at + FLAGS] &= ~lists
    const next = ints[at + NEXT]
    const previous = ints[at + PREVIOUS]
    if (previous >= 0) ints[previous * INTS + NEXT] = next
    if (next >= 0) ints[next * INTS + PREVIOUS] = previous
    if (lists === IN_FLIGHT_LIST) {
      if (previous < 0) this.oldest = next
      if (next < 0) this.newest = previous
      return
    }
    if (previous < 0) this.firstLost = next
    if (next < 0) this.#lastLost = previous
    if (this.#latestLost === id) this.#latestLost = previous >= 0 ? previous : next
  }

  #linkNewest(id: number): void {
    const ints = this.#ints
    const at = id * INTS
    ints[at + FLAGS] |= IN_FLIGHT_LIST
    ints[at + NEXT] = -1
    ints[at + PREVIOUS] = this.newest
    if (this.newest >= 0) ints[this.newest * INTS + NEXT] = id
    else this.oldest = id
    this.newest = id
  }

  #linkByTime(id: number): void {
    const when = this.sentAt(id)
    let after = this.newest
    while (after >= 0 && this.#isSentAfter(after, when, this.end(id))) after = this.#ints[after * INTS + PREVIOUS]
    this.#linkAfter(id, after, IN_FLIGHT_LIST)
  }

  #isSentAfter(id: number, when: number, end: Seq): boolean {
    const at = this.sentAt(id)
    return at > when || (at === when && lt(end, this.end(id)))
  }

  /** Losses are found in runs: the place is near the one before. */
  #linkLost(id: number): void {
    const ints = this.#ints
    const start = this.start(id)
    let after = this.#lastLost
    if (after >= 0 && lt(start, this.start(after))) {
      if (lt(start, this.start(this.firstLost))) after = -1
      else {
        after = this.#latestLost
        while (lt(start, this.start(after))) after = ints[after * INTS + PREVIOUS]
        for (let next = ints[after * INTS + NEXT]; lt(this.start(next), start); next = ints[after * INTS + NEXT])
          after = next
      }
    }
    this.#linkAfter(id, after, LOST_LIST)
    this.#latestLost = id
  }

  #linkAfter(id: number, after: number, list: number): void {
    const ints = this.#ints
    const at = id * INTS
    const isFlying = list === IN_FLIGHT_LIST
    const next = after >= 0 ? ints[after * INTS + NEXT] : isFlying ? this.oldest : this.firstLost
    ints[at + FLAGS] |= list
    ints[at + PREVIOUS] = after
    ints[at + NEXT] = next
    if (next >= 0) ints[next * INTS + PREVIOUS] = id
    else if (isFlying) this.newest = id
    else this.#lastLost = id
    if (after >= 0) ints[after * INTS + NEXT] = id
    else if (isFlying) this.oldest = id
    else this.firstLost = id
  }
}

/** What a run of `bytes` counts for. A FIN alone is a segment too. */
export const segmentsOf = (bytes: number, smss: number): number => (bytes <= smss ? 1 : Math.ceil(bytes / smss))
