// Where packets go on an Ethernet: the next hop of each, the hardware address of that, and the packets that wait until it is
// known. Who answers to an address is found out elsewhere (src/link/neighbours.ts). Knows no N-API.

#ifndef RAWTCP_NEIGHBOUR_TABLE_H_
#define RAWTCP_NEIGHBOUR_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "ethernet.h"

namespace rawtcp {

using Bytes = std::vector<uint8_t>;

class NeighbourTable {
 public:
  /** Addresses in the host's byte order. `gateway` 0 where no way leads out of the network. */
  void SetNetwork(uint32_t address, int prefix_length, uint32_t gateway);

  /** 0 where no way leads there. */
  uint32_t NextHop(uint32_t destination) const {
    return ((destination ^ address_) & mask_) == 0 ? destination : gateway_;
  }

  /** Null where it is not known. */
  const MacAddress* Find(uint32_t next_hop);

  /** Keeps a packet until the next hop is known. Answers how many had to go for it, itself or older ones. */
  size_t Keep(uint32_t next_hop, Bytes packet);
  /** Next hops for which the first packet has come to wait since the last call. */
  std::vector<uint32_t> TakeWanted();

  /** Answers the packets that have waited, in their order. */
  std::deque<Bytes> Set(uint32_t next_hop, const MacAddress& mac);
  /** Answers how many packets waited in vain. */
  size_t Remove(uint32_t next_hop);
  /** Whether it was looked up since the last call. */
  bool TakeUsed(uint32_t next_hop);

 private:
  /** As Linux has it by default (unres_qlen_bytes), in packets of an Ethernet. */
  static constexpr size_t kPacketsWaiting = 128;
  /** Packets to any number of addresses that are nobody's must not fill the memory. */
  static constexpr size_t kNeighboursWanted = 256;

  struct Neighbour {
    MacAddress mac;
    bool used;
  };

  uint32_t address_ = 0;
  uint32_t mask_ = 0;
  uint32_t gateway_ = 0;
  std::unordered_map<uint32_t, Neighbour> known_;
  std::unordered_map<uint32_t, std::deque<Bytes>> waiting_;
  std::vector<uint32_t> wanted_;
  /** The last that was found: bulk has one. */
  uint32_t last_hop_ = 0;
  Neighbour* last_ = nullptr;
};

}  // namespace rawtcp

#endif  // RAWTCP_NEIGHBOUR_TABLE_H_
