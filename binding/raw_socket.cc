#include "raw_socket.h"

#include <linux/icmp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "layout.h"
#include "raw_counters.h"
#include "socket_filter.h"
#include "tx_batch.h"

namespace rawtcp {
namespace {

/** Batches handed over in one turn of the loop: enough to keep up, few enough for others to have their turn. */
constexpr int kBatchesPerTurn = 8;
constexpr uint64_t kMemoryRetryMs = 2;

/** Beyond the host's limit where the process may (CAP_NET_ADMIN), else up to it. */
void SetBuffer(int fd, int forced, int plain, int bytes) {
  if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) == 0) return;
  setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof bytes);
}

/** 0 or -errno. The socket receives nothing until it gets a filter that lets something through. */
int OpenRaw(int protocol, uint32_t address, int receive_buffer, int send_buffer, UniqueFd* out) {
  UniqueFd fd(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!fd.valid()) return -errno;
  int error = RejectAll(fd.get());
  if (error != 0) return error;
  const int on = 1;
  if (setsockopt(fd.get(), IPPROTO_IP, IP_HDRINCL, &on, sizeof on) != 0) return -errno;
  if (setsockopt(fd.get(), SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) != 0) return -errno;
  SetBuffer(fd.get(), SO_RCVBUFFORCE, SO_RCVBUF, receive_buffer);
  SetBuffer(fd.get(), SO_SNDBUFFORCE, SO_SNDBUF, send_buffer);
  if (address != INADDR_ANY) {
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(address);
    if (bind(fd.get(), reinterpret_cast<sockaddr*>(&local), sizeof local) != 0) return -errno;
  }
  // What came between socket() and the first filter belongs to others.
  Drain(fd.get());
  *out = std::move(fd);
  return 0;
}

/** Of ICMP, only the errors that speak of a packet of ours. */
int RestrictIcmp(int fd) {
  icmp_filter blocked{};
  blocked.data = ~((1u << ICMP_DEST_UNREACH) | (1u << ICMP_TIME_EXCEEDED) | (1u << ICMP_PARAMETERPROB));
  return setsockopt(fd, SOL_RAW, ICMP_FILTER, &blocked, sizeof blocked) == 0 ? 0 : -errno;
}

}  // namespace

void RawSocket::Init(Napi::Env env, Napi::Object exports) {
  Napi::Array names = Napi::Array::New(env, kRawCounters);
  for (uint32_t i = 0; i < kRawCounters; i++) names.Set(i, kRawCounterNames[i]);
  Napi::Function constructor =
      DefineClass(env, "RawSocket",
                  {InstanceMethod<&RawSocket::Open>("open"), InstanceMethod<&RawSocket::SetFilter>("setFilter"),
                   InstanceMethod<&RawSocket::Start>("start"), InstanceMethod<&RawSocket::Send>("send"),
                   InstanceMethod<&RawSocket::KeepAlive>("keepAlive"), InstanceMethod<&RawSocket::Close>("close"),
                   StaticValue("counterNames", names, napi_enumerable)});
  exports.Set("RawSocket", constructor);
}

/** (counters: Float64Array), with a place for each of `counterNames`. */
RawSocket::RawSocket(const Napi::CallbackInfo& info) : Napi::ObjectWrap<RawSocket>(info) {
  if (!IsTypedArray(info[0], napi_float64_array) ||
      info[0].As<Napi::Float64Array>().ElementLength() < kRawCounters) {
    ThrowArguments(info.Env(), "new RawSocket(counters: Float64Array)");
    return;
  }
  counters_ = Memory<double>(info[0].As<Napi::Float64Array>());
  sender_.Attach(counters_.data());
}

/** (address, receiveBuffer, sendBuffer): 0 or -errno. */
Napi::Value RawSocket::Open(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (handles_ != nullptr || counters_.data() == nullptr) return Napi::Number::New(env, -EALREADY);
  uint32_t address = info[0].ToNumber().Uint32Value();
  int receive_buffer = info[1].ToNumber().Int32Value();
  int send_buffer = info[2].ToNumber().Int32Value();
  int error = OpenRaw(IPPROTO_TCP, address, receive_buffer, send_buffer, &fds_[kTcp]);
  if (error == 0) error = OpenRaw(IPPROTO_ICMP, address, receive_buffer, send_buffer, &fds_[kIcmp]);
  if (error == 0) error = RestrictIcmp(fds_[kIcmp].get());
  if (error == 0) {
    const int fds[LoopHandles::kPolls] = {fds_[kTcp].get(), fds_[kIcmp].get()};
    error = LoopHandles::Open(env, this, fds, &handles_);
  }
  if (error != 0) Shut();
  return Napi::Number::New(env, error);
}

/** (socket: 0 for TCP, 1 for ICMP; program): 0 or -errno. The kernel changes from one program to the next at once. */
Napi::Value RawSocket::SetFilter(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (handles_ == nullptr) return Napi::Number::New(env, -EBADF);
  uint32_t which = info[0].ToNumber().Uint32Value();
  if (which >= LoopHandles::kPolls || !IsTypedArray(info[1], napi_uint32_array)) {
    return ThrowArguments(env, "setFilter(socket, program: Uint32Array)");
  }
  Napi::Uint32Array words = info[1].As<Napi::Uint32Array>();
  return Napi::Number::New(env, AttachFilter(fds_[which].get(), words.Data(), words.ElementLength()));
}

/** (slab, rxTable, onBatch(count), onWritable()): begins to receive. */
Napi::Value RawSocket::Start(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!IsTypedArray(info[0], napi_uint8_array) || !IsTypedArray(info[1], napi_int32_array) ||
      !info[2].IsFunction() || !info[3].IsFunction()) {
    return ThrowArguments(env, "start(slab: Uint8Array, rxTable: Int32Array, onBatch, onWritable)");
  }
  if (handles_ == nullptr || started_) return env.Undefined();
  slab_ = Memory<uint8_t>(info[0].As<Napi::Uint8Array>());
  table_ = Memory<int32_t>(info[1].As<Napi::Int32Array>());
  receiver_.Attach(slab_.data(), slab_.length(), table_.data(), table_.length() / kRxStride, counters_.data());
  on_batch_ = Napi::Persistent(info[2].As<Napi::Function>());
  on_writable_ = Napi::Persistent(info[3].As<Napi::Function>());
  context_ = std::make_unique<Napi::AsyncContext>(env, "rawtcp");
  started_ = true;
  Ref();
  handles_->Watch(kTcp, UV_READABLE | (sender_.congested() ? UV_WRITABLE : 0));
  handles_->Watch(kIcmp, UV_READABLE);
  return env.Undefined();
}

/** (batch, count): whether packets are left in the backlog. */
Napi::Value RawSocket::Send(const Napi::CallbackInfo& info) {
  TxBatch* batch = TxBatch::From(info[0]);
  if (batch == nullptr) return ThrowArguments(info.Env(), "send(batch: TxBatch, count)");
  if (handles_ == nullptr) return Napi::Boolean::New(info.Env(), false);
  Await(sender_.Send(fds_[kTcp].get(), batch->source(), info[1].ToNumber().Uint32Value()));
  return Napi::Boolean::New(info.Env(), sender_.congested());
}

/** (keep): whether the open socket keeps the process from ending. */
Napi::Value RawSocket::KeepAlive(const Napi::CallbackInfo& info) {
  if (handles_ != nullptr) handles_->KeepAlive(info[0].ToBoolean());
  return info.Env().Undefined();
}

Napi::Value RawSocket::Close(const Napi::CallbackInfo& info) {
  // Last words, a RST say, may stand in the backlog; the kernel gets one chance to take them.
  if (handles_ != nullptr) sender_.Flush(fds_[kTcp].get());
  Shut();
  return info.Env().Undefined();
}

void RawSocket::DescriptorReady(size_t which, int events) {
  // A callback that closes us gives up the last reference, and we are not done yet.
  Napi::HandleScope scope(Env());
  [[maybe_unused]] Napi::Object self = Value();
  if ((events & UV_DISCONNECT) != 0) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fds_[which].get(), SOL_SOCKET, SO_ERROR, &error, &length);
    counters_.data()[kReceiveErrors]++;
    return;
  }
  if ((events & UV_WRITABLE) != 0) Flush();
  if ((events & UV_READABLE) != 0) Receive(static_cast<Socket>(which));
}

void RawSocket::TimerFired() {
  Napi::HandleScope scope(Env());
  [[maybe_unused]] Napi::Object self = Value();
  Flush();
}

void RawSocket::EnvironmentEnds() { Shut(); }

void RawSocket::Receive(Socket which) {
  for (int i = 0; i < kBatchesPerTurn; i++) {
    // The callback before may have closed us.
    if (handles_ == nullptr) return;
    int count = receiver_.Receive(fds_[which].get());
    if (count == -EAGAIN) return;
    if (count < 0) {
      counters_.data()[kReceiveErrors]++;
      return;
    }
    if (count > 0) Call(on_batch_, count);
  }
}

void RawSocket::Flush() {
  if (handles_ == nullptr) return;
  SendWait wait = sender_.Flush(fds_[kTcp].get());
  Await(wait);
  if (sender_.congested()) return;
  handles_->Watch(kTcp, started_ ? UV_READABLE : 0);
  if (started_) Call(on_writable_, 0);
}

void RawSocket::Await(SendWait wait) {
  if (wait == SendWait::kNothing) return;
  int readable = started_ ? UV_READABLE : 0;
  bool writable = wait == SendWait::kWritable;
  // Without memory the descriptor is writable all the while: waiting for that would be a busy loop.
  handles_->Watch(kTcp, writable ? readable | UV_WRITABLE : readable);
  if (!writable) handles_->StartTimer(kMemoryRetryMs);
}

void RawSocket::Call(const Napi::FunctionReference& callback, int count) {
  napi_env env = Env();
  Napi::HandleScope scope(env);
  napi_value argument = Napi::Number::New(env, count);
  // Not by node-addon-api: of a failure it makes an Error, and aborts the process where it cannot. In a worker that is
  // being terminated every call fails, and that is no error.
  napi_status status = napi_make_callback(env, *context_, Env().Global(), callback.Value(), 1, &argument, nullptr);
  if (status == napi_ok) return;
  bool thrown = false;
  napi_value exception;
  napi_is_exception_pending(env, &thrown);
  // What the callback threw has no caller to go to: it ends as an uncaught exception, as with any handle of Node.
  if (thrown && napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
}

/** Without JavaScript, since it may be the end of the environment. May come twice. */
void RawSocket::Shut() {
  if (handles_ != nullptr) {
    handles_->Close();
    handles_ = nullptr;
  }
  for (UniqueFd& fd : fds_) fd.Reset();
  if (started_) {
    started_ = false;
    on_batch_.Reset();
    on_writable_.Reset();
    Unref();
  }
}

}  // namespace rawtcp
