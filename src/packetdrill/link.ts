// The wire of a script: a link in memory that keeps what the stack sends, with the time it was sent at, and delivers what
// the script injects.

import { gather, gatheredLength, packetLength } from '../link/gather.ts'
import {
  type Link,
  type LinkReceiver,
  type Route,
  RX_LENGTH,
  RX_OFFSET,
  RX_STRIDE,
  RxBatch,
  TX_HEADER_LENGTH,
  TX_SEGMENT,
  TX_STRIDE,
  type TxBatch
} from '../link/link.ts'
import type { Counters } from '../stats.ts'

/** A packet that left the stack. */
export type Sent = (packet: Uint8Array) => void

export class ScriptLink implements Link {
  readonly name = 'script'
  readonly acceptsPartialChecksums = false
  readonly congested = false
  readonly addresses: readonly number[]
  readonly superSegmentBytes: number
  readonly #mtu: number
  readonly #sent: Sent
  #receiver: LinkReceiver | undefined
  #packetsSent = 0
  #packetsReceived = 0

  /** `superSegmentBytes`: the longest packet that is taken whole for others to cut, as a capture before a network card sees them; 0 for none. */
  constructor(address: number, mtu: number, superSegmentBytes: number, sent: Sent) {
    this.addresses = [address]
    this.#mtu = mtu
    this.superSegmentBytes = superSegmentBytes
    this.#sent = sent
  }

  start(receiver: LinkReceiver): void {
    this.#receiver = receiver
  }

  send(batch: TxBatch): void {
    let bytes = 0
    for (let i = 0; i < batch.count; i++) bytes += gatheredLength(packetLength(batch.table, i))
    const gathered = new RxBatch(new Uint8Array(bytes), batch.count)
    gather(batch, gathered, 0)
    for (let row = 0; row < gathered.count * RX_STRIDE; row += RX_STRIDE) {
      const at = gathered.table[row + RX_OFFSET]
      if (!this.#fits(batch, row / RX_STRIDE)) continue
      this.#packetsSent++
      this.#sent(gathered.bytes.subarray(at, at + gathered.table[row + RX_LENGTH]))
    }
  }

  /** A packet that is longer than the MTU is one to be cut, or nothing that could leave; one that says that it is to be cut is longer than a piece. */
  #fits(batch: TxBatch, index: number): boolean {
    const length = packetLength(batch.table, index)
    const textOfEach = batch.table[index * TX_STRIDE + TX_SEGMENT]
    if (textOfEach === 0) return length <= this.#mtu
    const piece = batch.table[index * TX_STRIDE + TX_HEADER_LENGTH] + textOfEach
    return piece <= this.#mtu && piece < length
  }

  /** A packet of the peer's arrives. */
  deliver(packet: Uint8Array): void {
    const batch = new RxBatch(packet, 1)
    batch.table[RX_OFFSET] = 0
    batch.table[RX_LENGTH] = packet.length
    batch.count = 1
    this.#packetsReceived++
    this.#receiver?.packetsArrived(batch)
  }

  route(): Route {
    return { source: this.addresses[0], mtu: this.#mtu }
  }

  counters(): Counters {
    return { packetsSent: this.#packetsSent, packetsReceived: this.#packetsReceived }
  }

  close(): void {
    this.#receiver = undefined
  }
}
