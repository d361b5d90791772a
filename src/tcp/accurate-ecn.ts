// More accurate ECN feedback (AccECN, RFC 9768): instead of one echo a round trip the receiver tells how many packets and
// bytes have come marked. Three bits of the header, AE, CWR and ECE, are a counter of packets (§3.2.2), and an option has
// counters of bytes (§3.2.3). What the sender makes of it is in ecn.ts.

import { ECN_CE, ECN_ECT_0, ECN_NOT_ECT } from '../wire/ipv4.ts'
import { MAX_OPTIONS_LENGTH, optionsLength } from '../wire/options.ts'
import { ACK, AE, CWR, ECE, type Segment, SYN } from '../wire/segment.ts'

const CODEPOINT = 3
/** AE, CWR and ECE together. */
export const ACE_BITS = AE | CWR | ECE
const ACE = 7
const COUNTER_MASK = 0xffffff
/** Bytes of an option with two counters, and of one with all three. */
const TWO_COUNTERS = 8
const THREE_COUNTERS = 12

// §3.2.1: what the counters begin with, so that one that is cleared on the way shows.
const FIRST_PACKETS = 5
const FIRST_BYTES = 1

/** What a SYN-ACK, and the ACK of one, say about how the SYN, or the SYN-ACK, came (tables 2 to 4), by its codepoint. */
const HANDSHAKE_ACE = [2, 3, 4, 6]
export const ACE_NOT_ECT = HANDSHAKE_ACE[ECN_NOT_ECT]

/** A SYN-ACK that is reserved: the peer knows more than we do, and the SYN came as it had left (§3.1.3). */
const RESERVED_ANSWER = 5

/** Packets marked that may wait for an ACK: with eight the counter would be where it was (§3.2.2.5.1). */
const MOST_UNTOLD = 6
/** So many are told at once, and so many where nothing but ACKs has come: fewer, and ACKs of ACKs would go on (§3.2.2.5.1). */
const UNTOLD = 2
const UNTOLD_OF_ACKS = 3

/** A SYN-ACK is sent again as it was once, then without the bits, which may be what is in its way (§3.1.4.2). */
const MOST_REPEATED_ANSWERS = 1

/** The three bits as a number, and back. */
export const aceOf = (flags: number): number =>
  ((flags & AE) !== 0 ? 4 : 0) | ((flags & CWR) !== 0 ? 2 : 0) | ((flags & ECE) !== 0 ? 1 : 0)
export const aceFlags = (ace: number): number =>
  ((ace & 4) !== 0 ? AE : 0) | ((ace & 2) !== 0 ? CWR : 0) | ((ace & 1) !== 0 ? ECE : 0)

/** A SYN that asks for it (§3.1.1), or for something newer, which is to be taken for it (§3.1.3): neither none of the bits nor those of classic ECN. */
export function isAccurateSyn(seg: Segment): boolean {
  const bits = seg.flags & ACE_BITS
  return (seg.flags & (SYN | ACK)) === SYN && bits !== 0 && bits !== (CWR | ECE)
}

/** The bits of the SYN-ACK that answers such a SYN. */
export const accurateAnswer = (seg: Segment): number => aceFlags(HANDSHAKE_ACE[seg.tos & CODEPOINT])

/** The bits of a SYN-ACK that has been sent again `resent` times. */
export const repeatedAnswer = (answer: number, resent: number): number => (resent > MOST_REPEATED_ANSWERS ? 0 : answer)

/** A SYN-ACK that takes it up; the others are those of a peer that knows classic ECN, or none, or reflects what it gets. */
export function isAccurateAnswer(seg: Segment): boolean {
  const ace = aceOf(seg.flags)
  return (seg.flags & (SYN | ACK)) === (SYN | ACK) && (HANDSHAKE_ACE.includes(ace) || ace === RESERVED_ANSWER)
}

/** The SYN, which left without a codepoint, came without one (§3.2.2.3). */
export function cameUnmarked(synAck: Segment): boolean {
  const ace = aceOf(synAck.flags)
  return ace === ACE_NOT_ECT || ace === RESERVED_ANSWER
}

/** The counters as they are at first, on a SYN-ACK that has room for them (§3.2.3.2.1). */
export function addFirstCounters(segment: Segment): void {
  if (MAX_OPTIONS_LENGTH - optionsLength(segment) < TWO_COUNTERS) return
  segment.ect0Bytes = FIRST_BYTES
  segment.ceBytes = 0
}

/** Of one connection; there is none where it was not agreed on. The initial values are §3.2.1's. */
export class AccurateEcn {
  // What we have received.
  /** r.cep: packets marked CE. */
  markedPackets = FIRST_PACKETS
  markedBytes = 0
  ect0Bytes = FIRST_BYTES
  ect1Bytes = FIRST_BYTES
  /** Of `markedPackets`, as the last ACK had it. */
  #told = FIRST_PACKETS
  /** The counters of bytes have changed since the option told them. */
  #optionOwed = true
  #wasMarked = false
  /** The ACE of the ACK of a SYN-ACK, -1 for none. */
  #handshakeAce = -1

  // What the peer has received.
  /** s.cep, and s.ceb as the option has it. */
  peerMarkedPackets = FIRST_PACKETS
  #peerMarkedBytes = 0
  #hasOption = false
  #isFirst = true
  /** The ACE at hand is the handshake's, not the counter's. */
  #skipsAce = false

  /** `answer`: the bits of our SYN-ACK, if there is one. */
  constructor(readonly answer = 0) {}

  /** The peer's SYN-ACK has come: how, is what our ACK of it says. */
  takeSynAck(seg: Segment): void {
    const codepoint = seg.tos & CODEPOINT
    this.#handshakeAce = HANDSHAKE_ACE[codepoint]
    if (codepoint === ECN_CE) this.markedPackets++
    this.#told = this.markedPackets
  }

  // --- The receiver ---

  /** An acceptable packet is going to be counted: whether what came before it needs an ACK of its own first. */
  wouldWrap(seg: Segment): boolean {
    return (seg.tos & CODEPOINT) === ECN_CE && this.markedPackets - this.#told >= MOST_UNTOLD
  }

  /** Counts it. True where the sender should hear at once: marks begin (§3.2.2.5.1), or two of them wait to be told. */
  count(seg: Segment): boolean {
    const codepoint = seg.tos & CODEPOINT
    if (codepoint !== ECN_NOT_ECT && seg.payloadLength > 0) {
      if (codepoint === ECN_CE) this.markedBytes += seg.payloadLength
      else if (codepoint === ECN_ECT_0) this.ect0Bytes += seg.payloadLength
      else this.ect1Bytes += seg.payloadLength
      this.#optionOwed = true
    }
    const isMarked = codepoint === ECN_CE
    if (isMarked) this.markedPackets++
    if (seg.payloadLength === 0) return isMarked && this.markedPackets - this.#told >= UNTOLD_OF_ACKS
    const begins = isMarked && !this.#wasMarked
    this.#wasMarked = isMarked
    return begins || this.markedPackets - this.#told >= UNTOLD
  }

  /** The three bits of what we send, once the SYNs are exchanged. */
  flagsToSend(): number {
    this.#told = this.markedPackets
    if (this.#handshakeAce < 0) return aceFlags(this.markedPackets & ACE)
    const ace = this.#handshakeAce
    this.#handshakeAce = -1
    return aceFlags(ace)
  }

  /** Puts the option on an ACK, if it says something new and has room: the counter that hardly anybody uses is left out while it stands. */
  addOption(segment: Segment, room: number): void {
    const length = this.ect1Bytes === FIRST_BYTES ? TWO_COUNTERS : THREE_COUNTERS
    if (!this.#optionOwed || room < length) return
    this.#optionOwed = false
    segment.ect0Bytes = this.ect0Bytes & COUNTER_MASK
    segment.ceBytes = this.markedBytes & COUNTER_MASK
    if (length === THREE_COUNTERS) segment.ect1Bytes = this.ect1Bytes & COUNTER_MASK
  }

  // --- The sender ---

  /**
   * The first segment after the SYNs. `isServer`: it tells how our SYN-ACK came, else it is an ordinary one. False where the way
   * there writes codepoints (§3.2.2.2) or clears the bits (§3.2.2.4): then nothing of ours is to be marked.
   */
  takeFirst(seg: Segment, isServer: boolean): boolean {
    if (!this.#isFirst) return true
    this.#isFirst = false
    const ace = aceOf(seg.flags)
    if (!isServer) return ace !== 0
    if (ace === HANDSHAKE_ACE[ECN_CE]) this.peerMarkedPackets++
    this.#skipsAce = true
    return ace === ACE_NOT_ECT || ace === 1 || ace === 5 || ace === 7
  }

  /**
   * An ACK of `segments` and `bytes` that were delivered with it: how many of the bytes had come marked, -1 where no mark was
   * added. Where so much was delivered that the counter may have gone round, the option decides, and without it the worst
   * case counts (appendix A.2).
   */
  takeAck(seg: Segment, segments: number, bytes: number, segmentBytes: number): number {
    const markedBytes = this.#takeOption(seg)
    if (this.#skipsAce) {
      this.#skipsAce = false
      return -1
    }
    const delta = (aceOf(seg.flags) - this.peerMarkedPackets) & ACE
    const most = segments <= ACE ? delta : segments - ((segments - delta) & ACE)
    const packets =
      markedBytes < 0 ? most : Math.min(most, delta + 8 * Math.round((markedBytes / segmentBytes - delta) / 8))
    this.peerMarkedPackets += Math.max(delta, packets)
    if (packets <= 0) return -1
    return Math.min(bytes, markedBytes >= 0 ? markedBytes : packets * segmentBytes)
  }

  /** By how much the counter of marked bytes has grown; -1 where the option does not say. */
  #takeOption(seg: Segment): number {
    if (seg.ceBytes < 0) return -1
    // A counter of ECT(0) that begins at 1 is never 0 at first: somebody clears it (§3.2.3.2).
    if (!this.#hasOption && seg.ect0Bytes === 0) return -1
    this.#hasOption = true
    const grown = (seg.ceBytes - this.#peerMarkedBytes) & COUNTER_MASK
    if (grown >= 0x800000) return -1 // an older ACK
    this.#peerMarkedBytes = seg.ceBytes
    return grown
  }
}
