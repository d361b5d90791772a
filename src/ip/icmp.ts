// ICMP as a host receives it (RFC 792, RFC 1122 §3.2.2): errors about our segments go to TCP with the addresses turned
// round, echo requests go to whoever answers them, all else is counted. We send no ICMP errors.

import {
  ICMP_BAD_CHECKSUM,
  ICMP_BAD_QUOTE,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_LENGTH,
  ICMP_OK,
  ICMP_PARAMETER_PROBLEM,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_TOO_SHORT,
  ICMP_UNREACHABLE,
  IcmpMessage,
  parseIcmp,
  UNREACHABLE_FRAGMENTATION_NEEDED
} from '../wire/icmp.ts'
import type { IpPacket } from './input.ts'
import { plateauBelow } from './routes.ts'

export interface IcmpHandler {
  /**
   * An error about a segment that we seem to have sent from `localPort` to `remotePort`. Anybody can write such a
   * message: believe it only if `quotedSeq` is in flight (RFC 5927 §4.1). `mtu` is 0 but for "fragmentation needed".
   */
  tcpErrorArrives(
    type: number,
    code: number,
    mtu: number,
    localAddress: number,
    localPort: number,
    remoteAddress: number,
    remotePort: number,
    quotedSeq: number,
    now: number
  ): void
  /**
   * Answer with an echo reply that gives back `rest` and the data, which lie in `packet.bytes` at `offset`
   * (RFC 1122 §3.2.2.6).
   */
  echoRequested(packet: IpPacket, rest: number, offset: number, length: number): void
}

export class IcmpCounters {
  received = 0
  tooShort = 0
  badChecksum = 0
  badQuote = 0
  /** The quoted datagram does not come from the address that the error was sent to. */
  misdirected = 0
  /** Errors about another protocol, or about a fragment that has no ports. */
  notTcp = 0
  /** Deprecated: ignored (RFC 6633 §4). */
  sourceQuenches = 0
  /** Ignored: the host's routes lead, not ours. */
  redirects = 0
  // By type, what becomes of them is counted apart.
  unreachables = 0
  timeExceeded = 0
  parameterProblems = 0
  tcpErrors = 0
  echoRequests = 0
  /** Echo requests that another stack with our address answers. */
  echoForOthers = 0
  /** Nobody here has asked. */
  echoReplies = 0
  /** Types that mean nothing to us. */
  unhandled = 0
}

export class IcmpInput {
  readonly counters = new IcmpCounters()
  readonly #message = new IcmpMessage()
  readonly #handler: IcmpHandler

  constructor(handler: IcmpHandler) {
    this.#handler = handler
  }

  /**
   * `answersEcho` is false where a kernel, or another stack, has the address too and answers. IpInput has kept away
   * what was sent to or from a group, so no answer multiplies (RFC 1122 §3.2.2.6).
   */
  messageArrives(packet: IpPacket, answersEcho: boolean, now: number): void {
    const message = this.#message
    this.counters.received++
    const verdict = parseIcmp(packet.view, packet.offset, packet.length, message)
    if (verdict !== ICMP_OK) this.#countBad(verdict)
    else if (message.isError) this.#errorArrives(packet, now)
    else if (message.type === ICMP_ECHO_REPLY) this.counters.echoReplies++
    else if (message.type !== ICMP_ECHO_REQUEST) this.counters.unhandled++
    else if (answersEcho) this.#echoArrives(packet)
    else this.counters.echoForOthers++
  }

  #echoArrives(packet: IpPacket): void {
    this.counters.echoRequests++
    const offset = packet.offset + ICMP_HEADER_LENGTH
    this.#handler.echoRequested(packet, this.#message.rest, offset, packet.length - ICMP_HEADER_LENGTH)
  }

  #errorArrives(packet: IpPacket, now: number): void {
    const message = this.#message
    switch (message.type) {
      case ICMP_SOURCE_QUENCH:
        this.counters.sourceQuenches++
        return
      case ICMP_REDIRECT:
        this.counters.redirects++
        return
      case ICMP_UNREACHABLE:
        this.counters.unreachables++
        break
      case ICMP_TIME_EXCEEDED:
        this.counters.timeExceeded++
        break
      case ICMP_PARAMETER_PROBLEM:
        this.counters.parameterProblems++
    }
    if (!message.quotesTcp) {
      this.counters.notTcp++
      return
    }
    if (message.quotedSource !== packet.destination) {
      this.counters.misdirected++
      return
    }
    this.counters.tcpErrors++
    this.#handler.tcpErrorArrives(
      message.type,
      message.code,
      nextHopMtu(message),
      message.quotedSource,
      message.quotedSourcePort,
      message.quotedDestination,
      message.quotedDestinationPort,
      message.quotedSeq,
      now
    )
  }

  #countBad(verdict: number): void {
    switch (verdict) {
      case ICMP_TOO_SHORT:
        this.counters.tooShort++
        return
      case ICMP_BAD_CHECKSUM:
        this.counters.badChecksum++
        return
      case ICMP_BAD_QUOTE:
        this.counters.badQuote++
    }
  }
}

/** Routers older than RFC 1191 leave the field at zero: then the quoted length says what was too much (§5). */
function nextHopMtu(message: IcmpMessage): number {
  const tooBig = message.type === ICMP_UNREACHABLE && message.code === UNREACHABLE_FRAGMENTATION_NEEDED
  if (!tooBig) return 0
  return message.mtu === 0 ? plateauBelow(message.quotedTotalLength) : message.mtu
}
