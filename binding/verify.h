// What the transport checksum of a received packet says.

#ifndef RAWTCP_VERIFY_H_
#define RAWTCP_VERIFY_H_

#include <cstddef>
#include <cstdint>

#include "layout.h"

namespace rawtcp {

/**
 * GOOD, PARTIAL or BAD for a whole TCP segment or ICMP message. UNKNOWN for all else, fragments and headers that make no sense
 * among it: those are the stack's to read, to refuse and to count.
 */
ChecksumState Verify(const uint8_t* packet, size_t length);

/**
 * The same for those who take unfinished checksums, and have no use for the sum of such a segment's text where it is long: of
 * 65536 segments longer than a wire carries, and whose checksum is good, one is PARTIAL, too.
 */
ChecksumState VerifyUnlessPartial(const uint8_t* packet, size_t length);

}  // namespace rawtcp

#endif  // RAWTCP_VERIFY_H_
