#include "flow.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace emulator {

namespace {

constexpr uint8_t kSyn = 0x02;
constexpr uint8_t kAck = 0x10;
constexpr uint8_t kTcp = 6;

uint32_t Word(const uint8_t* at) {
  uint32_t word;
  memcpy(&word, at, sizeof word);
  return ntohl(word);
}

}  // namespace

Piece PieceOf(const uint8_t* packet, size_t length) {
  Piece piece;
  if (length < 40 || packet[0] >> 4 != 4 || packet[9] != kTcp) return piece;
  size_t ip_length = (packet[0] & 15u) * 4;
  if (length < ip_length + 20) return piece;
  const uint8_t* tcp = packet + ip_length;
  size_t headers = ip_length + (tcp[12] >> 4) * 4u;
  if (length < headers) return piece;
  piece.is_tcp = true;
  piece.ports = Word(tcp);
  piece.seq = Word(tcp + 4);
  piece.flags = tcp[13];
  piece.length = static_cast<uint32_t>(length - headers);
  return piece;
}

void Flow::Sent(const Piece& piece, bool arrives, Nanoseconds now) {
  if (opened_at_ < 0 && piece.is_tcp && (piece.flags & (kSyn | kAck)) == kSyn) {
    ports_ = piece.ports;
    first_seq_ = piece.seq + 1;
    opened_at_ = now;
  }
  if (!IsOurs(piece) || (piece.flags & kSyn) != 0) return;
  int64_t from = OffsetOf(piece);
  if (from < 0) return;  // a probe before the first byte
  int64_t to = from + piece.length;
  if (piece.length == 0) return;
  counters_.segments++;
  counters_.bytes += piece.length;
  int64_t repeated = std::clamp<int64_t>(highest_ - from, 0, piece.length);
  if (repeated > 0) counters_.repeated_segments++;
  counters_.repeated_bytes += repeated;
  highest_ = std::max(highest_, to);
  // What does not arrive may have been needless all the same: the first copy decides.
  Coverage& known = let_through_;
  counters_.needless_bytes += arrives ? piece.length - known.Add(from, to) : known.Overlap(from, to);
}

void Flow::Delivered(const Piece& piece, Nanoseconds now) {
  if (!IsOurs(piece) || completed_at_ >= 0) return;
  if ((piece.flags & kSyn) != 0) return;
  int64_t from = OffsetOf(piece);
  if (from >= 0) delivered_.Add(from, from + piece.length);
  if (delivered_.prefix() >= bytes_) completed_at_ = now;
}

int64_t Flow::OffsetOf(const Piece& piece) const {
  uint32_t highest_seq = first_seq_ + static_cast<uint32_t>(highest_);
  return highest_ + static_cast<int32_t>(piece.seq - highest_seq);
}

}  // namespace emulator
