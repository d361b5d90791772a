// How a connection was closed, told from its segments: who sent the first FIN, and in how many steps both were acknowledged.

import { ACK, FIN, type Segment } from '../wire/segment.ts'

export type Side = 'client' | 'server'

export class Closing {
  /** A line for each segment that brought a FIN, or the first ACK of one. */
  readonly steps: string[] = []
  first: Side | undefined
  /** By who sent the FIN: what its ACK acknowledges. */
  readonly #finEnd = new Map<Side, number>()
  /** Whose FIN is acknowledged. */
  readonly #acknowledged = new Set<Side>()

  get isComplete(): boolean {
    return this.#acknowledged.size === 2
  }

  sent(by: Side, segment: Segment): void {
    const other = by === 'client' ? 'server' : 'client'
    const isFin = (segment.flags & FIN) !== 0 && !this.#finEnd.has(by)
    const isAck =
      (segment.flags & ACK) !== 0 && this.#finEnd.get(other) === segment.ack && !this.#acknowledged.has(other)
    if (isFin) {
      this.first ??= by
      this.#finEnd.set(by, (segment.seq + segment.length) | 0)
    }
    if (isAck) this.#acknowledged.add(other)
    if (isFin || isAck) this.steps.push(`${by}: ${isFin && isAck ? 'FIN and ACK' : isFin ? 'FIN' : 'ACK'}`)
  }
}
