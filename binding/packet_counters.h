// What a packet socket counts: all that a raw socket does, and more behind it.

#ifndef RAWTCP_PACKET_COUNTERS_H_
#define RAWTCP_PACKET_COUNTERS_H_

#include "raw_counters.h"

namespace rawtcp {

enum PacketCounter {
  kNeighbourWaits = kRawCounters,
  kNeighbourOverflows,
  kPacketCounters
};

/** In the order of the enumeration, behind kRawCounterNames. */
constexpr const char* kPacketCounterNames[] = {
    "sendAwaitedNeighbour",
    "sendNeighbourOverflows",
};
static_assert(sizeof kPacketCounterNames / sizeof kPacketCounterNames[0] == kPacketCounters - kRawCounters,
              "a name for each counter");

}  // namespace rawtcp

#endif  // RAWTCP_PACKET_COUNTERS_H_
