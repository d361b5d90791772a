// recvmmsg into a slab of slots, and descriptors for what came. Knows no N-API.

#ifndef RAWTCP_RAW_RECEIVER_H_
#define RAWTCP_RAW_RECEIVER_H_

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rawtcp {

class RawReceiver {
 public:
  /** As many slots as the table has rows, of equal size. The memory outlives this object, or is attached anew. */
  void Attach(uint8_t* slab, size_t length, int32_t* table, size_t rows, double* counters);

  /** Packets in the table, which may be 0 where all were dropped; -errno, -EAGAIN where nothing waits. */
  int Receive(int fd);

  /** How much of the room that the socket has for packets is taken, 0 to 1. Asks the kernel only when the last batch was full. */
  double QueueFill(int fd) const;

 private:
  struct Control {
    alignas(cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(uint32_t))];
  };

  void CountOverflows(const msghdr& message);

  uint8_t* slab_ = nullptr;
  size_t slot_length_ = 0;
  int32_t* table_ = nullptr;
  double* counters_ = nullptr;
  uint32_t overflows_seen_ = 0;
  bool is_full_ = false;
  std::vector<mmsghdr> messages_;
  std::vector<iovec> slots_;
  std::vector<Control> controls_;
};

}  // namespace rawtcp

#endif  // RAWTCP_RAW_RECEIVER_H_
