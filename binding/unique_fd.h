// A file descriptor with one owner. Nothing else in this addon closes descriptors.

#ifndef RAWTCP_UNIQUE_FD_H_
#define RAWTCP_UNIQUE_FD_H_

#include <unistd.h>

namespace rawtcp {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    Reset(other.Release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

  void Reset(int fd = -1) {
    // Linux frees the descriptor even where close() answers EINTR: asking twice could close somebody else's.
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int Release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }

  int fd_ = -1;
};

}  // namespace rawtcp

#endif  // RAWTCP_UNIQUE_FD_H_
