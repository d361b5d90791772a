// Passive opens, from a segment for which there is no connection to one that a listener accepts: LISTEN and SYN-RECEIVED
// on small records (tcp/passive.ts), who listens, and how many there may be.

import { NewReno } from '../tcp/congestion/new-reno.ts'
import { initialSequence, timestampOffset } from '../tcp/isn.ts'
import { answerWithReset } from '../tcp/output.ts'
import {
  answerSyn,
  arrivesInSynReceived,
  isSynToListen,
  resetHalfOpen,
  SynReceived,
  synAckTimeout,
  toTcb
} from '../tcp/passive.ts'
import { later, type Seq } from '../tcp/seq.ts'
import { State } from '../tcp/state.ts'
import { RST, type Segment } from '../wire/segment.ts'
import { Connection } from './connection.ts'
import type { Engine } from './engine.ts'
import type { Listener } from './listener.ts'

export class PassiveOpens {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** CLOSED and LISTEN. The new connection's ISS is not below `leastIss`. */
  arrivesUnconnected(seg: Segment, leastIss?: Seq): void {
    const engine = this.#engine
    const listener = engine.ports.listenerFor(seg.destinationAddress, seg.destinationPort)
    if (listener === undefined) {
      engine.counters.droppedNoListener++
      if ((seg.flags & RST) === 0) answerWithReset(seg, engine)
    } else if (isSynToListen(seg, engine)) this.#openHalf(listener, seg, leastIss)
  }

  #openHalf(listener: Listener, seg: Segment, leastIss: Seq | undefined): void {
    const engine = this.#engine
    if (listener.halfOpen >= listener.backlog) {
      engine.counters.droppedSynBacklogFull++
      return
    }
    const mtu = engine.mtuBackTo(seg.sourceAddress)
    if (mtu < 0) {
      engine.stackCounters.droppedNoRoute++
      return
    }
    const record = new SynReceived(listener.options)
    record.localAddress = seg.destinationAddress
    record.localPort = seg.destinationPort
    record.remoteAddress = seg.sourceAddress
    record.remotePort = seg.sourcePort
    record.listener = listener
    const iss = initialSequence(engine.secret, record, engine.now)
    record.iss = leastIss === undefined ? iss : later(iss, leastIss)
    record.tsOffset = timestampOffset(engine.secret, record)
    engine.table.enter(record, engine.ports.hold(listener.localAddress, listener.port))
    listener.halfOpen++
    engine.counters.passiveOpens++
    engine.tracer?.state?.(record, State.LISTEN, State.SYN_RECEIVED, 'SYN', engine.now)
    answerSyn(record, seg, mtu, engine.now, engine)
    engine.table.arm(record, record.retransmitAt)
  }

  arrivesHalfOpen(record: SynReceived, seg: Segment): void {
    switch (arrivesInSynReceived(record, seg, this.#engine.now, this.#engine)) {
      case 'waiting':
        return
      case 'gone':
        return this.drop(record, 'RST')
      case 'open':
        this.#accept(record, seg)
    }
  }

  #accept(record: SynReceived, seg: Segment): void {
    const engine = this.#engine
    const listener = record.listener as Listener
    const tcb = toTcb(record, new NewReno(), engine.now)
    tcb.user = new Connection(tcb, engine.owner, connection => listener.accept(connection))
    engine.table.replace(record, tcb)
    listener.halfOpen--
    engine.arrivesAt(tcb, seg)
  }

  /** Forgets a half-open connection, without a word to the peer. */
  drop(record: SynReceived, why: string): void {
    const engine = this.#engine
    ;(record.listener as Listener).halfOpen--
    engine.counters.attemptFails++
    engine.tracer?.state?.(record, State.SYN_RECEIVED, State.LISTEN, why, engine.now)
    engine.table.leave(record)
  }

  /** The record's deadline may have come. */
  timeIsUp(record: SynReceived): void {
    const engine = this.#engine
    if (record.retransmitAt > engine.now || synAckTimeout(record, engine.now, engine)) {
      engine.table.arm(record, record.retransmitAt)
    } else this.drop(record, 'timeout')
  }

  /** Half-open connections of a listener that goes away. */
  resetChildren(listener: Listener): void {
    for (const entry of this.#engine.table.all()) {
      if (!(entry instanceof SynReceived) || entry.listener !== listener) continue
      resetHalfOpen(entry, this.#engine)
      this.drop(entry, 'listener closed')
    }
  }
}
