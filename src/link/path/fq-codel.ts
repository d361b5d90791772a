// FQ-CoDel (RFC 8290): packets are sorted by a hash of their flow into queues that each have CoDel's law, and the queues
// take turns, a quantum of bytes each. Queues that were empty a moment ago go first. Where the whole is full, the head of the
// longest queue is dropped.

import { PROTOCOL_TCP } from '../../wire/ipv4.ts'
import { CoDelLaw, type CoDelSettings } from './codel.ts'
import type { PacketPool } from './packets.ts'
import { PacketList, type Queue, type QueueEnd } from './queue.ts'

const PROTOCOL_UDP = 17
/** Of the longest queue, so many go at a time: half of it, but no more than this (§4.1). */
const MOST_AT_ONCE = 64

class Flow {
  deficit = 0
  /** It is in one of the two lists. */
  isActive = false
  next: Flow | undefined = undefined
  readonly list: PacketList
  readonly law: CoDelLaw

  constructor(end: QueueEnd, set: CoDelSettings) {
    this.list = new PacketList(end.pool)
    this.law = new CoDelLaw(this.list, end, set)
  }
}

class FlowList {
  head: Flow | undefined = undefined
  #tail: Flow | undefined = undefined

  push(flow: Flow): void {
    flow.next = undefined
    if (this.#tail === undefined) this.head = flow
    else this.#tail.next = flow
    this.#tail = flow
  }

  shift(): void {
    this.head = this.head?.next
    if (this.head === undefined) this.#tail = undefined
  }
}

export class FqCoDel implements Queue {
  packets = 0
  bytes = 0
  readonly #flows: (Flow | undefined)[]
  readonly #new = new FlowList()
  readonly #old = new FlowList()
  readonly #end: QueueEnd
  readonly #set: CoDelSettings
  readonly #salt: number
  /** Bytes that a queue sends in its turn. */
  readonly #quantum: number

  constructor(end: QueueEnd, salt: number, set: CoDelSettings, queues: number, quantum: number) {
    this.#end = end
    this.#salt = salt
    this.#set = set
    this.#flows = new Array<Flow | undefined>(queues).fill(undefined)
    this.#quantum = quantum
  }

  /** §4.1. */
  enqueue(id: number, now: number): void {
    const index = hashOf(this.#end.pool, id, this.#salt) % this.#flows.length
    const flow = (this.#flows[index] ??= new Flow(this.#end, this.#set))
    const length = this.#end.pool.length[id]
    this.#end.pool.since[id] = now
    flow.list.push(id)
    this.packets++
    this.bytes += length
    if (!flow.isActive) {
      flow.isActive = true
      flow.deficit = this.#quantum
      this.#new.push(flow)
    }
    const { linePackets, lineBytes } = this.#end
    if (this.packets + linePackets > this.#set.packets || this.bytes + lineBytes > this.#set.bytes) this.#dropLongest()
  }

  /** §4.2. */
  dequeue(now: number): number {
    for (;;) {
      const isNew = this.#new.head !== undefined
      const from = isNew ? this.#new : this.#old
      const flow = from.head
      if (flow === undefined) return -1
      if (flow.deficit <= 0) {
        flow.deficit += this.#quantum
        from.shift()
        this.#old.push(flow)
        continue
      }
      const { packets, bytes } = flow.list
      const id = flow.law.dequeue(now)
      this.packets -= packets - flow.list.packets
      this.bytes -= bytes - flow.list.bytes
      if (id >= 0) {
        flow.deficit -= this.#end.pool.length[id]
        return id
      }
      // An empty new queue waits for a round among the old ones: else it could come back as new and starve them.
      from.shift()
      if (isNew) this.#old.push(flow)
      else flow.isActive = false
    }
  }

  #dropLongest(): void {
    let longest: PacketList | undefined
    for (const flow of this.#flows) {
      if (flow !== undefined && flow.list.bytes > (longest?.bytes ?? 0)) longest = flow.list
    }
    if (longest === undefined) return
    const count = Math.min(MOST_AT_ONCE, (longest.packets + 1) >> 1)
    for (let i = 0; i < count; i++) {
      const id = longest.shift()
      this.packets--
      this.bytes -= this.#end.pool.length[id]
      this.#end.drop(id, false)
    }
  }
}

/** Of addresses, protocol and ports (§4.1.1): uint32. */
function hashOf(pool: PacketPool, id: number, salt: number): number {
  const { view } = pool.regions[pool.region[id]]
  const at = pool.offset[id]
  const protocol = view.getUint8(at + 9)
  const isFragment = (view.getUint16(at + 6) & 0x1fff) !== 0
  const hasPorts = (protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP) && !isFragment
  const ports = hasPorts ? view.getInt32(at + ((view.getUint8(at) & 15) << 2)) : 0
  let hash = mix(salt ^ view.getInt32(at + 12))
  hash = mix(hash ^ view.getInt32(at + 16))
  return mix(hash ^ ports ^ protocol) >>> 0
}

/** The finisher of MurmurHash3. */
function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return word ^ (word >>> 16)
}
