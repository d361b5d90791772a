// For diagnosis: what an interface's driver does to packets before we see them, by ethtool's old questions, and what the kernel
// would do for TUN devices and packet sockets.

#ifndef RAWTCP_OFFLOADS_H_
#define RAWTCP_OFFLOADS_H_

#include <napi.h>

namespace rawtcp {

void InitOffloads(Napi::Env env, Napi::Object exports);

}  // namespace rawtcp

#endif  // RAWTCP_OFFLOADS_H_
