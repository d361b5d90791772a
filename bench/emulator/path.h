// One direction of a path: a policer, then a queue of so many bytes before a line of some rate, then a way of some length
// on which packets get lost and overtake each other. Pure: a packet comes at a time, and leaves at a time or not at all.

#ifndef RAWTCP_BENCH_PATH_H_
#define RAWTCP_BENCH_PATH_H_

#include <cstddef>
#include <cstdint>

#include "samples.h"

namespace emulator {

/** Times are nanoseconds on the monotonic clock. */
using Nanoseconds = int64_t;

struct PathSettings {
  double bits_per_second = 1e9;
  Nanoseconds delay = 0;
  /** What waits for the line, and the rest of the packet that is on it. */
  int64_t queue_bytes = 1 << 20;
  /** Share of the packets that the way loses after they have taken their time on the line. */
  double loss = 0;
  /** Share of the packets that take longer, by up to `late`. */
  double reordered = 0;
  Nanoseconds late = 0;
  /** The token bucket: what comes faster is dropped, not queued. 0 for none. */
  double policed_bits_per_second = 0;
  int64_t bucket_bytes = 0;
  uint64_t seed = 1;
};

enum class Fate { kInOrder, kLate, kPoliced, kOverflowed, kLost };

struct Verdict {
  Fate fate;
  /** When it leaves at the far end, if it does. */
  Nanoseconds due;

  bool arrives() const { return fate == Fate::kInOrder || fate == Fate::kLate; }
};

struct PathCounters {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  uint64_t policed = 0;
  uint64_t overflowed = 0;
  uint64_t lost = 0;
  uint64_t reordered = 0;
};

class Path {
 public:
  Path() = default;
  Path(const PathSettings& settings, Nanoseconds now)
      : settings_(settings), free_at_(now), tokens_(static_cast<double>(settings.bucket_bytes)), tokens_at_(now) {}

  Verdict Arrive(size_t bytes, Nanoseconds now);

  const PathCounters& counters() const { return counters_; }
  /** Of the packets that got onto the line, milliseconds before they did. */
  Samples& queue_delays() { return queue_delays_; }

 private:
  bool TakeTokens(size_t bytes, Nanoseconds now);

  PathSettings settings_;
  /** When the line has sent all that waits. */
  Nanoseconds free_at_ = 0;
  double tokens_ = 0;
  Nanoseconds tokens_at_ = 0;
  PathCounters counters_;
  Samples queue_delays_;
};

}  // namespace emulator

#endif  // RAWTCP_BENCH_PATH_H_
