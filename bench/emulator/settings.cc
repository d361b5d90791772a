#include "settings.h"

#include <cmath>
#include <cstdlib>
#include <sstream>

namespace emulator {

namespace {

constexpr double kMillisecond = 1e6;

bool Set(const std::string& key, double value, Settings* settings) {
  PathSettings& forward = settings->forward;
  if (key == "bitsPerSecond") forward.bits_per_second = value;
  else if (key == "delayMs") forward.delay = std::llround(value * kMillisecond);
  else if (key == "queueBytes") forward.queue_bytes = std::llround(value);
  else if (key == "loss") forward.loss = value;
  else if (key == "reordered") forward.reordered = value;
  else if (key == "lateMs") forward.late = std::llround(value * kMillisecond);
  else if (key == "policedBitsPerSecond") forward.policed_bits_per_second = value;
  else if (key == "bucketBytes") forward.bucket_bytes = std::llround(value);
  else if (key == "seed") forward.seed = static_cast<uint64_t>(value);
  else if (key == "flowBytes") settings->flow_bytes = std::llround(value);
  else return false;
  return true;
}

}  // namespace

bool ReadSettings(const std::string& words, Settings* settings, std::string* unknown) {
  std::istringstream stream(words);
  for (std::string word; stream >> word;) {
    size_t equals = word.find('=');
    *unknown = word;
    if (equals == std::string::npos) return false;
    char* end;
    double value = std::strtod(word.c_str() + equals + 1, &end);
    if (*end != 0 || !(value >= 0) || !Set(word.substr(0, equals), value, settings)) return false;
  }
  unknown->clear();
  // The way back is the same line, with losses of its own; only what is sent forward is policed.
  settings->back = settings->forward;
  settings->back.policed_bits_per_second = 0;
  settings->back.seed = ~settings->forward.seed;
  return true;
}

}  // namespace emulator
