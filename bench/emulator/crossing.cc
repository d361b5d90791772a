#include "crossing.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace emulator {

namespace {

constexpr int kBatch = 64;
constexpr double kMillisecond = 1e6;

}  // namespace

void Crossing::Begin(const PathSettings& settings, int64_t flow_bytes, Nanoseconds now) {
  path_ = Path(settings, now);
  flow_ = Flow(flow_bytes);
  lateness_ = Samples();
  refused_ = 0;
  in_order_.clear();
  late_ = {};
}

bool Crossing::Read(Nanoseconds now) {
  for (int i = 0; i < kBatch; i++) {
    Bytes bytes = NewBytes();
    ssize_t length = read(from_, bytes.get(), kMostBytes);
    if (length <= 0) {
      spare_.push_back(std::move(bytes));
      return false;
    }
    Packet packet{0, static_cast<size_t>(length), PieceOf(bytes.get(), static_cast<size_t>(length)), std::move(bytes)};
    Verdict verdict = path_.Arrive(packet.length, now);
    flow_.Sent(packet.piece, verdict.arrives(), now);
    packet.due = verdict.due;
    if (verdict.fate == Fate::kInOrder) in_order_.push_back(std::move(packet));
    else if (verdict.fate == Fate::kLate) late_.push(std::move(packet));
    else spare_.push_back(std::move(packet.bytes));
  }
  return true;
}

void Crossing::Write(Nanoseconds now) {
  while (next_due() <= now) {
    bool is_late = in_order_.empty() || (!late_.empty() && late_.top().due < in_order_.front().due);
    // The top of a queue is const so that its place cannot become wrong; it leaves at once.
    Packet packet = std::move(is_late ? const_cast<Packet&>(late_.top()) : in_order_.front());
    if (is_late) late_.pop();
    else in_order_.pop_front();
    Deliver(packet, now);
    spare_.push_back(std::move(packet.bytes));
  }
}

Nanoseconds Crossing::next_due() const {
  Nanoseconds due = in_order_.empty() ? kNever : in_order_.front().due;
  return late_.empty() ? due : std::min(due, late_.top().due);
}

void Crossing::Deliver(const Packet& packet, Nanoseconds now) {
  lateness_.Add(static_cast<double>(now - packet.due) / kMillisecond);
  flow_.Delivered(packet.piece, now);
  if (write(to_, packet.bytes.get(), packet.length) < 0) refused_++;
}

Crossing::Bytes Crossing::NewBytes() {
  if (spare_.empty()) return std::make_unique<uint8_t[]>(kMostBytes);
  Bytes bytes = std::move(spare_.back());
  spare_.pop_back();
  return bytes;
}

}  // namespace emulator
