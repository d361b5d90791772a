// Joins link, IP and TCP: the one way in, from the link's batch to those who take what has come (tcp-arrivals.ts,
// icmp-arrivals.ts), the one way out, and what becomes of a connection's record on its way from a SYN to TIME-WAIT. Which record
// a segment finds is for table.ts, when things happen for turns.ts.

import { CHECKS } from '../assert.ts'
import type { Host } from '../host.ts'
import { IcmpInput } from '../ip/icmp.ts'
import { IpInput, type IpPacket } from '../ip/input.ts'
import { OwnAddresses } from '../ip/own-addresses.ts'
import { Routes } from '../ip/routes.ts'
import {
  type Link,
  type LinkReceiver,
  RX_CHECKSUM,
  RX_LENGTH,
  RX_OFFSET,
  RX_REGION,
  RX_SEGMENT,
  RX_STRIDE,
  type RxBatch
} from '../link/link.ts'
import { SipHash } from '../siphash.ts'
import { Arena } from '../tcp/arena.ts'
import { reduceMss } from '../tcp/black-hole.ts'
import { AckSample } from '../tcp/congestion/congestion.ts'
import { TcpCounters } from '../tcp/counters.ts'
import { synTextRoom } from '../tcp/fast-open.ts'
import { FAST_OPEN_KEY_LENGTH } from '../tcp/fast-open-keys.ts'
import { FastOpenMemory, type Service } from '../tcp/fast-open-memory.ts'
import { mssToOffer } from '../tcp/handshake.ts'
import { checkInvariants, checkNoStall } from '../tcp/invariants.ts'
import { initialSequence, timestampOffset } from '../tcp/isn.ts'
import { flagsOfPart } from '../tcp/joined.ts'
import type { SocketValues } from '../tcp/options.ts'
import { type Outbox, tell } from '../tcp/outbox.ts'
import { output } from '../tcp/output.ts'
import { PackedTcb } from '../tcp/packed.ts'
import { SynReceived } from '../tcp/passive.ts'
import { RecordPool } from '../tcp/records.ts'
import type { State } from '../tcp/state.ts'
import { Event, Tcb } from '../tcp/tcb.ts'
import { deadlinePassed, nextDeadline } from '../tcp/timeouts.ts'
import { IPV4_MAX_PACKET, PROTOCOL_ICMP, PROTOCOL_TCP } from '../wire/ipv4.ts'
import { Segment } from '../wire/segment.ts'
import { type Block, Slab } from '../wire/slab.ts'
import type { ConnectionOwner } from './connection.ts'
import { FastOpens } from './fast-opens.ts'
import { IcmpArrivals } from './icmp-arrivals.ts'
import { LOOK_AHEAD_PACKETS, LookAhead } from './look-ahead.ts'
import { Packer } from './packer.ts'
import { PassiveOpens } from './passive-opens.ts'
import { Ports } from './ports.ts'
import { Run } from './run.ts'
import { ConnectionTable, type Counts, type Entry } from './table.ts'
import { TcpArrivals } from './tcp-arrivals.ts'
import { TimeWaits } from './time-waits.ts'
import type { Tracer } from './trace.ts'
import { Transmitter } from './transmitter.ts'
import { Turns, type TurnWork } from './turns.ts'
import { UserCalls } from './user-calls.ts'

/** Of IPv4 and TCP, without options. */
const HEADERS = 40

/** Limits and habits of the stack as a whole (`stackOptions` says what they mean). */
export interface EngineOptions {
  readonly memoryLimit: number
  readonly unreadLimit: number
  readonly reassemblyLimit: number
  readonly reassemblyDatagrams: number
  readonly reassemblyTimeoutMs: number
  readonly timeWaitLimit: number
  readonly halfOpenLimit: number
  readonly synCookies: 'off' | 'when-full' | 'always'
  readonly abortOnOverflow: boolean
  readonly firstEphemeralPort: number
  readonly lastEphemeralPort: number
  readonly fastOpenPauseMs: number
  readonly wholeConnections: number
}

/** What only the stack as a whole counts. */
export class StackCounters {
  /** Packets of a protocol that we do not speak. */
  unknownProtocol = 0
  /** TIME-WAITs left out because there were too many (`timeWaitLimit`). */
  timeWaitOverflow = 0
  /** Idle connections that were packed, and packed ones that had something to do (`wholeConnections`). */
  packed = 0
  unpacked = 0
  /** Echo requests not answered for want of memory, or of a way back. */
  echoDropped = 0
  /** SYNs to which no route leads back. */
  droppedNoRoute = 0
}

export class Engine implements Outbox, LinkReceiver, TurnWork {
  readonly segment = new Segment()
  readonly counters = new TcpCounters()
  readonly sample = new AckSample()
  readonly stackCounters = new StackCounters()
  readonly superSegmentBytes: number
  readonly cutsSuperSegments: boolean
  readonly acceptsPartialChecksums: boolean
  readonly arena: Arena
  readonly records = new RecordPool()
  readonly slab: Slab
  readonly ip: IpInput
  readonly icmp: IcmpInput
  readonly ports: Ports
  readonly routes = new Routes()
  readonly owner: ConnectionOwner
  readonly passive = new PassiveOpens(this)
  readonly segments = new TcpArrivals(this)
  readonly timeWaits = new TimeWaits(this)
  readonly fastOpen: FastOpenMemory
  readonly fastOpens: FastOpens

  /** Of the link, as it was before the packets that arrive now. */
  queueFill = 0

  readonly #link: Link
  readonly tracer: Tracer | undefined
  readonly secret: SipHash
  readonly table: ConnectionTable
  readonly #turns: Turns
  readonly #packer: Packer
  readonly #lookAhead: LookAhead
  readonly #run = new Run()
  /** Who watches sees each packet as it is. */
  readonly #joinsRuns: boolean
  readonly #transmitter: Transmitter
  readonly #addresses: OwnAddresses | undefined
  /** Connections whose writers wait for memory. */
  readonly #starving = new Set<Tcb>()

  constructor(
    link: Link,
    host: Host,
    tracer: Tracer | undefined,
    readonly options: EngineOptions
  ) {
    const random = (bytes: Uint8Array): void => host.random(bytes)
    this.#link = link
    this.cutsSuperSegments = (link.superSegmentBytes ?? 0) === 0
    this.superSegmentBytes = this.cutsSuperSegments ? IPV4_MAX_PACKET : (link.superSegmentBytes as number)
    this.acceptsPartialChecksums = link.acceptsPartialChecksums
    this.tracer = tracer
    this.#joinsRuns = tracer?.segment === undefined
    this.slab = new Slab(options.memoryLimit)
    this.arena = new Arena(
      options.unreadLimit,
      bytes => host.allocate?.(bytes) ?? new Uint8Array(bytes),
      host.copySpans
    )
    const key = new Uint8Array(16)
    random(key)
    this.secret = new SipHash(key)
    const range = { first: options.firstEphemeralPort, last: options.lastEphemeralPort }
    this.ports = new Ports(link.guard, this.secret, random, range)
    const cookieKey = new Uint8Array(FAST_OPEN_KEY_LENGTH)
    random(cookieKey)
    this.fastOpens = new FastOpens(this, cookieKey)
    this.fastOpen = new FastOpenMemory(options.fastOpenPauseMs)
    this.table = new ConnectionTable(this.ports, random, host.now())
    this.#packer = new Packer(this.table, this.stackCounters, options.wholeConnections)
    this.#lookAhead = new LookAhead(this.table, this.#packer.rows)
    this.#addresses = link.addresses === undefined ? undefined : new OwnAddresses(link.addresses)
    // Where a kernel shares the addresses, what reaches us is for this host, and packets to ourselves pass through that kernel.
    this.ip = new IpInput({
      accepts: address => this.isOwnAddress(address),
      reassembly: {
        timeoutMs: options.reassemblyTimeoutMs,
        maxBytes: options.reassemblyLimit,
        maxDatagrams: options.reassemblyDatagrams
      }
    })
    this.icmp = new IcmpInput(new IcmpArrivals(this))
    this.#transmitter = new Transmitter(
      link,
      this.slab,
      host,
      address => this.#addresses?.has(address) ?? false,
      batch => this.packetsArrived(batch)
    )
    this.#turns = new Turns(host, this)
    this.owner = new UserCalls(this)
    link.start(this)
  }

  /** The host's time, where no turn is under way. */
  get clock(): number {
    return this.#turns.clock
  }

  get now(): number {
    return this.#turns.now
  }

  // --- The one way in ---

  packetsArrived(batch: RxBatch): void {
    if (this.#turns.isOver) return
    this.#turns.begin()
    const now = this.now
    this.queueFill = batch.queueFill
    const { table, views, regions, count } = batch
    const run = this.#run
    let lookedAhead = 0
    this.arena.lend(batch)
    try {
      for (let row = 0; row < count * RX_STRIDE; row += run.count * RX_STRIDE) {
        if (row >= lookedAhead) {
          this.#lookAhead.look(batch, row / RX_STRIDE)
          lookedAhead = row + LOOK_AHEAD_PACKETS * RX_STRIDE
        }
        run.count = 1
        const region = table[row + RX_REGION]
        this.arena.lentRegion = region
        if (
          !this.ip.packetArrives(
            views[region],
            regions[region],
            table[row + RX_OFFSET],
            table[row + RX_LENGTH],
            table[row + RX_CHECKSUM],
            now
          )
        )
          continue
        const packet = this.ip.packet
        if (packet.protocol === PROTOCOL_TCP) {
          if (this.#joinsRuns) run.begin(batch, row)
          if (run.count > 1) this.ip.countMore(run.count - 1, run.bytes - table[row + RX_LENGTH])
          this.segments.packetArrives(packet, table[row + RX_SEGMENT], run, now)
        } else if (packet.protocol === PROTOCOL_ICMP) this.icmp.messageArrives(packet, this.#answersEcho(packet), now)
        else this.stackCounters.unknownProtocol++
      }
      this.segments.batchEnds()
      this.#turns.end()
    } finally {
      this.arena.endLoans()
    }
  }

  /** Where a kernel shares the address, only the ports that we hold are ours; where other stacks do, our part of the connections. */
  isOurs({ destinationAddress, destinationPort, sourceAddress, sourcePort }: Segment): boolean {
    if (this.#addresses === undefined && !this.ports.isHeld(destinationPort)) return false
    return this.isInShare(destinationAddress, destinationPort, sourceAddress, sourcePort)
  }

  #answersEcho({ source, destination }: IpPacket): boolean {
    return this.#addresses !== undefined && this.isInShare(destination, 0, source, 0)
  }

  /** -1 where no way leads there. */
  mtuBackTo(address: number): number {
    try {
      return this.mtuTo(address)
    } catch {
      return -1
    }
  }

  // --- The one way out (Outbox) ---

  transmit(): void {
    const segment = this.segment
    if (segment.segmentText > 0 && this.cutsSuperSegments) this.#transmitPieces(segment)
    else this.#transmitSegment(segment)
  }

  #transmitSegment(segment: Segment): void {
    this.counters.segmentsSent += segment.count
    this.tracer?.segment?.('out', segment, this.now)
    const mayFragment = segment.mayFragment || (this.routes.size > 0 && this.#mayBeCut(segment.destinationAddress))
    this.#countSent(this.#transmitter.tcp(segment, mayFragment))
  }

  #mayBeCut(destination: number): boolean {
    return this.routes.mayFragment(destination, this.now)
  }

  /** The segments of a super-segment one by one, for a link that takes none. */
  #transmitPieces(segment: Segment): void {
    const { seq, flags, payloadOffset, payloadLength, segmentText, wrappedOffset, wrappedLength } = segment
    const unwrapped = payloadLength - wrappedLength
    segment.segmentText = 0
    for (let at = 0; at < payloadLength; at += segmentText) {
      const length = Math.min(segmentText, payloadLength - at)
      segment.seq = (seq + at) | 0
      segment.flags = flagsOfPart(flags, at === 0, at + length === payloadLength)
      segment.payloadOffset = at < unwrapped ? payloadOffset + at : wrappedOffset + at - unwrapped
      segment.payloadLength = length
      segment.wrappedLength = at < unwrapped ? Math.max(0, at + length - unwrapped) : 0
      this.#transmitSegment(segment)
    }
  }

  /** False where there is no memory for it. */
  sendEchoReply(packet: IpPacket, rest: number, offset: number, length: number): boolean {
    const { destination, source, bytes } = packet
    const sent = this.#transmitter.echoReply(destination, source, rest, bytes, offset, length)
    if (sent > 0) this.#countSent(sent)
    return sent > 0
  }

  #countSent(bytes: number): void {
    this.ip.counters.sent++
    this.ip.counters.sentBytes += bytes
  }

  retransmit(): void {
    this.#transmitter.holdsRepeats = true
    this.transmit()
  }

  /** A packet that has not left yet may point into the block. */
  release(block: Block): void {
    this.flush()
    this.slab.release(block)
    if (this.#starving.size > 0) this.#tellStarving()
  }

  awaitMemory(tcb: Tcb): void {
    this.counters.writesShortOfMemory++
    this.#starving.add(tcb)
  }

  #tellStarving(): void {
    for (const tcb of this.#starving) {
      if (!tcb.writerWaits) continue // an ACK has made room meanwhile, and the user knows
      tcb.writerWaits = false
      tell(tcb, Event.WRITABLE, this)
    }
    this.#starving.clear()
  }

  schedule(tcb: Tcb): void {
    this.#turns.schedule(tcb)
  }

  notify(tcb: Tcb): void {
    this.#turns.notify(tcb)
  }

  stateChanged(tcb: Tcb, from: State, to: State, why: string): void {
    this.tracer?.state?.(tcb, from, to, why, this.now)
  }

  fastOpenSettled(tcb: Tcb, wasReset: boolean): void {
    this.fastOpens.settled(tcb, wasReset)
  }

  enterTimeWait(tcb: Tcb, now: number): void {
    this.#starving.delete(tcb)
    this.timeWaits.enter(tcb, now)
  }

  forget(tcb: Tcb): void {
    this.#starving.delete(tcb)
    this.table.leave(tcb)
  }

  // --- What the calls of users need ---

  /** Gives a new connection its place. `holdKey` is what `ports.hold` answered. */
  enter(tcb: Tcb, holdKey: number): void {
    this.table.enter(tcb, holdKey)
  }

  isTupleFree(localAddress: number, localPort: number, remoteAddress: number, remotePort: number): boolean {
    return this.table.find(localAddress, localPort, remoteAddress, remotePort) === undefined
  }

  /** False for connections of the other stacks that have our address. */
  isInShare(localAddress: number, localPort: number, remoteAddress: number, remotePort: number): boolean {
    return this.#link.share?.owns(localAddress, localPort, remoteAddress, remotePort) ?? true
  }

  isOwnAddress(address: number): boolean {
    return this.#addresses?.has(address) ?? true
  }

  /** Of the link: what the path may take less is for those who send (`heedPath`). Throws what the link's `route` throws. */
  mtuTo(address: number): number {
    return this.#link.route(address).mtu
  }

  /** What is known of the path bounds the segments that we send, not the MSS that we offer (RFC 9293 §3.7.1, SHLD-6; RFC 1191 §3.1). */
  heedPath(tcb: Tcb): void {
    if (tcb.options.pathMtuDiscovery !== 'on') return
    const most = this.routes.mtuTo(tcb.remoteAddress, this.now, tcb.offeredMss + HEADERS)
    if (most - HEADERS < tcb.sndMss) reduceMss(tcb, most - HEADERS, this.now)
  }

  /** -1 where no way leads there. */
  pathMtuTo(address: number): number {
    const mtu = this.mtuBackTo(address)
    return mtu < 0 ? mtu : this.routes.mtuTo(address, this.clock, mtu)
  }

  /** Text that a SYN to there may carry by Fast Open. */
  fastOpenRoom(service: Service, options: SocketValues): number {
    const known = this.fastOpen.recall(service)
    const mayBe = options.fastOpenWithoutCookie || (known !== undefined && known.cookieLength > 0)
    if (!mayBe || this.fastOpen.isPaused(service, this.now)) return 0
    const offered = mssToOffer(this.mtuTo(service.remoteAddress), options.maximumSegmentSize)
    const path = this.routes.mtuTo(service.remoteAddress, this.now, offered + HEADERS) - HEADERS
    return synTextRoom(Math.min(offered, path), known)
  }

  adviseAgainst(tcb: Tcb): void {
    this.#link.forgetRoute?.(tcb.remoteAddress)
  }

  newIdentity(tuple: Tcb): { iss: ReturnType<typeof initialSequence>; tsOffset: number } {
    return { iss: initialSequence(this.secret, tuple, this.now), tsOffset: timestampOffset(this.secret, tuple) }
  }

  /** Whole and packed ones. */
  connections(): (Tcb | PackedTcb)[] {
    return this.table.all().filter(entry => entry instanceof Tcb || entry instanceof PackedTcb)
  }

  /** The whole record, whatever there is. */
  whole(entry: Tcb | PackedTcb): Tcb {
    if (entry instanceof Tcb) return entry
    const tcb = this.#packer.unpack(entry)
    this.rearm(tcb)
    return tcb
  }

  counts(): Counts {
    return this.table.counts()
  }

  call<T>(work: () => T): T {
    return this.#turns.call(work)
  }

  beginCall(): void {
    this.#turns.beginCall()
  }

  endCall(): void {
    this.#turns.endCall()
  }

  /** After each event of a connection: its timer follows its earliest deadline. */
  rearm(tcb: Tcb): void {
    this.table.arm(tcb, nextDeadline(tcb))
  }

  close(): void {
    this.#turns.close()
  }

  // --- What a turn needs (TurnWork) ---

  linkWritable(): void {
    if (this.#turns.isOver) return
    this.#turns.begin()
    this.#turns.end()
  }

  get isHeldBack(): boolean {
    return this.#link.congested
  }

  run(tcb: Tcb): void {
    output(tcb, this.now, this)
    this.rearm(tcb)
    if (CHECKS) {
      checkInvariants(tcb)
      checkNoStall(tcb)
    }
  }

  tidy(): void {
    // Who waits for memory may wait no more, and be listed still.
    if (this.#starving.size === 0) this.#packer.packIdle()
  }

  flush(): void {
    if (this.#transmitter.isPending) this.#transmitter.flush()
  }

  flushRepeats(): void {
    if (this.#transmitter.holdsRepeats) this.#transmitter.flush()
  }

  nextDeadline(): number {
    return Math.min(this.table.nextDeadline, this.ip.reassembly.nextDeadline)
  }

  deadlineComes(heardUntil: number): void {
    this.ip.reassembly.expire(heardUntil)
    this.table.fire(heardUntil, entry => this.#timeIsUp(entry, heardUntil))
  }

  /** A deadline may have moved away since the timer was armed. */
  #timeIsUp(entry: Entry, heardUntil: number): void {
    if (entry instanceof PackedTcb) entry = this.whole(entry)
    if (entry instanceof Tcb) {
      if (nextDeadline(entry) <= heardUntil) deadlinePassed(entry, heardUntil, this.now, this)
      this.rearm(entry)
      if (CHECKS) checkInvariants(entry)
    } else if (entry instanceof SynReceived) {
      this.passive.timeIsUp(entry, heardUntil)
    } else this.timeWaits.timeIsUp(entry)
  }

  end(): void {
    for (const entry of this.table.all()) this.table.leave(entry)
    this.#link.close()
  }
}
