// Watches a stack at its two doors: every segment in and out and every change of state goes through the models of its
// connections (connection-model.ts), and what belongs to no connection through §3.10.7.1 and §3.10.7.2. What does not
// fit is thrown, with the last events before it.

import type { Tracer } from '../../src/stack/trace.ts'
import type { FourTuple } from '../../src/tcp/output.ts'
import { STATE_NAMES, type State } from '../../src/tcp/state.ts'
import { formatSegment } from '../../src/wire/notation.ts'
import { ACK, FIN, RST, type Segment, SYN } from '../../src/wire/segment.ts'
import {
  ConnectionModel,
  distance,
  Fault,
  isDrawn,
  type Limits,
  type Seen,
  type StateName
} from './connection-model.ts'
import { byteAt } from './streams.ts'

/** A connection that is watched: where the stack says it is, beside where the model has it. */
export interface Watched {
  readonly name: string
  readonly model: ConnectionModel
  reported: StateName
}

const LOG_LINES = 60

export class Watch implements Tracer {
  readonly connections = new Map<string, Watched>()
  readonly listening = new Set<number>()
  /** States that connections went to, and how often. */
  readonly visited = new Map<StateName, number>()
  segmentsIn = 0
  /** Whether the listener has no room for one more connection. */
  isQueueFull = (): boolean => false
  readonly #log: string[] = []
  /** Whose event is under way. */
  #current: Watched | undefined
  #pendingSyn: Seen | undefined
  /** The RST that an unconnected segment has to be answered with. */
  #expectedReset: { seq: number; ack: number | undefined } | undefined
  /** Time ran as it should from then on. */
  #onTimeSince = 0

  constructor(
    readonly name: string,
    readonly limits: Limits,
    /** Of the bytes that this stack sends. */
    readonly streamKey: number
  ) {}

  find(localPort: number, remotePort: number): Watched | undefined {
    return this.connections.get(nameOf(localPort, remotePort))
  }

  get lastEvents(): string {
    return this.#log.join('\n')
  }

  note(text: string): void {
    this.#log.push(text)
    if (this.#log.length > LOG_LINES) this.#log.shift()
  }

  // --- The stack's doors (Tracer) ---

  segment(direction: 'in' | 'out', segment: Segment, now: number): void {
    this.note(`${now.toFixed(1)} ${this.name} ${direction} ${formatSegment(segment)} (${segment.seq >>> 0})`)
    const seen = see(segment)
    if (direction === 'in') {
      this.segmentsIn++
      this.settle()
      const watched = this.find(segment.destinationPort, segment.sourcePort)
      if (watched === undefined) return this.#arrivesUnconnected(segment.destinationPort, seen)
      this.#current = watched
      if (watched.reported === 'TIME-WAIT') this.#pendingSyn = seen
      watched.model.isHeldBack = !watched.model.isActive && this.isQueueFull()
      watched.model.arrives(seen, now)
      return
    }
    const watched = this.find(segment.sourcePort, segment.destinationPort)
    if (watched === undefined) return this.#leavesUnconnected(seen)
    watched.model.leaves(seen, now)
    if (seen.text > 0) this.#checkText(watched.model, segment)
  }

  state(connection: FourTuple, from: State, to: State, why: string, now: number): void {
    const name = nameOf(connection.localPort, connection.remotePort)
    const [before, after] = [STATE_NAMES[from], STATE_NAMES[to]]
    this.note(`${now.toFixed(1)} ${this.name} ${name} ${before} -> ${after}: ${why}`)
    this.visited.set(after, (this.visited.get(after) ?? 0) + 1)
    let watched = this.connections.get(name)
    if (watched === undefined) watched = this.#begin(name, before, now)
    const { model } = watched
    if (watched.reported !== before) throw new Fault(`from ${before}, but it was ${watched.reported}`)
    if (!isDrawn(before, after)) throw new Fault(`${before} to ${after} is no edge of Figure 5`)
    watched.reported = after
    if (before === 'LISTEN') model.moveTo(after, now)
    else if (before === 'CLOSED') model.moveTo(after, now)
    else if (before === 'TIME-WAIT' && this.#isReopened(watched)) model.moveTo(after, now)
    else if (model.state === before && model.exact) model.timesOut(after, now)
    if (after === 'CLOSED' || after === 'LISTEN') this.#end(watched)
  }

  #begin(name: string, from: StateName, now: number): Watched {
    const isActive = from === 'CLOSED'
    const model = new ConnectionModel(from, isActive, this.limits, now)
    if (!isActive) {
      if (this.#pendingSyn === undefined) throw new Fault('a connection without a SYN')
      model.takeSyn(this.#pendingSyn, now)
      this.#pendingSyn = undefined
    }
    const watched = { name, model, reported: from }
    this.connections.set(name, watched)
    return watched
  }

  /** RFC 6191 §2 and RFC 9293 §3.6.1: a SYN that cannot be an old one. */
  #isReopened(watched: Watched): boolean {
    const syn = this.#pendingSyn
    return this.#current === watched && syn !== undefined && watched.model.mayBeFollowedBy(syn)
  }

  /** The engine's own name for where it is must be the model's. */
  #end(watched: Watched): void {
    const { model } = watched
    if (model.exact && model.state !== watched.reported) {
      throw new Fault(`${watched.name} is ${watched.reported}, and should be ${model.state}`)
    }
    this.connections.delete(watched.name)
  }

  // --- What belongs to no connection ---

  #arrivesUnconnected(port: number, seen: Seen): void {
    const isListening = this.listening.has(port)
    if (seen.rst) return
    if (isListening && !seen.hasAck) {
      this.#pendingSyn = seen.syn ? seen : undefined
      return
    }
    const length = seen.text + (seen.syn ? 1 : 0) + (seen.fin ? 1 : 0)
    this.#expectedReset = seen.hasAck ? { seq: seen.ack, ack: undefined } : { seq: 0, ack: (seen.seq + length) | 0 }
  }

  #leavesUnconnected(seen: Seen): void {
    const expected = this.#expectedReset
    this.#expectedReset = undefined
    if (!seen.rst) throw new Fault('a segment leaves for no connection')
    if (expected === undefined) throw new Fault('a RST leaves that answers nothing')
    if (seen.seq !== expected.seq || seen.hasAck !== (expected.ack !== undefined))
      throw new Fault('a RST with a wrong number')
    if (expected.ack !== undefined && seen.ack !== expected.ack)
      throw new Fault('a RST that acknowledges something else')
  }

  #checkText(model: ConnectionModel, segment: Segment): void {
    const offset = distance(segment.seq, model.iss) - 1
    const first = segment.payloadLength - segment.wrappedLength
    for (let i = 0; i < segment.payloadLength; i++) {
      const at = i < first ? segment.payloadOffset + i : segment.wrappedOffset + i - first
      if (segment.bytes[at] !== byteAt(this.streamKey, offset + i)) throw new Fault(`wrong byte ${offset + i} leaves`)
    }
  }

  // --- What the user does ---

  /** A call on a connection: the model does it first, the stack must come to the same state by the end of the call. */
  call<T>(watched: Watched | undefined, text: string, onModel: (model: ConnectionModel) => void, onStack: () => T): T {
    this.settle()
    this.note(`${this.name} ${watched?.name ?? ''} ${text}`)
    if (watched !== undefined && this.connections.get(watched.name) === watched) {
      this.#current = watched
      onModel(watched.model)
    }
    const result = onStack()
    this.settle()
    return result
  }

  /** What nobody has accepted of a listener that goes away is reset, half open or not (§3.10.4). */
  listenerCloses(port: number, isAccepted: (watched: Watched) => boolean, now: number): void {
    this.settle()
    this.listening.delete(port)
    for (const watched of this.connections.values()) {
      const { model, name } = watched
      if (model.isActive || !name.startsWith(`${port}/`) || isAccepted(watched)) continue
      if (model.state !== 'SYN-RECEIVED') model.abort(now)
      else {
        model.mayReset = true
        model.moveTo('LISTEN', now)
      }
    }
  }

  /** An ICMP error about a segment of this connection comes next. */
  icmpArrives(watched: Watched, quotedSeq: number, text: string): void {
    this.settle()
    this.note(`${this.name} ICMP ${text} for ${watched.name}`)
    this.#current = watched
    watched.model.icmpArrives(quotedSeq)
  }

  /** An event is over: the stack must be where the model is, and have answered what has to be answered. */
  settle(): void {
    if (this.#expectedReset !== undefined) throw new Fault('a segment to no connection was not answered by a RST')
    this.#pendingSyn = undefined
    const watched = this.#current
    this.#current = undefined
    if (watched === undefined) return
    const { model } = watched
    model.mayReset = false
    model.mayFail = false
    model.rcvNxtBefore = model.rcvNxt
    if (this.connections.get(watched.name) !== watched) return
    if (!model.exact) model.moveTo(watched.reported, model.since)
    else if (model.state !== watched.reported) {
      throw new Fault(`${watched.name} is ${watched.reported}, and should be ${model.state}`)
    }
  }

  /** Between two steps of a run, at `now`. `onTimeSince`: since when timers have fired when they should. */
  check(now: number, onTimeSince: number): void {
    this.settle()
    this.#onTimeSince = Math.max(this.#onTimeSince, onTimeSince)
    for (const { name, model } of this.connections.values()) {
      if (model.exact) model.checkOverdue(name, now, this.#onTimeSince)
    }
  }
}

export const nameOf = (localPort: number, remotePort: number): string => `${localPort}/${remotePort}`

function see(segment: Segment): Seen {
  const { flags } = segment
  return {
    syn: (flags & SYN) !== 0,
    fin: (flags & FIN) !== 0,
    rst: (flags & RST) !== 0,
    hasAck: (flags & ACK) !== 0,
    seq: segment.seq,
    ack: segment.ack,
    window: segment.window,
    text: segment.payloadLength,
    mss: segment.mss,
    windowScale: segment.windowScale,
    timestamp: segment.hasTimestamps ? segment.tsVal : undefined
  }
}
