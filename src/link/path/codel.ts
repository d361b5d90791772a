// CoDel (RFC 8289): a queue whose packets have all waited longer than `targetMs` for `intervalMs` drops one at its head, and
// then the next ones at shorter and shorter intervals,
//
//     drop_next <- drop_next + interval / sqrt(count)
//
// until one has waited less. The names are those of §5 there; `ecn` marks instead of dropping where a packet can be marked.

import { hasRoom, type Limits, PacketList, type Queue, type QueueEnd } from './queue.ts'

export interface CoDelSettings extends Limits {
  readonly targetMs: number
  readonly intervalMs: number
  readonly ecn: boolean
  /** Bytes: as long as no more than one packet waits, nothing is dropped. */
  readonly maxPacket: number
}

/** The law of §5 over a list of packets that somebody else fills: FQ-CoDel has one for each flow. */
export class CoDelLaw {
  /** When the sojourn time will have been above the target for an interval; 0 while it is below. */
  #firstAboveTime = 0
  #dropping = false
  #dropNext = 0
  #count = 0
  #lastCount = 0
  /** The head of the list may be dropped: the second answer of `#take`. */
  #okToDrop = false
  readonly #list: PacketList
  readonly #end: QueueEnd
  readonly #set: CoDelSettings

  constructor(list: PacketList, end: QueueEnd, set: CoDelSettings) {
    this.#list = list
    this.#end = end
    this.#set = set
  }

  /** dequeue() of §5. */
  dequeue(now: number): number {
    let id = this.#take(now)
    if (this.#dropping) {
      if (!this.#okToDrop) this.#dropping = false
      while (this.#dropping && now >= this.#dropNext) {
        this.#count++
        if (this.#marks(id)) {
          this.#dropNext = this.#controlLaw(this.#dropNext)
          return id
        }
        this.#end.drop(id, true)
        id = this.#take(now)
        if (!this.#okToDrop) this.#dropping = false
        else this.#dropNext = this.#controlLaw(this.#dropNext)
      }
    } else if (this.#okToDrop) {
      if (!this.#marks(id)) {
        this.#end.drop(id, true)
        id = this.#take(now)
      }
      this.#dropping = true
      // What was found to control the queue a short while ago is where to begin (§5).
      const delta = this.#count - this.#lastCount
      const isRecent = now - this.#dropNext < 16 * this.#set.intervalMs
      this.#count = delta > 1 && isRecent ? delta : 1
      this.#dropNext = this.#controlLaw(now)
      this.#lastCount = this.#count
    }
    return id
  }

  /** dodequeue() of §5: the packet at the head, and in `#okToDrop` whether the queue has been too slow for an interval. */
  #take(now: number): number {
    const id = this.#list.shift()
    this.#okToDrop = false
    if (id < 0) {
      this.#firstAboveTime = 0
      return id
    }
    const sojourn = now - this.#end.pool.since[id]
    if (sojourn < this.#set.targetMs || this.#list.bytes <= this.#set.maxPacket) this.#firstAboveTime = 0
    else if (this.#firstAboveTime === 0) this.#firstAboveTime = now + this.#set.intervalMs
    else this.#okToDrop = now >= this.#firstAboveTime
    return id
  }

  #controlLaw(time: number): number {
    return time + this.#set.intervalMs / Math.sqrt(this.#count)
  }

  #marks(id: number): boolean {
    return this.#set.ecn && this.#end.mark(id)
  }
}

export class CoDel implements Queue {
  readonly #list: PacketList
  readonly #law: CoDelLaw
  readonly #end: QueueEnd
  readonly #set: CoDelSettings

  constructor(end: QueueEnd, set: CoDelSettings) {
    this.#list = new PacketList(end.pool)
    this.#law = new CoDelLaw(this.#list, end, set)
    this.#end = end
    this.#set = set
  }

  get packets(): number {
    return this.#list.packets
  }

  get bytes(): number {
    return this.#list.bytes
  }

  enqueue(id: number, now: number): void {
    if (!hasRoom(this.#list, this.#end, this.#set, id)) {
      this.#end.drop(id, false)
      return
    }
    this.#end.pool.since[id] = now
    this.#list.push(id)
  }

  dequeue(now: number): number {
    return this.#law.dequeue(now)
  }
}
