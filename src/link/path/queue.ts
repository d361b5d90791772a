// A queue in front of a line: takes packets, drops or marks some, and says which goes next. The plain one is here: it
// takes what there is room for. red.ts, codel.ts and fq-codel.ts have the others; queues.ts makes them from options.

import type { PacketPool } from './packets.ts'

const NONE = -1

/** What a queue needs of the line that it stands in front of. */
export interface QueueEnd {
  readonly pool: PacketPool
  /** The packet that is on the line: it counts where room is counted. */
  readonly linePackets: number
  readonly lineBytes: number
  /** The packet is lost, by want of room or by decision. */
  drop(id: number, early: boolean): void
  /** Marks the packet for congestion; false where it cannot be marked. */
  mark(id: number): boolean
}

export interface Queue {
  /** Packets that wait, and their bytes. */
  readonly packets: number
  readonly bytes: number
  enqueue(id: number, now: number): void
  /** The packet that goes next, -1 for none. */
  dequeue(now: number): number
}

export interface Limits {
  readonly packets: number
  readonly bytes: number
}

/** Packets in a row, linked by the pool's `next`. */
export class PacketList {
  packets = 0
  bytes = 0
  #head = NONE
  #tail = NONE
  readonly #pool: PacketPool

  constructor(pool: PacketPool) {
    this.#pool = pool
  }

  get head(): number {
    return this.#head
  }

  push(id: number): void {
    const { next, length } = this.#pool
    next[id] = NONE
    if (this.#tail === NONE) this.#head = id
    else next[this.#tail] = id
    this.#tail = id
    this.packets++
    this.bytes += length[id]
  }

  /** -1 when empty. */
  shift(): number {
    const id = this.#head
    if (id === NONE) return NONE
    const { next, length } = this.#pool
    this.#head = next[id]
    if (this.#head === NONE) this.#tail = NONE
    this.packets--
    this.bytes -= length[id]
    return id
  }
}

/** Whether one more packet fits, the one on the line counted. */
export function hasRoom(list: Pick<Queue, 'packets' | 'bytes'>, end: QueueEnd, limits: Limits, id: number): boolean {
  return (
    list.packets + end.linePackets < limits.packets && list.bytes + end.lineBytes + end.pool.length[id] <= limits.bytes
  )
}

export interface DropTailSettings extends Limits {
  /** Packets that find so many in front of them are marked: the step that RFC 8257 §3.1 asks of a switch. */
  readonly markPackets: number
  readonly markBytes: number
}

/** First in, first out; what finds no room is lost. */
export class DropTail implements Queue {
  readonly #list: PacketList
  readonly #end: QueueEnd
  readonly #set: DropTailSettings

  constructor(end: QueueEnd, set: DropTailSettings) {
    this.#list = new PacketList(end.pool)
    this.#end = end
    this.#set = set
  }

  get packets(): number {
    return this.#list.packets
  }

  get bytes(): number {
    return this.#list.bytes
  }

  enqueue(id: number): void {
    const list = this.#list
    const set = this.#set
    if (!hasRoom(list, this.#end, set, id)) {
      this.#end.drop(id, false)
      return
    }
    if (list.packets >= set.markPackets || list.bytes >= set.markBytes) this.#end.mark(id)
    list.push(id)
  }

  dequeue(): number {
    return this.#list.shift()
  }
}
