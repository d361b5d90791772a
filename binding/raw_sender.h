// sendmmsg straight from header slots and slab regions, and a bounded backlog for what the kernel would not take.
// Knows no N-API.

#ifndef RAWTCP_RAW_SENDER_H_
#define RAWTCP_RAW_SENDER_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

#include "assemble.h"
#include "backlog.h"
#include "layout.h"
#include "send_wait.h"

namespace rawtcp {

class RawSender {
 public:
  void Attach(double* counters) { counters_ = counters; }

  /** Sends or queues all packets, behind those that are queued already. */
  SendWait Send(int fd, const TxSource& source, size_t count);

  /** Sends what is queued, as far as it goes. */
  SendWait Flush(int fd);

  bool congested() const { return !backlog_.empty(); }

 private:
  static constexpr size_t kChunk = 128;
  static constexpr size_t kPieces = 3;
  static constexpr size_t kBacklogLimit = 4 * 1024 * 1024;
  /** Tries for one packet without memory, a few milliseconds apart, before it is dropped. */
  static constexpr int kMemoryTries = 50;

  /** Which packet of a batch: its row, and of a super-segment the piece. */
  struct Origin {
    size_t row;
    size_t piece;
  };

  size_t Prepare(const TxSource& source, size_t count, Origin* next);
  void PrepareMessage(size_t index, const Packet& packet);
  size_t Dispatch(int fd, size_t count, SendWait* wait);
  void Queue(const TxSource& source, Origin first, size_t count);
  void QueuePacket(const Packet& packet);
  void CountDropped(int error);

  double* counters_ = nullptr;
  int memory_tries_ = 0;
  Backlog backlog_{kBacklogLimit};
  mmsghdr messages_[kChunk];
  /** By message. */
  Origin origins_[kChunk];
  uint8_t headers_[kChunk][kHeaderRoom];
  iovec pieces_[kChunk][kPieces];
  sockaddr_in destinations_[kChunk];
};

}  // namespace rawtcp

#endif  // RAWTCP_RAW_SENDER_H_
