// TCP segments as the stack receives them: summed, parsed, and handed to the record that they are for. Those that were joined
// on their way, or that follow one another (run.ts), are taken whole where nobody can tell the difference, else one after another
// (tcp/joined.ts).

import { CHECKS } from '../assert.ts'
import type { IpPacket } from '../ip/input.ts'
import { CHECKSUM_BAD, CHECKSUM_PARTIAL, CHECKSUM_UNKNOWN } from '../link/link.ts'
import { segmentArrives } from '../tcp/arrivals.ts'
import { checkInvariants } from '../tcp/invariants.ts'
import { flagsOfPart, takesWhole } from '../tcp/joined.ts'
import { PackedTcb } from '../tcp/packed.ts'
import { SynReceived } from '../tcp/passive.ts'
import { Tcb } from '../tcp/tcb.ts'
import { Segment } from '../wire/segment.ts'
import { parseTcp, TCP_MALFORMED_OPTIONS, TCP_OK, TCP_TOO_SHORT, verifyTcpChecksum } from '../wire/tcp.ts'
import type { Engine } from './engine.ts'
import type { Run } from './run.ts'
import type { Entry } from './table.ts'

type Found = Exclude<Entry, PackedTcb> | undefined

export class TcpArrivals {
  readonly #engine: Engine
  readonly #segment = new Segment()
  /** The connection that the last segment was for: its timer does not follow its deadlines yet. */
  #toRearm: Tcb | undefined = undefined

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /**
   * `segmentText`: of each of those that the packet was joined from, bytes; 0 for one that is none of these. `run`: it, and those
   * that are taken with it.
   */
  packetArrives(packet: IpPacket, segmentText: number, run: Run, now: number): void {
    const { counters, tracer } = this.#engine
    counters.segmentsReceived += run.count
    if (!this.#isIntact(packet)) {
      counters.droppedBadChecksum++
      return
    }
    const seg = this.#segment
    const verdict = parseTcp(packet.view, packet.bytes, packet.offset, packet.length, seg)
    if (verdict === TCP_MALFORMED_OPTIONS) counters.malformedOptions += run.count
    else if (verdict !== TCP_OK) {
      if (verdict === TCP_TOO_SHORT) counters.droppedTooShort++
      else counters.droppedBadOffset++
      return
    }
    seg.sourceAddress = packet.source
    seg.destinationAddress = packet.destination
    seg.tos = packet.tos
    seg.ttl = packet.ttl
    const wasJoined = segmentText > 0 && seg.payloadLength > segmentText
    if (wasJoined) {
      seg.segmentText = segmentText
      seg.stride = segmentText
      counters.segmentsReceived += seg.count - 1
    } else if (run.count > 1) run.complete(seg)
    const isJoined = wasJoined || run.count > 1
    const entry = this.#find(seg)
    if (entry === undefined && !this.#engine.isOurs(seg)) {
      counters.droppedNotOurs += run.count
      return
    }
    tracer?.segment?.('in', seg, now)
    if (isJoined && !(entry instanceof Tcb && takesWhole(entry, seg, now, this.#engine))) this.#segmentsArrive(seg, now)
    else this.#segmentArrives(seg, entry, now)
  }

  /** One after another, those that `seg` was joined from. What one of them ends, the next does not find any more. */
  #segmentsArrive(seg: Segment, now: number): void {
    const { seq, flags, payloadOffset, payloadLength, segmentText, stride } = seg
    seg.segmentText = 0
    seg.stride = 0
    for (let at = 0, offset = payloadOffset; at < payloadLength; at += segmentText, offset += stride) {
      seg.seq = (seq + at) | 0
      seg.payloadOffset = offset
      seg.payloadLength = Math.min(segmentText, payloadLength - at)
      seg.flags = flagsOfPart(flags, at === 0, at + segmentText >= payloadLength)
      this.#segmentArrives(seg, this.#find(seg), now)
    }
  }

  #find({ destinationAddress, destinationPort, sourceAddress, sourcePort }: Segment): Found {
    const entry = this.#engine.table.find(destinationAddress, destinationPort, sourceAddress, sourcePort)
    return entry instanceof PackedTcb ? this.#engine.whole(entry) : entry
  }

  #segmentArrives(seg: Segment, entry: Found, now: number): void {
    if (entry === undefined) this.#engine.passive.arrivesUnconnected(seg)
    else if (entry instanceof Tcb) this.arrivesAt(entry, seg, now)
    else if (entry instanceof SynReceived) this.#engine.passive.arrivesHalfOpen(entry, seg)
    else this.#engine.timeWaits.arrives(entry, seg)
  }

  #isIntact(packet: IpPacket): boolean {
    switch (packet.checksumState) {
      case CHECKSUM_BAD:
        return false
      case CHECKSUM_PARTIAL:
        // It may be the true sum by chance.
        if (!this.#engine.acceptsPartialChecksums) return verify(packet)
        this.#engine.counters.partialChecksums++
        return true
      case CHECKSUM_UNKNOWN:
        return verify(packet)
      default:
        return true
    }
  }

  arrivesAt(tcb: Tcb, seg: Segment, now: number): void {
    segmentArrives(tcb, seg, now, this.#engine)
    this.#rearmLater(tcb)
    if (CHECKS) checkInvariants(tcb)
  }

  /** No more of this batch. */
  batchEnds(): void {
    this.#rearmLater(undefined)
  }

  /** Once for a run of segments of one connection. */
  #rearmLater(tcb: Tcb | undefined): void {
    if (tcb === this.#toRearm) return
    if (this.#toRearm !== undefined) this.#engine.rearm(this.#toRearm)
    this.#toRearm = tcb
  }
}

function verify({ view, offset, length, source, destination }: IpPacket): boolean {
  return verifyTcpChecksum(view, offset, length, source, destination)
}
