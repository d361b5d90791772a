// Packets on their way into the package raw-socket, which sends one a turn of the loop and reads them only then: each
// is copied, whole, to memory that stays as it is until the package is done with it.

import type { Addon } from '../native/addon.ts'
import { TxBatches } from '../native/tx-batches.ts'
import { formatAddress } from '../wire/address.ts'
import { gatheredLength, packetLength } from './gather.ts'
import { RX_LENGTH, RX_OFFSET, RX_STRIDE, type TxBatch } from './link.ts'
import { codeOfText, type PackageSocket } from './raw-socket-package.ts'

/** So many bytes waiting, and the stack makes no new data. */
const CONGESTED_BYTES = 256 * 1024
/** So many, and packets are dropped. */
const LIMIT_BYTES = 4 * 1024 * 1024
const DESTINATION_AT = 16

export class RawSocketQueue {
  readonly counters = {
    sentPackets: 0,
    sentBytes: 0,
    sendQueueOverflows: 0,
    sendMalformed: 0,
    sendNotPermitted: 0,
    sendNetworkDown: 0,
    sendNetworkUnreachable: 0,
    sendHostUnreachable: 0,
    sendTooLarge: 0,
    sendInvalid: 0,
    sendOtherErrors: 0
  }
  congested = false
  readonly #addon: Addon
  readonly #batches: TxBatches
  readonly #socket: PackageSocket
  readonly #writable: () => void
  /** Lengths of the packets that the package has, in order: it calls back in order. */
  readonly #lengths: number[] = []
  #waitingBytes = 0
  #table = new Int32Array(0)
  #closed = false
  // Made once: a closure a packet would be garbage a packet.
  readonly #after = (error: Error | null): void => this.#leaves(error)

  constructor(addon: Addon, socket: PackageSocket, writable: () => void) {
    this.#addon = addon
    this.#batches = new TxBatches(addon)
    this.#socket = socket
    this.#writable = writable
  }

  send(batch: TxBatch): void {
    let room = 0
    for (let i = 0; i < batch.count; i++) room += gatheredLength(packetLength(batch.table, i))
    if (this.#waitingBytes + room > LIMIT_BYTES) {
      this.counters.sendQueueOverflows += batch.count
      return
    }
    if (this.#table.length < batch.count * RX_STRIDE) this.#table = new Int32Array(batch.count * RX_STRIDE)
    const bytes = Buffer.allocUnsafeSlow(room)
    this.#addon.gather(this.#batches.nativeOf(batch), batch.count, bytes, 0, this.#table, 0)
    for (let i = 0; i < batch.count; i++) {
      this.#enqueue(bytes, this.#table[i * RX_STRIDE + RX_OFFSET], this.#table[i * RX_STRIDE + RX_LENGTH])
    }
    if (this.#waitingBytes > CONGESTED_BYTES) this.congested = true
  }

  close(): void {
    this.#closed = true
    this.congested = false
  }

  #enqueue(bytes: Buffer, offset: number, length: number): void {
    if (length === 0) {
      this.counters.sendMalformed++
      return
    }
    this.#lengths.push(length)
    this.#waitingBytes += length
    const destination = formatAddress(bytes.readInt32BE(offset + DESTINATION_AT))
    this.#socket.send(bytes, offset, length, destination, this.#after)
  }

  #leaves(error: Error | null): void {
    const length = this.#lengths.shift() ?? 0
    this.#waitingBytes -= length
    if (error === null) {
      this.counters.sentPackets++
      this.counters.sentBytes += length
    } else {
      this.#countDropped(error.message)
    }
    if (this.#waitingBytes > 0 || !this.congested || this.#closed) return
    this.congested = false
    this.#writable()
  }

  #countDropped(text: string): void {
    switch (codeOfText(text)) {
      case 'EPERM':
        this.counters.sendNotPermitted++
        break
      case 'ENETDOWN':
        this.counters.sendNetworkDown++
        break
      case 'ENETUNREACH':
        this.counters.sendNetworkUnreachable++
        break
      case 'EHOSTUNREACH':
        this.counters.sendHostUnreachable++
        break
      case 'EMSGSIZE':
        this.counters.sendTooLarge++
        break
      case 'EINVAL':
        this.counters.sendInvalid++
        break
      case 'EAGAIN':
      case 'ENOBUFS':
        this.counters.sendQueueOverflows++
        break
      default:
        this.counters.sendOtherErrors++
    }
  }
}
