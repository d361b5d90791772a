// What happened to received packets, one field for each thing that can happen. Read the fields, or spread the object.

export class IpCounters {
  received = 0
  receivedBytes = 0
  sent = 0
  sentBytes = 0
  /** Handed upwards whole, reassembled ones included. */
  delivered = 0

  // Packets for us by their congestion codepoint (RFC 3168 §5).
  notEct = 0
  ect1 = 0
  ect0 = 0
  ce = 0

  // Headers that do not hold together.
  tooShort = 0
  badVersion = 0
  badHeaderLength = 0
  badTotalLength = 0
  badHeaderChecksum = 0

  // Addresses.
  martianSource = 0
  /** To a multicast or broadcast address, or to one that names no host. */
  notUnicast = 0
  notOurs = 0

  // Reassembly.
  fragments = 0
  reassembled = 0
  fragmentBadLength = 0
  fragmentDuplicate = 0
  /** Datagrams given up because fragments overlap, or disagree about the end. */
  fragmentOverlap = 0
  /** Fragments of a datagram that was given up before. */
  fragmentRefused = 0
  /** Datagrams given up because they came in too many pieces. */
  fragmentTooMany = 0
  /** Datagrams that made room for younger ones, at a limit. */
  fragmentEvicted = 0
  /** Fragments for which no room could be made. */
  fragmentNoRoom = 0
  fragmentTimeout = 0
  /** Datagrams given up because some fragments were marked CE and others said that they are not ECN-capable. */
  fragmentBadEcn = 0
}
