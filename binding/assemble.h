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

  size_t length() const { return header_length + payload[0].length + payload[1].length; }
};

/** False where the descriptor points outside its memory or gives no IPv4 packet: the caller's fault, not a peer's. */
bool ReadDescriptor(const TxSource& source, size_t index, Packet* packet);

/** Fills in the checksums in the header's own memory. */
void FillChecksums(const Packet& packet);

/** Copies the packet, summed while it is copied; the checksums are filled in in the copy. */
void CopyPacket(const Packet& packet, uint8_t* to);

}  // namespace rawtcp

#endif  // RAWTCP_ASSEMBLE_H_
