#include "packet_sender.h"

#include <algorithm>
#include <utility>

#include "packet_counters.h"

namespace rawtcp {

void PacketSender::Configure(bool has_header, const MacAddress& own) {
  has_header_ = has_header;
  own_ = own;
  prefix_ = has_header ? sizeof(VirtioHeader) : 0;
  frame_ = ETH_HLEN;
}

SendWait PacketSender::SetNeighbour(int fd, uint32_t next_hop, const MacAddress& mac) {
  bool waits = congested();
  for (const Bytes& packet : neighbours_.Set(next_hop, mac)) {
    uint8_t* room = PushQueued(packet.size());
    if (room == nullptr) continue;
    WriteFrameHeader(mac, own_, ETHERTYPE_IP, room);
    std::copy(packet.begin(), packet.end(), room + frame_);
  }
  // Whoever waits for the backlog waits already.
  return waits ? SendWait::kNothing : Flush(fd);
}

void PacketSender::RemoveNeighbour(uint32_t next_hop) {
  Count(kSendHostUnreachable, static_cast<double>(neighbours_.Remove(next_hop)));
}

bool PacketSender::CanSend(const Packet& packet) {
  uint32_t next_hop = NextHop(packet);
  return next_hop != 0 && neighbours_.Find(next_hop) != nullptr;
}

void PacketSender::Keep(const Packet& packet) {
  uint32_t next_hop = NextHop(packet);
  size_t pieces = CountPieces(packet);
  if (next_hop == 0) {
    Count(kSendNetworkUnreachable, static_cast<double>(pieces));
    return;
  }
  for (size_t i = 0; i < pieces; i++) {
    uint8_t header[kHeaderRoom];
    Packet piece = pieces == 1 ? packet : CutPiece(packet, i, header);
    Bytes bytes(piece.length());
    CopyPacket(piece, bytes.data());
    Count(kNeighbourWaits);
    Count(kNeighbourOverflows, static_cast<double>(neighbours_.Keep(next_hop, std::move(bytes))));
  }
}

void PacketSender::Prepare(size_t index, const Packet& packet) {
  Prefix& prefix = prefixes_[index];
  WriteFrame(packet, prefix.frame);
  if (!has_header_) {
    FillChecksums(packet);
    SetMessage(index, {prefix.frame, sizeof prefix.frame}, packet);
    return;
  }
  prefix.header = OffloadTo(packet, sizeof prefix.frame);
  SetMessage(index, {&prefix, sizeof prefix}, packet);
}

void PacketSender::PrepareQueued(size_t index, uint8_t* bytes, size_t length) {
  Prefix& prefix = prefixes_[index];
  prefix.header = VirtioHeader();
  SetMessage(index, {&prefix, prefix_}, Packet{bytes, length, {{bytes, 0}, {bytes, 0}}, 0});
}

void PacketSender::WriteFrame(const Packet& packet, uint8_t* to) {
  WriteFrameHeader(*neighbours_.Find(NextHop(packet)), own_, ETHERTYPE_IP, to);
}

}  // namespace rawtcp
