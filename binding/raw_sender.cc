#include "raw_sender.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "layout.h"
#include "raw_counters.h"

namespace rawtcp {

SendWait RawSender::Send(int fd, const TxSource& source, size_t count) {
  SendWait wait = SendWait::kNothing;
  if (congested()) {
    Queue(source, {0, 0}, count);
    // Whoever waits for the backlog waits already.
    return wait;
  }
  for (Origin next{0, 0}; next.row < count;) {
    size_t prepared = PrepareAll(source, count, &next);
    size_t done = Dispatch(fd, prepared, &wait);
    if (done < prepared) {
      Queue(source, origins_[done], count);
      break;
    }
  }
  return wait;
}

SendWait RawSender::Flush(int fd) {
  SendWait wait = SendWait::kNothing;
  while (!backlog_.empty()) {
    size_t prepared = 0;
    size_t cursor = 0;
    while (prepared < kChunk) {
      size_t length;
      uint8_t* bytes = backlog_.Next(&cursor, &length);
      if (bytes == nullptr) break;
      PrepareQueued(prepared++, bytes, length);
    }
    size_t done = Dispatch(fd, prepared, &wait);
    for (size_t i = 0; i < done; i++) backlog_.Pop();
    if (done < prepared) break;
  }
  return wait;
}

/**
 * Makes messages of the packets from `*next` on, as many as fit, and moves it on. Super-segments are cut here, if at all.
 * Answers how many there are; rows that make no sense are left out.
 */
size_t RawSender::PrepareAll(const TxSource& source, size_t count, Origin* next) {
  size_t prepared = 0;
  for (; next->row < count && prepared < kChunk; *next = {next->row + 1, 0}) {
    Packet packet;
    if (!ReadDescriptor(source, next->row, &packet)) {
      counters_[kSendMalformed]++;
      continue;
    }
    if (!CanSend(packet)) {
      // Those before it first: where they have to be queued, all behind them are looked at again.
      if (prepared > 0) break;
      Keep(packet);
      continue;
    }
    size_t pieces = CountMessages(packet);
    for (; next->piece < pieces && prepared < kChunk; next->piece++) {
      Packet piece = pieces == 1 ? packet : CutPiece(packet, next->piece, headers_[prepared]);
      origins_[prepared] = *next;
      Prepare(prepared++, piece);
    }
    if (next->piece < pieces) break;
  }
  return prepared;
}

void RawSender::Prepare(size_t index, const Packet& packet) {
  FillChecksums(packet);
  SetMessage(index, {}, packet);
  SetDestination(index, packet.header);
}

void RawSender::PrepareQueued(size_t index, uint8_t* bytes, size_t length) {
  SetMessage(index, {}, Packet{bytes, length, {{bytes, 0}, {bytes, 0}}, 0});
  SetDestination(index, bytes);
}

msghdr& RawSender::SetMessage(size_t index, iovec before, const Packet& packet) {
  iovec* pieces = pieces_[index];
  size_t used = 0;
  if (before.iov_len > 0) pieces[used++] = before;
  pieces[used++] = {packet.header, packet.header_length};
  for (const Region& payload : packet.payload) {
    if (payload.length > 0) pieces[used++] = {const_cast<uint8_t*>(payload.data), payload.length};
  }
  msghdr& message = messages_[index].msg_hdr;
  message = msghdr{};
  message.msg_iov = pieces;
  message.msg_iovlen = used;
  return message;
}

void RawSender::SetDestination(size_t index, const uint8_t* header) {
  sockaddr_in& to = destinations_[index];
  to = sockaddr_in{};
  to.sin_family = AF_INET;
  memcpy(&to.sin_addr, header + kIpDestinationAt, sizeof to.sin_addr);
  msghdr& message = messages_[index].msg_hdr;
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
}

/**
 * Answers how many of the prepared messages are dealt with, sent or dropped: fewer than `count` where the kernel
 * wants us to wait. An error belongs to one packet; those behind it still go.
 */
size_t RawSender::Dispatch(int fd, size_t count, SendWait* wait) {
  size_t done = 0;
  while (done < count) {
    int sent = sendmmsg(fd, messages_ + done, static_cast<unsigned>(count - done), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      counters_[kSentBatches]++;
      counters_[kSentPackets] += sent;
      for (int i = 0; i < sent; i++) counters_[kSentBytes] += messages_[done++].msg_len - prefix_ - frame_;
      memory_tries_ = 0;
      continue;
    }
    int error = errno;
    if (error == EINTR) continue;
    if (error == EAGAIN) {
      *wait = SendWait::kWritable;
      break;
    }
    if (error == ENOBUFS && memory_tries_++ < kMemoryTries) {
      counters_[kSendRetriesWithoutMemory]++;
      *wait = SendWait::kMemory;
      break;
    }
    CountDropped(error);
    memory_tries_ = 0;
    done++;
  }
  return done;
}

/** The batch's memory is the caller's again when Send() returns, so what stays behind, from `first` on, is copied. */
void RawSender::Queue(const TxSource& source, Origin first, size_t count) {
  for (size_t row = first.row; row < count; row++) {
    Packet packet;
    if (!ReadDescriptor(source, row, &packet)) {
      counters_[kSendMalformed]++;
      continue;
    }
    if (!CanSend(packet)) {
      Keep(packet);
      continue;
    }
    size_t pieces = CountPieces(packet);
    for (size_t i = row == first.row ? first.piece : 0; i < pieces; i++) {
      uint8_t header[kHeaderRoom];
      QueuePacket(pieces == 1 ? packet : CutPiece(packet, i, header));
    }
  }
}

void RawSender::QueuePacket(const Packet& packet) {
  uint8_t* room = PushQueued(packet.length());
  if (room == nullptr) return;
  WriteFrame(packet, room);
  CopyPacket(packet, room + frame_);
}

uint8_t* RawSender::PushQueued(size_t length) {
  uint8_t* room = backlog_.Push(frame_ + length);
  counters_[room == nullptr ? kSendQueueOverflows : kSendQueuedPackets]++;
  return room;
}

void RawSender::CountDropped(int error) {
  switch (error) {
    case EPERM: counters_[kSendNotPermitted]++; break;
    case ENETDOWN: counters_[kSendNetworkDown]++; break;
    case ENETUNREACH: counters_[kSendNetworkUnreachable]++; break;
    case EHOSTUNREACH: counters_[kSendHostUnreachable]++; break;
    case EMSGSIZE: counters_[kSendTooLarge]++; break;
    case EINVAL: counters_[kSendInvalid]++; break;
    default: counters_[kSendOtherErrors]++; break;
  }
}

}  // namespace rawtcp
