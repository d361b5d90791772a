// A raw IPv4 TCP socket and a raw ICMP socket, as one object for JavaScript: batches in, batches out.

#ifndef RAWTCP_RAW_SOCKET_H_
#define RAWTCP_RAW_SOCKET_H_

#include <napi.h>

#include <memory>

#include "loop_handles.h"
#include "memory.h"
#include "raw_receiver.h"
#include "raw_sender.h"
#include "unique_fd.h"

namespace rawtcp {

class RawSocket : public Napi::ObjectWrap<RawSocket>, private LoopHandles::Listener {
 public:
  static void Init(Napi::Env env, Napi::Object exports);

  explicit RawSocket(const Napi::CallbackInfo& info);
  ~RawSocket() { Shut(); }

 private:
  enum Socket { kTcp, kIcmp };

  Napi::Value Open(const Napi::CallbackInfo& info);
  Napi::Value SetFilter(const Napi::CallbackInfo& info);
  Napi::Value Start(const Napi::CallbackInfo& info);
  Napi::Value Send(const Napi::CallbackInfo& info);
  Napi::Value KeepAlive(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  void DescriptorReady(size_t which, int events) override;
  void TimerFired() override;
  void EnvironmentEnds() override;

  void Receive(Socket which);
  void Flush();
  void Await(SendWait wait);
  void Call(const Napi::FunctionReference& callback, int count);
  void Shut();

  UniqueFd fds_[LoopHandles::kPolls];
  LoopHandles* handles_ = nullptr;
  RawReceiver receiver_;
  RawSender sender_;
  Memory<uint8_t> slab_;
  Memory<int32_t> table_;
  Memory<double> counters_;
  Napi::FunctionReference on_batch_;
  Napi::FunctionReference on_writable_;
  std::unique_ptr<Napi::AsyncContext> context_;
  bool started_ = false;
};

}  // namespace rawtcp

#endif  // RAWTCP_RAW_SOCKET_H_
