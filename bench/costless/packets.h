// Packets of 64 bytes of text without any connection: how many a second can be sent, or taken.

#ifndef COSTLESS_PACKETS_H_
#define COSTLESS_PACKETS_H_

#include "port.h"

namespace costless {

struct Cost {
  double packets_per_second;
  /** CPU time of this process for each, in the kernel too. */
  double microseconds;
};

Cost SendPackets(Port* port, const Ends& ends, double warmup_ms, double measure_ms);
Cost TakePackets(Port* port, double warmup_ms, double measure_ms);

}  // namespace costless

#endif  // COSTLESS_PACKETS_H_
