// Passive opens, from a segment for which there is no connection to one that a listener accepts: LISTEN and SYN-RECEIVED
// on small records (tcp/passive.ts), who listens, and how many there may be.

import { makeController } from '../tcp/congestion/choice.ts'
import type { CookieOffer } from '../tcp/fast-open-keys.ts'
import { answerFastOpen, openFast } from '../tcp/fast-open-passive.ts'
import { initialSequence, timestampOffset } from '../tcp/isn.ts'
import type { SocketValues } from '../tcp/options.ts'
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
import { answerWithCookie, COOKIE_LIFE_MS, openWithCookie } from '../tcp/syn-cookies.ts'
import { SynSieve } from '../tcp/syn-sieve.ts'
import type { Tcb } from '../tcp/tcb.ts'
import { ICMP_UNREACHABLE, UNREACHABLE_FRAGMENTATION_NEEDED } from '../wire/icmp.ts'
import { ACK, RST, type Segment, SYN } from '../wire/segment.ts'
import { Connection } from './connection.ts'
import type { Engine } from './engine.ts'
import type { Listener } from './listener.ts'

export class PassiveOpens {
  readonly #engine: Engine
  #halfOpen = 0
  /** Of the ways that SYNs have come from so far. */
  #leastMtu = Number.POSITIVE_INFINITY
  /** For cookies: filled, sent and filled again. */
  #scratch: SynReceived | undefined
  readonly #sieve = new SynSieve()

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
    } else if (this.#mayBeCookie(listener, seg)) this.#cookieReturns(listener, seg)
    else if (isSynToListen(seg, engine)) this.#synArrives(listener, seg, leastIss)
  }

  #synArrives(listener: Listener, seg: Segment, leastIss: Seq | undefined): void {
    const engine = this.#engine
    const { synCookies, halfOpenLimit } = engine.options
    if (listener.isQueueFull) {
      engine.counters.droppedAcceptQueueFull++
      return
    }
    const isFull = listener.halfOpen >= listener.backlog || this.#halfOpen >= halfOpenLimit
    if (isFull && synCookies === 'off') {
      engine.counters.droppedSynBacklogFull++
      return
    }
    if (isFull && !this.#sieve.passes(seg, engine.queueFill, engine.secret)) {
      engine.counters.droppedSynInFlood++
      return
    }
    const asCookie = isFull || synCookies === 'always'
    const mtu = this.#mtuFor(seg.sourceAddress, asCookie)
    if (mtu < 0) {
      engine.stackCounters.droppedNoRoute++
      return
    }
    if (asCookie) this.#sendCookie(listener, seg, mtu)
    else this.#openHalf(listener, seg, mtu, leastIss)
  }

  /** In a flood, a look-up for each forged address would take more time than all the rest. A smaller MSS than need be does no harm. */
  #mtuFor(address: number, asCookie: boolean): number {
    if (asCookie && this.#leastMtu < Number.POSITIVE_INFINITY) return this.#leastMtu
    const mtu = this.#engine.mtuBackTo(address)
    if (mtu > 0) this.#leastMtu = Math.min(this.#leastMtu, mtu)
    return mtu
  }

  #openHalf(listener: Listener, seg: Segment, mtu: number, leastIss: Seq | undefined): void {
    const engine = this.#engine
    const record = new SynReceived(listener.options)
    this.#identify(record, listener, seg)
    const iss = initialSequence(engine.secret, record, engine.now)
    record.iss = leastIss === undefined ? iss : later(iss, leastIss)
    record.deferRetries = timeoutsWithin(listener.deferAcceptMs, listener.options)
    const { opens, offer } = engine.fastOpens.judge(listener, seg)
    if (opens) return this.#openFast(record, listener, seg, mtu, offer)
    this.#enter(record, listener)
    answerSyn(record, seg, mtu, offer, engine.now, engine)
    engine.table.arm(record, record.retransmitAt)
  }

  /** The connection is there with the SYN. */
  #openFast(record: SynReceived, listener: Listener, seg: Segment, mtu: number, offer: CookieOffer | undefined): void {
    const engine = this.#engine
    const tcb = openFast(record, seg, mtu, makeController(record.options.congestionControl), engine.now, engine)
    this.#giveTo(listener, tcb)
    engine.table.enter(tcb, engine.ports.hold(listener.localAddress, listener.port))
    engine.counters.passiveOpens++
    engine.tracer?.state?.(tcb, State.LISTEN, State.SYN_RECEIVED, 'SYN', engine.now)
    engine.heedPath(tcb)
    engine.fastOpens.begin(tcb, listener)
    answerFastOpen(tcb, seg, offer, engine.now, engine)
    engine.rearm(tcb)
  }

  #identify(record: SynReceived, listener: Listener, seg: Segment): void {
    record.localAddress = seg.destinationAddress
    record.localPort = seg.destinationPort
    record.remoteAddress = seg.sourceAddress
    record.remotePort = seg.sourcePort
    record.listener = listener
    record.tsOffset = timestampOffset(this.#engine.secret, record)
  }

  #enter(record: SynReceived, listener: Listener): void {
    const engine = this.#engine
    engine.table.enter(record, engine.ports.hold(listener.localAddress, listener.port))
    listener.halfOpen++
    this.#halfOpen++
    engine.counters.passiveOpens++
    engine.tracer?.state?.(record, State.LISTEN, State.SYN_RECEIVED, 'SYN', engine.now)
  }

  // --- Cookies ---

  #sendCookie(listener: Listener, seg: Segment, mtu: number): void {
    const engine = this.#engine
    if (this.#scratch?.options !== listener.options) this.#scratch = new SynReceived(listener.options)
    const record = this.#scratch
    this.#identify(record, listener, seg)
    listener.cookieSentAt = engine.now
    answerWithCookie(record, seg, mtu, engine.secret, engine.now, engine)
  }

  /** Without a cookie sent of late there is none to come back, and nobody gets a chance to guess one. */
  #mayBeCookie(listener: Listener, seg: Segment): boolean {
    const isAck = (seg.flags & (SYN | ACK | RST)) === ACK
    return isAck && this.#engine.now - listener.cookieSentAt < COOKIE_LIFE_MS
  }

  #cookieReturns(listener: Listener, seg: Segment): void {
    const engine = this.#engine
    const mtu = engine.mtuBackTo(seg.sourceAddress)
    const record = new SynReceived(listener.options)
    this.#identify(record, listener, seg)
    if (mtu < 0 || !openWithCookie(record, seg, mtu, engine.secret, engine.now)) {
      engine.counters.droppedBadCookie++
      answerWithReset(seg, engine)
      return
    }
    if (listener.isQueueFull) {
      engine.counters.droppedAcceptQueueFull++
      if (engine.options.abortOnOverflow) answerWithReset(seg, engine)
      return
    }
    engine.counters.synCookiesReceived++
    this.#enter(record, listener)
    this.#open(record, seg)
  }

  // --- SYN-RECEIVED ---

  arrivesHalfOpen(record: SynReceived, seg: Segment): void {
    switch (arrivesInSynReceived(record, seg, this.#engine.now, this.#engine)) {
      case 'waiting':
        return
      case 'gone':
        return this.drop(record, 'RST')
      case 'open':
        this.#mayOpen(record, seg)
    }
  }

  #mayOpen(record: SynReceived, seg: Segment): void {
    const { counters, options } = this.#engine
    if (record.retries < record.deferRetries && seg.length === 0) {
      counters.droppedDeferred++
      record.acked = true
    } else if (!(record.listener as Listener).isQueueFull) this.#open(record, seg)
    else {
      counters.droppedAcceptQueueFull++
      record.acked = true
      if (!options.abortOnOverflow) return
      answerWithReset(seg, this.#engine)
      this.drop(record, 'queue full')
    }
  }

  #open(record: SynReceived, seg: Segment): void {
    const engine = this.#engine
    const listener = record.listener as Listener
    const tcb = toTcb(record, makeController(record.options.congestionControl), engine.now)
    this.#giveTo(listener, tcb)
    engine.table.replace(record, tcb)
    listener.halfOpen--
    this.#halfOpen--
    engine.heedPath(tcb)
    engine.segments.arrivesAt(tcb, seg, engine.now)
  }

  #giveTo(listener: Listener, tcb: Tcb): void {
    const { owner } = this.#engine
    const { taker } = listener
    if (taker !== undefined) {
      tcb.user = new Connection(tcb, owner, taker)
      return
    }
    const connection = new Connection(tcb, owner, () => listener.handlers.acceptable?.(listener))
    connection.enterQueue()
    listener.enqueue(connection)
    tcb.user = connection
  }

  /** Forgets a half-open connection, without a word to the peer. */
  drop(record: SynReceived, why: string): void {
    const engine = this.#engine
    ;(record.listener as Listener).halfOpen--
    this.#halfOpen--
    engine.counters.attemptFails++
    engine.tracer?.state?.(record, State.SYN_RECEIVED, State.LISTEN, why, engine.now)
    engine.table.leave(record)
  }

  /** What ends a connection that opens ends this one; the rest is not remembered (RFC 1122 §4.2.3.9). */
  icmpErrorArrives(record: SynReceived, type: number, code: number, quotedSeq: number): void {
    const { counters } = this.#engine
    const isReport = type === ICMP_UNREACHABLE && code === UNREACHABLE_FRAGMENTATION_NEEDED
    if (quotedSeq !== record.iss || isReport) {
      counters.droppedIcmpNotInFlight++
      return
    }
    counters.icmpErrorsTaken++
    this.drop(record, 'ICMP error')
  }

  /** The record's deadline may have come. */
  timeIsUp(record: SynReceived, heardUntil: number): void {
    const engine = this.#engine
    if (record.retransmitAt > heardUntil || synAckTimeout(record, engine.now, engine)) {
      engine.table.arm(record, record.retransmitAt)
    } else this.drop(record, 'timeout')
  }

  /** Half-open connections of a listener that goes away. */
  resetChildren(listener: Listener): void {
    if (listener.halfOpen === 0) return
    for (const entry of this.#engine.table.all()) {
      if (!(entry instanceof SynReceived) || entry.listener !== listener) continue
      resetHalfOpen(entry, this.#engine)
      this.drop(entry, 'listener closed')
    }
  }
}

/** How many timeouts of a SYN-ACK it takes until so much time has passed. */
function timeoutsWithin(ms: number, options: SocketValues): number {
  let count = 0
  for (let passed = 0, rto = options.initialRtoMs; passed < ms; count++) {
    passed += rto
    rto = Math.min(options.maxRtoMs, 2 * rto)
  }
  return count
}
