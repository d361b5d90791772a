// A kernel without PACKET_VNET_HDR, for a test: preloaded, it answers for setsockopt(2) as such a kernel does, and asks the real one for all else.

#include <errno.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
  if (level == SOL_PACKET && name == PACKET_VNET_HDR) {
    errno = ENOPROTOOPT;
    return -1;
  }
  return (int)syscall(SYS_setsockopt, fd, level, name, value, length);
}
