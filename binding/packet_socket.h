// Two packet sockets on one Ethernet interface, as one object for JavaScript: IPv4 to one address in batches, and ARP packet by
// packet. How packets find their way there is for TypeScript to say, by next hop.

#ifndef RAWTCP_PACKET_SOCKET_H_
#define RAWTCP_PACKET_SOCKET_H_

#include <napi.h>

#include <string>

#include "driver.h"
#include "packet_counters.h"
#include "packet_receiver.h"
#include "packet_sender.h"
#include "unique_fd.h"

namespace rawtcp {

class PacketSocket : public Driver<PacketSocket> {
 public:
  static void Init(Napi::Env env, Napi::Object exports);

  explicit PacketSocket(const Napi::CallbackInfo& info);
  ~PacketSocket() { Shut(); }

 private:
  friend class Driver<PacketSocket>;

  enum Socket { kIp, kArp };
  static constexpr size_t kCounters = kPacketCounters;
  static constexpr size_t kJoined = kReceivedJoined;
  static constexpr size_t kPolls = 2;
  static constexpr size_t kSending = kIp;

  Napi::Value Open(const Napi::CallbackInfo& info);
  Napi::Value SetNetwork(const Napi::CallbackInfo& info);
  Napi::Value MacOf(const Napi::CallbackInfo& info);
  Napi::Value Mtu(const Napi::CallbackInfo& info);
  Napi::Value HasOffload(const Napi::CallbackInfo& info);
  Napi::Value OnArp(const Napi::CallbackInfo& info);
  Napi::Value AwaitArp(const Napi::CallbackInfo& info);
  Napi::Value SendArp(const Napi::CallbackInfo& info);
  Napi::Value TakeWanted(const Napi::CallbackInfo& info);
  Napi::Value SetNeighbour(const Napi::CallbackInfo& info);
  Napi::Value RemoveNeighbour(const Napi::CallbackInfo& info);
  Napi::Value TakeUsed(const Napi::CallbackInfo& info);

  /** `own` all zeros for the interface's. */
  int Open(Napi::Env env, const std::string& interface, const MacAddress& own, const uint32_t* const filters[kPolls],
           const size_t lengths[kPolls], bool offload, bool bypass_queue, int receive_buffer, int send_buffer);
  /** Bytes of the packet, or -errno. */
  int ReceiveArp();

  void AttachMemory();
  int ReceiveBatch(size_t which);
  double QueueFill(size_t which) const { return which == kIp ? receiver_.queue_fill() : 0; }
  SendWait SendBatch(const TxSource& source, size_t count) { return sender_.Send(fds_[kIp].get(), source, count); }
  SendWait FlushBacklog() { return sender_.Flush(fds_[kIp].get()); }
  bool congested() const { return sender_.congested(); }
  void ClearError(size_t which);
  void CountReceiveError() { counters_.data()[kReceiveErrors]++; }
  void CloseDescriptors();

  UniqueFd fds_[kPolls];
  std::string interface_;
  MacAddress mac_{};
  bool has_header_ = false;
  PacketReceiver receiver_;
  PacketSender sender_;
  Memory<uint8_t> arp_;
  Napi::FunctionReference on_arp_;
};

}  // namespace rawtcp

#endif  // RAWTCP_PACKET_SOCKET_H_
