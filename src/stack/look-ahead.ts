// Where there are more connections than a cache holds, each segment finds that nothing of its connection is in there, and waits for one
// line of memory after another. So of the packets of a batch the first words of what each will need are read one after the other
// before anything is decided: the processor waits for many of them at once. Nothing depends on what is read here.

import { RX_LENGTH, RX_OFFSET, RX_REGION, RX_STRIDE, type RxBatch } from '../link/link.ts'
import { type PackedRows, PackedTcb } from '../tcp/packed.ts'
import type { Connection } from './connection.ts'
import type { ConnectionTable } from './table.ts'

/** Of a batch at once: what is read has to be in the cache still when its turn comes. */
export const LOOK_AHEAD_PACKETS = 64
/** So many connections fit into a second-level cache more or less. */
const FEW_CONNECTIONS = 2048
/** The IPv4 header and the ports. */
const LEAST_BYTES = 24

export class LookAhead {
  readonly #table: ConnectionTable
  readonly #rows: PackedRows
  readonly #slots = new Int32Array(LOOK_AHEAD_PACKETS)
  /** Of all that was read: else the compiler would leave out what nobody uses. */
  sum = 0

  constructor(table: ConnectionTable, rows: PackedRows) {
    this.#table = table
    this.#rows = rows
  }

  /** The packets that come next, from the one at `from`. */
  look(batch: RxBatch, from: number): void {
    const end = Math.min(batch.count, from + LOOK_AHEAD_PACKETS)
    if (end - from < 2 || this.#table.size <= FEW_CONNECTIONS) return
    const count = this.#find(batch, from, end)
    const table = this.#table
    const slots = this.#slots
    let sum = 0
    for (let i = 0; i < count; i++) sum ^= table.touch(slots[i])
    for (let i = 0; i < count; i++) {
      const entry = table.at(slots[i])
      if (!(entry instanceof PackedTcb)) continue
      sum ^= this.#rows.touch(entry.row)
      if ((entry.user as Connection).isClosed) sum++
    }
    this.sum = sum
  }

  /** Fills #slots, without a look at the tuples; answers with how many. Neighbours of one connection are one. */
  #find({ views, table }: RxBatch, from: number, end: number): number {
    const slots = this.#slots
    let count = 0
    let last = -1
    for (let row = from * RX_STRIDE; row < end * RX_STRIDE; row += RX_STRIDE) {
      if (table[row + RX_LENGTH] < LEAST_BYTES) continue
      const at = table[row + RX_OFFSET]
      const view = views[table[row + RX_REGION]]
      const ports = view.getInt32(at + 20)
      const slot = this.#table.guess(view.getInt32(at + 16), view.getInt32(at + 12), (ports << 16) | (ports >>> 16))
      if (slot < 0 || slot === last) continue
      last = slot
      slots[count++] = slot
    }
    return count
  }
}
