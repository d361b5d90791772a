// Ports reserved in the kernel's TCP and kept silent there: a listening socket that a filter lets nothing through to.
// The kernel drops what arrives for it without a RST, and when this process dies nothing stays behind.

#ifndef RAWTCP_PORT_GUARD_H_
#define RAWTCP_PORT_GUARD_H_

#include <napi.h>

#include <cstdint>
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

  /** By address and port. */
  std::unordered_map<uint64_t, UniqueFd> held_;
  bool by_filter_ = true;
};

}  // namespace rawtcp

#endif  // RAWTCP_PORT_GUARD_H_
