#include "assemble.h"

#include <netinet/in.h>

#include <algorithm>

#include "checksum.h"
#include "layout.h"

namespace rawtcp {
namespace {

bool Inside(int32_t offset, int32_t length, size_t limit) {
  return offset >= 0 && length >= 0 && static_cast<size_t>(offset) + static_cast<size_t>(length) <= limit;
}

void StoreSum(uint8_t* at, uint16_t memory_order) { memcpy(at, &memory_order, sizeof memory_order); }

/** `payload_sum` counts as if the payload began at an even place; where it does not, it is turned round here. */
void FillHeader(uint8_t* header, const Packet& packet, uint64_t payload_sum) {
  const ChecksumVariant& checksum = BestChecksum();
  size_t ip_length = IpHeaderLength(header);
  FillIpChecksum(header);
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
  StoreSum(field, 0);
  sum = checksum.sum(transport, transport_length, sum);
  sum = AddCarry(sum, transport_length % 2 == 0 ? payload_sum : AtOddPlace(payload_sum));
  StoreSum(field, static_cast<uint16_t>(~Fold(sum)));
}

}  // namespace

void FillIpChecksum(uint8_t* header) {
  StoreSum(header + kIpChecksumAt, 0);
  StoreSum(header + kIpChecksumAt, static_cast<uint16_t>(~Fold(BestChecksum().sum(header, IpHeaderLength(header), 0))));
}

bool ReadDescriptor(const TxSource& source, size_t index, Packet* packet) {
  if (index >= source.capacity) return false;
  const int32_t* row = source.table + index * kTxStride;
  if (!Inside(row[kTxHeaderOffset], row[kTxHeaderLength], source.headers_length)) return false;
  packet->header = source.headers + row[kTxHeaderOffset];
  packet->header_length = static_cast<size_t>(row[kTxHeaderLength]);
  if (packet->header_length < kMinIpHeader) return false;
  size_t ip_length = IpHeaderLength(packet->header);
  if (ip_length < kMinIpHeader || ip_length > packet->header_length) return false;

  packet->segment = 0;
  packet->payload[0] = packet->payload[1] = {packet->header, 0};
  if (row[kTxPayloadLength] == 0 && row[kTxWrappedLength] == 0) return true;
  if (row[kTxRegion] < 0 || static_cast<size_t>(row[kTxRegion]) >= source.regions.size()) return false;
  const Region& region = source.regions[static_cast<size_t>(row[kTxRegion])];
  if (!Inside(row[kTxPayloadOffset], row[kTxPayloadLength], region.length)) return false;
  if (!Inside(row[kTxWrappedOffset], row[kTxWrappedLength], region.length)) return false;
  packet->payload[0] = {region.data + row[kTxPayloadOffset], static_cast<size_t>(row[kTxPayloadLength])};
  packet->payload[1] = {region.data + row[kTxWrappedOffset], static_cast<size_t>(row[kTxWrappedLength])};
  if (row[kTxSegment] > 0) {
    if (IpProtocol(packet->header) != IPPROTO_TCP || packet->header_length < ip_length + kMinTcpHeader) return false;
    packet->segment = static_cast<size_t>(row[kTxSegment]);
  }
  return packet->length() <= kMaxPacket;
}

size_t CountPieces(const Packet& packet) {
  size_t text = packet.payload[0].length + packet.payload[1].length;
  if (packet.segment == 0 || text <= packet.segment) return 1;
  return (text + packet.segment - 1) / packet.segment;
}

Packet CutPiece(const Packet& super, size_t index, uint8_t* header) {
  size_t text = super.payload[0].length + super.payload[1].length;
  size_t from = index * super.segment;
  size_t length = std::min(super.segment, text - from);
  bool last = from + length == text;
  memcpy(header, super.header, super.header_length);
  size_t ip_length = IpHeaderLength(header);
  uint8_t* tcp = header + ip_length;
  Store16(header + kIpTotalLengthAt, static_cast<uint16_t>(super.header_length + length));
  Store16(header + kIpIdAt, static_cast<uint16_t>(Load16(header + kIpIdAt) + index));
  Store32(tcp + kTcpSequenceAt, Load32(tcp + kTcpSequenceAt) + static_cast<uint32_t>(from));
  // As hardware does: what ends the text ends the last piece, what the first text has to tell it tells once (RFC 3168 §6.1.2).
  if (!last) tcp[kTcpFlagsAt] &= static_cast<uint8_t>(~(kFin | kPsh));
  if (index > 0) tcp[kTcpFlagsAt] &= static_cast<uint8_t>(~kCwr);

  Packet piece{header, super.header_length, {{header, 0}, {header, 0}}, 0};
  size_t first = super.payload[0].length;
  if (from < first) {
    piece.payload[0] = {super.payload[0].data + from, std::min(length, first - from)};
    length -= piece.payload[0].length;
    from = 0;
  } else {
    from -= first;
  }
  if (length > 0) piece.payload[1] = {super.payload[1].data + from, length};
  return piece;
}

void FillPartialChecksums(const Packet& packet) {
  uint8_t* header = packet.header;
  FillIpChecksum(header);
  size_t ip_length = IpHeaderLength(header);
  StoreSum(header + ip_length + kTcpChecksumAt, Fold(PseudoHeaderSum(header, packet.length() - ip_length)));
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
