// The picture that `rawtcp demo` prints while it runs: a row for each segment, with the states that both ends are in once
// it has been dealt with. The connection is that of the first client; others that come by are left out.

import { type Segment, STATE_NAMES, type Tracer } from '../index.ts'
import type { FourTuple } from '../tcp/output.ts'
import { ACK, FIN, PSH, RST, SYN, URG } from '../wire/segment.ts'
import { Closing, type Side } from './demo-closing.ts'
import { ClientState, kernelState, type StateName } from './kernel-client.ts'
import { painterFor } from './trace.ts'

interface Row {
  readonly ms: number
  readonly by: Side
  readonly text: string
  readonly client: StateName
}

class SideCount {
  segments = 0
  textSegments = 0
  bytes = 0
  resets = 0

  add(segment: Segment): void {
    this.segments++
    this.bytes += segment.payloadLength
    if (segment.payloadLength > 0) this.textSegments++
    if ((segment.flags & RST) !== 0) this.resets++
  }
}

export class Ladder implements Required<Tracer> {
  readonly sent = { client: new SideCount(), server: new SideCount() }
  readonly closing = new Closing()
  /** How often the kernel's table was read, and what it had against what the segments say, where that was something else. */
  looks = 0
  readonly disagreements: string[] = []
  readonly #out: NodeJS.WritableStream
  readonly #paint: ReturnType<typeof painterFor>
  readonly #client = new ClientState()
  #server: StateName = 'LISTEN'
  #clientPort = 0
  #serverPort = 0
  /** Initial sequence numbers, from which the printed ones count. */
  readonly #iss = { client: 0, server: 0 }
  #startedAt = 0
  /** A segment from the client, and what is sent because of it: not printed before all that it leads to has happened. */
  #rows: Row[] = []
  #lookComes = false

  constructor(out: NodeJS.WritableStream) {
    this.#out = out
    this.#paint = painterFor(out)
    this.#print('ms', 'kernel client', '', 'segment (numbers relative)', 'rawtcp server')
    this.#print('', this.#client.name, '', '', this.#server)
  }

  get states(): { client: StateName; server: StateName } {
    return { client: this.#client.name, server: this.#server }
  }

  /** Both ends are done; in TIME-WAIT only time has to pass. */
  get isOver(): boolean {
    return this.#client.name === 'CLOSED' && (this.#server === 'TIME-WAIT' || this.#server === 'CLOSED')
  }

  segment(direction: 'in' | 'out', segment: Segment, now: number): void {
    const by = direction === 'in' ? 'client' : 'server'
    if (this.#clientPort === 0) this.#meet(segment, now)
    if (this.#clientPort !== (by === 'client' ? segment.sourcePort : segment.destinationPort)) return
    if (by === 'client') this.#flush()
    if ((segment.flags & SYN) !== 0) this.#iss[by] = segment.seq
    this.sent[by].add(segment)
    this.closing.sent(by, segment)
    if (by === 'client') this.#client.sent(segment)
    else this.#client.received(segment)
    this.#rows.push({ ms: now - this.#startedAt, by, text: this.#describe(by, segment), client: this.#client.name })
    this.#lookSoon()
  }

  state(connection: FourTuple, _from: number, to: number, why: string): void {
    if (connection.remotePort !== this.#clientPort) return
    // What the service does is its own decision, no effect of the segment before.
    if (why === 'close') this.#flush()
    this.#server = STATE_NAMES[to]
  }

  #meet(syn: Segment, now: number): void {
    this.#clientPort = syn.sourcePort
    this.#serverPort = syn.destinationPort
    this.#startedAt = now
  }

  /** `PSH,ACK seq 1:9 ack 28 win 64 "hello"` */
  #describe(by: Side, segment: Segment): string {
    const seq = (segment.seq - this.#iss[by]) >>> 0
    const ack = (segment.ack - this.#iss[by === 'client' ? 'server' : 'client']) >>> 0
    const parts = [flagNames(segment.flags), `seq ${seq}`]
    if (segment.payloadLength > 0) parts[1] += `:${seq + segment.payloadLength}`
    if ((segment.flags & ACK) !== 0) parts.push(`ack ${ack}`)
    parts.push(`win ${segment.window}`)
    if ((segment.flags & SYN) !== 0) parts.push(`<${optionNames(segment)}>`)
    if (segment.payloadLength > 0) parts.push(JSON.stringify(textOf(segment)))
    return parts.join(' ')
  }

  #flush(): void {
    for (const { ms, by, text, client } of this.#rows) {
      this.#print(ms.toFixed(1), client, by === 'client' ? '--->' : '<---', text, this.#server)
    }
    this.#rows = []
  }

  #print(ms: string, client: string, arrow: string, text: string, server: string): void {
    const middle = `${arrow.padEnd(4)} ${text.padEnd(TEXT_WIDTH)}`
    const painted = arrow === '' ? middle : this.#paint(arrow === '--->' ? 'cyan' : 'green', middle)
    this.#out.write(`${ms.padStart(7)}  ${client.padEnd(13)} ${painted} ${server}\n`)
  }

  /** Once the turn is over, the kernel has dealt with all it was sent: its table should say what the segments say. */
  #lookSoon(): void {
    if (this.#lookComes) return
    this.#lookComes = true
    queueMicrotask(() => {
      this.#lookComes = false
      this.#flush()
      this.looks++
      const found = kernelState(this.#clientPort, this.#serverPort)
      if (found !== this.#client.name) this.disagreements.push(`${found}, not ${this.#client.name}`)
    })
  }
}

/** Room for our longest lines of text. */
const TEXT_WIDTH = 65

const NAMES: readonly (readonly [number, string])[] = [
  [SYN, 'SYN'],
  [FIN, 'FIN'],
  [RST, 'RST'],
  [PSH, 'PSH'],
  [ACK, 'ACK'],
  [URG, 'URG']
]

function flagNames(flags: number): string {
  const names = NAMES.filter(([bit]) => (flags & bit) !== 0)
  return names.map(([, name]) => name).join(',')
}

function optionNames(segment: Segment): string {
  const names: string[] = []
  if (segment.mss >= 0) names.push(`mss ${segment.mss}`)
  if (segment.sackPermitted) names.push('sackOK')
  if (segment.hasTimestamps) names.push('ts')
  if (segment.windowScale >= 0) names.push(`wscale ${segment.windowScale}`)
  return names.join(', ')
}

/** Of a segment to send the text may go on elsewhere: round the end of a ring. */
function textOf({ bytes, payloadOffset, payloadLength, wrappedOffset, wrappedLength }: Segment): string {
  const first = bytes.subarray(payloadOffset, payloadOffset + payloadLength - wrappedLength)
  const rest = bytes.subarray(wrappedOffset, wrappedOffset + wrappedLength)
  return Buffer.concat([first, rest]).toString('latin1')
}
