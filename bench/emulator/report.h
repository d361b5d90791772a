// What was counted, as one line of JSON on the standard output.

#ifndef RAWTCP_BENCH_REPORT_H_
#define RAWTCP_BENCH_REPORT_H_

#include "crossing.h"

namespace emulator {

void Report(Crossing& forward, Crossing& back);

}  // namespace emulator

#endif  // RAWTCP_BENCH_REPORT_H_
