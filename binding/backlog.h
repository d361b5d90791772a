// Packets that the kernel would not take yet, copied one behind the other: a queue of bytes with a limit.

#ifndef RAWTCP_BACKLOG_H_
#define RAWTCP_BACKLOG_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace rawtcp {

class Backlog {
 public:
  explicit Backlog(size_t limit) : limit_(limit) {}

  bool empty() const { return head_ == bytes_.size(); }

  /** Room for a packet at the end, to be filled in by the caller; null at the limit. Earlier pointers are void. */
  uint8_t* Push(size_t length) {
    size_t needed = sizeof(uint32_t) + length;
    if (bytes_.size() - head_ + needed > limit_) return nullptr;
    // Once more is spent than is left, so that a byte is moved at most once on the average.
    if (head_ > bytes_.size() / 2) MoveToFront();
    uint32_t size = static_cast<uint32_t>(length);
    size_t at = bytes_.size();
    bytes_.resize(at + needed);
    memcpy(&bytes_[at], &size, sizeof size);
    return &bytes_[at + sizeof size];
  }

  /** Walks the queue from its head: the packet at `*cursor`, which starts at 0 and moves on; null at the end. */
  uint8_t* Next(size_t* cursor, size_t* length) {
    size_t at = head_ + *cursor;
    if (at == bytes_.size()) return nullptr;
    uint32_t size;
    memcpy(&size, &bytes_[at], sizeof size);
    *length = size;
    *cursor += sizeof size + size;
    return &bytes_[at + sizeof size];
  }

  void Pop() {
    uint32_t size;
    memcpy(&size, &bytes_[head_], sizeof size);
    head_ += sizeof size + size;
    if (empty()) {
      bytes_.clear();
      head_ = 0;
    }
  }

 private:
  void MoveToFront() {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }

  std::vector<uint8_t> bytes_;
  size_t head_ = 0;
  const size_t limit_;
};

}  // namespace rawtcp

#endif  // RAWTCP_BACKLOG_H_
