#include "packet_socket.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "ethernet.h"
#include "socket_filter.h"
#include "socket_options.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23  // Linux 4.20
#endif

namespace rawtcp {
namespace {

/** 48 bits as a number. */
double ToNumber(const MacAddress& mac) {
  double number = 0;
  for (uint8_t byte : mac) number = number * 256 + byte;
  return number;
}

MacAddress MacArgument(const Napi::Value& value) {
  int64_t number = value.ToNumber().Int64Value();
  MacAddress mac;
  for (size_t i = mac.size(); i-- > 0; number >>= 8) mac[i] = static_cast<uint8_t>(number);
  return mac;
}

uint32_t AddressArgument(const Napi::Value& value) { return value.ToNumber().Uint32Value(); }

/** One ioctl(2) about an interface. 0 or -errno. */
int Ask(int fd, const std::string& interface, unsigned long question, ifreq* answer) {
  *answer = ifreq{};
  std::copy(interface.begin(), interface.end(), answer->ifr_name);
  return ioctl(fd, question, answer) == 0 ? 0 : -errno;
}

/** 0, -ENODEV where there is none of this name, -EPROTONOSUPPORT where it is no Ethernet, -ENETDOWN where it is down. */
int LookAt(int fd, const std::string& interface, int* index, MacAddress* mac) {
  ifreq answer;
  int error = Ask(fd, interface, SIOCGIFINDEX, &answer);
  if (error != 0) return error;
  *index = answer.ifr_ifindex;
  error = Ask(fd, interface, SIOCGIFHWADDR, &answer);
  if (error != 0) return error;
  if (answer.ifr_hwaddr.sa_family != ARPHRD_ETHER) return -EPROTONOSUPPORT;
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(answer.ifr_hwaddr.sa_data);
  std::copy(bytes, bytes + mac->size(), mac->begin());
  error = Ask(fd, interface, SIOCGIFFLAGS, &answer);
  if (error != 0) return error;
  return (answer.ifr_flags & IFF_UP) != 0 ? 0 : -ENETDOWN;
}

/** The interface takes frames for this address too, for as long as the socket is open. 0 or -errno. */
int ReceiveAlsoAt(const MacAddress& mac, int index, int fd) {
  packet_mreq membership{};
  membership.mr_ifindex = index;
  membership.mr_type = PACKET_MR_UNICAST;
  membership.mr_alen = static_cast<uint16_t>(mac.size());
  std::copy(mac.begin(), mac.end(), membership.mr_address);
  return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership) == 0 ? 0 : -errno;
}

/** Receives from here on what the filter, attached before, lets through. 0 or -errno. */
int Bind(int fd, int index, uint16_t protocol) {
  const int on = 1;
  // Where the kernel does not know it the filters see to it.
  setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
  sockaddr_ll here{};
  here.sll_family = AF_PACKET;
  here.sll_ifindex = index;
  here.sll_protocol = htons(protocol);
  return bind(fd, reinterpret_cast<sockaddr*>(&here), sizeof here) == 0 ? 0 : -errno;
}

}  // namespace

void PacketSocket::Init(Napi::Env env, Napi::Object exports) {
  const char* names[kPacketCounters];
  const char** behind = std::copy(std::begin(kRawCounterNames), std::end(kRawCounterNames), names);
  std::copy(std::begin(kPacketCounterNames), std::end(kPacketCounterNames), behind);
  Define(env, exports, "PacketSocket", names,
         {InstanceMethod<&PacketSocket::Open>("open"), InstanceMethod<&PacketSocket::SetNetwork>("setNetwork"),
          InstanceMethod<&PacketSocket::MacOf>("macAddress"), InstanceMethod<&PacketSocket::Mtu>("mtu"),
          InstanceMethod<&PacketSocket::HasOffload>("hasOffload"), InstanceMethod<&PacketSocket::OnArp>("onArp"),
          InstanceMethod<&PacketSocket::AwaitArp>("awaitArp"), InstanceMethod<&PacketSocket::SendArp>("sendArp"),
          InstanceMethod<&PacketSocket::TakeWanted>("takeWanted"),
          InstanceMethod<&PacketSocket::SetNeighbour>("setNeighbour"),
          InstanceMethod<&PacketSocket::RemoveNeighbour>("removeNeighbour"),
          InstanceMethod<&PacketSocket::TakeUsed>("takeUsed")});
}

PacketSocket::PacketSocket(const Napi::CallbackInfo& info) : Driver(info) { sender_.Attach(counters_.data()); }

/** (interface, macAddress or 0, ipFilter, arpFilter, offload, bypassQueue, receiveBuffer, sendBuffer): 0 or -errno. */
Napi::Value PacketSocket::Open(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsString() || !IsTypedArray(info[2], napi_uint32_array) || !IsTypedArray(info[3], napi_uint32_array)) {
    return ThrowArguments(env, "open(interface: string, macAddress, ipFilter: Uint32Array, arpFilter: Uint32Array, ...)");
  }
  if (CannotOpen()) return Napi::Number::New(env, -EALREADY);
  Napi::Uint32Array programs[kPolls] = {info[2].As<Napi::Uint32Array>(), info[3].As<Napi::Uint32Array>()};
  const uint32_t* const filters[kPolls] = {programs[kIp].Data(), programs[kArp].Data()};
  const size_t lengths[kPolls] = {programs[kIp].ElementLength(), programs[kArp].ElementLength()};
  int error = Open(env, info[0].As<Napi::String>().Utf8Value(), MacArgument(info[1]), filters, lengths,
                   info[4].ToBoolean(), info[5].ToBoolean(), info[6].ToNumber().Int32Value(),
                   info[7].ToNumber().Int32Value());
  if (error != 0) Shut();
  return Napi::Number::New(env, error);
}

int PacketSocket::Open(Napi::Env env, const std::string& interface, const MacAddress& own,
                       const uint32_t* const filters[kPolls], const size_t lengths[kPolls], bool offload,
                       bool bypass_queue, int receive_buffer, int send_buffer) {
  if (interface.empty() || interface.size() >= IFNAMSIZ) return -ENODEV;
  for (size_t which = 0; which < kPolls; which++) {
    // Protocol 0: nothing comes before the socket is bound.
    fds_[which] = UniqueFd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fds_[which].valid()) return -errno;
    int error = AttachFilter(fds_[which].get(), filters[which], lengths[which]);
    if (error != 0) return error;
  }
  int index;
  int error = LookAt(fds_[kIp].get(), interface, &index, &mac_);
  if (error != 0) return error;
  interface_ = interface;
  if (own != MacAddress{}) {
    mac_ = own;
    if ((error = ReceiveAlsoAt(own, index, fds_[kIp].get())) != 0) return error;
  }

  int ip = fds_[kIp].get();
  const int on = 1;
  // A kernel that has none of it does without.
  has_header_ = offload && setsockopt(ip, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) == 0;
  if (bypass_queue && setsockopt(ip, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0) return -errno;
  SetBuffer(ip, SO_RCVBUFFORCE, SO_RCVBUF, receive_buffer);
  SetBuffer(ip, SO_SNDBUFFORCE, SO_SNDBUF, send_buffer);
  receiver_.SetHeader(has_header_);
  sender_.Configure(has_header_, mac_);
  if ((error = Bind(ip, index, ETH_P_IP)) != 0) return error;
  if ((error = Bind(fds_[kArp].get(), index, ETH_P_ARP)) != 0) return error;
  const int fds[kPolls] = {ip, fds_[kArp].get()};
  return WatchDescriptors(env, fds);
}

/** (address, prefixLength, gateway or 0): how next hops are chosen. */
Napi::Value PacketSocket::SetNetwork(const Napi::CallbackInfo& info) {
  sender_.neighbours().SetNetwork(AddressArgument(info[0]), info[1].ToNumber().Int32Value(), AddressArgument(info[2]));
  return info.Env().Undefined();
}

/** Ours: the interface's, or the one that was given. */
Napi::Value PacketSocket::MacOf(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), ToNumber(mac_)); }

/** The interface's as it is now, or -errno. */
Napi::Value PacketSocket::Mtu(const Napi::CallbackInfo& info) {
  ifreq answer;
  int error = Ask(fds_[kArp].get(), interface_, SIOCGIFMTU, &answer);
  return Napi::Number::New(info.Env(), error == 0 ? answer.ifr_mtu : error);
}

/** Whether super-segments leave whole. */
Napi::Value PacketSocket::HasOffload(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), has_header_);
}

/** (packet: Uint8Array, onArp(length)): each ARP packet that arrives is put into `packet`. Before `start` and `awaitArp`. */
Napi::Value PacketSocket::OnArp(const Napi::CallbackInfo& info) {
  if (!IsTypedArray(info[0], napi_uint8_array) || !info[1].IsFunction()) {
    return ThrowArguments(info.Env(), "onArp(packet: Uint8Array, onArp)");
  }
  arp_ = Memory<uint8_t>(info[0].As<Napi::Uint8Array>());
  on_arp_ = Napi::Persistent(info[1].As<Napi::Function>());
  return info.Env().Undefined();
}

/** (milliseconds): blocks until there is one, and puts it where `onArp` has said. Its length, 0 for none in that time. */
Napi::Value PacketSocket::AwaitArp(const Napi::CallbackInfo& info) {
  pollfd waiting{fds_[kArp].get(), POLLIN, 0};
  bool has_one = poll(&waiting, 1, info[0].ToNumber().Int32Value()) > 0;
  return Napi::Number::New(info.Env(), has_one ? std::max(0, ReceiveArp()) : 0);
}

/** (packet: Uint8Array, macAddress): 0 or -errno. */
Napi::Value PacketSocket::SendArp(const Napi::CallbackInfo& info) {
  if (!IsTypedArray(info[0], napi_uint8_array)) return ThrowArguments(info.Env(), "sendArp(packet: Uint8Array, macAddress)");
  Napi::Uint8Array packet = info[0].As<Napi::Uint8Array>();
  MacAddress to = MacArgument(info[1]);
  uint8_t frame[ETH_HLEN];
  WriteFrameHeader(to, mac_, ETHERTYPE_ARP, frame);
  iovec pieces[] = {{frame, sizeof frame}, {packet.Data(), packet.ElementLength()}};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  ssize_t sent = sendmsg(fds_[kArp].get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return Napi::Number::New(info.Env(), sent >= 0 ? 0 : -errno);
}

/** Next hops for which packets have come to wait since the last call. */
Napi::Value PacketSocket::TakeWanted(const Napi::CallbackInfo& info) {
  std::vector<uint32_t> wanted = sender_.neighbours().TakeWanted();
  Napi::Int32Array addresses = Napi::Int32Array::New(info.Env(), wanted.size());
  std::copy(wanted.begin(), wanted.end(), addresses.Data());
  return addresses;
}

/** (address, macAddress): sends what has waited for it. */
Napi::Value PacketSocket::SetNeighbour(const Napi::CallbackInfo& info) {
  if (IsOpen()) Await(sender_.SetNeighbour(fds_[kIp].get(), AddressArgument(info[0]), MacArgument(info[1])));
  return info.Env().Undefined();
}

/** (address): what has waited for it is lost. */
Napi::Value PacketSocket::RemoveNeighbour(const Napi::CallbackInfo& info) {
  sender_.RemoveNeighbour(AddressArgument(info[0]));
  return info.Env().Undefined();
}

/** (address): whether anything went there since the last call. */
Napi::Value PacketSocket::TakeUsed(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), sender_.neighbours().TakeUsed(AddressArgument(info[0])));
}

int PacketSocket::ReceiveArp() {
  uint8_t frame[ETH_HLEN];
  iovec pieces[] = {{frame, sizeof frame}, {arp_.data(), arp_.length()}};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  ssize_t got;
  do {
    got = recvmsg(fds_[kArp].get(), &message, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  // A frame shorter than an Ethernet's is filled up behind the packet, and what does not fit is that.
  return got < 0 ? -errno : static_cast<int>(std::max<ssize_t>(0, got - ETH_HLEN));
}

void PacketSocket::AttachMemory() {
  receiver_.Attach(slots_.data(), slot_length_, table_.data(), slots_.size(), counters_.data());
}

int PacketSocket::ReceiveBatch(size_t which) {
  if (which == kIp) return receiver_.Receive(fds_[kIp].get());
  int length = ReceiveArp();
  if (length < 0) return length;
  Call(on_arp_, length);
  return 0;
}

/** The interface went down, say. */
void PacketSocket::ClearError(size_t which) {
  TakeError(fds_[which].get());
  CountReceiveError();
}

void PacketSocket::CloseDescriptors() {
  for (UniqueFd& fd : fds_) fd.Reset();
}

}  // namespace rawtcp
