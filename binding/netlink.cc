// Interfaces, addresses and routes, set by rtnetlink(7): one request, one answer.

#include "netlink.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "memory.h"
#include "unique_fd.h"

namespace rawtcp {
namespace {

/** A request with room for the few attributes that are needed here. */
template <typename Body>
class Request {
 public:
  Request(uint16_t type, uint16_t flags) {
    message_.header.nlmsg_type = type;
    message_.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    message_.header.nlmsg_len = NLMSG_LENGTH(sizeof(Body));
  }

  Body& body() { return message_.body; }

  void Add(uint16_t type, uint32_t value) {
    uint8_t* end = reinterpret_cast<uint8_t*>(&message_) + NLMSG_ALIGN(message_.header.nlmsg_len);
    rtattr attribute{};
    attribute.rta_type = type;
    attribute.rta_len = RTA_LENGTH(sizeof value);
    memcpy(end, &attribute, sizeof attribute);
    memcpy(end + RTA_LENGTH(0), &value, sizeof value);
    message_.header.nlmsg_len = static_cast<uint32_t>(NLMSG_ALIGN(message_.header.nlmsg_len) + RTA_ALIGN(RTA_LENGTH(sizeof value)));
  }

  /** 0 or -errno, as the kernel answers. */
  int Ask() const {
    UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!fd.valid()) return -errno;
    if (send(fd.get(), &message_, message_.header.nlmsg_len, 0) < 0) return -errno;
    struct {
      nlmsghdr header;
      nlmsgerr error;
      uint8_t rest[1024];
    } answer;
    ssize_t got = recv(fd.get(), &answer, sizeof answer, 0);
    if (got < 0) return -errno;
    if (static_cast<size_t>(got) < NLMSG_LENGTH(sizeof(nlmsgerr)) || answer.header.nlmsg_type != NLMSG_ERROR) return -EPROTO;
    return answer.error.error;
  }

 private:
  static constexpr size_t kAttributes = 64;

  struct {
    nlmsghdr header{};
    Body body{};
    uint8_t attributes[kAttributes];
  } message_;
};

/** 0 where there is no such interface. */
int IndexOf(const Napi::CallbackInfo& info) {
  return static_cast<int>(if_nametoindex(info[0].ToString().Utf8Value().c_str()));
}

uint32_t AddressArgument(const Napi::Value& value) { return htonl(value.ToNumber().Uint32Value()); }

/** (name, up, mtu, transmitQueue): an mtu or a length of the queue, packets, of 0 leaves it as it is. 0 or -errno. */
Napi::Value SetInterface(const Napi::CallbackInfo& info) {
  int index = IndexOf(info);
  if (index == 0) return Napi::Number::New(info.Env(), -ENODEV);
  Request<ifinfomsg> request(RTM_NEWLINK, 0);
  request.body().ifi_family = AF_UNSPEC;
  request.body().ifi_index = index;
  request.body().ifi_change = IFF_UP;
  request.body().ifi_flags = info[1].ToBoolean() ? IFF_UP : 0;
  uint32_t mtu = info[2].ToNumber().Uint32Value();
  if (mtu > 0) request.Add(IFLA_MTU, mtu);
  uint32_t transmit_queue = info[3].ToNumber().Uint32Value();
  if (transmit_queue > 0) request.Add(IFLA_TXQLEN, transmit_queue);
  return Napi::Number::New(info.Env(), request.Ask());
}

/** (name, address, prefixLength): one more address of the host's. 0 or -errno. */
Napi::Value AddAddress(const Napi::CallbackInfo& info) {
  int index = IndexOf(info);
  if (index == 0) return Napi::Number::New(info.Env(), -ENODEV);
  Request<ifaddrmsg> request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  request.body().ifa_family = AF_INET;
  request.body().ifa_prefixlen = static_cast<uint8_t>(info[2].ToNumber().Uint32Value());
  request.body().ifa_index = static_cast<uint32_t>(index);
  request.Add(IFA_LOCAL, AddressArgument(info[1]));
  request.Add(IFA_ADDRESS, AddressArgument(info[1]));
  return Napi::Number::New(info.Env(), request.Ask());
}

/** (name, destination, prefixLength): the way there leads over the interface. 0 or -errno. */
Napi::Value AddRoute(const Napi::CallbackInfo& info) {
  int index = IndexOf(info);
  if (index == 0) return Napi::Number::New(info.Env(), -ENODEV);
  Request<rtmsg> request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  request.body().rtm_family = AF_INET;
  request.body().rtm_dst_len = static_cast<uint8_t>(info[2].ToNumber().Uint32Value());
  request.body().rtm_table = RT_TABLE_MAIN;
  request.body().rtm_protocol = RTPROT_STATIC;
  request.body().rtm_scope = RT_SCOPE_LINK;
  request.body().rtm_type = RTN_UNICAST;
  request.Add(RTA_DST, AddressArgument(info[1]));
  request.Add(RTA_OIF, static_cast<uint32_t>(index));
  return Napi::Number::New(info.Env(), request.Ask());
}

}  // namespace

void InitNetlink(Napi::Env env, Napi::Object exports) {
  exports.Set("setInterface", Napi::Function::New<SetInterface>(env, "setInterface"));
  exports.Set("addAddress", Napi::Function::New<AddAddress>(env, "addAddress"));
  exports.Set("addRoute", Napi::Function::New<AddRoute>(env, "addRoute"));
}

}  // namespace rawtcp
