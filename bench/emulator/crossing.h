// One direction between two devices: reads packets from one, asks the path what becomes of them, and writes them to the
// other when their time has come.

#ifndef RAWTCP_BENCH_CROSSING_H_
#define RAWTCP_BENCH_CROSSING_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <queue>
#include <vector>

#include "flow.h"
#include "path.h"
#include "samples.h"

namespace emulator {

constexpr Nanoseconds kNever = INT64_MAX;

class Crossing {
 public:
  Crossing(int from, int to) : from_(from), to_(to) {}

  /** Forgets what is under way, and begins to count anew. */
  void Begin(const PathSettings& settings, int64_t flow_bytes, Nanoseconds now);

  /** Reads what has come, up to a batch. Answers whether there may be more. */
  bool Read(Nanoseconds now);
  /** Writes what is due. */
  void Write(Nanoseconds now);
  /** When the next packet leaves. */
  Nanoseconds next_due() const;

  Path& path() { return path_; }
  const Flow& flow() const { return flow_; }
  /** By how much packets left too late, milliseconds. */
  Samples& lateness() { return lateness_; }
  /** Packets that the device did not take. */
  uint64_t refused() const { return refused_; }

 private:
  static constexpr size_t kMostBytes = 2048;
  using Bytes = std::unique_ptr<uint8_t[]>;

  struct Packet {
    Nanoseconds due;
    size_t length;
    Piece piece;
    Bytes bytes;
  };
  struct IsLater {
    bool operator()(const Packet& a, const Packet& b) const { return a.due > b.due; }
  };

  Bytes NewBytes();
  void Deliver(const Packet& packet, Nanoseconds now);

  int from_;
  int to_;
  Path path_;
  Flow flow_;
  Samples lateness_;
  uint64_t refused_ = 0;
  std::deque<Packet> in_order_;
  std::priority_queue<Packet, std::vector<Packet>, IsLater> late_;
  std::vector<Bytes> spare_;
};

}  // namespace emulator

#endif  // RAWTCP_BENCH_CROSSING_H_
