#include "port_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "socket_filter.h"

namespace rawtcp {
namespace {

uint64_t Key(const Napi::CallbackInfo& info) {
  return uint64_t{info[0].ToNumber().Uint32Value()} << 16 | (info[1].ToNumber().Uint32Value() & 0xffff);
}

/** Of all TTLs only the highest gets through: that of a neighbour who starts there, as few do. */
constexpr int kHighestTtl = 255;

/** 0 or -errno. */
int Silence(int fd, bool* by_filter) {
  int error = RejectAll(fd);
  if (error != -EPERM) return error;
  // Newer kernels (6.18 among them) let only CAP_NET_ADMIN attach a filter to a TCP socket. The next best silence,
  // which asks for no privilege, is a least TTL (RFC 5082).
  *by_filter = false;
  return setsockopt(fd, IPPROTO_IP, IP_MINTTL, &kHighestTtl, sizeof kHighestTtl) == 0 ? 0 : -errno;
}

/** 0 or -errno. */
int ListenSilently(uint32_t address, uint16_t port, bool reuse, UniqueFd* out, bool* by_filter) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!fd.valid()) return -errno;
  // Before bind: no segment may find the socket without it.
  int error = Silence(fd.get(), by_filter);
  if (error != 0) return error;
  const int on = 1;
  if (reuse && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return -errno;
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_addr.s_addr = htonl(address);
  local.sin_port = htons(port);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&local), sizeof local) != 0) return -errno;
  if (listen(fd.get(), 0) != 0) return -errno;
  *out = std::move(fd);
  return 0;
}

}  // namespace

void PortGuard::Init(Napi::Env env, Napi::Object exports) {
  exports.Set("PortGuard",
              DefineClass(env, "PortGuard",
                          {InstanceMethod<&PortGuard::Claim>("claim"), InstanceMethod<&PortGuard::Release>("release"),
                           InstanceMethod<&PortGuard::ByFilter>("byFilter"),
                           InstanceMethod<&PortGuard::Close>("close")}));
}

/** (address, port, reuseAddress): 0 or -errno. */
Napi::Value PortGuard::Claim(const Napi::CallbackInfo& info) {
  uint64_t key = Key(info);
  UniqueFd fd;
  int error = ListenSilently(static_cast<uint32_t>(key >> 16), static_cast<uint16_t>(key), info[2].ToBoolean(), &fd,
                             &by_filter_);
  if (error == 0) held_[key] = std::move(fd);
  return Napi::Number::New(info.Env(), error);
}

/** (address, port): whether it was held. */
Napi::Value PortGuard::Release(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), held_.erase(Key(info)) > 0);
}

/** Whether all ports are silent by a filter, not by the least TTL. */
Napi::Value PortGuard::ByFilter(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), by_filter_);
}

Napi::Value PortGuard::Close(const Napi::CallbackInfo& info) {
  held_.clear();
  return info.Env().Undefined();
}

}  // namespace rawtcp
