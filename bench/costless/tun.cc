// A TUN device with the virtio header, at whose other end is the host: a packet a call, as the kernel has it.

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "port.h"

namespace costless {
namespace {

class TunPort : public Port {
 public:
  explicit TunPort(const Ends& ends) {
    has_header_ = true;
    fd_ = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    Must(fd_ >= 0, "/dev/net/tun");
    ifreq request = {};
    strncpy(request.ifr_name, "costless%d", IFNAMSIZ - 1);
    request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
    Must(ioctl(fd_, TUNSETIFF, &request) == 0, "TUNSETIFF");
    Must(ioctl(fd_, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO_ECN) == 0, "TUNSETOFFLOAD");
    Address(request, ends.remote);
  }

  size_t Receive(Packet* packets) override {
    size_t count = 0;
    while (count < kReceiveBatch) {
      VirtioHeader header;
      iovec pieces[] = {{&header, sizeof header}, {slot(count), kSlot}};
      ssize_t got = readv(fd_, pieces, 2);
      if (got < static_cast<ssize_t>(sizeof header)) break;
      packets[count] = {slot(count), static_cast<size_t>(got) - sizeof header};
      count++;
    }
    return count;
  }

  size_t Send(const Outgoing* packets, size_t count) override {
    for (size_t i = 0; i < count; i++) {
      VirtioHeader header = HeaderOf(packets[i], 0);
      iovec pieces[] = {{&header, sizeof header},
                        {const_cast<uint8_t*>(packets[i].header), packets[i].header_length},
                        {const_cast<uint8_t*>(kZeros), packets[i].text}};
      if (writev(fd_, pieces, 3) >= 0) continue;
      Must(errno == EAGAIN, "writev");
      return i;
    }
    return count;
  }

 private:
  static void Address(ifreq request, uint32_t host) {
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in& address = reinterpret_cast<sockaddr_in&>(request.ifr_addr);
    address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(host);
    Must(ioctl(any, SIOCSIFADDR, &request) == 0, "SIOCSIFADDR");
    address.sin_addr.s_addr = htonl(0xffffff00);
    Must(ioctl(any, SIOCSIFNETMASK, &request) == 0, "SIOCSIFNETMASK");
    request.ifr_qlen = 8192;
    Must(ioctl(any, SIOCSIFTXQLEN, &request) == 0, "SIOCSIFTXQLEN");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    Must(ioctl(any, SIOCSIFFLAGS, &request) == 0, "SIOCSIFFLAGS");
    close(any);
  }
};

}  // namespace

Port* OpenTun(const Ends& ends) { return new TunPort(ends); }

}  // namespace costless
