#include "route.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

#include <cerrno>

#include "memory.h"
#include "unique_fd.h"

namespace rawtcp {
namespace {

sockaddr_in Address(uint32_t address, uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(address);
  result.sin_port = htons(port);
  return result;
}

/** Connecting a UDP socket sends nothing: it looks up the route and keeps it. 0 or -errno. */
int LookUp(uint32_t destination, uint32_t source, int32_t* found_source, int32_t* found_mtu) {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
  if (!fd.valid()) return -errno;
  sockaddr_in local = Address(source, 0);
  socklen_t length = sizeof local;
  if (source != INADDR_ANY && bind(fd.get(), reinterpret_cast<sockaddr*>(&local), length) != 0) return -errno;
  sockaddr_in remote = Address(destination, 9);  // discard
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&remote), sizeof remote) != 0) return -errno;
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&local), &length) != 0) return -errno;
  int mtu = 0;
  length = sizeof mtu;
  if (getsockopt(fd.get(), IPPROTO_IP, IP_MTU, &mtu, &length) != 0) return -errno;
  *found_source = static_cast<int32_t>(ntohl(local.sin_addr.s_addr));
  *found_mtu = mtu;
  return 0;
}

/** (destination, source or 0, result: Int32Array): 0 or -errno; source and MTU in `result`. */
Napi::Value Route(const Napi::CallbackInfo& info) {
  if (!IsTypedArray(info[2], napi_int32_array) || info[2].As<Napi::Int32Array>().ElementLength() < 2) {
    return ThrowArguments(info.Env(), "route(destination, source, result: Int32Array)");
  }
  int32_t* result = info[2].As<Napi::Int32Array>().Data();
  int error = LookUp(info[0].ToNumber().Uint32Value(), info[1].ToNumber().Uint32Value(), &result[0], &result[1]);
  return Napi::Number::New(info.Env(), error);
}

}  // namespace

void InitRoute(Napi::Env env, Napi::Object exports) {
  exports.Set("route", Napi::Function::New<Route>(env, "route"));
}

}  // namespace rawtcp
