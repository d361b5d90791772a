// A raw socket at the host's own address. A listening socket that drops everything keeps the kernel's TCP silent.

#include <linux/filter.h>
#include <netinet/in.h>

#include "port.h"

namespace costless {
namespace {

int Silence(const Ends& ends) {
  sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  const sock_fprog program = {1, nothing};
  sockaddr_in here = {};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(ends.local);
  here.sin_port = htons(ends.local_port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Must(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0, "SO_ATTACH_FILTER");
  Must(bind(fd, reinterpret_cast<sockaddr*>(&here), sizeof here) == 0, "bind");
  Must(listen(fd, 0) == 0, "listen");
  return fd;
}

class RawPort : public SocketPort {
 public:
  explicit RawPort(const Ends& ends) {
    Silence(ends);
    fd_ = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    Must(fd_ >= 0, "socket");
    const int on = 1;
    Must(setsockopt(fd_, IPPROTO_IP, IP_HDRINCL, &on, sizeof on) == 0, "IP_HDRINCL");
    sock_filter to_port[] = {BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
                             BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ends.local_port, 0, 1),
                             BPF_STMT(BPF_RET | BPF_K, 0xffffffff), BPF_STMT(BPF_RET | BPF_K, 0)};
    const sock_fprog program = {5, to_port};
    Must(setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0, "SO_ATTACH_FILTER");
    sockaddr_in& to = reinterpret_cast<sockaddr_in&>(to_);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(ends.remote);
    to_length_ = sizeof to;
    SetUp();
  }
};

}  // namespace

Port* OpenRaw(const Ends& ends) { return new RawPort(ends); }

}  // namespace costless
