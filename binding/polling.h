// Whether the loop looks for the next packet instead of sleeping until it comes. To be woken takes longer than to answer a short
// message, so what is gained is most of a round trip; what it costs is a core. Knows neither the loop nor the clock: time is told.

#ifndef RAWTCP_POLLING_H_
#define RAWTCP_POLLING_H_

#include <algorithm>
#include <cstdint>

namespace rawtcp {

class Polling {
 public:
  /**
   * Nanoseconds. For `always` after each packet, and for `closely` where packets follow each other within that time. Where that is in
   * vain, since nobody answers or since the peer needs this very core to do so, it is left out, more and more often.
   */
  void Begin(uint64_t always, uint64_t closely) {
    always_ = always;
    closely_ = closely;
  }

  bool wanted() const { return always_ != 0 || closely_ != 0; }

  void PacketsArrive(uint64_t now) {
    follows_closely_ = rested_at_ != 0 && now - rested_at_ < closely_;
    if (polls_ && !follows_closely_) {
      Remember(failures_ + 1);
    } else if (polls_ && looks_ > 1) {
      // What is there at the first look would have been there for one who lay down to sleep.
      Remember(failures_ - 1);
    }
    polls_ = false;
  }

  /** There is nothing to do until the next packet. Answers until when the loop is to look for it, 0 for not at all. */
  uint64_t Rests(uint64_t now) {
    rested_at_ = now;
    if (always_ != 0) return now + always_;
    if (!follows_closely_) return 0;
    if (left_out_ > 0) {
      left_out_--;
      return 0;
    }
    polls_ = true;
    looks_ = 0;
    return now + closely_;
  }

  /** The loop goes round without sleeping. */
  void Looks() { looks_++; }

  /** It was looked for in vain. */
  void GivesUp() {
    polls_ = false;
    Remember(failures_ + 1);
  }

 private:
  /** One success takes back one failure: a peer that shares our core answers now and then as soon as the scheduler lets it. */
  void Remember(int failures) {
    failures_ = std::clamp(failures, 0, kMostFailures);
    left_out_ = (uint32_t{1} << failures_) - 1;
  }

  /** After that many in a row one of 1024 is tried. */
  static constexpr int kMostFailures = 10;

  uint64_t always_ = 0;
  uint64_t closely_ = 0;
  /** 0: never yet. */
  uint64_t rested_at_ = 0;
  bool follows_closely_ = false;
  bool polls_ = false;
  /** Since it last rested. */
  uint64_t looks_ = 0;
  int failures_ = 0;
  /** Rests that go by without polling. */
  uint32_t left_out_ = 0;
};

}  // namespace rawtcp

#endif  // RAWTCP_POLLING_H_
