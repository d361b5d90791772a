// Who is who on an Ethernet: our end of ARP (RFC 826), and what RFC 5227 adds about conflicts. Pure: packets and the time come
// in; packets, news about neighbours and the next deadline come out. The packets that wait meanwhile wait elsewhere.

import { ARP_REPLY, ARP_REQUEST, ArpPacket, MAC_BROADCAST } from '../wire/arp.ts'

/** Between requests for the same address: one a second at most (RFC 1122 §2.3.2.1). */
export const RETRY_MS = 1000
export const REQUESTS = 3
/** For so long an answer holds; then a neighbour that is still in use is asked again (RFC 1122 §2.3.2.1, "unicast poll"). */
export const HOLDS_MS = 60_000
export const MOST_NEIGHBOURS = 1024

// RFC 5227 §1.1.
export const ANNOUNCEMENTS = 2
export const ANNOUNCE_INTERVAL_MS = 2000
export const DEFEND_INTERVAL_MS = 10_000

/** Where the news goes. */
export interface Ethernet {
  /** The packet holds until the return. */
  sendArp(packet: ArpPacket, to: number): void
  /** The hardware address of a neighbour, which is new or has changed. */
  neighbourFound(address: number, mac: number): void
  /** It does not answer, or nobody has asked for it in a while. */
  neighbourLost(address: number): void
  /** Whether packets went to it since the last call. */
  wasUsed(address: number): boolean
}

export class ArpCounters {
  arpReceived = 0
  arpRequestsSent = 0
  arpRepliesSent = 0
  /** Neighbours that never answered, or do no more. */
  neighboursLost = 0
  /** Neighbours that have come to be at another hardware address. */
  neighboursMoved = 0
  /** Packets of somebody else who says that our address is theirs. */
  addressConflicts = 0
}

interface Neighbour {
  /** -1 until it is known. */
  mac: number
  /** Requests without an answer. */
  requests: number
  /** When it is asked again, or given up. */
  deadline: number
}

export class Neighbours {
  readonly counters = new ArpCounters()
  readonly #address: number
  readonly #mac: number
  readonly #ethernet: Ethernet
  /** By address, the oldest first. */
  readonly #neighbours = new Map<number, Neighbour>()
  readonly #packet = new ArpPacket()
  #announcementsLeft = ANNOUNCEMENTS
  #announceAt = Number.POSITIVE_INFINITY
  #deadline = Number.POSITIVE_INFINITY
  #defendedAt = Number.NEGATIVE_INFINITY

  constructor(address: number, mac: number, ethernet: Ethernet) {
    this.#address = address
    this.#mac = mac
    this.#ethernet = ethernet
  }

  /** When `timePassed` is to be called, Infinity for never. It may be early: what it waits for may have been put off. */
  get deadline(): number {
    return this.#deadline
  }

  /** Asks whether somebody has our address, without saying that it is ours (RFC 5227 §2.1.1). */
  probe(): void {
    this.#ask(0, this.#address, MAC_BROADCAST)
  }

  /** Whether the packet shows that somebody else has our address, or is about to take it (RFC 5227 §2.1.1). */
  contests(packet: ArpPacket): boolean {
    if (packet.senderMac === this.#mac) return false
    return packet.senderAddress === this.#address || isProbe(packet, this.#address)
  }

  /** Our address is ours from now on: says so (RFC 5227 §2.3). */
  begin(now: number): void {
    this.#announceAt = now
    this.timePassed(now)
  }

  /** Packets wait for this neighbour. */
  wanted(address: number, now: number): void {
    if (this.#neighbours.has(address)) return
    const neighbour = this.#add(address, now)
    this.#request(address, neighbour, now)
  }

  arrives(packet: ArpPacket, now: number): void {
    this.counters.arpReceived++
    if (packet.senderMac === this.#mac) return // a switch in a loop
    if (packet.senderAddress === this.#address) {
      this.counters.addressConflicts++
      this.#defend(now)
      return
    }
    // In the order of RFC 826, "Packet Reception": what is known of the sender is set right whatever the packet is about, and
    // who speaks to us is remembered, for we are about to answer.
    const isForUs = packet.targetAddress === this.#address
    if (packet.senderAddress !== 0) this.#merge(packet.senderAddress, packet.senderMac, isForUs, now)
    if (isForUs && packet.operation === ARP_REQUEST) this.#reply(packet)
  }

  timePassed(now: number): void {
    this.#deadline = Number.POSITIVE_INFINITY
    if (now >= this.#announceAt) {
      this.#announcementsLeft--
      this.#announceAt = this.#announcementsLeft > 0 ? now + ANNOUNCE_INTERVAL_MS : Number.POSITIVE_INFINITY
      this.#announce()
    }
    this.#expect(this.#announceAt)
    for (const [address, neighbour] of this.#neighbours) {
      if (now < neighbour.deadline) this.#expect(neighbour.deadline)
      else if (neighbour.requests >= REQUESTS) this.#lose(address, true)
      else if (neighbour.requests === 0 && !this.#ethernet.wasUsed(address)) this.#lose(address, false)
      else this.#request(address, neighbour, now)
    }
  }

  #expect(at: number): void {
    this.#deadline = Math.min(this.#deadline, at)
  }

  #merge(address: number, mac: number, isForUs: boolean, now: number): void {
    let neighbour = this.#neighbours.get(address)
    if (neighbour === undefined) {
      if (!isForUs) return
      neighbour = this.#add(address, now)
    }
    neighbour.requests = 0
    neighbour.deadline = now + HOLDS_MS
    this.#expect(neighbour.deadline)
    if (neighbour.mac === mac) return
    if (neighbour.mac !== -1) this.counters.neighboursMoved++
    neighbour.mac = mac
    this.#ethernet.neighbourFound(address, mac)
  }

  #add(address: number, now: number): Neighbour {
    // Whoever on the network makes up addresses pushes out others: those are asked for anew when they are needed.
    if (this.#neighbours.size >= MOST_NEIGHBOURS) {
      const [oldest] = this.#neighbours.keys()
      this.#lose(oldest, false)
    }
    const neighbour = { mac: -1, requests: 0, deadline: now }
    this.#neighbours.set(address, neighbour)
    return neighbour
  }

  #lose(address: number, isSilent: boolean): void {
    if (isSilent) this.counters.neighboursLost++
    this.#neighbours.delete(address)
    this.#ethernet.neighbourLost(address)
  }

  #request(address: number, neighbour: Neighbour, now: number): void {
    neighbour.requests++
    neighbour.deadline = now + RETRY_MS
    this.#expect(neighbour.deadline)
    this.#ask(this.#address, address, neighbour.mac === -1 ? MAC_BROADCAST : neighbour.mac)
  }

  #ask(sender: number, target: number, to: number): void {
    this.counters.arpRequestsSent++
    this.#send(ARP_REQUEST, sender, 0, target, to)
  }

  #announce(): void {
    this.#ask(this.#address, this.#address, MAC_BROADCAST)
  }

  /** Says once that the address is ours; against somebody who goes on saying the same nothing helps (RFC 5227 §2.4 (c)). */
  #defend(now: number): void {
    if (now - this.#defendedAt < DEFEND_INTERVAL_MS) return
    this.#defendedAt = now
    this.#announce()
  }

  #reply({ senderAddress, senderMac }: ArpPacket): void {
    this.counters.arpRepliesSent++
    this.#send(ARP_REPLY, this.#address, senderMac, senderAddress, senderMac)
  }

  #send(operation: number, senderAddress: number, targetMac: number, targetAddress: number, to: number): void {
    const packet = this.#packet
    packet.operation = operation
    packet.senderMac = this.#mac
    packet.senderAddress = senderAddress
    packet.targetMac = targetMac
    packet.targetAddress = targetAddress
    this.#ethernet.sendArp(packet, to)
  }
}

function isProbe(packet: ArpPacket, address: number): boolean {
  return packet.operation === ARP_REQUEST && packet.senderAddress === 0 && packet.targetAddress === address
}
