// Classic BPF on a socket: attaching programs that TypeScript made, and the one that lets nothing through.

#ifndef RAWTCP_SOCKET_FILTER_H_
#define RAWTCP_SOCKET_FILTER_H_

#include <linux/filter.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rawtcp {

inline int AttachProgram(int fd, sock_filter* instructions, size_t count) {
  if (count > BPF_MAXINSNS) return -EINVAL;
  sock_fprog program{static_cast<unsigned short>(count), instructions};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 ? 0 : -errno;
}

/** Four words an instruction: code, jt, jf, k. */
inline int AttachFilter(int fd, const uint32_t* words, size_t length) {
  std::vector<sock_filter> instructions(length / 4);
  for (sock_filter& instruction : instructions) {
    instruction = {static_cast<uint16_t>(words[0]), static_cast<uint8_t>(words[1]), static_cast<uint8_t>(words[2]),
                   words[3]};
    words += 4;
  }
  return AttachProgram(fd, instructions.data(), instructions.size());
}

/** The kernel drops all that arrives for the socket, without an answer. */
inline int RejectAll(int fd) {
  sock_filter none{BPF_RET | BPF_K, 0, 0, 0};
  return AttachProgram(fd, &none, 1);
}

/** Throws away what is queued. */
inline void Drain(int fd) {
  uint8_t byte;
  while (recv(fd, &byte, sizeof byte, MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == EINTR) continue;
}

}  // namespace rawtcp

#endif  // RAWTCP_SOCKET_FILTER_H_
