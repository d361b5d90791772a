// From a descriptor of the stack to a packet: where its pieces lie, and the checksums that it still lacks.

#ifndef RAWTCP_ASSEMBLE_H_
#define RAWTCP_ASSEMBLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rawtcp {

struct Region {
  const uint8_t* data;
  size_t length;
};

/** A TxBatch of src/link/link.ts as memory. */
struct TxSource {
  uint8_t* headers = nullptr;
  size_t headers_length = 0;
  const int32_t* table = nullptr;
  size_t capacity = 0;
  std::vector<Region> regions;
};

/** Pieces in the order in which they go out: headers, payload, and payload from the beginning of its ring. */
struct Packet {
  uint8_t* header;
  size_t header_length;
  Region payload[2];
  /** Bytes of text of the segments that a super-segment stands for; 0 for a packet as it is. */
  size_t segment;

  size_t length() const { return header_length + payload[0].length + payload[1].length; }
};

/** False where the descriptor points outside its memory or gives no IPv4 packet: the caller's fault, not a peer's. */
bool ReadDescriptor(const TxSource& source, size_t index, Packet* packet);

/** How many packets a super-segment is on a wire; 1 for any other. */
size_t CountPieces(const Packet& packet);

/** One of these packets, with a header of its own in `header` (kHeaderRoom bytes). Its checksums are still to be filled in. */
Packet CutPiece(const Packet& super, size_t index, uint8_t* header);

/** The IPv4 header's own checksum. */
void FillIpChecksum(uint8_t* header);

/** Fills in the IPv4 header's checksum, and in TCP's field the pseudo-header's sum: whoever takes it completes it. */
void FillPartialChecksums(const Packet& packet);

/** Fills in the checksums in the header's own memory. */
void FillChecksums(const Packet& packet);

/** Copies the packet, summed while it is copied; the checksums are filled in in the copy. */
void CopyPacket(const Packet& packet, uint8_t* to);

}  // namespace rawtcp

#endif  // RAWTCP_ASSEMBLE_H_
