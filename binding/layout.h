// The shape of a batch in shared memory: the descriptor columns of src/link/link.ts (a test compares the two), and
// the few header fields that the addon reads and writes itself.

#ifndef RAWTCP_LAYOUT_H_
#define RAWTCP_LAYOUT_H_

#include <arpa/inet.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace rawtcp {

enum RxColumn { kRxOffset, kRxLength, kRxChecksum, kRxSegment, kRxRegion, kRxStride };

enum ChecksumState { kChecksumUnknown, kChecksumGood, kChecksumBad, kChecksumPartial };

enum TxColumn {
  kTxHeaderOffset,
  kTxHeaderLength,
  kTxRegion,
  kTxPayloadOffset,
  kTxPayloadLength,
  kTxWrappedOffset,
  kTxWrappedLength,
  kTxSegment,
  kTxStride
};

constexpr size_t kMaxPacket = 65535;
/** So much at once: ACKs leave after each batch, and the sooner they do, the more the sender works beside us. */
constexpr size_t kEnoughBytes = 256 * 1024;
constexpr size_t kMinIpHeader = 20;
constexpr size_t kMinTcpHeader = 20;
constexpr size_t kMinIcmpHeader = 8;
constexpr size_t kTcpSequenceAt = 4;
constexpr size_t kTcpFlagsAt = 13;
constexpr size_t kTcpChecksumAt = 16;
constexpr size_t kIcmpChecksumAt = 2;

// IPv4 header fields (RFC 791 §3.1), read where they lie.
inline uint16_t Load16(const uint8_t* at) {
  uint16_t value;
  memcpy(&value, at, sizeof value);
  return ntohs(value);
}

inline uint32_t Load32(const uint8_t* at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return ntohl(value);
}

inline void Store16(uint8_t* at, uint16_t value) {
  value = htons(value);
  memcpy(at, &value, sizeof value);
}

inline void Store32(uint8_t* at, uint32_t value) {
  value = htonl(value);
  memcpy(at, &value, sizeof value);
}

inline int IpVersion(const uint8_t* ip) { return ip[0] >> 4; }
inline size_t IpHeaderLength(const uint8_t* ip) { return static_cast<size_t>(ip[0] & 15) * 4; }
inline size_t IpTotalLength(const uint8_t* ip) { return Load16(ip + 2); }
/** More fragments, or not the first: what follows is not a whole segment. */
inline bool IpIsFragment(const uint8_t* ip) { return (Load16(ip + 6) & 0x3fff) != 0; }
inline uint8_t IpProtocol(const uint8_t* ip) { return ip[9]; }
constexpr size_t kIpTotalLengthAt = 2;
constexpr size_t kIpIdAt = 4;
constexpr size_t kIpChecksumAt = 10;
constexpr size_t kIpSourceAt = 12;
constexpr size_t kIpDestinationAt = 16;

// TCP flags (RFC 9293 §3.1).
constexpr uint8_t kFin = 1;
constexpr uint8_t kPsh = 8;
constexpr uint8_t kAck = 16;
constexpr uint8_t kCwr = 128;

/** Room for the largest IPv4 and TCP headers, as TX_HEADER_ROOM of src/link/link.ts. */
constexpr size_t kHeaderRoom = 128;

/** The pseudo-header's sum (RFC 9293 §3.1), in memory order as checksum.h has it. */
inline uint64_t PseudoHeaderSum(const uint8_t* ip, size_t segment_length) {
  uint32_t addresses[2];
  memcpy(addresses, ip + kIpSourceAt, sizeof addresses);
  return uint64_t{addresses[0]} + addresses[1] + htons(IpProtocol(ip)) + htons(static_cast<uint16_t>(segment_length));
}

}  // namespace rawtcp

#endif  // RAWTCP_LAYOUT_H_
