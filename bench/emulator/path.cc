#include "path.h"

#include <algorithm>

#include "chance.h"

namespace emulator {

namespace {

constexpr double kSecond = 1e9;
constexpr double kMillisecond = 1e6;

enum Question : uint64_t { kIsLost, kIsLate, kHowLate };

}  // namespace

Verdict Path::Arrive(size_t bytes, Nanoseconds now) {
  uint64_t index = counters_.packets++;
  counters_.bytes += bytes;
  if (!TakeTokens(bytes, now)) {
    counters_.policed++;
    return {Fate::kPoliced, 0};
  }
  // The line sends without a pause while something waits: what waits is what it still has to send.
  Nanoseconds wait = std::max<Nanoseconds>(0, free_at_ - now);
  double waiting_bytes = static_cast<double>(wait) / kSecond * settings_.bits_per_second / 8;
  if (wait > 0 && waiting_bytes + static_cast<double>(bytes) > static_cast<double>(settings_.queue_bytes)) {
    counters_.overflowed++;
    return {Fate::kOverflowed, 0};
  }
  queue_delays_.Add(static_cast<double>(wait) / kMillisecond);
  double on_the_line = static_cast<double>(bytes) * 8 / settings_.bits_per_second * kSecond;
  free_at_ = now + wait + static_cast<Nanoseconds>(on_the_line);
  Nanoseconds due = free_at_ + settings_.delay;
  if (Chance(settings_.seed, index, kIsLost) < settings_.loss) {
    counters_.lost++;
    return {Fate::kLost, 0};
  }
  if (Chance(settings_.seed, index, kIsLate) < settings_.reordered) {
    counters_.reordered++;
    double late = Chance(settings_.seed, index, kHowLate) * static_cast<double>(settings_.late);
    return {Fate::kLate, due + static_cast<Nanoseconds>(late)};
  }
  return {Fate::kInOrder, due};
}

bool Path::TakeTokens(size_t bytes, Nanoseconds now) {
  if (settings_.policed_bits_per_second == 0) return true;
  double earned = static_cast<double>(now - tokens_at_) / kSecond * settings_.policed_bits_per_second / 8;
  tokens_ = std::min(static_cast<double>(settings_.bucket_bytes), tokens_ + earned);
  tokens_at_ = now;
  if (tokens_ < static_cast<double>(bytes)) return false;
  tokens_ -= static_cast<double>(bytes);
  return true;
}

}  // namespace emulator
