// Reassembly of fragmented datagrams (RFC 791 §3.2, RFC 815, RFC 1122 §3.3.2), with what attacks have taught since:
// fragments that overlap condemn their datagram (RFC 5722 §4 in spirit, which is about IPv6), and everything that a
// sender can make grow has a limit.
//
// A datagram that was condemned stays known, without its bytes, until its time is over: its late fragments must not
// begin a new one. Fragments are kept apart, each in memory of its own size, and joined once when the last one is here.
//
// The ICMP Time Exceeded of RFC 1122 §3.3.2 is not sent: TCP avoids fragments, and nobody acts on the message.

import { ECN_CE, ECN_NOT_ECT, IPV4_MAX_PACKET, type Ipv4Header } from '../wire/ipv4.ts'
import type { IpCounters } from './counters.ts'

export interface ReassemblyOptions {
  /**
   * RFC 1122 §3.3.2 recommends 60 to 120 s. We take Linux's 30 s: identifiers come round within seconds on a fast path
   * (RFC 4963), so an old fragment is more likely to spoil a new datagram than to complete its own.
   */
  readonly timeoutMs?: number
  readonly maxDatagrams?: number
  readonly maxDatagramsPerSource?: number
  /** Of all datagrams together, the cost of keeping a fragment included. */
  readonly maxBytes?: number
  /** Fragments of one datagram: a list that is searched, so a short one. 128 cover 65535 bytes at an MTU of 576. */
  readonly maxFragments?: number
}

/** What a fragment costs beyond its bytes: objects and list, roughly. Many tiny fragments must not be free. */
const FRAGMENT_COST = 128

export class Reassembly {
  /** The payload of the datagram that `fragmentArrives` just completed, valid until its next call. */
  readonly bytes = new Uint8Array(IPV4_MAX_PACKET)
  readonly view = new DataView(this.bytes.buffer)
  length = 0
  /** Type of service of the completed datagram, congestion marks of all fragments joined (RFC 3168 §5.3). */
  tos = 0

  readonly #timeoutMs: number
  readonly #maxDatagrams: number
  readonly #maxPerSource: number
  readonly #maxBytes: number
  readonly #maxFragments: number
  readonly #counters: IpCounters
  /** By source and identifier; those that differ only in destination or protocol hang on one chain. */
  readonly #byKey = new Map<number, Datagram>()
  /** Oldest first, which is also in order of their deadlines. */
  readonly #byAge = new Set<Datagram>()
  readonly #bySource = new Map<number, Set<Datagram>>()
  #heldBytes = 0

  constructor(counters: IpCounters, options: ReassemblyOptions = {}) {
    this.#counters = counters
    this.#timeoutMs = options.timeoutMs ?? 30_000
    this.#maxDatagrams = options.maxDatagrams ?? 256
    this.#maxPerSource = options.maxDatagramsPerSource ?? 16
    this.#maxBytes = options.maxBytes ?? 4 * 1024 * 1024
    this.#maxFragments = options.maxFragments ?? 128
  }

  /** Datagrams under way, condemned ones included. */
  get datagrams(): number {
    return this.#byAge.size
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get nextDeadline(): number {
    return this.#oldest(this.#byAge)?.deadline ?? Infinity
  }

  /** Gives up what has waited too long. */
  expire(now: number): void {
    for (;;) {
      const datagram = this.#oldest(this.#byAge)
      if (datagram === undefined || datagram.deadline > now) return
      if (!datagram.condemned) this.#counters.fragmentTimeout++
      this.#forget(datagram)
    }
  }

  /** True where this fragment completes its datagram: then `bytes`, `length` and `tos` hold the whole of it. */
  fragmentArrives(header: Ipv4Header, bytes: Uint8Array, now: number): boolean {
    this.#counters.fragments++
    const { fragmentOffset: start, payloadLength: length } = header
    if (!hasGoodLength(header)) {
      this.#counters.fragmentBadLength++
      return false
    }
    const datagram = this.#find(header) ?? this.#begin(header, now)
    if (datagram.condemned) {
      this.#counters.fragmentRefused++
      return false
    }
    const text = bytes.subarray(header.payloadOffset, header.payloadOffset + length)
    const at = datagram.placeOf(start, text, header.moreFragments)
    if (at === DUPLICATE) {
      this.#counters.fragmentDuplicate++
      return false
    }
    if (at === OVERLAP) {
      this.#counters.fragmentOverlap++
      this.#condemn(datagram)
      return false
    }
    if (datagram.fragments.length === this.#maxFragments) {
      this.#counters.fragmentTooMany++
      this.#condemn(datagram)
      return false
    }
    if (!this.#makeRoom(length + FRAGMENT_COST, datagram)) {
      this.#counters.fragmentNoRoom++
      return false
    }
    datagram.insert(at, new Fragment(start, text.slice()), header)
    this.#heldBytes += length + FRAGMENT_COST
    return datagram.isComplete && this.#complete(datagram)
  }

  #complete(datagram: Datagram): boolean {
    const ecn = datagram.ecn
    if (ecn === MIXED_ECN) {
      this.#counters.fragmentBadEcn++
      this.#condemn(datagram)
      return false
    }
    this.#counters.reassembled++
    for (const fragment of datagram.fragments) this.bytes.set(fragment.bytes, fragment.start)
    this.length = datagram.end
    this.tos = (datagram.tos & ~3) | ecn
    this.#forget(datagram)
    return true
  }

  #find(header: Ipv4Header): Datagram | undefined {
    let datagram = this.#byKey.get(keyOf(header.source, header.id))
    while (datagram !== undefined && !datagram.matches(header)) datagram = datagram.next
    return datagram
  }

  #begin(header: Ipv4Header, now: number): Datagram {
    const ofSource = this.#bySource.get(header.source)
    if (ofSource !== undefined && ofSource.size >= this.#maxPerSource) this.#evict(this.#oldest(ofSource)!)
    if (this.#byAge.size >= this.#maxDatagrams) this.#evict(this.#oldest(this.#byAge)!)

    const datagram = new Datagram(header, now + this.#timeoutMs)
    const key = keyOf(header.source, header.id)
    datagram.next = this.#byKey.get(key)
    this.#byKey.set(key, datagram)
    this.#byAge.add(datagram)
    const sameSource = this.#bySource.get(header.source)
    if (sameSource === undefined) this.#bySource.set(header.source, new Set([datagram]))
    else sameSource.add(datagram)
    return datagram
  }

  /** Evicts the oldest until `bytes` more fit; never the datagram that they are for. */
  #makeRoom(bytes: number, keep: Datagram): boolean {
    if (this.#heldBytes + bytes <= this.#maxBytes) return true
    for (const datagram of this.#byAge) {
      if (datagram === keep || datagram.fragments.length === 0) continue
      this.#evict(datagram)
      if (this.#heldBytes + bytes <= this.#maxBytes) return true
    }
    return false
  }

  #evict(datagram: Datagram): void {
    this.#counters.fragmentEvicted++
    this.#forget(datagram)
  }

  /** Gives the bytes up and keeps the name, so that fragments still to come are refused (RFC 5722 §4). */
  #condemn(datagram: Datagram): void {
    this.#heldBytes -= datagram.heldBytes
    datagram.condemned = true
    datagram.fragments.length = 0
  }

  #forget(datagram: Datagram): void {
    this.#heldBytes -= datagram.heldBytes
    this.#byAge.delete(datagram)
    const ofSource = this.#bySource.get(datagram.source)!
    ofSource.delete(datagram)
    if (ofSource.size === 0) this.#bySource.delete(datagram.source)
    this.#unchain(datagram)
  }

  #unchain(datagram: Datagram): void {
    const key = keyOf(datagram.source, datagram.id)
    const first = this.#byKey.get(key)!
    if (first === datagram) {
      if (datagram.next === undefined) this.#byKey.delete(key)
      else this.#byKey.set(key, datagram.next)
      return
    }
    let before = first
    while (before.next !== datagram) before = before.next!
    before.next = datagram.next
  }

  #oldest(datagrams: Set<Datagram>): Datagram | undefined {
    return datagrams.values().next().value
  }
}

/** 48 bits, which a double holds exactly. */
function keyOf(source: number, id: number): number {
  return (source >>> 0) * 65536 + id
}

/** All but the last come in units of 8 bytes, none is empty, and the datagram stays below 64 KiB (RFC 791 §3.1). */
function hasGoodLength(header: Ipv4Header): boolean {
  const { payloadLength: length, moreFragments } = header
  if (length === 0 || (moreFragments && length % 8 !== 0)) return false
  return header.headerLength + header.fragmentOffset + length <= IPV4_MAX_PACKET
}

// What Datagram.placeOf answers instead of an index.
const DUPLICATE = -1
const OVERLAP = -2

/** Some fragments say that congestion was met, others that they could not have been marked: drop (RFC 3168 §5.3). */
const MIXED_ECN = -1

class Fragment {
  readonly end: number

  constructor(
    readonly start: number,
    readonly bytes: Uint8Array
  ) {
    this.end = start + bytes.length
  }
}

class Datagram {
  readonly source: number
  readonly destination: number
  readonly protocol: number
  readonly id: number
  readonly deadline: number
  /** In order, without overlap. */
  readonly fragments: Fragment[] = []
  /** Bytes in all, known once the last fragment is here; -1 before. */
  end = -1
  /** Of the first fragment. */
  tos = 0
  condemned = false
  next: Datagram | undefined = undefined
  #received = 0
  /** One bit for each ECN codepoint seen. */
  #ecnSeen = 0

  constructor(header: Ipv4Header, deadline: number) {
    this.source = header.source
    this.destination = header.destination
    this.protocol = header.protocol
    this.id = header.id
    this.deadline = deadline
  }

  get heldBytes(): number {
    return this.fragments.length === 0 ? 0 : this.#received + this.fragments.length * FRAGMENT_COST
  }

  get isComplete(): boolean {
    return this.#received === this.end
  }

  get ecn(): number {
    if ((this.#ecnSeen & (1 << ECN_CE)) === 0) return this.tos & 3
    return (this.#ecnSeen & (1 << ECN_NOT_ECT)) === 0 ? ECN_CE : MIXED_ECN
  }

  matches(header: Ipv4Header): boolean {
    return (
      this.id === header.id &&
      this.source === header.source &&
      this.destination === header.destination &&
      this.protocol === header.protocol
    )
  }

  /** The index where the fragment belongs, DUPLICATE, or OVERLAP (also for two ends that differ). */
  placeOf(start: number, text: Uint8Array, moreFragments: boolean): number {
    const end = start + text.length
    // Mostly they come in order: from the back, the first step ends the search.
    let at = this.fragments.length
    while (at > 0 && this.fragments[at - 1].start >= start) at--
    const isDuplicate = at < this.fragments.length && this.#repeats(this.fragments[at], start, text, moreFragments)
    if (isDuplicate) return DUPLICATE
    if (at > 0 && this.fragments[at - 1].end > start) return OVERLAP
    if (at < this.fragments.length && this.fragments[at].start < end) return OVERLAP
    if (this.end >= 0 && end > this.end) return OVERLAP
    const isBehindTheLast = !moreFragments && at < this.fragments.length
    return isBehindTheLast ? OVERLAP : at
  }

  insert(at: number, fragment: Fragment, header: Ipv4Header): void {
    this.fragments.splice(at, 0, fragment)
    this.#received += fragment.bytes.length
    this.#ecnSeen |= 1 << (header.tos & 3)
    if (fragment.start === 0) this.tos = header.tos
    if (!header.moreFragments) this.end = fragment.end
  }

  /** The network may deliver twice; the same place with other bytes is somebody else's doing. */
  #repeats(fragment: Fragment, start: number, text: Uint8Array, moreFragments: boolean): boolean {
    if (fragment.start !== start || fragment.bytes.length !== text.length) return false
    if ((fragment.end === this.end) === moreFragments) return false
    return fragment.bytes.every((byte, i) => byte === text[i])
  }
}
