// Interfaces, addresses and routes, set and asked for by rtnetlink(7): one request, one answer.

#include "netlink.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "memory.h"
#include "unique_fd.h"

namespace rawtcp {
namespace {

struct Answer {
  nlmsghdr header;
  alignas(NLMSG_ALIGNTO) uint8_t body[2048];
};

/** A request with room for the few attributes that are needed here. */
template <typename Body>
class Request {
 public:
  Request(uint16_t type, uint16_t flags) {
    message_.header.nlmsg_type = type;
    message_.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    message_.header.nlmsg_len = NLMSG_LENGTH(sizeof(Body));
  }

  Body& body() { return message_.body; }

  void Add(uint16_t type, uint32_t value) {
    Attribute& attribute = message_.attributes[count_++];
    attribute.header.rta_type = type;
    attribute.header.rta_len = sizeof attribute;
    attribute.value = value;
    message_.header.nlmsg_len += sizeof attribute;
  }

  /** 0 or -errno, as the kernel answers. */
  int Do() {
    message_.header.nlmsg_flags |= NLM_F_ACK;
    Answer answer;
    int error = Ask(&answer);
    return error == 0 && answer.header.nlmsg_type != NLMSG_ERROR ? -EPROTO : error;
  }

  /** 0 or -errno; 0 also where the answer says nothing but that all is well. */
  int Ask(Answer* answer) const {
    UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!fd.valid()) return -errno;
    if (send(fd.get(), &message_, message_.header.nlmsg_len, 0) < 0) return -errno;
    ssize_t got = recv(fd.get(), answer, sizeof *answer, 0);
    if (got < 0) return -errno;
    if (!NLMSG_OK(&answer->header, static_cast<size_t>(got))) return -EPROTO;
    if (answer->header.nlmsg_type != NLMSG_ERROR) return 0;
    if (answer->header.nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))) return -EPROTO;
    return reinterpret_cast<const nlmsgerr*>(answer->body)->error;
  }

 private:
  static constexpr size_t kAttributes = 4;

  struct Attribute {
    rtattr header;
    uint32_t value;
  };
  static_assert(sizeof(Attribute) == RTA_LENGTH(sizeof(uint32_t)), "without a gap");
  static_assert(sizeof(Body) % NLMSG_ALIGNTO == 0, "attributes follow at once");

  struct {
    nlmsghdr header{};
    Body body{};
    Attribute attributes[kAttributes]{};
  } message_;
  size_t count_ = 0;
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
  return Napi::Number::New(info.Env(), request.Do());
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
  return Napi::Number::New(info.Env(), request.Do());
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
  return Napi::Number::New(info.Env(), request.Do());
}

/** Where the kernel would hand a packet to: the interface, and the next hop on it. 0 or -errno. */
int FindNextHop(uint32_t destination, uint32_t source, int* interface, uint32_t* next_hop) {
  Request<rtmsg> request(RTM_GETROUTE, 0);
  request.body().rtm_family = AF_INET;
  request.body().rtm_dst_len = 32;
  request.Add(RTA_DST, destination);
  if (source != INADDR_ANY) {
    request.body().rtm_src_len = 32;
    request.Add(RTA_SRC, source);
  }
  Answer answer;
  int error = request.Ask(&answer);
  if (error != 0) return error;
  if (answer.header.nlmsg_type != RTM_NEWROUTE) return -EPROTO;
  const rtmsg* route = reinterpret_cast<const rtmsg*>(answer.body);
  if (route->rtm_type != RTN_UNICAST) return -EHOSTUNREACH;
  *interface = 0;
  *next_hop = destination;
  size_t left = RTM_PAYLOAD(&answer.header);
  for (const rtattr* each = RTM_RTA(route); RTA_OK(each, left); each = RTA_NEXT(each, left)) {
    // A tunnel, or a router with an address of IPv6: nothing that a frame to a neighbour could stand for.
    if (each->rta_type == RTA_ENCAP || each->rta_type == RTA_VIA) return -EHOSTUNREACH;
    if (each->rta_type == RTA_OIF) memcpy(interface, RTA_DATA(each), sizeof *interface);
    if (each->rta_type == RTA_GATEWAY) memcpy(next_hop, RTA_DATA(each), sizeof *next_hop);
  }
  return 0;
}

/** The hardware address of a neighbour, 48 bits, as the kernel knows it; -ENXIO where it does not. */
double FindNeighbour(const std::string& interface, uint32_t address) {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return -errno;
  arpreq request{};
  sockaddr_in& protocol = reinterpret_cast<sockaddr_in&>(request.arp_pa);
  protocol.sin_family = AF_INET;
  protocol.sin_addr.s_addr = address;
  interface.copy(request.arp_dev, sizeof request.arp_dev - 1);
  if (ioctl(fd.get(), SIOCGARP, &request) != 0) return -errno;
  if ((request.arp_flags & ATF_COM) == 0) return -ENXIO;
  double mac = 0;
  for (size_t i = 0; i < ETH_ALEN; i++) mac = mac * 256 + static_cast<uint8_t>(request.arp_ha.sa_data[i]);
  return mac;
}

/**
 * (interface, destination, source or 0): the hardware address, 48 bits, to which packets there have to go in frames of ours. -EHOSTUNREACH
 * where the way does not begin at the interface, -ENXIO where the kernel does not know the neighbour now, or another -errno.
 */
Napi::Value Neighbour(const Napi::CallbackInfo& info) {
  int interface;
  uint32_t next_hop;
  int error = FindNextHop(AddressArgument(info[1]), AddressArgument(info[2]), &interface, &next_hop);
  if (error == 0 && interface != IndexOf(info)) error = -EHOSTUNREACH;
  if (error != 0) return Napi::Number::New(info.Env(), error);
  return Napi::Number::New(info.Env(), FindNeighbour(info[0].ToString().Utf8Value(), next_hop));
}

}  // namespace

void InitNetlink(Napi::Env env, Napi::Object exports) {
  exports.Set("setInterface", Napi::Function::New<SetInterface>(env, "setInterface"));
  exports.Set("addAddress", Napi::Function::New<AddAddress>(env, "addAddress"));
  exports.Set("neighbour", Napi::Function::New<Neighbour>(env, "neighbour"));
  exports.Set("addRoute", Napi::Function::New<AddRoute>(env, "addRoute"));
}

}  // namespace rawtcp
