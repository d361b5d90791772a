#include "join.h"

#include <netinet/in.h>

#include <algorithm>

#include "assemble.h"
#include "checksum.h"
#include "layout.h"

namespace rawtcp {
namespace {

/** Flows that may be joined at the same time, as in the kernel (MAX_GRO_SKBS). */
constexpr size_t kMostOpen = 8;
/** Above it, copying the text costs about what the stack saves; frames of 9000 bytes are well below. */
constexpr size_t kMostText = 16384;

constexpr size_t kTypeOfServiceAt = 1;
constexpr size_t kFragmentAt = 6;
constexpr size_t kTimeToLiveAt = 8;
constexpr size_t kAcknowledgmentAt = 8;
constexpr size_t kDataOffsetAt = 12;
constexpr size_t kWindowAt = 14;
constexpr size_t kUrgentPointerAt = 18;
constexpr uint16_t kAllOnes = 0xffff;

/** A whole TCP segment, unharmed as far as one can tell. */
struct Arrival {
  int32_t* row;
  uint8_t* ip;
  uint8_t* tcp;
  size_t total;
  size_t tcp_header;
  size_t text;

  uint32_t sequence() const { return Load32(tcp + kTcpSequenceAt); }
  uint8_t flags() const { return tcp[kTcpFlagsAt]; }
  /** All that is no text: of a joined segment, where its text begins. */
  size_t headers() const { return kMinIpHeader + tcp_header; }
};

/** A joined segment that may go on. */
struct Join {
  Arrival first;
  /** Bytes of text so far, and their sum. */
  size_t text;
  uint64_t sum;
  size_t segments;
};

/** False for all that belongs to no flow, or of which nobody knows whether it does: fragments, bad checksums, other protocols. */
bool Read(uint8_t* const* regions, int32_t* row, Arrival* arrival) {
  if (row[kRxChecksum] != kChecksumGood && row[kRxChecksum] != kChecksumPartial) return false;
  uint8_t* ip = regions[row[kRxRegion]] + row[kRxOffset];
  size_t length = static_cast<size_t>(row[kRxLength]);
  if (length < kMinIpHeader + kMinTcpHeader || IpVersion(ip) != 4 || IpHeaderLength(ip) != kMinIpHeader) return false;
  if (IpProtocol(ip) != IPPROTO_TCP || IpIsFragment(ip)) return false;
  size_t total = IpTotalLength(ip);
  // A header whose own sum is wrong would become a good one.
  if (total > length || Fold(BestChecksum().sum(ip, kMinIpHeader, 0)) != kAllOnes) return false;
  uint8_t* tcp = ip + kMinIpHeader;
  size_t tcp_header = static_cast<size_t>(tcp[kDataOffsetAt] >> 4) * 4;
  if (tcp_header < kMinTcpHeader || total < kMinIpHeader + tcp_header) return false;
  *arrival = {row, ip, tcp, total, tcp_header, total - kMinIpHeader - tcp_header};
  return true;
}

bool IsSameFlow(const Arrival& a, const Arrival& b) {
  return memcmp(a.ip + kIpSourceAt, b.ip + kIpSourceAt, 8) == 0 && memcmp(a.tcp, b.tcp, 4) == 0;
}

/** Text, and no flag but ACK and PSH: not even those of ECN, of which the stack has to see each. */
bool IsPlain(const Arrival& it) {
  return it.text > 0 && it.text <= kMostText && it.row[kRxSegment] == 0 && (it.flags() & ~kPsh) == kAck &&
         (it.tcp[kDataOffsetAt] & 15) == 0;
}

/**
 * Whether the stack, handed both as one, would do what it does with one after the other. Options are equal in every byte,
 * timestamps as well, as in the kernel: which of two TSvals counts depends on what was acknowledged, and senders whose clock
 * ticks once a millisecond give dozens of segments the same one.
 */
bool Continues(const Join& join, const Arrival& next, size_t room) {
  const Arrival& first = join.first;
  return next.sequence() == first.sequence() + static_cast<uint32_t>(join.text) && next.text <= first.text &&
         first.headers() + join.text + next.text <= std::min(room, kMaxPacket) &&
         next.row[kRxChecksum] == first.row[kRxChecksum] &&
         next.ip[kTypeOfServiceAt] == first.ip[kTypeOfServiceAt] && next.ip[kTimeToLiveAt] == first.ip[kTimeToLiveAt] &&
         memcmp(next.ip + kFragmentAt, first.ip + kFragmentAt, 2) == 0 && next.tcp_header == first.tcp_header &&
         memcmp(next.tcp + kAcknowledgmentAt, first.tcp + kAcknowledgmentAt, 4) == 0 &&
         memcmp(next.tcp + kWindowAt, first.tcp + kWindowAt, 2) == 0 &&
         memcmp(next.tcp + kUrgentPointerAt, first.tcp + kUrgentPointerAt, first.tcp_header - kUrgentPointerAt) == 0;
}

/** Of the text of a segment whose checksum is good: what makes all of it sum up to ones. The text itself is not looked at. */
uint64_t TextSum(const Arrival& it) {
  uint64_t pseudo = PseudoHeaderSum(it.ip, it.total - kMinIpHeader);
  return static_cast<uint16_t>(~Fold(BestChecksum().sum(it.tcp, it.tcp_header, pseudo)));
}

void Append(Join* join, const Arrival& next) {
  if (join->segments == 1) join->sum = TextSum(join->first);
  uint64_t sum = TextSum(next);
  join->sum += join->text % 2 == 0 ? sum : AtOddPlace(sum);
  join->first.tcp[kTcpFlagsAt] |= next.flags();
  // Neighbours without room between them overlap: the text may come to lie where its own headers were.
  memmove(join->first.ip + join->first.headers() + join->text, next.ip + next.headers(), next.text);
  join->text += next.text;
  join->segments++;
}

/** The headers of the first become those of all. */
void Finish(const Join& join) {
  if (join.segments == 1) return;
  const Arrival& first = join.first;
  size_t total = first.headers() + join.text;
  first.row[kRxLength] = static_cast<int32_t>(total);
  first.row[kRxSegment] = static_cast<int32_t>(first.text);
  Store16(first.ip + kIpTotalLengthAt, static_cast<uint16_t>(total));
  FillIpChecksum(first.ip);
  uint64_t sum = PseudoHeaderSum(first.ip, total - kMinIpHeader);
  if (first.row[kRxChecksum] == kChecksumGood) {
    Store16(first.tcp + kTcpChecksumAt, 0);
    sum = ~Fold(AddCarry(BestChecksum().sum(first.tcp, first.tcp_header, sum), join.sum));
  } else {
    sum = Fold(sum);
  }
  uint16_t field = static_cast<uint16_t>(sum);
  memcpy(first.tcp + kTcpChecksumAt, &field, sizeof field);
}

/** The joins that may go on: few, so that a search through all is short. */
class OpenJoins {
 public:
  ~OpenJoins() { FinishAll(); }

  void FinishAll() {
    for (size_t i = 0; i < count_; i++) Finish(joins_[i]);
    count_ = 0;
  }

  Join* Find(const Arrival& arrival) {
    for (size_t i = 0; i < count_; i++) {
      if (IsSameFlow(joins_[i].first, arrival)) return &joins_[i];
    }
    return nullptr;
  }

  void Close(Join* join) {
    Finish(*join);
    *join = joins_[--count_];
  }

  /** Where there are too many, any of them makes room. */
  void Open(const Arrival& first) {
    if (count_ == kMostOpen) Close(&joins_[0]);
    joins_[count_++] = {first, first.text, 0, 1};
  }

 private:
  Join joins_[kMostOpen];
  size_t count_ = 0;
};

size_t JoinRows(uint8_t* const* regions, size_t room, bool neighbours, int32_t* table, size_t rows) {
  if (rows < 2) return rows;
  OpenJoins open;
  size_t kept = 0;
  for (size_t i = 0; i < rows; i++) {
    // Each stays, but one that is joined: the next one then takes its row.
    int32_t* row = table + kept * kRxStride;
    if (kept != i) memcpy(row, table + i * kRxStride, kRxStride * sizeof *row);
    kept++;
    Arrival arrival;
    if (!Read(regions, row, &arrival)) {
      open.FinishAll();
      continue;
    }
    bool plain = IsPlain(arrival);
    bool ends = (arrival.flags() & kPsh) != 0;
    Join* join = open.Find(arrival);
    if (neighbours && join == nullptr) open.FinishAll();
    if (join != nullptr) {
      if (plain && Continues(*join, arrival, room)) {
        Append(join, arrival);
        if (ends || arrival.text < join->first.text) open.Close(join);
        kept--;
        continue;
      }
      open.Close(join);
    }
    if (plain && !ends) open.Open(arrival);
  }
  return kept;
}

}  // namespace

size_t JoinSegments(uint8_t* const* regions, size_t room, int32_t* table, size_t rows) {
  return JoinRows(regions, room, false, table, rows);
}

size_t JoinNeighbours(uint8_t* slab, int32_t* table, size_t rows) {
  return JoinRows(&slab, kMaxPacket, true, table, rows);
}

}  // namespace rawtcp
