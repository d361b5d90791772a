// The emulated path without devices and without a clock: what becomes of packets that come at given times, and what a
// stream's segments count as. Prints TAP; emulator.test.ts compiles and runs it.

#include <arpa/inet.h>

#include <cstdio>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "../../bench/emulator/coverage.h"
#include "../../bench/emulator/flow.h"
#include "../../bench/emulator/path.h"
#include "../../bench/emulator/settings.h"

namespace emulator {

namespace {

constexpr Nanoseconds kMs = 1'000'000;
constexpr uint8_t kSyn = 0x02;
constexpr uint8_t kAck = 0x10;
int checks = 0;

void Check(const char* what, bool holds) { printf("%s %d - %s\n", holds ? "ok" : "not ok", ++checks, what); }

template <typename A, typename B>
void Same(const char* what, A found, B wanted) {
  Check(what, found == static_cast<A>(wanted));
  if (found != static_cast<A>(wanted)) printf("# found %.3f, not %.3f\n", double(found), double(wanted));
}

/** 1500 bytes take a millisecond. */
PathSettings Slow() {
  PathSettings settings;
  settings.bits_per_second = 12e6;
  settings.delay = 5 * kMs;
  settings.queue_bytes = 3000;
  return settings;
}

void TheLine() {
  Path path(Slow(), 0);
  Same("a packet takes its time on the line, and the delay", path.Arrive(1500, 0).due, 6 * kMs);
  Same("the next waits for it", path.Arrive(1500, 0).due, 7 * kMs);
  Same("half a packet takes half the time", path.Arrive(750, kMs).due, 7 * kMs + kMs / 2);
  Same("an idle line begins at once", path.Arrive(1500, 20 * kMs).due, 26 * kMs);
  Same("the wait of the slowest", path.queue_delays().Quantile(1), 1);
}

void TheQueue() {
  Path path(Slow(), 0);
  path.Arrive(1500, 0);
  Check("what overfills the queue is dropped", path.Arrive(1501, 0).fate == Fate::kOverflowed);
  Check("what just fits is not", path.Arrive(1500, 0).fate == Fate::kInOrder);
  Same("what is dropped takes no time", path.Arrive(1500, kMs).due, 8 * kMs);
  Same("the drop is counted", path.counters().overflowed, 1);
}

std::set<int> LostWith(uint64_t seed, double loss) {
  PathSettings settings;
  settings.loss = loss;
  settings.seed = seed;
  Path path(settings, 0);
  std::set<int> lost;
  for (int i = 0; i < 100'000; i++) {
    if (path.Arrive(1500, i * kMs).fate == Fate::kLost) lost.insert(i);
  }
  return lost;
}

void Losses() {
  std::set<int> lost = LostWith(1, 0.01);
  Check("a share of the packets is lost", lost.size() > 850 && lost.size() < 1150);
  Check("the same with the same seed", lost == LostWith(1, 0.01));
  Check("others with another", lost != LostWith(2, 0.01));
  Check("none where none is to be", LostWith(1, 0).empty());
}

void Reordering() {
  PathSettings settings = Slow();
  settings.queue_bytes = 1 << 20;
  settings.reordered = 0.05;
  settings.late = 3 * kMs;
  Path path(settings, 0);
  int late = 0;
  bool in_bounds = true;
  for (int i = 0; i < 10'000; i++) {
    Verdict verdict = path.Arrive(1500, i * kMs);
    Nanoseconds by = verdict.due - (i + 6) * kMs;
    in_bounds = in_bounds && (verdict.fate == Fate::kLate ? by > 0 && by < 3 * kMs : by == 0);
    late += verdict.fate == Fate::kLate;
  }
  Check("packets are late by less than the most, the others not at all", in_bounds);
  Check("so is a share of them", late > 400 && late < 600);
}

void ThePolicer() {
  PathSettings settings = Slow();
  settings.bits_per_second = 1e12;
  settings.policed_bits_per_second = 12e6;
  settings.bucket_bytes = 3000;
  Path path(settings, 0);
  Check("a full bucket lets a burst through", path.Arrive(1500, 0).arrives() && path.Arrive(1500, 0).arrives());
  Check("an empty one drops", path.Arrive(1500, 0).fate == Fate::kPoliced);
  Check("it fills with time", path.Arrive(1500, kMs).arrives() && !path.Arrive(1500, kMs).arrives());
  path.Arrive(1, 100 * kMs);
  Check("and is full once it is", path.Arrive(1500, 100 * kMs).arrives() && !path.Arrive(1500, 100 * kMs).arrives());
}

void Ranges() {
  Coverage coverage;
  Same("all is new", coverage.Add(10, 20), 10);
  Same("what overlaps counts in part", coverage.Add(15, 25), 5);
  Same("before it, too", coverage.Add(5, 12), 5);
  coverage.Add(30, 40);
  Same("across a hole only the hole is new", coverage.Add(0, 45), 15);
  Same("nothing is, within", coverage.Add(3, 44), 0);
  Same("all up to there", coverage.prefix(), 45);
  Same("a hole ends it", (coverage.Add(46, 50), coverage.prefix()), 45);
  Same("known", coverage.Overlap(40, 48), 7);
}

Piece Segment(uint32_t seq, uint32_t length, uint8_t flags = kAck) {
  std::vector<uint8_t> packet(20 + 32 + length);
  packet[0] = 0x45;
  packet[9] = 6;
  packet[20] = 1;
  uint32_t order = htonl(seq);
  memcpy(&packet[24], &order, sizeof order);
  packet[32] = 8 << 4;
  packet[33] = flags;
  return PieceOf(packet.data(), packet.size());
}

void AStream(uint32_t isn) {
  printf("# a stream from %u on\n", isn);
  uint32_t first = isn + 1;
  Flow flow(300);
  flow.Sent(Segment(isn, 0, kSyn), true, 10);
  flow.Sent(Segment(first, 100), true, 20);
  flow.Sent(Segment(first + 100, 100), false, 21);
  flow.Sent(Segment(first + 200, 100), true, 22);
  flow.Delivered(Segment(isn, 0, kSyn), 30);
  flow.Delivered(Segment(first, 100), 40);
  flow.Delivered(Segment(first + 200, 100), 42);
  Same("nothing went twice", flow.counters().repeated_bytes, 0);
  Same("a hole keeps it from being complete", flow.duration(), -1);
  flow.Sent(Segment(first + 100, 100), false, 50);
  Same("what was lost goes again, with reason", flow.counters().needless_bytes, 0);
  flow.Sent(Segment(first, 200), true, 51);
  Same("in one with what was not", flow.counters().needless_bytes, 100);
  flow.Sent(Segment(first + 200, 100), false, 52);
  Same("a second copy is for nothing, though it be lost", flow.counters().needless_bytes, 200);
  Same("bytes sent again", flow.counters().repeated_bytes, 400);
  Same("segments sent again", flow.counters().repeated_segments, 3);
  flow.Delivered(Segment(first, 200), 60);
  Same("complete when the hole is filled, from the SYN on", flow.duration(), 50);
  flow.Delivered(Segment(first, 200), 70);
  Same("and that stays", flow.duration(), 50);
}

void Words() {
  Settings settings;
  std::string unknown;
  Check("settings are taken", ReadSettings("bitsPerSecond=1e6 policedBitsPerSecond=5 delayMs=2.5", &settings, &unknown));
  Same("with their units", settings.back.delay, 2'500'000);
  Same("only the way forward is policed", settings.back.policed_bits_per_second, 0);
  Check("an unknown key is named", !ReadSettings("rate=1", &settings, &unknown) && unknown == "rate=1");
  Check("so is what is no number", !ReadSettings("loss=much", &settings, &unknown) && unknown == "loss=much");
}

}  // namespace

}  // namespace emulator

int main() {
  printf("TAP version 14\n");
  emulator::TheLine();
  emulator::TheQueue();
  emulator::Losses();
  emulator::Reordering();
  emulator::ThePolicer();
  emulator::Ranges();
  for (uint32_t isn : {0u, 0x7fffff80u, 0xffffff80u, 0xffffffffu}) emulator::AStream(isn);
  emulator::Words();
  printf("1..%d\n", emulator::checks);
}
