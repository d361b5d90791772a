// The state of a TCP client that is not ours, seen in two ways: derived from its segments by the diagram of RFC 9293
// §3.3.2, and as the kernel of this host has it in its own table.

import { readFileSync } from 'node:fs'
import type { STATE_NAMES } from '../index.ts'
import { ahead, type Seq } from '../tcp/seq.ts'
import { ACK, FIN, RST, type Segment, SYN } from '../wire/segment.ts'

export type StateName = (typeof STATE_NAMES)[number]

/** Follows an active open. Each segment counts as soon as it is seen: on loopback none is lost. */
export class ClientState {
  name: StateName = 'CLOSED'
  /** What an ACK of the client's FIN acknowledges. */
  #finEnd = 0

  sent(segment: Segment): void {
    if ((segment.flags & RST) !== 0) this.name = 'CLOSED'
    else if ((segment.flags & SYN) !== 0) this.name = 'SYN-SENT'
    else if ((segment.flags & FIN) !== 0) {
      this.#finEnd = (segment.seq + segment.length) | 0
      if (this.name === 'ESTABLISHED') this.name = 'FIN-WAIT-1'
      else if (this.name === 'CLOSE-WAIT') this.name = 'LAST-ACK'
    }
  }

  received(segment: Segment): void {
    if ((segment.flags & RST) !== 0) this.name = 'CLOSED'
    else if (this.name === 'SYN-SENT') this.name = 'ESTABLISHED'
    else {
      const ofFin = (segment.flags & ACK) !== 0 && ahead(segment.ack as Seq, this.#finEnd as Seq) >= 0
      if (ofFin) this.name = AFTER_ACK_OF_FIN[this.name] ?? this.name
      if ((segment.flags & FIN) !== 0) this.name = AFTER_FIN[this.name] ?? this.name
    }
  }
}

const AFTER_ACK_OF_FIN: Partial<Record<StateName, StateName>> = {
  'FIN-WAIT-1': 'FIN-WAIT-2',
  CLOSING: 'TIME-WAIT',
  'LAST-ACK': 'CLOSED'
}

const AFTER_FIN: Partial<Record<StateName, StateName>> = {
  ESTABLISHED: 'CLOSE-WAIT',
  'FIN-WAIT-1': 'CLOSING',
  'FIN-WAIT-2': 'TIME-WAIT'
}

/** The codes of include/net/tcp_states.h. */
const KERNEL_STATES: Readonly<Record<string, StateName>> = {
  '01': 'ESTABLISHED',
  '02': 'SYN-SENT',
  '03': 'SYN-RECEIVED',
  '04': 'FIN-WAIT-1',
  '05': 'FIN-WAIT-2',
  '06': 'TIME-WAIT',
  '07': 'CLOSED',
  '08': 'CLOSE-WAIT',
  '09': 'LAST-ACK',
  '0A': 'LISTEN',
  '0B': 'CLOSING'
}

/** The state of the kernel's IPv4 socket with these ports; CLOSED where there is none. */
export function kernelState(localPort: number, remotePort: number): StateName {
  const port = (number: number): string => number.toString(16).toUpperCase().padStart(4, '0')
  const row = new RegExp(`: [0-9A-F]{8}:${port(localPort)} [0-9A-F]{8}:${port(remotePort)} ([0-9A-F]{2}) `)
  const code = row.exec(readFileSync('/proc/net/tcp', 'latin1'))?.[1]
  return code === undefined ? 'CLOSED' : (KERNEL_STATES[code] ?? 'CLOSED')
}
