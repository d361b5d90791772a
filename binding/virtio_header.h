// The virtio network header (linux/virtio_net.h) before each packet of a TUN device or a packet socket: what is still to be
// done to the packet, and what was.

#ifndef RAWTCP_VIRTIO_HEADER_H_
#define RAWTCP_VIRTIO_HEADER_H_

#include <netinet/in.h>

#include <cstdint>

#include "assemble.h"
#include "layout.h"
#include "verify.h"

namespace rawtcp {

/** struct virtio_net_hdr in the host's byte order; linux/virtio_net.h itself is no C++. */
struct VirtioHeader {
  static constexpr uint8_t kNeedsChecksum = 1;
  static constexpr uint8_t kDataValid = 2;
  static constexpr uint8_t kNoSegmentation = 0;
  static constexpr uint8_t kTcp4 = 1;
  static constexpr uint8_t kEcn = 0x80;

  uint8_t flags = 0;
  uint8_t gso_type = 0;
  uint16_t header_length = 0;
  /** Bytes of text of each segment of a super-segment. */
  uint16_t gso_size = 0;
  uint16_t checksum_start = 0;
  /** From there. */
  uint16_t checksum_offset = 0;
};
static_assert(sizeof(VirtioHeader) == 10, "as the kernel has it");

/** Bytes of text of each segment that the packet is made of; 0 where it is one. */
inline int32_t ReadSegmentText(const VirtioHeader& header) {
  return header.gso_type == VirtioHeader::kNoSegmentation ? 0 : header.gso_size;
}

/** What the header says of a packet's checksum; where it says nothing the packet is summed. */
inline ChecksumState ReadChecksumState(const VirtioHeader& header, const uint8_t* packet, size_t length) {
  // The kernel knows that nobody can have damaged it: it was never on a wire.
  if ((header.flags & VirtioHeader::kNeedsChecksum) != 0) return kChecksumPartial;
  if ((header.flags & VirtioHeader::kDataValid) != 0) return kChecksumGood;
  ChecksumState state = Verify(packet, length);
  // With this header an unfinished checksum would have been announced.
  return state == kChecksumPartial ? kChecksumBad : state;
}

/**
 * Leaves to the kernel what it or the device can do better: the checksum of a TCP segment, and the cutting of a super-segment.
 * All other checksums are filled in. `frame` bytes come between the virtio header and the packet.
 */
inline VirtioHeader OffloadTo(const Packet& packet, size_t frame) {
  VirtioHeader header;
  if (IpProtocol(packet.header) != IPPROTO_TCP || IpIsFragment(packet.header)) {
    FillChecksums(packet);
    return header;
  }
  FillPartialChecksums(packet);
  size_t ip_length = IpHeaderLength(packet.header);
  header.flags = VirtioHeader::kNeedsChecksum;
  header.checksum_start = static_cast<uint16_t>(frame + ip_length);
  header.checksum_offset = kTcpChecksumAt;
  if (CountPieces(packet) > 1) {
    bool reduced = (packet.header[ip_length + kTcpFlagsAt] & kCwr) != 0;
    header.gso_type = static_cast<uint8_t>(VirtioHeader::kTcp4 | (reduced ? VirtioHeader::kEcn : 0));
    header.gso_size = static_cast<uint16_t>(packet.segment);
    header.header_length = static_cast<uint16_t>(frame + packet.header_length);
  }
  return header;
}

}  // namespace rawtcp

#endif  // RAWTCP_VIRTIO_HEADER_H_
