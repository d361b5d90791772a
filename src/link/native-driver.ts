// What the links on the addon's drivers share: batches in, batches out, and counters that lie in memory of both sides.

import type { Addon, DriverClass, NativeDriver } from '../native/addon.ts'
import { TxBatches } from '../native/tx-batches.ts'
import { uncleared } from '../native/uncleared.ts'
import { flag, int } from '../options.ts'
import type { Counters } from '../stats.ts'
import { type LinkReceiver, RxBatch, type TxBatch } from './link.ts'

/** A batch of received packets, each in a slot that holds the largest there is: GRO hands over 64 KiB at once. */
const RX_SLOTS = 64
/**
 * Beside the largest packet, room for what the reader is given with its text (tcp/arena.ts). Not a power of two: slots a multiple of
 * 64 KiB apart would all have their headers in the same set of each cache. Small enough for malloc's heap.
 */
const RX_SLOT_BYTES = 65536 + 2048 + 192

/** What every link on a driver of the addon can be asked for. */
export const driverOptions = {
  /** Consecutive segments of a connection that have come in one batch are handed over as one. */
  joinSegments: flag({ default: true }),
  /**
   * For so long after a packet, in or out, the event loop looks for the next one without sleeping, milliseconds. It takes a whole core,
   * and spares each packet the wake-up; where the peer's process has to share that core, it only takes away its time.
   */
  busyPollMs: int({ default: 0, min: 0, max: 3_600_000 }),
  /**
   * The same, microseconds, only where one packet has followed another within that time, and given up where it is in vain again and
   * again: short messages that go back and forth take a third of the time.
   */
  closePollUs: int({ default: 50, min: 0, max: 10_000_000 })
}

export interface DriverLinkOptions {
  readonly joinSegments?: boolean
  readonly busyPollMs?: number
  readonly closePollUs?: number
}

export class DriverLink<Native extends NativeDriver> {
  readonly native: Native
  readonly #counters: Float64Array
  readonly #counterNames: readonly string[]
  readonly #batches: TxBatches
  readonly #options: Required<DriverLinkOptions>
  #congested = false
  #closed = false

  constructor(addon: Addon, driver: DriverClass<Native>, options: Required<DriverLinkOptions>) {
    this.#options = options
    this.#counterNames = driver.counterNames
    this.#counters = new Float64Array(this.#counterNames.length)
    this.#batches = new TxBatches(addon)
    this.native = new driver(this.#counters)
  }

  get congested(): boolean {
    return this.#congested
  }

  get isClosed(): boolean {
    return this.#closed
  }

  start(receiver: LinkReceiver): void {
    const batch = new RxBatch(
      Array.from({ length: RX_SLOTS }, () => uncleared(RX_SLOT_BYTES)),
      RX_SLOTS,
      slot => {
        batch.replace(slot, uncleared(RX_SLOT_BYTES))
        this.native.renewSlot(slot)
      }
    )
    this.native.start(
      batch.regions,
      batch.table,
      this.#options.joinSegments,
      this.#options.busyPollMs,
      this.#options.closePollUs,
      (count, queueFill) => {
        batch.count = count
        batch.queueFill = queueFill
        receiver.packetsArrived(batch)
      },
      () => {
        this.#congested = false
        receiver.linkWritable()
      }
    )
  }

  send(batch: TxBatch): void {
    if (batch.count === 0 || this.#closed) return
    this.#congested = this.native.send(this.#batches.nativeOf(batch), batch.count)
  }

  counters(): Counters {
    return Object.fromEntries(this.#counterNames.map((name, i) => [name, this.#counters[i]]))
  }

  /** One of them, without making an object of all. */
  counter(name: string): () => number {
    const index = this.#counterNames.indexOf(name)
    return () => this.#counters[index]
  }

  /** May come twice. */
  close(): void {
    this.#closed = true
    this.#congested = false
    this.native.close()
  }
}
