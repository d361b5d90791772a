// One queue of a TUN device: IPv4 packets to and from the kernel's stack, with a virtio header before each, so that
// checksums need not be filled in and segments may be larger than the MTU.

#ifndef RAWTCP_TUN_DEVICE_H_
#define RAWTCP_TUN_DEVICE_H_

#include <napi.h>

#include <string>

#include "backlog.h"
#include "driver.h"
#include "tun_counters.h"
#include "unique_fd.h"

namespace rawtcp {

class TunDevice : public Driver<TunDevice> {
 public:
  static void Init(Napi::Env env, Napi::Object exports);

  explicit TunDevice(const Napi::CallbackInfo& info) : Driver(info) {}
  ~TunDevice() { Shut(); }

 private:
  friend class Driver<TunDevice>;

  static constexpr size_t kCounters = kTunCounters;
  static constexpr size_t kJoined = kTunReceivedJoined;
  static constexpr size_t kPolls = 1;
  static constexpr size_t kSending = 0;
  static constexpr size_t kBacklogLimit = 4 * 1024 * 1024;

  Napi::Value Open(const Napi::CallbackInfo& info);
  Napi::Value Adopt(const Napi::CallbackInfo& info);
  Napi::Value Descriptor(const Napi::CallbackInfo& info);
  Napi::Value Steer(const Napi::CallbackInfo& info);
  Napi::Value HasOffload(const Napi::CallbackInfo& info);
  Napi::Value Name(const Napi::CallbackInfo& info);

  int TakeOver(Napi::Env env, UniqueFd fd);
  int Write(const Packet& packet);
  void Queue(const Packet& packet);
  void Count(TunCounter counter, double by = 1) { counters_.data()[counter] += by; }

  void AttachMemory() {}
  int ReceiveBatch(size_t which);
  /** The kernel does not tell. */
  double QueueFill(size_t) const { return 0; }
  SendWait SendBatch(const TxSource& source, size_t count);
  SendWait FlushBacklog();
  bool congested() const { return !backlog_.empty(); }
  void ClearError(size_t) { Count(kTunReceiveErrors); }
  void CountReceiveError() { Count(kTunReceiveErrors); }
  void CloseDescriptors() { fd_.Reset(); }

  UniqueFd fd_;
  std::string name_;
  /** Each packet has a virtio header before it. */
  bool has_header_ = false;
  bool has_offload_ = false;
  Backlog backlog_{kBacklogLimit};
};

}  // namespace rawtcp

#endif  // RAWTCP_TUN_DEVICE_H_
