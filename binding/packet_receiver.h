// From an Ethernet, with a virtio header before each frame or without.

#ifndef RAWTCP_PACKET_RECEIVER_H_
#define RAWTCP_PACKET_RECEIVER_H_

#include <cstring>

#include "ethernet.h"
#include "raw_receiver.h"
#include "virtio_header.h"

namespace rawtcp {

class PacketReceiver : public RawReceiver {
 public:
  /** Before Attach. */
  void SetHeader(bool has_header) {
    has_header_ = has_header;
    SetPrefixLength(ETH_HLEN + (has_header ? sizeof(VirtioHeader) : 0));
  }

 protected:
  ChecksumState Judge(size_t message, const uint8_t* packet, size_t length) const override {
    if (!has_header_) return RawReceiver::Judge(message, packet, length);
    return ReadChecksumState(Header(message), packet, length);
  }

  int32_t SegmentText(size_t message) const override { return has_header_ ? ReadSegmentText(Header(message)) : 0; }

 private:
  VirtioHeader Header(size_t message) const {
    VirtioHeader header;
    memcpy(&header, Prefix(message), sizeof header);
    return header;
  }

  bool has_header_ = false;
};

}  // namespace rawtcp

#endif  // RAWTCP_PACKET_RECEIVER_H_
