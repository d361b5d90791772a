// A packet socket on an Ethernet, with an address that nobody else has and a next hop that is known.

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include <cstdio>
#include <cstring>

#include "port.h"

namespace costless {
namespace {

constexpr uint32_t kIpDestinationAt = ETH_HLEN + 16;

class PacketPort : public SocketPort {
 public:
  PacketPort(const Ends& ends, const char* interface, const char* next_hop) {
    has_header_ = true;
    fd_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    Must(fd_ >= 0, "socket");
    sock_filter to_us[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kIpDestinationAt),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ends.local, 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, 0xffffffff), BPF_STMT(BPF_RET | BPF_K, 0)};
    const sock_fprog program = {4, to_us};
    Must(setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0, "SO_ATTACH_FILTER");
    const int on = 1;
    Must(setsockopt(fd_, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) == 0, "PACKET_VNET_HDR");
    WriteFrame(interface, next_hop);
    SetUp();
    sockaddr_ll here = {};
    here.sll_family = AF_PACKET;
    here.sll_protocol = htons(ETH_P_IP);
    here.sll_ifindex = static_cast<int>(if_nametoindex(interface));
    Must(bind(fd_, reinterpret_cast<sockaddr*>(&here), sizeof here) == 0, "bind");
  }

 protected:
  size_t WritePrefix(const Outgoing& packet, uint8_t* at) override {
    VirtioHeader header = HeaderOf(packet, ETH_HLEN);
    memcpy(at, &header, sizeof header);
    memcpy(at + sizeof header, frame_, ETH_HLEN);
    return prefix_length();
  }

  size_t prefix_length() const override { return sizeof(VirtioHeader) + ETH_HLEN; }

 private:
  void WriteFrame(const char* interface, const char* next_hop) {
    ifreq answer = {};
    strncpy(answer.ifr_name, interface, IFNAMSIZ - 1);
    Must(ioctl(fd_, SIOCGIFHWADDR, &answer) == 0, "SIOCGIFHWADDR");
    uint8_t* to = frame_;
    int read = sscanf(next_hop, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", to, to + 1, to + 2, to + 3, to + 4, to + 5);
    Must(read == ETH_ALEN, "no hardware address");
    memcpy(frame_ + ETH_ALEN, answer.ifr_hwaddr.sa_data, ETH_ALEN);
    frame_[12] = ETH_P_IP >> 8;
    frame_[13] = ETH_P_IP & 0xff;
  }

  uint8_t frame_[ETH_HLEN] = {};
};

}  // namespace

Port* OpenPacket(const Ends& ends, const char* interface, const char* next_hop) {
  return new PacketPort(ends, interface, next_hop);
}

}  // namespace costless
