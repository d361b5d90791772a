// The header of an Ethernet frame.

#ifndef RAWTCP_ETHERNET_H_
#define RAWTCP_ETHERNET_H_

#include <net/ethernet.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "layout.h"

namespace rawtcp {

using MacAddress = std::array<uint8_t, ETH_ALEN>;

/** ETH_HLEN bytes. */
inline void WriteFrameHeader(const MacAddress& to, const MacAddress& from, uint16_t type, uint8_t* frame) {
  std::copy(to.begin(), to.end(), frame);
  std::copy(from.begin(), from.end(), frame + ETH_ALEN);
  Store16(frame + 2 * ETH_ALEN, type);
}

}  // namespace rawtcp

#endif  // RAWTCP_ETHERNET_H_
