#include "tun.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace emulator {

namespace {

int Enter(const char* namespace_path) {
  int fd = open(namespace_path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  int error = setns(fd, CLONE_NEWNET) == 0 ? 0 : -errno;
  close(fd);
  return error;
}

int Create(const char* name) {
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return -errno;
  ifreq request = {};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) == 0) return fd;
  int error = -errno;
  close(fd);
  return error;
}

}  // namespace

int OpenTun(const char* namespace_path, const char* name) {
  int error = Enter(namespace_path);
  return error < 0 ? error : Create(name);
}

}  // namespace emulator
