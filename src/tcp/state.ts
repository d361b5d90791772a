// The eleven states (RFC 9293 §3.3.2) and the edges between them.

export const State = {
  CLOSED: 0,
  LISTEN: 1,
  SYN_SENT: 2,
  SYN_RECEIVED: 3,
  ESTABLISHED: 4,
  FIN_WAIT_1: 5,
  FIN_WAIT_2: 6,
  CLOSE_WAIT: 7,
  CLOSING: 8,
  LAST_ACK: 9,
  TIME_WAIT: 10
} as const

export type State = (typeof State)[keyof typeof State]

/** As the RFC spells them. */
export const STATE_NAMES = [
  'CLOSED',
  'LISTEN',
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT'
] as const

/**
 * Figure 5 of §3.3.2, a row a state. Every state also leads to CLOSED, by a reset, an abort or a timeout. Beyond the
 * figure: a segment may bring the ACK of our FIN and the peer's FIN at once (FIN-WAIT-1 to TIME-WAIT, and SYN-RECEIVED
 * to CLOSE-WAIT passes through ESTABLISHED).
 */
const EDGES: readonly (readonly State[])[] = [
  [State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED],
  [State.SYN_RECEIVED, State.SYN_SENT],
  [State.SYN_RECEIVED, State.ESTABLISHED],
  [State.ESTABLISHED, State.FIN_WAIT_1, State.LISTEN],
  [State.FIN_WAIT_1, State.CLOSE_WAIT],
  [State.FIN_WAIT_2, State.CLOSING, State.TIME_WAIT],
  [State.TIME_WAIT],
  [State.LAST_ACK],
  [State.TIME_WAIT],
  [],
  []
]

export function isEdge(from: State, to: State): boolean {
  return (to === State.CLOSED && from !== State.CLOSED) || EDGES[from].includes(to)
}

/** SYN-RECEIVED and before have not agreed on sequence numbers. */
export const isSynchronized = (state: State): boolean => state >= State.ESTABLISHED

/** The states in which the peer may still send text. */
export const mayReceive = (state: State): boolean =>
  state === State.ESTABLISHED || state === State.FIN_WAIT_1 || state === State.FIN_WAIT_2
