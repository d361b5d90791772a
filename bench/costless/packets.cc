#include "packets.h"

#include <poll.h>
#include <sys/resource.h>

#include "clock.h"

namespace costless {
namespace {

constexpr size_t kText = 64;
/** As a batch of the bench's drivers. */
constexpr size_t kBatch = 64;
constexpr int kPatienceMs = 10'000;

double CpuMs() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const timeval times[] = {usage.ru_utime, usage.ru_stime};
  double ms = 0;
  for (const timeval& time : times) ms += static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  return ms;
}

/** `move` moves some packets, and answers how many. */
template <typename Move>
Cost Measure(double warmup_ms, double measure_ms, Move move) {
  for (double end = Now() + warmup_ms; Now() < end;) move();
  double packets = 0;
  double cpu = CpuMs();
  double began_at = Now();
  while (Now() - began_at < measure_ms) packets += static_cast<double>(move());
  double passed = Now() - began_at;
  if (packets == 0) Fail("no packets");
  return {1e3 * packets / passed, 1e3 * (CpuMs() - cpu) / packets};
}

}  // namespace

Cost SendPackets(Port* port, const Ends& ends, double warmup_ms, double measure_ms) {
  Outgoing packets[kBatch];
  for (Outgoing& packet : packets) Write(ends, {1, 1, kAck, 1000, 0, kText}, port->sums(), &packet);
  pollfd waiting = {port->fd(), POLLOUT, 0};
  return Measure(warmup_ms, measure_ms, [&] {
    size_t sent = port->Send(packets, kBatch);
    if (sent == 0) poll(&waiting, 1, 1);
    return sent;
  });
}

Cost TakePackets(Port* port, double warmup_ms, double measure_ms) {
  Packet packets[kReceiveBatch];
  pollfd waiting = {port->fd(), POLLIN, 0};
  if (poll(&waiting, 1, kPatienceMs) <= 0) Fail("nothing comes");
  return Measure(warmup_ms, measure_ms, [&] {
    size_t taken = port->Receive(packets);
    if (taken == 0) poll(&waiting, 1, 1);
    return taken;
  });
}

}  // namespace costless
