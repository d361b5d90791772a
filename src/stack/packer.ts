// Keeps the number of whole connections down: where there are more than `wholeConnections`, those that have done nothing for longest
// are packed (tcp/packed.ts), a few at the end of each turn, in proportion to how many have come. Nothing is scanned and no timer is
// set: the list of whole ones goes round, and who was busy since it was last at the front goes to the end of it (second chance).

import { Cubic } from '../tcp/congestion/cubic.ts'
import { mayBePacked, PackedRows, type PackedTcb, pack, unpack } from '../tcp/packed.ts'
import { Tcb } from '../tcp/tcb.ts'
import type { Connection } from './connection.ts'
import type { ConnectionTable } from './table.ts'

/** Records that were packed are used again for those that are unpacked: where connections take turns, no garbage is made. */
const MOST_SPARE = 256
/** A question and its answer: who had no more since its last look is not busy. */
const FEW_SEGMENTS = 4

interface Counts {
  packed: number
  unpacked: number
}

export class Packer {
  readonly #table: ConnectionTable
  readonly #counters: Counts
  readonly #limit: number
  readonly rows = new PackedRows()
  readonly #spare: Tcb[] = []
  /** Whole ones at the end of the turn before. */
  #countBefore = 0

  constructor(table: ConnectionTable, counters: Counts, limit: number) {
    this.#table = table
    this.#counters = counters
    this.#limit = limit
  }

  /** The end of a turn: nobody is at work on any connection. */
  packIdle(): void {
    const { whole } = this.#table
    const more = Math.max(0, whole.count - this.#countBefore)
    for (let looks = 1 + 2 * more; looks > 0 && whole.count > this.#limit; looks--) this.#look()
    this.#countBefore = whole.count
  }

  unpack(packed: PackedTcb): Tcb {
    const tcb = this.#spare.pop() ?? new Tcb(packed.options, packed.congestion ?? new Cubic(), 0)
    this.#counters.unpacked++
    unpack(packed, tcb, this.rows)
    ;(tcb.user as Connection).hold(tcb)
    this.#table.replace(packed, tcb)
    return tcb
  }

  #look(): void {
    const { whole } = this.#table
    const slot = whole.first
    const tcb = this.#table.at(slot) as Tcb
    const segments = tcb.segmentsSent + tcb.segmentsReceived
    if (whole.segmentsSince(slot, segments) > FEW_SEGMENTS || !mayBePacked(tcb)) {
      whole.remove(slot)
      whole.push(slot, segments)
      return
    }
    this.#counters.packed++
    const packed = pack(tcb, this.rows)
    ;(packed.user as Connection).hold(packed)
    this.#table.replace(tcb, packed)
    this.#table.arm(packed, tcb.keepAliveAt)
    if (this.#spare.length < MOST_SPARE) this.#spare.push(tcb)
  }
}
