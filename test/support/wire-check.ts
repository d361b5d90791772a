// Judges a capture, made at our end, by what RFC 9293 demands of us on the wire: good checksums, a window that never
// shrinks, nothing outside the peer's, nothing acknowledged that was not sent; and by what a wire that loses nothing makes
// of it: no segment twice, no reset.
//
// What a kernel sends over loopback and veth stands in the capture as it left the kernel: larger than the MTU where it leaves
// the cutting to the device, and with only the pseudo-header's sum in the checksum field. Such sums are counted as partial
// and are right for the peer; ours have to be complete.

import { fold, pseudoHeaderSum } from '../../src/wire/checksum.ts'
import { IPV4_BAD_CHECKSUM, IPV4_OK, Ipv4Header, PROTOCOL_ICMP, PROTOCOL_TCP, parseIpv4 } from '../../src/wire/ipv4.ts'
import { formatSegment } from '../../src/wire/notation.ts'
import { ACK, FIN, RST, Segment, SYN } from '../../src/wire/segment.ts'
import { parseTcp, TCP_OK, verifyTcpChecksum } from '../../src/wire/tcp.ts'
import { type Captured, readPcap } from './pcap.ts'

/** Faults told in full; the rest are only counted. */
const MOST_FAULTS = 20

export interface WireReport {
  /** By kind. Empty where all is well. */
  readonly faults: Readonly<Record<string, readonly string[]>>
  readonly connections: number
  readonly icmp: number
  readonly ours: Figures
  readonly peers: Figures
}

export class Figures {
  segments = 0
  textBytes = 0
  largestText = 0
  /** Seen before: all or a part of it. */
  retransmissions = 0
  /** Came after what follows it, for the first time. */
  reordered = 0
  resets = 0
  /** A window of zero offered, the window before it was not. */
  windowsClosed = 0
  /** One before SND.NXT, without text. */
  probes = 0
  partialChecksums = 0
}

/** `ourPorts`: where our stack listens; every other connection in the capture was opened by it. */
/** `offload`: we too leave checksums and the cutting of text to the device. */
export function checkWire(path: string, ourPorts: readonly number[] = [], offload = false): WireReport {
  const check = new WireCheck(new Set(ourPorts), offload)
  for (const packet of readPcap(path)) check.packet(packet)
  return check.report()
}

/** One end of a connection, as its own segments show it. */
class End {
  seen = false
  isOurs = false
  /** The sequence number after all that it has sent. */
  next = 0
  /** Left and right edges of what it has skipped. */
  holes: [number, number][] = []
  shift = -1
  mss = 536
  timestamps = false
  lastTsVal = 0
  ack = 0
  hasAcked = false
  /** The furthest right edge that it has offered. */
  edge = 0
  window = -1
}

class Flow {
  readonly ends: readonly [End, End] = [new End(), new End()]
  scaled = false
}

class WireCheck {
  readonly #ourPorts: ReadonlySet<number>
  readonly #offload: boolean
  readonly #ip = new Ipv4Header()
  readonly #segment = new Segment()
  readonly #flows = new Map<string, Flow>()
  readonly #faults = new Map<string, string[]>()
  readonly #ours = new Figures()
  readonly #peers = new Figures()
  #connections = 0
  #icmp = 0

  constructor(ourPorts: ReadonlySet<number>, offload: boolean) {
    this.#ourPorts = ourPorts
    this.#offload = offload
  }

  report(): WireReport {
    return {
      faults: Object.fromEntries(this.#faults),
      connections: this.#connections,
      icmp: this.#icmp,
      ours: this.#ours,
      peers: this.#peers
    }
  }

  packet(packet: Captured): void {
    const ip = this.#ip
    const { view, bytes, offset, length } = packet
    const verdict = parseIpv4(view, offset, length, ip)
    if (verdict !== IPV4_OK) {
      // Parsed no further, so it could be anybody's.
      if (packet.isWhole) this.#fault(verdict === IPV4_BAD_CHECKSUM ? 'bad checksum' : 'malformed', packet, 'IPv4')
      return
    }
    if (ip.protocol === PROTOCOL_ICMP) this.#icmp++
    if (ip.protocol !== PROTOCOL_TCP) return
    const segment = this.#segment
    if (parseTcp(view, bytes, ip.payloadOffset, ip.payloadLength, segment) !== TCP_OK) {
      return this.#fault('malformed', packet, 'TCP')
    }
    segment.sourceAddress = ip.source
    segment.destinationAddress = ip.destination
    this.#tcp(packet)
  }

  #tcp(packet: Captured): void {
    const segment = this.#segment
    const flow = this.#flowOf(segment)
    if (flow === undefined) return this.#fault('outside any connection', packet)
    const [sender, receiver] = this.#endsOf(flow, segment)
    const figures = sender.isOurs ? this.#ours : this.#peers
    figures.segments++
    figures.textBytes += segment.payloadLength
    figures.largestText = Math.max(figures.largestText, segment.payloadLength)
    if ((segment.flags & RST) !== 0) figures.resets++
    this.#checkChecksum(packet, sender, figures)
    if ((segment.flags & RST) !== 0) return
    if ((segment.flags & SYN) !== 0) this.#takeSyn(sender, receiver, flow)
    this.#checkText(packet, sender, receiver, figures)
    if ((segment.flags & ACK) !== 0) this.#checkAck(packet, sender, receiver, flow, figures)
    if (sender.isOurs) this.#checkManners(packet, sender, receiver)
  }

  #checkChecksum(packet: Captured, sender: End, figures: Figures): void {
    const { source, destination, payloadOffset, payloadLength, dontFragment } = this.#ip
    if (!packet.isWhole) return this.#fault('not captured whole', packet)
    if (sender.isOurs && !dontFragment) this.#fault('no DF bit', packet)
    if (verifyTcpChecksum(packet.view, payloadOffset, payloadLength, source, destination)) return
    const pseudo = fold(pseudoHeaderSum(source, destination, PROTOCOL_TCP, payloadLength))
    const isPartial = packet.view.getUint16(payloadOffset + 16) === pseudo
    if (isPartial && (this.#offload || !sender.isOurs)) figures.partialChecksums++
    else this.#fault('bad checksum', packet)
  }

  #takeSyn(sender: End, receiver: End, flow: Flow): void {
    const { seq, mss, windowScale, hasTimestamps } = this.#segment
    if (!sender.seen) sender.next = seq
    sender.seen = true
    sender.mss = mss < 0 ? 536 : mss
    sender.shift = windowScale
    sender.timestamps = hasTimestamps
    flow.scaled = sender.shift >= 0 && receiver.shift >= 0
  }

  /** Sequence numbers: new, skipped, or seen before; and whether the receiver had offered to take them. */
  #checkText(packet: Captured, sender: End, receiver: End, figures: Figures): void {
    const { seq, length, payloadLength } = this.#segment
    if (sender.isOurs && !this.#offload && payloadLength > receiver.mss) this.#fault('larger than the MSS', packet)
    if (length === 0) {
      if (seq === ((sender.next - 1) | 0)) figures.probes++
      return
    }
    const end = (seq + length) | 0
    const skipped = (seq - sender.next) | 0
    if (skipped > 0) {
      sender.holes.push([sender.next, seq])
      if (sender.isOurs) this.#fault('sequence numbers skipped', packet)
    } else if (skipped < 0) {
      if (fillHole(sender, seq, end)) figures.reordered++
      else {
        figures.retransmissions++
        this.#fault(sender.isOurs ? 'retransmission of ours' : 'retransmission of the peer', packet)
      }
    }
    if (((end - sender.next) | 0) > 0) sender.next = end
    if (!receiver.hasAcked) return
    const beyond = (end - receiver.edge) | 0
    // A FIN may follow what fills the window (Linux sends it); ours waits.
    if (sender.isOurs ? beyond > 0 : beyond > (this.#segment.flags & FIN)) {
      this.#fault(`outside the window of ${sender.isOurs ? 'the peer' : 'ours'}`, packet, `by ${beyond}`)
    }
  }

  #checkAck(packet: Captured, sender: End, receiver: End, flow: Flow, figures: Figures): void {
    const { ack, flags, window } = this.#segment
    const offered = (flags & SYN) !== 0 || !flow.scaled ? window : window << sender.shift
    const edge = (ack + offered) | 0
    if (offered === 0 && sender.window !== 0) figures.windowsClosed++
    sender.window = offered
    if (sender.isOurs) {
      if (receiver.seen && ((ack - receiver.next) | 0) > 0) this.#fault('ACK of what was never sent', packet)
      if (sender.hasAcked && ((ack - sender.ack) | 0) < 0) this.#fault('ACK taken back', packet)
      if (sender.hasAcked && ((edge - sender.edge) | 0) < 0) {
        this.#fault('window shrunk', packet, `by ${(sender.edge - edge) | 0}`)
      }
    }
    if (!sender.hasAcked || ((ack - sender.ack) | 0) > 0) sender.ack = ack
    if (!sender.hasAcked || ((edge - sender.edge) | 0) > 0) sender.edge = edge
    sender.hasAcked = true
  }

  /** RFC 7323 §3.2: with timestamps agreed on, every segment carries one, and they never run backwards. */
  #checkManners(packet: Captured, sender: End, receiver: End): void {
    const { flags, hasTimestamps, tsVal } = this.#segment
    if ((flags & SYN) === 0 && hasTimestamps !== (sender.timestamps && receiver.timestamps)) {
      this.#fault('timestamps missing or not agreed on', packet)
    }
    if (!hasTimestamps) return
    if ((flags & SYN) === 0 && ((tsVal - sender.lastTsVal) | 0) < 0) this.#fault('timestamps run backwards', packet)
    sender.lastTsVal = tsVal
  }

  /** A SYN begins a connection, also where an earlier one had the same ports. */
  #flowOf(segment: Segment): Flow | undefined {
    const key = keyOf(segment)
    const known = this.#flows.get(key)
    if ((segment.flags & (SYN | ACK)) !== SYN) return known
    const end = known?.ends[isFirst(segment) ? 0 : 1]
    if (known !== undefined && end?.seen && end.next === ((segment.seq + 1) | 0)) return known
    const flow = new Flow()
    const served = this.#ourPorts.has(segment.destinationPort)
    const [client, server] = this.#endsOf(flow, segment)
    client.isOurs = !served
    server.isOurs = served
    this.#flows.set(key, flow)
    this.#connections++
    return flow
  }

  #endsOf(flow: Flow, segment: Segment): readonly [End, End] {
    const [first, second] = flow.ends
    return isFirst(segment) ? [first, second] : [second, first]
  }

  #fault(kind: string, packet: Captured, detail = ''): void {
    let faults = this.#faults.get(kind)
    if (faults === undefined) this.#faults.set(kind, (faults = []))
    if (faults.length < MOST_FAULTS) {
      faults.push(`packet ${packet.number} at ${packet.timeMs.toFixed(3)}: ${formatSegment(this.#segment)} ${detail}`)
    } else if (faults.length === MOST_FAULTS) faults.push('and more')
  }
}

/** The two directions of a connection share a key. */
function keyOf(segment: Segment): string {
  const source = `${segment.sourceAddress}:${segment.sourcePort}`
  const destination = `${segment.destinationAddress}:${segment.destinationPort}`
  return isFirst(segment) ? `${source} ${destination}` : `${destination} ${source}`
}

function isFirst(segment: Segment): boolean {
  const byAddress = segment.sourceAddress - segment.destinationAddress
  return byAddress === 0 ? segment.sourcePort < segment.destinationPort : byAddress < 0
}

/** Whether the range lies in a hole, which then is smaller. */
function fillHole(end: End, left: number, right: number): boolean {
  const i = end.holes.findIndex(([from, to]) => ((left - from) | 0) >= 0 && ((to - right) | 0) >= 0)
  if (i < 0) return false
  const [from, to] = end.holes[i]
  const rest = (
    [
      [from, left],
      [right, to]
    ] as [number, number][]
  ).filter(([a, b]) => a !== b)
  end.holes.splice(i, 1, ...rest)
  return true
}
