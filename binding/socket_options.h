// What raw sockets and packet sockets set and clear alike.

#ifndef RAWTCP_SOCKET_OPTIONS_H_
#define RAWTCP_SOCKET_OPTIONS_H_

#include <sys/socket.h>

namespace rawtcp {

/** Beyond the host's limit where the process may (CAP_NET_ADMIN), else up to it. */
inline void SetBuffer(int fd, int forced, int plain, int bytes) {
  if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) == 0) return;
  setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof bytes);
}

/** An error pending on a descriptor is cleared by asking for it. */
inline void TakeError(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
}

}  // namespace rawtcp

#endif  // RAWTCP_SOCKET_OPTIONS_H_
