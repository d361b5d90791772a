// Where packets go to the kernel and come from it: by the same calls as the drivers of the addon, and nothing around them.

#ifndef COSTLESS_PORT_H_
#define COSTLESS_PORT_H_

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "segment.h"

namespace costless {

constexpr size_t kReceiveBatch = 64;
constexpr size_t kSendBatch = 128;

struct Packet {
  const uint8_t* bytes;
  size_t length;
};

class Port {
 public:
  virtual ~Port() = default;

  int fd() const { return fd_; }
  /** Bytes of text that a packet may carry: many segments', where somebody behind it cuts. */
  size_t most_text() const { return has_header_ ? kMostText : kSegmentText; }
  bool sums() const { return !has_header_; }

  /** What has come, kReceiveBatch at most. */
  virtual size_t Receive(Packet* packets) = 0;
  /** How many of them were taken. */
  virtual size_t Send(const Outgoing* packets, size_t count) = 0;

 protected:
  static constexpr size_t kMostText = (65'535 - kHeaders) / kSegmentText * kSegmentText;
  static constexpr size_t kSlot = 65'536 + 64;

  /** struct virtio_net_hdr, whose own header is no C++. */
  struct VirtioHeader {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t header_length;
    uint16_t gso_size;
    uint16_t checksum_start;
    uint16_t checksum_offset;
  };

  /** `frame` bytes are between the header and the packet. */
  static VirtioHeader HeaderOf(const Outgoing& packet, size_t frame);

  uint8_t* slot(size_t index) { return slots_ + index * kSlot; }

  int fd_ = -1;
  bool has_header_ = false;
  uint8_t* slots_ = new uint8_t[kReceiveBatch * kSlot]();
  static const uint8_t kZeros[65'536];
};

/** A port of sockets: whole batches in one call. */
class SocketPort : public Port {
 public:
  size_t Receive(Packet* packets) override;
  size_t Send(const Outgoing* packets, size_t count) override;

 protected:
  /** Writes what comes before a packet, and answers how much. */
  virtual size_t WritePrefix(const Outgoing&, uint8_t*) { return 0; }
  virtual size_t prefix_length() const { return 0; }
  void SetUp();

  sockaddr_storage to_ = {};
  socklen_t to_length_ = 0;

 private:
  static constexpr size_t kMostPrefix = 32;

  mmsghdr received_[kReceiveBatch] = {};
  iovec received_pieces_[kReceiveBatch] = {};
  mmsghdr sent_[kSendBatch] = {};
  iovec sent_pieces_[kSendBatch][3] = {};
  uint8_t prefixes_[kSendBatch][kMostPrefix] = {};
};

/** Each ends the program where the kernel refuses. */
Port* OpenRaw(const Ends& ends);
Port* OpenPacket(const Ends& ends, const char* interface, const char* next_hop);
Port* OpenTun(const Ends& ends);

/** Ends the program. */
[[noreturn]] void Fail(const char* what);
/** Says what errno is, where it does not hold. */
void Must(bool holds, const char* what);

}  // namespace costless

#endif  // COSTLESS_PORT_H_
