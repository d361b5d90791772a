// What JavaScript sees of the addon. Loaded anew in each worker: all state hangs on the objects made here.

#include <napi.h>

#include "batch_functions.h"
#include "netlink.h"
#include "offloads.h"
#include "packet_socket.h"
#include "port_guard.h"
#include "raw_socket.h"
#include "route.h"
#include "tun_device.h"
#include "tx_batch.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  rawtcp::InitBatchFunctions(env, exports);
  rawtcp::InitRoute(env, exports);
  rawtcp::InitNetlink(env, exports);
  rawtcp::InitOffloads(env, exports);
  rawtcp::TxBatch::Init(env, exports);
  rawtcp::PortGuard::Init(env, exports);
  rawtcp::RawSocket::Init(env, exports);
  rawtcp::PacketSocket::Init(env, exports);
  rawtcp::TunDevice::Init(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(rawtcp, Init)
