// Onto an Ethernet: each packet in a frame to its next hop, super-segments whole where the kernel takes a virtio header.

#ifndef RAWTCP_PACKET_SENDER_H_
#define RAWTCP_PACKET_SENDER_H_

#include "ethernet.h"
#include "neighbour_table.h"
#include "raw_sender.h"
#include "virtio_header.h"

namespace rawtcp {

class PacketSender : public RawSender {
 public:
  /** Before the first packet. */
  void Configure(bool has_header, const MacAddress& own);

  NeighbourTable& neighbours() { return neighbours_; }

  /** Sends what has waited for the next hop, behind what is queued already. */
  SendWait SetNeighbour(int fd, uint32_t next_hop, const MacAddress& mac);
  /** What has waited for it is lost. */
  void RemoveNeighbour(uint32_t next_hop);

 protected:
  bool CanSend(const Packet& packet) override;
  void Keep(const Packet& packet) override;
  size_t CountMessages(const Packet& packet) const override { return has_header_ ? 1 : CountPieces(packet); }
  void Prepare(size_t index, const Packet& packet) override;
  void PrepareQueued(size_t index, uint8_t* bytes, size_t length) override;
  void WriteFrame(const Packet& packet, uint8_t* to) override;

 private:
  /** What goes before a packet. */
  struct Prefix {
    VirtioHeader header;
    uint8_t frame[ETH_HLEN];
  };
  static_assert(sizeof(Prefix) == sizeof(VirtioHeader) + ETH_HLEN, "without a gap");

  uint32_t NextHop(const Packet& packet) const {
    return neighbours_.NextHop(Load32(packet.header + kIpDestinationAt));
  }

  NeighbourTable neighbours_;
  MacAddress own_{};
  bool has_header_ = false;
  Prefix prefixes_[kChunk];
};

}  // namespace rawtcp

#endif  // RAWTCP_PACKET_SENDER_H_
