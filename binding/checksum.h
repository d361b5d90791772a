// The internet checksum (RFC 1071), alone and while copying. Knows nothing of Node.
//
// A sum here is a ones' complement sum of 16-bit words as they lie in memory, carried in 64 bits and not inverted:
// 2^16, 2^32 and 2^64 are all 1 modulo 2^16 - 1, so words of any width add up to the same folded result.

#ifndef RAWTCP_CHECKSUM_H_
#define RAWTCP_CHECKSUM_H_

#include <cstddef>
#include <cstdint>

namespace rawtcp {

using SumFunction = uint64_t (*)(const uint8_t* data, size_t length, uint64_t sum);
using CopyFunction = uint64_t (*)(uint8_t* to, const uint8_t* from, size_t length, uint64_t sum);

struct ChecksumVariant {
  const char* name;
  SumFunction sum;
  CopyFunction copy;
};

/** Those that this processor runs, slowest first. */
const ChecksumVariant* ChecksumVariants(size_t* count);

/** The fastest for this processor. */
const ChecksumVariant& BestChecksum();

inline uint64_t AddCarry(uint64_t a, uint64_t b) {
  uint64_t sum = a + b;
  return sum + (sum < a ? 1 : 0);
}

/** The sum in 16 bits, in memory order: stored as it is, it is the sum; inverted, the checksum. */
inline uint16_t Fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

/** What bytes sum up to that begin at an odd place of the whole: their words are the wrong way round. */
inline uint64_t AtOddPlace(uint64_t sum) { return __builtin_bswap16(Fold(sum)); }

}  // namespace rawtcp

#endif  // RAWTCP_CHECKSUM_H_
