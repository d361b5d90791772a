// What a TUN device counts: one array of doubles, which TypeScript reads in place.

#ifndef RAWTCP_TUN_COUNTERS_H_
#define RAWTCP_TUN_COUNTERS_H_

#include <cstddef>

namespace rawtcp {

enum TunCounter {
  kTunReceivedPackets,
  kTunReceivedBytes,
  kTunReceivedBatches,
  kTunReceivedJoined,
  kTunReceivedChecksumPartial,
  kTunReceivedChecksumBad,
  kTunReceivedTruncated,
  kTunReceiveErrors,
  kTunSentPackets,
  kTunSentBytes,
  kTunSendQueuedPackets,
  kTunSendQueueOverflows,
  kTunSendMalformed,
  kTunSendNetworkDown,
  kTunSendOtherErrors,
  kTunCounters
};

/** In the order of the enumeration. */
constexpr const char* kTunCounterNames[] = {
    "receivedPackets",
    "receivedBytes",
    "receivedBatches",
    "receivedJoined",
    "receivedChecksumPartial",
    "receivedChecksumBad",
    "receivedTruncated",
    "receiveErrors",
    "sentPackets",
    "sentBytes",
    "sendQueuedPackets",
    "sendQueueOverflows",
    "sendMalformed",
    "sendNetworkDown",
    "sendOtherErrors",
};
static_assert(sizeof kTunCounterNames / sizeof kTunCounterNames[0] == kTunCounters, "a name for each counter");

}  // namespace rawtcp

#endif  // RAWTCP_TUN_COUNTERS_H_
