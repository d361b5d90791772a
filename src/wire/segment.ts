// One TCP segment as fields: what a header parses into and what a header is written from. The engine keeps one
// record for arrivals and one for output and reuses them, so a handler that wants to keep a field copies it.
// Sequence numbers, timestamps and addresses are int32 (see tcp/seq.ts for how they compare).

export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const PSH = 0x08
export const ACK = 0x10
export const URG = 0x20
export const ECE = 0x40
export const CWR = 0x80
/** Once NS, of the ECN nonce; now part of AccECN's counter (RFC 9768 §3.2). */
export const AE = 0x100

/** Hop limit of what we send, unless the user wants another (RFC 9293 §3.9.2, MUST-49; RFC 1700's recommendation). */
export const DEFAULT_TTL = 64

/** A Fast Open cookie's most bytes (RFC 7413 §4.1.1). */
export const MAX_COOKIE_LENGTH = 16

/** SACK blocks that fit the 40 bytes of options (RFC 2018 §3). */
export const MAX_SACK_BLOCKS = 4

export class Segment {
  /** IPv4 addresses, int32 in network order: 10.0.0.1 is 0x0a000001. */
  sourceAddress = 0
  destinationAddress = 0
  sourcePort = 0
  destinationPort = 0
  /** The IPv4 header's type of service: DSCP, and ECN in the two low bits (RFC 3168 §5). */
  tos = 0
  ttl = DEFAULT_TTL
  /** For output: routers may cut the packet into fragments. */
  mayFragment = false
  seq = 0
  ack = 0
  /** FIN … CWR, the eight control bits, and AE above them. */
  flags = 0
  /** The window field as it stands in the header, before any scaling: 0 to 65535. */
  window = 0
  urgentPointer = 0
  /** Maximum segment size option, -1 for none. */
  mss = -1
  /** Window scale option as sent, 0 to 255, -1 for none. */
  windowScale = -1
  sackPermitted = false
  hasTimestamps = false
  tsVal = 0
  tsEcr = 0
  sackBlocks = 0
  /** Left and right edges in turn, `sackBlocks` pairs. */
  readonly sack = new Int32Array(2 * MAX_SACK_BLOCKS)
  /** Length of the Fast Open cookie (RFC 7413 §4.1.1): 0 for a request, -1 for no such option. */
  cookieLength = -1
  readonly cookie: Uint8Array = new Uint8Array(MAX_COOKIE_LENGTH)
  /** The cookie came, or is to go, in the experimental option of before RFC 7413. */
  cookieIsExperimental = false
  /** User timeout option (RFC 5482 §3) as it is sent: granularity bit and 15 bits of time. -1 for none. */
  userTimeout = -1
  /** AccECN option (RFC 9768 §3.2.3): bytes that came with each codepoint, modulo 2^24; -1 for no such field. */
  ect0Bytes = -1
  ceBytes = -1
  ect1Bytes = -1
  /** The bytes that `payloadOffset` counts in: a slab of received packets, or a region of the send slab. */
  bytes: Uint8Array = EMPTY
  /** For output: which region of the send slab `bytes` is. */
  region = 0
  payloadOffset = 0
  /** Bytes of text in all, FIN and SYN not counted. */
  payloadLength = 0
  /** Of a super-segment, the text of each segment that it becomes, or was, on the wire; 0 for a segment as it is. */
  segmentText = 0
  /** Where several have arrived as one: from the text of one to that of the next, bytes. */
  stride = 0
  /** For output: where the text goes on, when it wraps round the end of a ring; `wrappedLength` bytes of `payloadLength`. */
  wrappedOffset = 0
  wrappedLength = 0

  /** SEG.LEN of RFC 9293 §3.3.1: text, plus one each for SYN and FIN. */
  get length(): number {
    return this.payloadLength + ((this.flags & SYN) >> 1) + (this.flags & FIN)
  }

  /** Segments that it is on the wire. */
  get count(): number {
    return this.segmentText === 0 ? 1 : Math.ceil(this.payloadLength / this.segmentText)
  }

  /** Where the last of them begins. */
  get lastSeq(): number {
    return (this.seq + (this.count - 1) * this.segmentText) | 0
  }

  /** All but the addresses and ports at zero, no options, no text: what every output starts from. */
  reset(): void {
    this.tos = 0
    this.ttl = DEFAULT_TTL
    this.mayFragment = false
    this.seq = 0
    this.ack = 0
    this.flags = 0
    this.window = 0
    this.urgentPointer = 0
    this.mss = -1
    this.windowScale = -1
    this.sackPermitted = false
    this.hasTimestamps = false
    this.tsVal = 0
    this.tsEcr = 0
    this.sackBlocks = 0
    this.cookieLength = -1
    this.cookieIsExperimental = false
    this.userTimeout = -1
    this.ect0Bytes = -1
    this.ceBytes = -1
    this.ect1Bytes = -1
    this.bytes = EMPTY
    this.region = 0
    this.payloadOffset = 0
    this.payloadLength = 0
    this.segmentText = 0
    this.stride = 0
    this.wrappedOffset = 0
    this.wrappedLength = 0
  }
}

const EMPTY = new Uint8Array(0)
