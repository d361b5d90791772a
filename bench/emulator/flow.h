// One TCP stream as the path sees it: what was sent, sent again, and sent again for nothing, and when all had come.
//
// The path knows what it will deliver. Bytes that are sent once more though a copy of them was let through, and has come or
// is on its way, are sent for nothing, whatever the sender had reason to believe.

#ifndef RAWTCP_BENCH_FLOW_H_
#define RAWTCP_BENCH_FLOW_H_

#include <cstddef>
#include <cstdint>

#include "coverage.h"
#include "path.h"

namespace emulator {

/** What a packet carries of a stream. */
struct Piece {
  bool is_tcp = false;
  uint32_t ports = 0;
  uint32_t seq = 0;
  uint8_t flags = 0;
  uint32_t length = 0;
};

Piece PieceOf(const uint8_t* packet, size_t length);

struct FlowCounters {
  uint64_t segments = 0;
  int64_t bytes = 0;
  uint64_t repeated_segments = 0;
  int64_t repeated_bytes = 0;
  int64_t needless_bytes = 0;
};

/** Follows the first stream that opens, for so many bytes. */
class Flow {
 public:
  Flow() = default;
  explicit Flow(int64_t bytes) : bytes_(bytes) {}

  /** A packet enters the path; `arrives`: it will leave it. */
  void Sent(const Piece& piece, bool arrives, Nanoseconds now);
  /** It leaves. */
  void Delivered(const Piece& piece, Nanoseconds now);

  const FlowCounters& counters() const { return counters_; }
  /** From its first SYN until its bytes were all there, or -1. */
  Nanoseconds duration() const { return completed_at_ < 0 ? -1 : completed_at_ - opened_at_; }
  int64_t delivered() const { return delivered_.prefix(); }

 private:
  bool IsOurs(const Piece& piece) const { return piece.is_tcp && opened_at_ >= 0 && piece.ports == ports_; }
  /** Of its first byte of text; sequence numbers may wrap. */
  int64_t OffsetOf(const Piece& piece) const;

  int64_t bytes_ = 0;
  uint32_t ports_ = 0;
  uint32_t first_seq_ = 0;
  Nanoseconds opened_at_ = -1;
  Nanoseconds completed_at_ = -1;
  int64_t highest_ = 0;
  /** Bytes of which a copy has come, or will. */
  Coverage let_through_;
  Coverage delivered_;
  FlowCounters counters_;
};

}  // namespace emulator

#endif  // RAWTCP_BENCH_FLOW_H_
