#include "assemble.h"

#include <netinet/in.h>

#include "checksum.h"
#include "layout.h"

namespace rawtcp {
namespace {

bool Inside(int32_t offset, int32_t length, size_t limit) {
  return offset >= 0 && length >= 0 && static_cast<size_t>(offset) + static_cast<size_t>(length) <= limit;
}

void Store16(uint8_t* at, uint16_t memory_order) { memcpy(at, &memory_order, sizeof memory_order); }

/** `payload_sum` counts as if the payload began at an even place; where it does not, it is turned round here. */
void FillHeader(uint8_t* header, const Packet& packet, uint64_t payload_sum) {
  const ChecksumVariant& checksum = BestChecksum();
  size_t ip_length = IpHeaderLength(header);
  Store16(header + kIpChecksumAt, 0);
  Store16(header + kIpChecksumAt, static_cast<uint16_t>(~Fold(checksum.sum(header, ip_length, 0))));
  // The segment's sum runs over all fragments, which nobody here has together.
  if (IpIsFragment(header)) return;

  size_t transport_length = packet.header_length - ip_length;
  size_t segment_length = packet.length() - ip_length;
  uint8_t* transport = header + ip_length;
  uint8_t* field = nullptr;
  uint64_t sum = 0;
  if (IpProtocol(header) == IPPROTO_TCP && transport_length >= kMinTcpHeader) {
    field = transport + kTcpChecksumAt;
    sum = PseudoHeaderSum(header, segment_length);
  } else if (IpProtocol(header) == IPPROTO_ICMP && transport_length >= kMinIcmpHeader) {
    field = transport + kIcmpChecksumAt;
  } else {
    return;
  }
  Store16(field, 0);
  sum = checksum.sum(transport, transport_length, sum);
  sum = AddCarry(sum, transport_length % 2 == 0 ? payload_sum : AtOddPlace(payload_sum));
  Store16(field, static_cast<uint16_t>(~Fold(sum)));
}

}  // namespace

bool ReadDescriptor(const TxSource& source, size_t index, Packet* packet) {
  if (index >= source.capacity) return false;
  const int32_t* row = source.table + index * kTxStride;
  if (!Inside(row[kTxHeaderOffset], row[kTxHeaderLength], source.headers_length)) return false;
  packet->header = source.headers + row[kTxHeaderOffset];
  packet->header_length = static_cast<size_t>(row[kTxHeaderLength]);
  if (packet->header_length < kMinIpHeader) return false;
  size_t ip_length = IpHeaderLength(packet->header);
  if (ip_length < kMinIpHeader || ip_length > packet->header_length) return false;

  packet->payload[0] = packet->payload[1] = {packet->header, 0};
  if (row[kTxPayloadLength] == 0 && row[kTxWrappedLength] == 0) return true;
  if (row[kTxRegion] < 0 || static_cast<size_t>(row[kTxRegion]) >= source.regions.size()) return false;
  const Region& region = source.regions[static_cast<size_t>(row[kTxRegion])];
  if (!Inside(row[kTxPayloadOffset], row[kTxPayloadLength], region.length)) return false;
  if (!Inside(row[kTxWrappedOffset], row[kTxWrappedLength], region.length)) return false;
  packet->payload[0] = {region.data + row[kTxPayloadOffset], static_cast<size_t>(row[kTxPayloadLength])};
  packet->payload[1] = {region.data + row[kTxWrappedOffset], static_cast<size_t>(row[kTxWrappedLength])};
  return packet->length() <= kMaxPacket;
}

void FillChecksums(const Packet& packet) {
  const SumFunction sum = BestChecksum().sum;
  uint64_t first = sum(packet.payload[0].data, packet.payload[0].length, 0);
  uint64_t second = sum(packet.payload[1].data, packet.payload[1].length, 0);
  if (packet.payload[0].length % 2 != 0) second = AtOddPlace(second);
  FillHeader(packet.header, packet, AddCarry(first, second));
}

void CopyPacket(const Packet& packet, uint8_t* to) {
  const CopyFunction copy = BestChecksum().copy;
  memcpy(to, packet.header, packet.header_length);
  uint8_t* payload = to + packet.header_length;
  uint64_t first = copy(payload, packet.payload[0].data, packet.payload[0].length, 0);
  uint64_t second = copy(payload + packet.payload[0].length, packet.payload[1].data, packet.payload[1].length, 0);
  if (packet.payload[0].length % 2 != 0) second = AtOddPlace(second);
  FillHeader(to, packet, AddCarry(first, second));
}

}  // namespace rawtcp
