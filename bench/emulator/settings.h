// What a run is told, as words KEY=VALUE.

#ifndef RAWTCP_BENCH_SETTINGS_H_
#define RAWTCP_BENCH_SETTINGS_H_

#include <string>

#include "path.h"

namespace emulator {

struct Settings {
  PathSettings forward;
  PathSettings back;
  /** That the stream carries. */
  int64_t flow_bytes = 0;
};

/** False for a word that makes no sense: `unknown` is that. */
bool ReadSettings(const std::string& words, Settings* settings, std::string* unknown);

}  // namespace emulator

#endif  // RAWTCP_BENCH_SETTINGS_H_
