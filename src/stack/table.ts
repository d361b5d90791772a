// The connections that there are, by slot number: whole ones, packed ones, half-open ones, those in TIME-WAIT. A slot carries the
// four-tuple in the demultiplexer, the timer in the wheel, and its share in holding the local port.

import { PackedTcb } from '../tcp/packed.ts'
import { SynReceived } from '../tcp/passive.ts'
import { Tcb } from '../tcp/tcb.ts'
import type { TimeWait } from '../tcp/time-wait.ts'
import { Demux } from './demux.ts'
import type { Ports } from './ports.ts'
import { TimerWheel } from './wheel.ts'
import { WholeList } from './whole-list.ts'

export type Entry = Tcb | PackedTcb | SynReceived | TimeWait

export interface Counts {
  readonly connections: number
  readonly halfOpen: number
  readonly timeWait: number
}

export class ConnectionTable {
  readonly whole = new WholeList()
  readonly #entries: (Entry | undefined)[] = []
  readonly #freeSlots: number[] = []
  /** Under which address each slot holds its port. */
  #holdKeys = new Int32Array(64)
  readonly #ports: Ports
  readonly #demux: Demux
  readonly #wheel: TimerWheel

  constructor(ports: Ports, entropy: (bytes: Uint8Array) => void, now: number) {
    this.#ports = ports
    this.#demux = new Demux(entropy)
    this.#wheel = new TimerWheel(now)
  }

  find(localAddress: number, localPort: number, remoteAddress: number, remotePort: number): Entry | undefined {
    const slot = this.#demux.find(localAddress, localPort, remoteAddress, remotePort)
    return slot < 0 ? undefined : this.#entries[slot]
  }

  get size(): number {
    return this.#demux.size
  }

  /** For look-ahead.ts: `guess` of the demultiplexer, and a word of each of what belongs to a slot. */
  guess(localAddress: number, remoteAddress: number, ports: number): number {
    return this.#demux.guess(localAddress, remoteAddress, ports)
  }

  touch(slot: number): number {
    return this.#demux.touch(slot) ^ this.#wheel.touch(slot) ^ this.whole.touch(slot)
  }

  at(slot: number): Entry | undefined {
    return this.#entries[slot]
  }

  /** Gives a connection its slot. `holdKey` is what `ports.hold` answered. */
  enter(entry: Entry, holdKey: number): void {
    const slot = this.#freeSlots.pop() ?? this.#entries.length
    entry.slot = slot
    this.#entries[slot] = entry
    if (slot >= this.#holdKeys.length) {
      const larger = new Int32Array(2 * this.#holdKeys.length)
      larger.set(this.#holdKeys)
      this.#holdKeys = larger
    }
    this.#holdKeys[slot] = holdKey
    if (entry instanceof Tcb) this.whole.push(slot, 0)
    this.#demux.insert(slot, entry.localAddress, entry.localPort, entry.remoteAddress, entry.remotePort)
  }

  /** The same connection in its next shape takes over the slot; its timer is not armed. */
  replace(old: Entry, entry: Entry): void {
    const slot = old.slot
    if (old instanceof Tcb) this.whole.remove(slot)
    old.slot = -1
    entry.slot = slot
    this.#entries[slot] = entry
    if (entry instanceof Tcb) this.whole.push(slot, entry.segmentsSent + entry.segmentsReceived)
    this.#wheel.disarm(slot)
  }

  leave(entry: Entry): void {
    const slot = entry.slot
    if (slot < 0) return
    if (entry instanceof Tcb) this.whole.remove(slot)
    entry.slot = -1
    this.#demux.remove(slot)
    this.#wheel.disarm(slot)
    this.#ports.letGo(this.#holdKeys[slot], entry.localPort)
    this.#entries[slot] = undefined
    this.#freeSlots.push(slot)
  }

  /** Its timer fires at `deadline` (ms), or before: `fire` looks whether it has come. */
  arm(entry: Entry, deadline: number): void {
    if (entry.slot >= 0) this.#wheel.arm(entry.slot, deadline)
  }

  get nextDeadline(): number {
    return this.#wheel.nextAt
  }

  fire(now: number, each: (entry: Entry) => void): void {
    this.#wheel.advance(now, slot => {
      const entry = this.#entries[slot]
      if (entry !== undefined) each(entry)
    })
  }

  all(): Entry[] {
    return this.#entries.filter(entry => entry !== undefined)
  }

  counts(): Counts {
    let connections = 0
    let halfOpen = 0
    for (const entry of this.#entries) {
      if (entry instanceof Tcb || entry instanceof PackedTcb) connections++
      else if (entry instanceof SynReceived) halfOpen++
    }
    return { connections, halfOpen, timeWait: this.#demux.size - connections - halfOpen }
  }
}
