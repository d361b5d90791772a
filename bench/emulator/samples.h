// Figures of one kind, kept whole until the end of a run.

#ifndef RAWTCP_BENCH_SAMPLES_H_
#define RAWTCP_BENCH_SAMPLES_H_

#include <algorithm>
#include <cstddef>
#include <vector>

namespace emulator {

class Samples {
 public:
  void Add(double value) { values_.push_back(static_cast<float>(value)); }

  double Mean() const {
    double sum = 0;
    for (float value : values_) sum += value;
    return values_.empty() ? 0 : sum / static_cast<double>(values_.size());
  }

  /** Reorders them. */
  double Quantile(double share) {
    if (values_.empty()) return 0;
    size_t at = std::min(values_.size() - 1, static_cast<size_t>(share * static_cast<double>(values_.size())));
    std::nth_element(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(at), values_.end());
    return values_[at];
  }

 private:
  std::vector<float> values_;
};

}  // namespace emulator

#endif  // RAWTCP_BENCH_SAMPLES_H_
