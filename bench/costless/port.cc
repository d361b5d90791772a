#include "port.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace costless {

const uint8_t Port::kZeros[65'536] = {};

void Fail(const char* what) {
  fprintf(stderr, "costless: %s\n", what);
  exit(1);
}

void Must(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "costless: %s: %s\n", what, strerror(errno));
  exit(1);
}

Port::VirtioHeader Port::HeaderOf(const Outgoing& packet, size_t frame) {
  VirtioHeader header = {};
  header.flags = 1;  // VIRTIO_NET_HDR_F_NEEDS_CSUM
  header.checksum_start = static_cast<uint16_t>(frame + kIpHeader);
  header.checksum_offset = 16;
  if (packet.text > kSegmentText) {
    header.gso_type = 1;  // VIRTIO_NET_HDR_GSO_TCPV4
    header.gso_size = kSegmentText;
    header.header_length = static_cast<uint16_t>(frame + packet.header_length);
  }
  return header;
}

void SocketPort::SetUp() {
  const int bytes = 8 * 1024 * 1024;
  Must(setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) == 0, "SO_RCVBUFFORCE");
  Must(setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) == 0, "SO_SNDBUFFORCE");
  for (size_t i = 0; i < kReceiveBatch; i++) {
    received_pieces_[i] = {slot(i), kSlot};
    received_[i].msg_hdr.msg_iov = &received_pieces_[i];
    received_[i].msg_hdr.msg_iovlen = 1;
  }
  for (size_t i = 0; i < kSendBatch; i++) {
    msghdr& message = sent_[i].msg_hdr;
    message.msg_name = to_length_ > 0 ? &to_ : nullptr;
    message.msg_namelen = to_length_;
    message.msg_iov = sent_pieces_[i];
    message.msg_iovlen = 3;
  }
}

size_t SocketPort::Receive(Packet* packets) {
  int count = recvmmsg(fd_, received_, kReceiveBatch, MSG_DONTWAIT, nullptr);
  if (count < 0) return 0;
  for (size_t i = 0; i < static_cast<size_t>(count); i++) {
    size_t before = prefix_length();
    size_t length = received_[i].msg_len;
    packets[i] = {slot(i) + before, length < before ? 0 : length - before};
  }
  return static_cast<size_t>(count);
}

size_t SocketPort::Send(const Outgoing* packets, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const Outgoing& packet = packets[i];
    sent_pieces_[i][0] = {prefixes_[i], WritePrefix(packet, prefixes_[i])};
    sent_pieces_[i][1] = {const_cast<uint8_t*>(packet.header), packet.header_length};
    sent_pieces_[i][2] = {const_cast<uint8_t*>(kZeros), packet.text};
  }
  int sent = sendmmsg(fd_, sent_, static_cast<unsigned>(count), MSG_DONTWAIT | MSG_NOSIGNAL);
  Must(sent >= 0 || errno == EAGAIN || errno == ENOBUFS, "sendmmsg");
  return sent < 0 ? 0 : static_cast<size_t>(sent);
}

}  // namespace costless
