// recvmmsg into slots, and descriptors for what came. As a raw socket gives it; another kind of socket says
// otherwise (packet_receiver.h). Knows no N-API.

#ifndef RAWTCP_RAW_RECEIVER_H_
#define RAWTCP_RAW_RECEIVER_H_

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "layout.h"

namespace rawtcp {

class RawReceiver {
 public:
  virtual ~RawReceiver() = default;

  /** As many slots as the table has rows, of equal size; each may be elsewhere for the next batch. The memory outlives this object, or is attached anew. */
  void Attach(uint8_t* const* slots, size_t slot_length, int32_t* table, size_t rows, double* counters);

  /** What the socket has dropped so far is not counted: it was meant for others. */
  void ForgetOverflows(int fd);

  /** Packets in the table, which may be 0 where all were dropped; -errno, -EAGAIN where nothing waits. */
  int Receive(int fd);

  /** How much of the socket's room for packets was still taken after the last batch, 0 to 1; known only where that was a full one. */
  double queue_fill() const { return fill_; }

 protected:
  /** What comes before a packet is no part of it, and put elsewhere. */
  void SetPrefixLength(size_t length) { prefix_length_ = length; }
  const uint8_t* Prefix(size_t message) const { return prefixes_.data() + message * prefix_length_; }

  virtual ChecksumState Judge(size_t message, const uint8_t* packet, size_t length) const;
  /** For kRxSegment. A raw socket is not told what GRO has joined. */
  virtual int32_t SegmentText(size_t) const { return 0; }

 private:
  void AskFor(size_t messages, size_t bytes);
  void LookAtQueue(int fd, bool is_full, size_t taken);

  uint8_t* const* slots_ = nullptr;
  size_t slot_length_ = 0;
  int32_t* table_ = nullptr;
  double* counters_ = nullptr;
  uint32_t overflows_seen_ = 0;
  /** The socket's room for packets, bytes; 0 until the kernel was asked. */
  size_t room_ = 0;
  double fill_ = 0;
  std::vector<mmsghdr> messages_;
  /** How many of them the next batch asks for: as many as come to kEnoughBytes if they are as long as those of the last one. */
  size_t wanted_ = 0;
  /** Two a message: prefix and slot. */
  std::vector<iovec> pieces_;
  size_t prefix_length_ = 0;
  std::vector<uint8_t> prefixes_;
};

}  // namespace rawtcp

#endif  // RAWTCP_RAW_RECEIVER_H_
