// The way from one end of a pair to the other. Without impairments a packet is copied once, into the batch that its
// receiver is handed at the end of the sender's turn, never inside send(). With them it goes by a channel (path/channel.ts).

import type { Host, HostTimer } from '../host.ts'
import type { Random } from '../random.ts'
import type { Counters } from '../stats.ts'
import { BatchQueue } from './batches.ts'
import { countPieces, type Gather, gatheredLength, packetLength } from './gather.ts'
import { type Impairments, toChannelOptions } from './impairments.ts'
import {
  type LinkReceiver,
  RX_CHECKSUM,
  RX_LENGTH,
  RX_OFFSET,
  RX_STRIDE,
  type RxBatch,
  TX_HEADER_LENGTH,
  TX_SEGMENT,
  TX_STRIDE,
  type TxBatch
} from './link.ts'
import { Channel } from './path/channel.ts'
import { PacketPool } from './path/packets.ts'

/** Looks at each packet of a batch, and writes what its checksum says into its descriptor. */
export type Verify = (batch: RxBatch) => void

/** So many bytes on their way in one turn, and the sender is asked to wait. */
const CONGESTED_BYTES = 512 * 1024
/** So many, and packets are lost: who does not wait has a limit too. */
const QUEUE_LIMIT_BYTES = 16 * 1024 * 1024
/** A channel holds no more than this, however long its delay. */
const UNDER_WAY_LIMIT_BYTES = 256 * 1024 * 1024

/** From one end to the other. */
export class Direction {
  /** At the far end; undefined before it starts and after it was closed. */
  receiver: LinkReceiver | undefined = undefined
  /** At the near end. */
  sender: LinkReceiver | undefined = undefined
  packetsDelivered = 0
  bytesDelivered = 0

  #packetsSent = 0
  #bytesSent = 0
  #tooLarge = 0
  #queueFull = 0
  #cableDown = 0
  #notReceiving = 0

  #up = true
  #closed = false
  /** Holds from the packet that was too much until all have been handed over. */
  #congested = false
  #turnOwed = false
  #timer: HostTimer | undefined = undefined
  #timerAt = Infinity
  readonly #host: Host
  readonly #mtu: number
  /** `assemble` makes several packets of a super-segment. */
  readonly #cuts: boolean
  readonly #assemble: Gather
  readonly #verify: Verify | undefined
  readonly #pool: PacketPool
  readonly #channel: Channel
  /** What arrives at the end of this turn. */
  readonly #arriving = new BatchQueue()
  /** Where packets are put together that have to go by the channel. */
  readonly #assembled = new BatchQueue()
  // Made once: a closure a turn would be garbage a turn.
  readonly #turn = (): void => this.#endTurn()
  readonly #arrivalDue = (): void => this.#arrive()
  readonly #handOver = (batch: RxBatch): void => this.#deliver(batch)
  readonly #launch = (batch: RxBatch): void => this.#launchAll(batch)

  constructor(
    host: Host,
    random: Random,
    mtu: number,
    assemble: Gather,
    verify: Verify | undefined,
    cuts: boolean,
    impairments: Impairments
  ) {
    this.#cuts = cuts
    this.#host = host
    this.#mtu = mtu
    this.#assemble = assemble
    this.#verify = verify
    this.#pool = new PacketPool(mtu, UNDER_WAY_LIMIT_BYTES)
    this.#channel = new Channel(this.#pool, random, toChannelOptions(impairments, {}))
  }

  get congested(): boolean {
    return this.#congested
  }

  send(batch: TxBatch): void {
    if (batch.count === 0 || this.#closed) return
    if (!this.#up) {
      this.#cableDown += batch.count
      return
    }
    const tooLarge = this.#tooLarge
    const before = this.#packetsSent + tooLarge
    const room = this.#countSent(batch)
    const packets = this.#packetsSent + this.#tooLarge - before
    const limit = this.#tooLarge === tooLarge ? Infinity : this.#mtu
    if (!this.#channel.isClear) {
      this.#assembled.gather(batch, packets, room, limit, this.#assemble)
      this.#assembled.deliver(this.#launch)
      this.#awaitArrival()
    } else if (this.#arriving.bytes + room > QUEUE_LIMIT_BYTES) {
      this.#queueFull += packets
    } else {
      this.#arriving.gather(batch, packets, room, limit, this.#assemble)
      if (this.#arriving.bytes >= CONGESTED_BYTES) this.#congested = true
      this.#oweTurn()
    }
  }

  impair(changes: Impairments): void {
    this.#channel.set(toChannelOptions(changes, this.#channel.queueOptions), this.#host.now())
    this.#awaitArrival()
  }

  setUp(up: boolean): void {
    this.#up = up
    if (!up) this.#cableDown += this.#loseAll()
  }

  close(): void {
    this.#closed = true
  }

  counters(): Counters {
    return {
      ...this.#channel.counters(),
      packetsSent: this.#packetsSent,
      bytesSent: this.#bytesSent,
      droppedQueueFull: this.#queueFull + this.#channel.queueFull,
      droppedTooLarge: this.#tooLarge,
      droppedDown: this.#cableDown,
      droppedNotReceiving: this.#notReceiving
    }
  }

  /** Answers the room that the whole batch takes. */
  #countSent(batch: TxBatch): number {
    let room = 0
    for (let i = 0; i < batch.count; i++) {
      const length = packetLength(batch.table, i)
      const pieces = this.#cuts ? countPieces(batch.table, i) : 1
      if (pieces > 1) {
        room += this.#countPieces(batch.table, i, length, pieces)
        continue
      }
      room += gatheredLength(length)
      if (length > this.#mtu) this.#tooLarge++
      else {
        this.#packetsSent++
        this.#bytesSent += length
      }
    }
    return room
  }

  /** All but the last are of full size, each has headers of its own, and all are as long as the link carries. */
  #countPieces(table: Int32Array, index: number, length: number, pieces: number): number {
    const header = table[index * TX_STRIDE + TX_HEADER_LENGTH]
    const full = header + table[index * TX_STRIDE + TX_SEGMENT]
    const bytes = length + (pieces - 1) * header
    this.#packetsSent += pieces
    this.#bytesSent += bytes
    return (pieces - 1) * gatheredLength(full) + gatheredLength(bytes - (pieces - 1) * full)
  }

  #launchAll(batch: RxBatch): void {
    const now = this.#host.now()
    for (let i = 0; i < batch.count; i++) {
      const row = i * RX_STRIDE
      const offset = batch.table[row + RX_OFFSET]
      const length = batch.table[row + RX_LENGTH]
      const id = this.#pool.allocate(length)
      if (id < 0) {
        this.#queueFull++
        continue
      }
      this.#pool.bytesOf(id).set(batch.bytes.subarray(offset, offset + length))
      this.#pool.checksum[id] = batch.table[row + RX_CHECKSUM]
      this.#channel.send(id, now)
    }
  }

  #oweTurn(): void {
    if (this.#turnOwed) return
    this.#turnOwed = true
    this.#host.defer(this.#turn)
  }

  #endTurn(): void {
    this.#turnOwed = false
    this.#arrive()
  }

  #awaitArrival(): void {
    const at = this.#channel.nextEvent
    if (at === Infinity) return
    if (at <= this.#host.now()) this.#oweTurn()
    else if (at < this.#timerAt) {
      this.#timer?.cancel()
      this.#timerAt = at
      this.#timer = this.#host.at(at, this.#arrivalDue)
    }
  }

  #arrive(): void {
    // Where no packet goes by the channel nobody asks for the time.
    const isDirect = this.#timerAt === Infinity && this.#channel.isEmpty
    if (!isDirect) this.#land()
    this.#arriving.deliver(this.#handOver)
    if (!isDirect) this.#awaitArrival()
    if (!this.#congested || this.#arriving.bytes >= CONGESTED_BYTES) return
    this.#congested = false
    this.sender?.linkWritable()
  }

  /** Those that have been under way long enough. */
  #land(): void {
    const now = this.#host.now()
    if (this.#timerAt <= now) this.#timerAt = Infinity
    for (let id = this.#channel.take(now); id >= 0; id = this.#channel.take(now)) {
      this.#arriving.add(this.#pool.bytesOf(id), this.#pool.checksum[id])
      this.#pool.release(id)
    }
  }

  #deliver(batch: RxBatch): void {
    if (!this.#up) {
      this.#cableDown += batch.count
    } else if (this.receiver === undefined) {
      this.#notReceiving += batch.count
    } else {
      this.packetsDelivered += batch.count
      for (let i = 0; i < batch.count; i++) this.bytesDelivered += batch.table[i * RX_STRIDE + RX_LENGTH]
      this.#verify?.(batch)
      this.receiver.packetsArrived(batch)
    }
  }

  #loseAll(): number {
    const lost = this.#channel.clear(this.#host.now()) + this.#arriving.packets
    this.#arriving.clear()
    this.#timer?.cancel()
    this.#timerAt = Infinity
    return lost
  }
}
