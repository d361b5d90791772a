// What a raw socket counts: one array of doubles, which TypeScript reads in place.

#ifndef RAWTCP_RAW_COUNTERS_H_
#define RAWTCP_RAW_COUNTERS_H_

#include <cstddef>

namespace rawtcp {

enum RawCounter {
  kReceivedPackets,
  kReceivedBytes,
  kReceivedBatches,
  kReceivedJoined,
  kReceivedChecksumPartial,
  kReceivedChecksumBad,
  kReceivedTruncated,
  kReceiveOverflows,
  kReceiveErrors,
  kSentPackets,
  kSentBytes,
  kSentBatches,
  kSendQueuedPackets,
  kSendQueueOverflows,
  kSendRetriesWithoutMemory,
  kSendMalformed,
  kSendNotPermitted,
  kSendNetworkDown,
  kSendNetworkUnreachable,
  kSendHostUnreachable,
  kSendTooLarge,
  kSendInvalid,
  kSendOtherErrors,
  kRawCounters
};

/** In the order of the enumeration. */
constexpr const char* kRawCounterNames[] = {
    "receivedPackets",
    "receivedBytes",
    "receivedBatches",
    "receivedJoined",
    "receivedChecksumPartial",
    "receivedChecksumBad",
    "receivedTruncated",
    "receiveOverflows",
    "receiveErrors",
    "sentPackets",
    "sentBytes",
    "sentBatches",
    "sendQueuedPackets",
    "sendQueueOverflows",
    "sendRetriesWithoutMemory",
    "sendMalformed",
    "sendNotPermitted",
    "sendNetworkDown",
    "sendNetworkUnreachable",
    "sendHostUnreachable",
    "sendTooLarge",
    "sendInvalid",
    "sendOtherErrors",
};
static_assert(sizeof kRawCounterNames / sizeof kRawCounterNames[0] == kRawCounters, "a name for each counter");

}  // namespace rawtcp

#endif  // RAWTCP_RAW_COUNTERS_H_
