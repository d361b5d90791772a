#ifndef RAWTCP_NETLINK_H_
#define RAWTCP_NETLINK_H_

#include <napi.h>

namespace rawtcp {

/** setInterface, addAddress, addRoute, neighbour: what `ip link`, `ip address`, `ip route` and `ip neighbour` do. */
void InitNetlink(Napi::Env env, Napi::Object exports);

}  // namespace rawtcp

#endif  // RAWTCP_NETLINK_H_
