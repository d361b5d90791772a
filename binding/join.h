// Segments of one flow that came one behind the other become one, as the kernel's GRO does it (tcp_gro_receive of
// net/ipv4/tcp_offload.c), so that the stack above has one segment to look at. Knows no N-API.

#ifndef RAWTCP_JOIN_H_
#define RAWTCP_JOIN_H_

#include <cstddef>
#include <cstdint>

namespace rawtcp {

/**
 * Joins what may be joined among the packets of a batch, whose checksums have been judged, and closes the table's ranks; answers
 * how many rows are left. Each packet has `room` bytes from its offset in its region on to itself. A joined segment stands in the place of its
 * first one, has that one's headers with lengths and checksums that hold, and says in kRxSegment how much text each one had, the
 * last one perhaps less. All other packets of a flow, and of what is no flow, keep their order.
 */
size_t JoinSegments(uint8_t* const* regions, size_t room, int32_t* table, size_t rows);

/**
 * The same for packets that lie one behind the other in one region without room between them: only neighbours are joined, since between others
 * there is something that would be overwritten.
 */
size_t JoinNeighbours(uint8_t* slab, int32_t* table, size_t rows);

}  // namespace rawtcp

#endif  // RAWTCP_JOIN_H_
