#include "port_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
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
int ListenSilently(uint32_t address, uint16_t port, bool shared, bool reuse, UniqueFd* out, bool* by_filter) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!fd.valid()) return -errno;
  // Before bind: no segment may find the socket without it.
  int error = Silence(fd.get(), by_filter);
  if (error != 0) return error;
  const int on = 1;
  if (reuse && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return -errno;
  if (shared && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) return -errno;
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_addr.s_addr = htonl(address);
  local.sin_port = htons(port);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&local), sizeof local) != 0) return -errno;
  if (listen(fd.get(), 0) != 0) return -errno;
  *out = std::move(fd);
  return 0;
}

/**
 * SO_REUSEPORT lets anybody of our user have the port, another program of the same kind too. A member's number is taken by an abstract
 * name, which the kernel forgets with the process. 0 or -errno.
 */
int BindName(uint16_t port, int member, UniqueFd* out) {
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return -errno;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "rawtcp/%u/%d", unsigned{port}, member);
  socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + static_cast<size_t>(length));
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&name), size) != 0) return -errno;
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

/** (address, port, member or -1, reuseAddress): 0 or -errno. */
Napi::Value PortGuard::Claim(const Napi::CallbackInfo& info) {
  uint64_t key = Key(info);
  uint16_t port = static_cast<uint16_t>(key);
  int member = info[2].ToNumber().Int32Value();
  Held held;
  int error = TakeToken(port, member, &held.token);
  if (error == 0) {
    error = ListenSilently(static_cast<uint32_t>(key >> 16), port, member >= 0, info[3].ToBoolean(), &held.guard,
                           &by_filter_);
  }
  if (error == 0) held_[key] = std::move(held);
  return Napi::Number::New(info.Env(), error);
}

int PortGuard::TakeToken(uint16_t port, int member, std::shared_ptr<UniqueFd>* token) {
  if (member < 0) return 0;
  // The port at another address: the number is ours already.
  *token = tokens_[port].lock();
  if (*token != nullptr) return 0;
  UniqueFd fd;
  int error = BindName(port, member, &fd);
  if (error != 0) {
    tokens_.erase(port);
    return error;
  }
  *token = std::make_shared<UniqueFd>(std::move(fd));
  tokens_[port] = *token;
  return 0;
}

/** (address, port): whether it was held. */
Napi::Value PortGuard::Release(const Napi::CallbackInfo& info) {
  bool was_held = held_.erase(Key(info)) > 0;
  auto token = tokens_.find(static_cast<uint16_t>(Key(info)));
  if (token != tokens_.end() && token->second.expired()) tokens_.erase(token);
  return Napi::Boolean::New(info.Env(), was_held);
}

/** Whether all ports are silent by a filter, not by the least TTL. */
Napi::Value PortGuard::ByFilter(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), by_filter_);
}

Napi::Value PortGuard::Close(const Napi::CallbackInfo& info) {
  held_.clear();
  tokens_.clear();
  return info.Env().Undefined();
}

}  // namespace rawtcp
