// What a driver's system calls can carry: with a TCP above them that costs nothing (flow.h), or with nothing (packets.h).
//
//   costless (raw|tun|packet) (out|in|flood|take) LOCAL REMOTE PORT WARMUP_MS MEASURE_MS FOR_MS [INTERFACE NEXT_HOP]
//
// `out` sends to a listener at REMOTE for FOR_MS; `in` listens, at a port of its own choice; `flood` sends packets to PORT of
// REMOTE, `take` counts those that come to PORT. When it can begin it says so by a line of JSON, and the result is another. For
// a packet socket an interface is given, and the hardware address of the next hop.

#include <arpa/inet.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "flow.h"
#include "packets.h"

namespace {

uint32_t Address(const char* text) {
  in_addr address;
  if (inet_pton(AF_INET, text, &address) != 1) costless::Fail("no address");
  return ntohl(address.s_addr);
}

costless::Port* Open(const char* driver, const costless::Ends& ends, int more, char** arguments) {
  if (strcmp(driver, "raw") == 0) return costless::OpenRaw(ends);
  if (strcmp(driver, "tun") == 0) return costless::OpenTun(ends);
  if (strcmp(driver, "packet") == 0 && more == 2) return costless::OpenPacket(ends, arguments[0], arguments[1]);
  costless::Fail("no such driver");
}

void Transfer(bool sends, costless::Flow* flow, double for_ms) {
  if (sends) flow->Send(for_ms);
  else flow->Receive();
  const costless::Measured& measured = flow->measured();
  if (measured.seconds == 0) costless::Fail("the run was shorter than what is measured");
  printf("{\"bytes\":%llu,\"bytesPerSecond\":%.0f,\"packetsPerSecond\":%.0f,\"wentBack\":%llu,\"missing\":%lld}\n",
         static_cast<unsigned long long>(flow->bytes()), static_cast<double>(measured.bytes) / measured.seconds,
         static_cast<double>(measured.packets) / measured.seconds, static_cast<unsigned long long>(flow->went_back()),
         static_cast<long long>(flow->missing()));
}

void Print(const costless::Cost& cost) {
  printf("{\"perSecond\":%.0f,\"microseconds\":%.4f}\n", cost.packets_per_second, cost.microseconds);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 9) costless::Fail("arguments are missing");
  const std::string way = arguments[2];
  uint16_t port = static_cast<uint16_t>(atoi(arguments[5]));
  // Runs that follow one another do not meet their predecessors' connections.
  uint16_t own = way == "take" ? port : static_cast<uint16_t>(20'000 + getpid() % 40'000);
  costless::Ends ends = {Address(arguments[3]), Address(arguments[4]), own, port};
  double warmup_ms = atof(arguments[6]);
  double measure_ms = atof(arguments[7]);
  costless::Port* opened = Open(arguments[1], ends, count - 9, arguments + 9);
  printf("{\"port\":%d}\n", own);
  fflush(stdout);
  costless::Flow flow(opened, ends, warmup_ms, measure_ms);
  if (way == "out" || way == "in") Transfer(way == "out", &flow, atof(arguments[8]));
  else if (way == "flood") Print(costless::SendPackets(opened, ends, warmup_ms, measure_ms));
  else if (way == "take") Print(costless::TakePackets(opened, warmup_ms, measure_ms));
  else costless::Fail("no such way");
}
