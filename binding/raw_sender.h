// sendmmsg straight from header slots and slab regions, and a bounded backlog for what the kernel would not take.
// As a raw socket wants it; another kind of socket says otherwise (packet_sender.h). Knows no N-API.

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
  virtual ~RawSender() = default;

  void Attach(double* counters) { counters_ = counters; }

  /** Sends or queues all packets, behind those that are queued already. */
  SendWait Send(int fd, const TxSource& source, size_t count);

  /** Sends what is queued, as far as it goes. */
  SendWait Flush(int fd);

  bool congested() const { return !backlog_.empty(); }

 protected:
  static constexpr size_t kChunk = 128;

  /** False for a packet that has to be kept, or dropped, instead. */
  virtual bool CanSend(const Packet&) { return true; }
  virtual void Keep(const Packet&) {}
  /** How many the socket wants to be handed for a packet of ours: it sends nothing that is larger than the MTU. */
  virtual size_t CountMessages(const Packet& packet) const { return CountPieces(packet); }
  /** Fills in the checksums, and makes message `index` of the packet. */
  virtual void Prepare(size_t index, const Packet& packet);
  /** Makes message `index` of a packet of the backlog, which has its frame and its checksums. */
  virtual void PrepareQueued(size_t index, uint8_t* bytes, size_t length);
  virtual void WriteFrame(const Packet&, uint8_t*) {}

  /** Message `index`, of nothing but bytes. */
  msghdr& SetMessage(size_t index, iovec before, const Packet& packet);
  /** To the end of the backlog: room for a frame and a packet; null, and counted, where it is full. */
  uint8_t* PushQueued(size_t length);
  void Count(size_t counter, double by = 1) { counters_[counter] += by; }

  /** Bytes before each packet: for the kernel, and then for the wire. A raw socket has neither. */
  size_t prefix_ = 0;
  size_t frame_ = 0;

 private:
  static constexpr size_t kPieces = 4;
  static constexpr size_t kBacklogLimit = 4 * 1024 * 1024;
  /** Tries for one packet without memory, a few milliseconds apart, before it is dropped. */
  static constexpr int kMemoryTries = 50;

  /** Which packet of a batch: its row, and of a super-segment the piece. */
  struct Origin {
    size_t row;
    size_t piece;
  };

  size_t PrepareAll(const TxSource& source, size_t count, Origin* next);
  void SetDestination(size_t index, const uint8_t* header);
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
