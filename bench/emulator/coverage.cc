#include "coverage.h"

#include <algorithm>
#include <iterator>

namespace emulator {

int64_t Coverage::Add(int64_t from, int64_t to) {
  if (from >= to) return 0;
  int64_t fresh = to - from - Overlap(from, to);
  auto range = FirstAt(from);
  while (range != ranges_.end() && range->first <= to) {
    from = std::min(from, range->first);
    to = std::max(to, range->second);
    range = ranges_.erase(range);
  }
  ranges_.emplace_hint(range, from, to);
  return fresh;
}

int64_t Coverage::Overlap(int64_t from, int64_t to) const {
  int64_t known = 0;
  for (auto range = FirstAt(from); range != ranges_.end() && range->first < to; ++range) {
    known += std::max<int64_t>(0, std::min(range->second, to) - std::max(range->first, from));
  }
  return known;
}

int64_t Coverage::prefix() const {
  auto first = ranges_.begin();
  return first != ranges_.end() && first->first <= 0 ? first->second : 0;
}

Coverage::Ranges::const_iterator Coverage::FirstAt(int64_t offset) const {
  auto range = ranges_.upper_bound(offset);
  if (range != ranges_.begin() && std::prev(range)->second >= offset) --range;
  return range;
}

}  // namespace emulator
