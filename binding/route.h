// How the kernel would send to an address: with which source, and how large.

#ifndef RAWTCP_ROUTE_H_
#define RAWTCP_ROUTE_H_

#include <napi.h>

namespace rawtcp {

void InitRoute(Napi::Env env, Napi::Object exports);

}  // namespace rawtcp

#endif  // RAWTCP_ROUTE_H_
