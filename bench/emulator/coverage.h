// Which bytes of a stream have been seen, as ranges of offsets.

#ifndef RAWTCP_BENCH_COVERAGE_H_
#define RAWTCP_BENCH_COVERAGE_H_

#include <cstdint>
#include <map>

namespace emulator {

class Coverage {
 public:
  /** Answers how many bytes of [from, to) are new. */
  int64_t Add(int64_t from, int64_t to);
  /** Answers how many bytes of [from, to) are known. */
  int64_t Overlap(int64_t from, int64_t to) const;
  /** All before this offset are there. */
  int64_t prefix() const;

 private:
  /** From a range's beginning to its end. They neither overlap nor touch. */
  using Ranges = std::map<int64_t, int64_t>;

  /** The first range that reaches up to the offset. */
  Ranges::const_iterator FirstAt(int64_t offset) const;

  Ranges ranges_;
};

}  // namespace emulator

#endif  // RAWTCP_BENCH_COVERAGE_H_
