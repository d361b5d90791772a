#include "raw_receiver.h"

#include <linux/sock_diag.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "layout.h"
#include "raw_counters.h"
#include "verify.h"

namespace rawtcp {
namespace {

/** Of a packet in the queue beside its bytes, at least. */
constexpr size_t kPacketCost = 256;
/** The kernel counts pages, of which a packet may fill a small part. */
constexpr size_t kLeastShare = 16;
/** A batch asks for so many messages at least: four that are full and what is between them. */
constexpr size_t kFewest = 8;

/** What the kernel has to say of a socket's memory; false where it says nothing. */
bool ReadMemory(int fd, uint32_t (&memory)[SK_MEMINFO_VARS]) {
  socklen_t length = sizeof memory;
  return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &length) == 0;
}

}  // namespace

void RawReceiver::Attach(uint8_t* const* slots, size_t slot_length, int32_t* table, size_t rows, double* counters) {
  slots_ = slots;
  slot_length_ = slot_length;
  table_ = table;
  counters_ = counters;
  messages_.assign(rows, mmsghdr{});
  wanted_ = rows;
  pieces_.resize(2 * rows);
  prefixes_.resize(rows * prefix_length_);
  for (size_t i = 0; i < rows; i++) {
    pieces_[2 * i] = {prefixes_.data() + i * prefix_length_, prefix_length_};
    pieces_[2 * i + 1] = {slots[i], slot_length_};
    messages_[i].msg_hdr.msg_iov = &pieces_[2 * i];
    messages_[i].msg_hdr.msg_iovlen = 2;
  }
}

int RawReceiver::Receive(int fd) {
  const size_t asked = wanted_;
  for (size_t i = 0; i < asked; i++) {
    messages_[i].msg_hdr.msg_flags = 0;
    pieces_[2 * i + 1].iov_base = slots_[i];
  }
  int received;
  do {
    received = recvmmsg(fd, messages_.data(), static_cast<unsigned>(asked), MSG_DONTWAIT, nullptr);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  counters_[kReceivedBatches]++;

  int rows = 0;
  size_t taken = 0;
  for (int i = 0; i < received; i++) {
    const mmsghdr& message = messages_[static_cast<size_t>(i)];
    taken += message.msg_len + kPacketCost;
    // What the kernel joined beyond IPv4's 64 KiB ("BIG TCP"): no length field describes it.
    bool is_big = (message.msg_hdr.msg_flags & MSG_TRUNC) != 0 || message.msg_len > prefix_length_ + kMaxPacket;
    if (is_big || message.msg_len < prefix_length_) {
      counters_[kReceivedTruncated]++;
      continue;
    }
    size_t length = message.msg_len - prefix_length_;
    ChecksumState checksum = Judge(static_cast<size_t>(i), slots_[i], length);
    if (checksum == kChecksumPartial) counters_[kReceivedChecksumPartial]++;
    if (checksum == kChecksumBad) counters_[kReceivedChecksumBad]++;
    counters_[kReceivedPackets]++;
    counters_[kReceivedBytes] += static_cast<double>(length);
    int32_t* row = table_ + rows * kRxStride;
    row[kRxOffset] = 0;
    row[kRxLength] = static_cast<int32_t>(length);
    row[kRxChecksum] = checksum;
    row[kRxSegment] = SegmentText(static_cast<size_t>(i));
    row[kRxRegion] = i;
    rows++;
  }
  AskFor(static_cast<size_t>(received), taken);
  LookAtQueue(fd, static_cast<size_t>(received) == asked, taken);
  return rows;
}

/** `bytes` in the last batch of so many messages, which came to more than none. */
void RawReceiver::AskFor(size_t messages, size_t bytes) {
  wanted_ = std::clamp(kEnoughBytes * messages / bytes, std::min(kFewest, messages_.size()), messages_.size());
}

ChecksumState RawReceiver::Judge(size_t, const uint8_t* packet, size_t length) const {
  return VerifyUnlessPartial(packet, length);
}

void RawReceiver::ForgetOverflows(int fd) {
  uint32_t memory[SK_MEMINFO_VARS] = {};
  if (ReadMemory(fd, memory)) overflows_seen_ = memory[SK_MEMINFO_DROPS];
}

/**
 * Asks the kernel how full the queue is, and how many packets it has dropped in all for want of room, where the batch leaves that
 * open: `taken`, what it took of the room, is then a good part of all there is, or there is more than a batch. SO_RXQ_OVFL would
 * tell without asking, but has kernels with hardened copies to users kill the process that receives it with a segment of the
 * kernel's own TCP (Linux 6.18: BUG in usercopy_abort, put_cmsg from a cloned sk_buff).
 */
void RawReceiver::LookAtQueue(int fd, bool is_full, size_t taken) {
  fill_ = 0;
  if (!is_full && room_ != 0 && taken < room_ / kLeastShare) return;
  uint32_t memory[SK_MEMINFO_VARS] = {};
  if (!ReadMemory(fd, memory)) return;
  room_ = memory[SK_MEMINFO_RCVBUF];
  counters_[kReceiveOverflows] += memory[SK_MEMINFO_DROPS] - overflows_seen_;
  overflows_seen_ = memory[SK_MEMINFO_DROPS];
  if (is_full && room_ != 0) fill_ = std::min(1.0, static_cast<double>(memory[SK_MEMINFO_RMEM_ALLOC]) / static_cast<double>(room_));
}

}  // namespace rawtcp
