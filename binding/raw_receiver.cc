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

/** What the kernel has to say of a socket's memory; false where it says nothing. */
bool ReadMemory(int fd, uint32_t (&memory)[SK_MEMINFO_VARS]) {
  socklen_t length = sizeof memory;
  return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &length) == 0;
}

}  // namespace

void RawReceiver::Attach(uint8_t* slab, size_t length, int32_t* table, size_t rows, double* counters) {
  slab_ = slab;
  slot_length_ = rows == 0 ? 0 : length / rows;
  table_ = table;
  counters_ = counters;
  messages_.assign(rows, mmsghdr{});
  pieces_.resize(2 * rows);
  prefixes_.resize(rows * prefix_length_);
  controls_.resize(rows);
  for (size_t i = 0; i < rows; i++) {
    pieces_[2 * i] = {prefixes_.data() + i * prefix_length_, prefix_length_};
    pieces_[2 * i + 1] = {slab + i * slot_length_, slot_length_};
    messages_[i].msg_hdr.msg_iov = &pieces_[2 * i];
    messages_[i].msg_hdr.msg_iovlen = 2;
    messages_[i].msg_hdr.msg_control = controls_[i].bytes;
  }
}

int RawReceiver::Receive(int fd) {
  for (mmsghdr& message : messages_) {
    message.msg_hdr.msg_controllen = sizeof(Control);
    message.msg_hdr.msg_flags = 0;
  }
  int received;
  do {
    received = recvmmsg(fd, messages_.data(), static_cast<unsigned>(messages_.size()), MSG_DONTWAIT, nullptr);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  counters_[kReceivedBatches]++;
  is_full_ = static_cast<size_t>(received) == messages_.size();

  int rows = 0;
  for (int i = 0; i < received; i++) {
    const mmsghdr& message = messages_[static_cast<size_t>(i)];
    CountOverflows(message.msg_hdr);
    // Only what the kernel joined beyond IPv4's 64 KiB ("BIG TCP") does not fit: no length field describes it.
    if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0 || message.msg_len < prefix_length_) {
      counters_[kReceivedTruncated]++;
      continue;
    }
    size_t offset = static_cast<size_t>(i) * slot_length_;
    size_t length = message.msg_len - prefix_length_;
    ChecksumState checksum = Judge(static_cast<size_t>(i), slab_ + offset, length);
    if (checksum == kChecksumPartial) counters_[kReceivedChecksumPartial]++;
    if (checksum == kChecksumBad) counters_[kReceivedChecksumBad]++;
    counters_[kReceivedPackets]++;
    counters_[kReceivedBytes] += static_cast<double>(length);
    int32_t* row = table_ + rows * kRxStride;
    row[kRxOffset] = static_cast<int32_t>(offset);
    row[kRxLength] = static_cast<int32_t>(length);
    row[kRxChecksum] = checksum;
    row[kRxSegment] = SegmentText(static_cast<size_t>(i));
    rows++;
  }
  return rows;
}

ChecksumState RawReceiver::Judge(size_t, const uint8_t* packet, size_t length) const { return Verify(packet, length); }

void RawReceiver::ForgetOverflows(int fd) {
  uint32_t memory[SK_MEMINFO_VARS] = {};
  if (ReadMemory(fd, memory)) overflows_seen_ = memory[SK_MEMINFO_DROPS];
}

double RawReceiver::QueueFill(int fd) const {
  uint32_t memory[SK_MEMINFO_VARS] = {};
  if (!is_full_ || !ReadMemory(fd, memory) || memory[SK_MEMINFO_RCVBUF] == 0) return 0;
  return std::min(1.0, static_cast<double>(memory[SK_MEMINFO_RMEM_ALLOC]) / memory[SK_MEMINFO_RCVBUF]);
}

/** The kernel tells, once it has dropped packets for want of room, how many it has dropped in all (SO_RXQ_OVFL). */
void RawReceiver::CountOverflows(const msghdr& message) {
  if (message.msg_controllen < sizeof(cmsghdr)) return;
  const cmsghdr* control = static_cast<const cmsghdr*>(message.msg_control);
  if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SO_RXQ_OVFL) return;
  uint32_t total;
  memcpy(&total, CMSG_DATA(control), sizeof total);
  counters_[kReceiveOverflows] += total - overflows_seen_;
  overflows_seen_ = total;
}

}  // namespace rawtcp
