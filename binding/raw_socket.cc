#include "raw_socket.h"

#include <linux/icmp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "socket_filter.h"
#include "socket_options.h"

namespace rawtcp {
namespace {

/** 0 or -errno. The socket receives nothing until it gets a filter that lets something through. */
int OpenRaw(int protocol, uint32_t address, int receive_buffer, int send_buffer, UniqueFd* out) {
  UniqueFd fd(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!fd.valid()) return -errno;
  int error = RejectAll(fd.get());
  if (error != 0) return error;
  const int on = 1;
  if (setsockopt(fd.get(), IPPROTO_IP, IP_HDRINCL, &on, sizeof on) != 0) return -errno;
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
  Define(env, exports, "RawSocket", kRawCounterNames,
         {InstanceMethod<&RawSocket::Open>("open"), InstanceMethod<&RawSocket::SetFilter>("setFilter")});
}

RawSocket::RawSocket(const Napi::CallbackInfo& info) : Driver(info) { sender_.Attach(counters_.data()); }

/** (address, receiveBuffer, sendBuffer): 0 or -errno. */
Napi::Value RawSocket::Open(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (CannotOpen()) return Napi::Number::New(env, -EALREADY);
  uint32_t address = info[0].ToNumber().Uint32Value();
  int receive_buffer = info[1].ToNumber().Int32Value();
  int send_buffer = info[2].ToNumber().Int32Value();
  int error = OpenRaw(IPPROTO_TCP, address, receive_buffer, send_buffer, &fds_[kTcp]);
  if (error == 0) error = OpenRaw(IPPROTO_ICMP, address, receive_buffer, send_buffer, &fds_[kIcmp]);
  if (error == 0) error = RestrictIcmp(fds_[kIcmp].get());
  if (error == 0) {
    for (size_t which = 0; which < kPolls; which++) receivers_[which].ForgetOverflows(fds_[which].get());
    const int fds[kPolls] = {fds_[kTcp].get(), fds_[kIcmp].get()};
    error = WatchDescriptors(env, fds);
  }
  if (error != 0) Shut();
  return Napi::Number::New(env, error);
}

/** (socket: 0 for TCP, 1 for ICMP; program): 0 or -errno. The kernel changes from one program to the next at once. */
Napi::Value RawSocket::SetFilter(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!IsOpen()) return Napi::Number::New(env, -EBADF);
  uint32_t which = info[0].ToNumber().Uint32Value();
  if (which >= kPolls || !IsTypedArray(info[1], napi_uint32_array)) {
    return ThrowArguments(env, "setFilter(socket, program: Uint32Array)");
  }
  Napi::Uint32Array words = info[1].As<Napi::Uint32Array>();
  return Napi::Number::New(env, AttachFilter(fds_[which].get(), words.Data(), words.ElementLength()));
}

void RawSocket::AttachMemory() {
  for (RawReceiver& receiver : receivers_) {
    receiver.Attach(slots_.data(), slot_length_, table_.data(), slots_.size(), counters_.data());
  }
}

void RawSocket::ClearError(size_t which) {
  TakeError(fds_[which].get());
  CountReceiveError();
}

void RawSocket::CloseDescriptors() {
  for (UniqueFd& fd : fds_) fd.Reset();
}

}  // namespace rawtcp
