#include "verify.h"

#include <netinet/in.h>

#include "checksum.h"

namespace rawtcp {
namespace {

constexpr uint16_t kAllOnes = 0xffff;

/** The longest segment that crosses a wire by itself, in a jumbo frame; a longer one was joined, or never met a wire. */
constexpr size_t kLongestOnWire = 9216;

ChecksumState VerifyTcp(const uint8_t* ip, const uint8_t* segment, size_t length, bool spares_partial) {
  if (length < kMinTcpHeader) return kChecksumUnknown;
  uint64_t pseudo = PseudoHeaderSum(ip, length);
  // A segment that never met a wire, or that GRO put together from segments it had verified: the kernel leaves the
  // pseudo-header's sum in the field, for hardware to complete (CHECKSUM_PARTIAL in linux/skbuff.h).
  uint16_t field;
  memcpy(&field, segment + kTcpChecksumAt, sizeof field);
  bool is_partial = field == Fold(pseudo);
  if (is_partial && spares_partial && length > kLongestOnWire) return kChecksumPartial;
  if (Fold(BestChecksum().sum(segment, length, pseudo)) == kAllOnes) return kChecksumGood;
  return is_partial ? kChecksumPartial : kChecksumBad;
}

ChecksumState VerifyIcmp(const uint8_t* message, size_t length) {
  if (length < kMinIcmpHeader) return kChecksumUnknown;
  return Fold(BestChecksum().sum(message, length, 0)) == kAllOnes ? kChecksumGood : kChecksumBad;
}

ChecksumState Judge(const uint8_t* packet, size_t length, bool spares_partial) {
  if (length < kMinIpHeader || IpVersion(packet) != 4) return kChecksumUnknown;
  size_t ip_length = IpHeaderLength(packet);
  size_t total = IpTotalLength(packet);
  if (ip_length < kMinIpHeader || total < ip_length || total > length) return kChecksumUnknown;
  if (IpIsFragment(packet)) return kChecksumUnknown;
  const uint8_t* transport = packet + ip_length;
  switch (IpProtocol(packet)) {
    case IPPROTO_TCP:
      return VerifyTcp(packet, transport, total - ip_length, spares_partial);
    case IPPROTO_ICMP:
      return VerifyIcmp(transport, total - ip_length);
    default:
      return kChecksumUnknown;
  }
}

}  // namespace

ChecksumState Verify(const uint8_t* packet, size_t length) { return Judge(packet, length, false); }

ChecksumState VerifyUnlessPartial(const uint8_t* packet, size_t length) { return Judge(packet, length, true); }

}  // namespace rawtcp
