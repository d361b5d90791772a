// What one ACK says, gathered step by step while it is processed: one record, used again for each.

import { type Seq, toSeq } from './seq.ts'

export class AckNews {
  /** SND.UNA has moved. */
  advanced = false
  /** Segments left the scoreboard. */
  acked = false
  /** Among them some that were sent more than once. */
  resentAcked = false
  /** The peer holds more behind holes than before. */
  sacked = false
  /** Something sent once, before the repair began, has arrived: RFC 5682 §3 looks for that. */
  originalDelivered = false
  /** The peer reports a duplicate of what we had sent twice (RFC 2883). */
  duplicateReported = false
  /** It is of the tail loss probe. */
  probeDuplicated = false
  /** What comes next had been selectively acknowledged, and yet the cumulative ACK ends before it. */
  reneging = false
  windowChanged = false
  /** The segment takes sequence numbers itself. */
  hasText = false
  /** ECN-Echo. */
  echoed = false
  /** The retransmission timer starts anew. */
  startsTimer = false

  /** TSecr, if there is one. */
  hasEcho = false
  echo = 0

  // When what it acknowledges, and was sent once, had left: the oldest and the newest of it; -1 for none.
  firstAckedAt = -1
  lastAckedAt = -1
  firstSackedAt = -1
  lastSackedAt = -1

  /** Segments and bytes delivered with it. */
  segments = 0
  bytes = 0
  /** Segments by which the scoreboard has become shorter. */
  removed = 0

  /** The lowest thing to arrive late that was never sent again: it was reordered. */
  isReordered = false
  reorderedFrom: Seq = toSeq(0)

  // Of the record sent last among those delivered, what delivery-rate.ts had noted.
  hasRate = false
  rateSentAt = 0
  rateEnd: Seq = toSeq(0)
  priorDelivered = 0
  priorDeliveredAt = 0
  sendIntervalMs = 0
  wasAppLimited = false
  txInFlight = 0
  lostThen = 0

  reset(): void {
    this.advanced = false
    this.acked = false
    this.resentAcked = false
    this.sacked = false
    this.originalDelivered = false
    this.duplicateReported = false
    this.probeDuplicated = false
    this.reneging = false
    this.windowChanged = false
    this.hasText = false
    this.echoed = false
    this.startsTimer = false
    this.hasEcho = false
    this.firstAckedAt = -1
    this.lastAckedAt = -1
    this.firstSackedAt = -1
    this.lastSackedAt = -1
    this.segments = 0
    this.bytes = 0
    this.removed = 0
    this.isReordered = false
    this.hasRate = false
  }

  /** Something that lay in a hole has come, first sent and never again. */
  noteReordered(from: Seq): void {
    if (this.isReordered && ((from - this.reorderedFrom) | 0) >= 0) return
    this.isReordered = true
    this.reorderedFrom = from
  }
}
