// What somebody who watches is told: each segment at the stack's two doors, and each change of state.

import type { FourTuple } from '../tcp/output.ts'
import type { State } from '../tcp/state.ts'
import type { Segment } from '../wire/segment.ts'

export interface Tracer {
  /** `segment` is valid during the call. `bytes` is the length of the IPv4 packet. */
  segment?(direction: 'in' | 'out', segment: Segment, now: number): void
  state?(connection: FourTuple, from: State, to: State, why: string, now: number): void
}
