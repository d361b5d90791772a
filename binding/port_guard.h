// Ports reserved in the kernel's TCP and kept silent there: a listening socket that a filter lets nothing through to.
// The kernel drops what arrives for it without a RST, and when this process dies nothing stays behind.

#ifndef RAWTCP_PORT_GUARD_H_
#define RAWTCP_PORT_GUARD_H_

#include <napi.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "unique_fd.h"

namespace rawtcp {

class PortGuard : public Napi::ObjectWrap<PortGuard> {
 public:
  static void Init(Napi::Env env, Napi::Object exports);

  explicit PortGuard(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PortGuard>(info) {}

 private:
  Napi::Value Claim(const Napi::CallbackInfo& info);
  Napi::Value Release(const Napi::CallbackInfo& info);
  Napi::Value ByFilter(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  struct Held {
    UniqueFd guard;
    std::shared_ptr<UniqueFd> token;
  };

  /** 0 or -errno; null for a member of -1. */
  int TakeToken(uint16_t port, int member, std::shared_ptr<UniqueFd>* token);

  /** By address and port. */
  std::unordered_map<uint64_t, Held> held_;
  /** By port: what no other member of our number can have. */
  std::unordered_map<uint16_t, std::weak_ptr<UniqueFd>> tokens_;
  bool by_filter_ = true;
};

}  // namespace rawtcp

#endif  // RAWTCP_PORT_GUARD_H_
