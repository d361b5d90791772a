#include "report.h"

#include <cinttypes>
#include <cstdio>

namespace emulator {

namespace {

constexpr double kMillisecond = 1e6;

void ReportCrossing(const char* name, Crossing& crossing) {
  const PathCounters& path = crossing.path().counters();
  printf("\"%s\":{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"policed\":%" PRIu64 ",\"overflowed\":%" PRIu64
         ",\"lost\":%" PRIu64 ",\"reordered\":%" PRIu64 ",\"refused\":%" PRIu64,
         name, path.packets, path.bytes, path.policed, path.overflowed, path.lost, path.reordered, crossing.refused());
  Samples& queue = crossing.path().queue_delays();
  printf(",\"queueMeanMs\":%.3f,\"queueP95Ms\":%.3f", queue.Mean(), queue.Quantile(0.95));
  Samples& late = crossing.lateness();
  printf(",\"lateMeanMs\":%.3f,\"lateP99Ms\":%.3f}", late.Mean(), late.Quantile(0.99));
}

void ReportFlow(const Flow& flow) {
  const FlowCounters& counters = flow.counters();
  Nanoseconds duration = flow.duration();
  printf("\"flow\":{\"durationMs\":%.3f,\"deliveredBytes\":%" PRId64 ",\"segments\":%" PRIu64 ",\"bytes\":%" PRId64
         ",\"repeatedSegments\":%" PRIu64 ",\"repeatedBytes\":%" PRId64 ",\"needlessBytes\":%" PRId64 "}",
         duration < 0 ? -1 : static_cast<double>(duration) / kMillisecond, flow.delivered(), counters.segments,
         counters.bytes, counters.repeated_segments, counters.repeated_bytes, counters.needless_bytes);
}

}  // namespace

void Report(Crossing& forward, Crossing& back) {
  printf("{");
  ReportFlow(forward.flow());
  printf(",");
  ReportCrossing("forward", forward);
  printf(",");
  ReportCrossing("back", back);
  printf("}\n");
}

}  // namespace emulator
