// A raw IPv4 TCP socket and a raw ICMP socket, as one object for JavaScript: batches in, batches out.

#ifndef RAWTCP_RAW_SOCKET_H_
#define RAWTCP_RAW_SOCKET_H_

#include <napi.h>

#include "driver.h"
#include "raw_counters.h"
#include "raw_receiver.h"
#include "raw_sender.h"
#include "unique_fd.h"

namespace rawtcp {

class RawSocket : public Driver<RawSocket> {
 public:
  static void Init(Napi::Env env, Napi::Object exports);

  explicit RawSocket(const Napi::CallbackInfo& info);
  ~RawSocket() { Shut(); }

 private:
  friend class Driver<RawSocket>;

  enum Socket { kTcp, kIcmp };
  static constexpr size_t kCounters = kRawCounters;
  static constexpr size_t kJoined = kReceivedJoined;
  static constexpr size_t kPolls = 2;
  static constexpr size_t kSending = kTcp;

  Napi::Value Open(const Napi::CallbackInfo& info);
  Napi::Value SetFilter(const Napi::CallbackInfo& info);

  void AttachMemory();
  int ReceiveBatch(size_t which) { return receivers_[which].Receive(fds_[which].get()); }
  double QueueFill(size_t which) const { return receivers_[which].queue_fill(); }
  SendWait SendBatch(const TxSource& source, size_t count) { return sender_.Send(fds_[kTcp].get(), source, count); }
  SendWait FlushBacklog() { return sender_.Flush(fds_[kTcp].get()); }
  bool congested() const { return sender_.congested(); }
  void ClearError(size_t which);
  void CountReceiveError() { counters_.data()[kReceiveErrors]++; }
  void CloseDescriptors();

  UniqueFd fds_[kPolls];
  /** Each with what its socket has lost so far. */
  RawReceiver receivers_[kPolls];
  RawSender sender_;
};

}  // namespace rawtcp

#endif  // RAWTCP_RAW_SOCKET_H_
