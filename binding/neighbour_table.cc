#include "neighbour_table.h"

#include <utility>

namespace rawtcp {

void NeighbourTable::SetNetwork(uint32_t address, int prefix_length, uint32_t gateway) {
  address_ = address;
  mask_ = prefix_length == 0 ? 0 : ~uint32_t{0} << (32 - prefix_length);
  gateway_ = gateway;
}

const MacAddress* NeighbourTable::Find(uint32_t next_hop) {
  if (last_ == nullptr || next_hop != last_hop_) {
    auto found = known_.find(next_hop);
    if (found == known_.end()) return nullptr;
    last_hop_ = next_hop;
    last_ = &found->second;
  }
  last_->used = true;
  return &last_->mac;
}

size_t NeighbourTable::Keep(uint32_t next_hop, Bytes packet) {
  auto found = waiting_.find(next_hop);
  if (found == waiting_.end()) {
    if (waiting_.size() == kNeighboursWanted) return 1;
    found = waiting_.emplace(next_hop, std::deque<Bytes>()).first;
    wanted_.push_back(next_hop);
  }
  std::deque<Bytes>& packets = found->second;
  packets.push_back(std::move(packet));
  if (packets.size() <= kPacketsWaiting) return 0;
  // The latest is the one to keep (RFC 1122 §2.3.2.2).
  packets.pop_front();
  return 1;
}

std::vector<uint32_t> NeighbourTable::TakeWanted() { return std::exchange(wanted_, {}); }

std::deque<Bytes> NeighbourTable::Set(uint32_t next_hop, const MacAddress& mac) {
  known_[next_hop] = {mac, false};
  last_ = nullptr;
  auto found = waiting_.find(next_hop);
  if (found == waiting_.end()) return {};
  std::deque<Bytes> packets = std::move(found->second);
  waiting_.erase(found);
  return packets;
}

size_t NeighbourTable::Remove(uint32_t next_hop) {
  last_ = nullptr;
  known_.erase(next_hop);
  auto found = waiting_.find(next_hop);
  if (found == waiting_.end()) return 0;
  size_t dropped = found->second.size();
  waiting_.erase(found);
  return dropped;
}

bool NeighbourTable::TakeUsed(uint32_t next_hop) {
  auto found = known_.find(next_hop);
  return found != known_.end() && std::exchange(found->second.used, false);
}

}  // namespace rawtcp
