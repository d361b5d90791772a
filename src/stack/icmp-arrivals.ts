// What the stack does with ICMP messages: errors go to the connection that they speak of, echo requests are answered.

import { CHECKS } from '../assert.ts'
import type { IcmpHandler } from '../ip/icmp.ts'
import type { IpPacket } from '../ip/input.ts'
import { icmpErrorArrives, isInFlight, pathMtuShrank } from '../tcp/icmp-errors.ts'
import { checkInvariants } from '../tcp/invariants.ts'
import { PackedTcb } from '../tcp/packed.ts'
import { SynReceived } from '../tcp/passive.ts'
import { Tcb } from '../tcp/tcb.ts'
import { ICMP_UNREACHABLE, UNREACHABLE_FRAGMENTATION_NEEDED } from '../wire/icmp.ts'
import type { Engine } from './engine.ts'

/** Of IPv4 and an echo reply. */
const ECHO_HEADERS = 28

export class IcmpArrivals implements IcmpHandler {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  tcpErrorArrives(
    type: number,
    code: number,
    mtu: number,
    localAddress: number,
    localPort: number,
    remoteAddress: number,
    remotePort: number,
    quotedSeq: number
  ): void {
    const engine = this.#engine
    const entry = engine.table.find(localAddress, localPort, remoteAddress, remotePort)
    const tcb = entry instanceof PackedTcb ? engine.whole(entry) : entry
    if (tcb instanceof SynReceived) return engine.passive.icmpErrorArrives(tcb, type, code, quotedSeq)
    if (!(tcb instanceof Tcb) || !isInFlight(tcb, quotedSeq)) {
      engine.counters.droppedIcmpNotInFlight++
      return
    }
    if (type !== ICMP_UNREACHABLE || code !== UNREACHABLE_FRAGMENTATION_NEEDED) {
      icmpErrorArrives(tcb, type, code, engine.now, engine)
    } else if (tcb.options.pathMtuDiscovery === 'on') {
      this.#mtuReported(tcb, mtu)
    } else {
      engine.counters.droppedIcmpUnwanted++
      return
    }
    engine.rearm(tcb)
    if (CHECKS) checkInvariants(tcb)
  }

  /** No news to the routes, where another connection or the kernel heard it first, may still be news to this one. */
  #mtuReported(tcb: Tcb, mtu: number): void {
    const { routes, counters, now } = this.#engine
    const address = tcb.remoteAddress
    const current = this.#engine.mtuBackTo(address)
    if (current > 0) {
      routes.mtuReported(address, mtu, now, current)
      pathMtuShrank(tcb, routes.mtuTo(address, now, current), now, this.#engine)
    } else counters.droppedIcmpNoNews++
  }

  echoRequested(packet: IpPacket, rest: number, offset: number, length: number): void {
    // Nothing is cut into fragments here: what does not fit into one packet is left out (RFC 1122 §3.2.2.6).
    const most = this.#engine.mtuBackTo(packet.source) - ECHO_HEADERS
    const isSent = most >= 0 && this.#engine.sendEchoReply(packet, rest, offset, Math.min(length, most))
    if (!isSent) this.#engine.stackCounters.echoDropped++
  }
}
