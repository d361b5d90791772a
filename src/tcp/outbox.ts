// What the engine asks of whoever runs it. Segments leave through `segment` and `transmit`; everything else that an
// event brings about beyond its own TCB is asked for here, so that the engine stays a pure function of its arguments.

import type { Segment } from '../wire/segment.ts'
import type { Arena } from './arena.ts'
import type { AckSample } from './congestion/congestion.ts'
import type { TcpCounters } from './counters.ts'
import type { FastOpenMemory } from './fast-open-memory.ts'
import type { RecordPool } from './records.ts'
import type { BlockKeeper } from './send-buffer.ts'
import type { State } from './state.ts'
import type { Tcb } from './tcb.ts'

export interface Outbox extends BlockKeeper {
  /** The record that the one output routine fills; its contents are gone after `transmit`. */
  readonly segment: Segment
  readonly counters: TcpCounters
  /** What the ACK at hand tells the congestion controller. */
  readonly sample: AckSample
  readonly arena: Arena
  readonly records: RecordPool
  /** What is known of the peers' Fast Open. */
  readonly fastOpen: FastOpenMemory
  /** The longest IPv4 packet, bytes, that may leave as a super-segment. */
  readonly superSegmentBytes: number
  /** The link takes none: they are cut before they come to it, and spare the engine work only. */
  readonly cutsSuperSegments: boolean
  /** The link's queue is full: new text waits, and `output` runs again once there is room. */
  readonly isHeldBack: boolean
  /** Sends `segment` on its way. */
  transmit(): void
  /** The same for a segment whose text was sent before, and may be acknowledged before it leaves. */
  retransmit(): void
  /** The connection may have something to send: `output` is to run at the end of this batch. */
  schedule(tcb: Tcb): void
  /** A writer found no memory: it is to be told when some is free. */
  awaitMemory(tcb: Tcb): void
  /** `tcb.events` has news for the user. */
  notify(tcb: Tcb): void
  stateChanged(tcb: Tcb, from: State, to: State, why: string): void
  /** R1 of §3.8.3: what is known of the way to the peer may not hold any more. */
  adviseAgainst(tcb: Tcb): void
  /** A connection that a Fast Open has begun is acknowledged, or over: by the peer's RST if `wasReset`. */
  fastOpenSettled(tcb: Tcb, wasReset: boolean): void
  /** Both sides have closed: a small record takes the connection's place in the tables for 2MSL. */
  enterTimeWait(tcb: Tcb, now: number): void
  /** The connection is CLOSED: nothing may arrive for it any more. */
  forget(tcb: Tcb): void
}

/** The user is to hear of this `Event`. */
export function tell(tcb: Tcb, event: number, out: Outbox): void {
  tcb.events |= event
  out.notify(tcb)
}
