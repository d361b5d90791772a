#include "segment.h"

#include <netinet/in.h>

#include <cstring>

namespace costless {
namespace {

/** What our windows are shifted by. */
constexpr uint8_t kWindowScale = 7;

void Put16(uint8_t* at, size_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

void Put32(uint8_t* at, uint32_t value) {
  Put16(at, value >> 16);
  Put16(at + 2, value & 0xffff);
}

uint16_t Get16(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }
uint32_t Get32(const uint8_t* at) { return static_cast<uint32_t>(Get16(at)) << 16 | Get16(at + 2); }

uint32_t Sum(const uint8_t* bytes, size_t length, uint32_t sum) {
  for (size_t i = 0; i < length; i += 2) sum += Get16(bytes + i);
  return sum;
}

uint16_t Fold(uint32_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

size_t WriteOptions(const Fields& fields, uint8_t* at) {
  uint8_t* begin = at;
  if ((fields.flags & kSyn) != 0) {
    const uint8_t first[] = {2, 4, (kMtu - 40) >> 8, (kMtu - 40) & 0xff, 1, 3, 3, kWindowScale};
    memcpy(at, first, sizeof first);
    at += sizeof first;
  }
  const uint8_t timestamps[] = {1, 1, 8, 10, 0, 0, 0, 1};
  memcpy(at, timestamps, sizeof timestamps);
  Put32(at + sizeof timestamps, fields.timestamp_echo);
  return static_cast<size_t>(at - begin) + sizeof timestamps + 4;
}

void ReadOptions(const uint8_t* at, const uint8_t* end, Incoming* in) {
  while (at < end && *at != 0) {
    if (*at == 1) {
      at++;
      continue;
    }
    if (end - at < 2 || at[1] < 2 || at[1] > end - at) return;
    if (at[0] == 3 && at[1] == 3) in->window_scale = at[2];
    if (at[0] == 8 && at[1] == 10) in->timestamp = Get32(at + 2);
    at += at[1];
  }
}

}  // namespace

void Write(const Ends& ends, const Fields& fields, bool whole, Outgoing* out) {
  uint8_t* ip = out->header;
  uint8_t* tcp = ip + kIpHeader;
  size_t tcp_header = 20 + WriteOptions(fields, tcp + 20);
  size_t tcp_length = tcp_header + fields.text;
  out->header_length = kIpHeader + tcp_header;
  out->text = fields.text;

  memset(ip, 0, kIpHeader);
  ip[0] = 0x45;
  Put16(ip + 2, kIpHeader + tcp_length);
  Put16(ip + 6, 0x4000);
  ip[8] = 64;
  ip[9] = IPPROTO_TCP;
  Put32(ip + 12, ends.local);
  Put32(ip + 16, ends.remote);
  Put16(ip + 10, static_cast<uint16_t>(~Fold(Sum(ip, kIpHeader, 0))));

  Put16(tcp, ends.local_port);
  Put16(tcp + 2, ends.remote_port);
  Put32(tcp + 4, fields.seq);
  Put32(tcp + 8, fields.ack);
  tcp[12] = static_cast<uint8_t>(tcp_header / 4 << 4);
  tcp[13] = fields.flags;
  Put16(tcp + 14, fields.window);
  Put32(tcp + 16, 0);
  uint32_t pseudo = Sum(ip + 12, 8, IPPROTO_TCP + static_cast<uint32_t>(tcp_length));
  // The text adds nothing: it is zeros.
  Put16(tcp + 16, whole ? static_cast<uint16_t>(~Fold(Sum(tcp, tcp_header, pseudo))) : Fold(pseudo));
}

bool Read(const Ends& ends, const uint8_t* packet, size_t length, Incoming* in) {
  if (length < kIpHeader + 20 || packet[9] != IPPROTO_TCP || Get32(packet + 16) != ends.local) return false;
  size_t ip_header = static_cast<size_t>(packet[0] & 15) * 4;
  const uint8_t* tcp = packet + ip_header;
  if (length < ip_header + 20 || Get16(tcp + 2) != ends.local_port) return false;
  size_t headers = ip_header + static_cast<size_t>(tcp[12] >> 4) * 4;
  size_t total = Get16(packet + 2);
  if (total < headers || length < total) return false;
  *in = {Get32(packet + 12), Get16(tcp), Get32(tcp + 4), Get32(tcp + 8), tcp[13], Get16(tcp + 14), total - headers, 0, 0};
  ReadOptions(tcp + 20, packet + headers, in);
  return true;
}

}  // namespace costless
