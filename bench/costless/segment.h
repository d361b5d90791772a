// A segment as bytes: IPv4 and TCP headers in front of a text of zeros, and what a peer's segment says.

#ifndef COSTLESS_SEGMENT_H_
#define COSTLESS_SEGMENT_H_

#include <cstddef>
#include <cstdint>

namespace costless {

constexpr uint8_t kFin = 0x01;
constexpr uint8_t kSyn = 0x02;
constexpr uint8_t kRst = 0x04;
constexpr uint8_t kPsh = 0x08;
constexpr uint8_t kAck = 0x10;

constexpr size_t kIpHeader = 20;
/** With timestamps, as every segment but a SYN has them. */
constexpr size_t kHeaders = kIpHeader + 20 + 12;
constexpr size_t kMostHeaders = kIpHeader + 40;
constexpr size_t kMtu = 1500;
constexpr size_t kSegmentText = kMtu - kHeaders;

/** In host byte order. */
struct Ends {
  uint32_t local;
  uint32_t remote;
  uint16_t local_port;
  uint16_t remote_port;
};

struct Outgoing {
  uint8_t header[kMostHeaders];
  size_t header_length;
  /** Zeros behind it. */
  size_t text;
};

struct Fields {
  uint32_t seq;
  uint32_t ack;
  uint8_t flags;
  uint16_t window;
  uint32_t timestamp_echo;
  size_t text;
};

/** `whole`: with a finished checksum; else with what the kernel goes on from. */
void Write(const Ends& ends, const Fields& fields, bool whole, Outgoing* out);

struct Incoming {
  uint32_t remote;
  uint16_t remote_port;
  uint32_t seq;
  uint32_t ack;
  uint8_t flags;
  /** Not scaled. */
  uint32_t window;
  size_t text;
  /** 0 where it has none. */
  uint32_t timestamp;
  /** Of a SYN; 0 where it has none. */
  uint8_t window_scale;
};

/** False for what is no TCP segment to us. */
bool Read(const Ends& ends, const uint8_t* packet, size_t length, Incoming* in);

}  // namespace costless

#endif  // COSTLESS_SEGMENT_H_
