#include "flow.h"

#include <poll.h>

#include <algorithm>

#include "clock.h"

namespace costless {
namespace {

/** More is never in flight, whatever the peer's window: it would not fit into the queues on the way. */
constexpr uint32_t kMostInFlight = 1024 * 1024;
constexpr uint16_t kWindow = 32'768;
constexpr int kSilenceMs = 50;
constexpr int kTries = 100;

int32_t Ahead(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b); }

}  // namespace

void Flow::Send(double for_ms) {
  Connect();
  began_at_ = Now();
  while (Now() - began_at_ < for_ms) {
    SendText(snd_nxt_ + Room());
    if (!Turn(Room() > 0 ? 0 : kSilenceMs, false) && Room() == 0) GoBack();
  }
  uint32_t end = snd_max_;
  for (int silent = 0; snd_una_ != end;) {
    if (Turn(kSilenceMs, false)) {
      silent = 0;
      continue;
    }
    if (++silent == kTries) Fail("the peer does not acknowledge");
    GoBack();
    SendText(end);
  }
  Close();
}

void Flow::Receive() {
  Accept();
  while (!sees_fin_) {
    if (!Turn(10'000, false)) Fail("the peer is silent");
    if (owes_ack_) Say(kAck, snd_nxt_);
  }
  Close();
}

void Flow::Connect() {
  for (int i = 0; !sees_syn_; i++) {
    if (i == kTries) Fail("nobody answers");
    Say(kSyn, snd_una_);
    Turn(kSilenceMs, false);
  }
  snd_una_ = snd_nxt_ = snd_max_ = 2;
  is_open_ = true;
  Say(kAck, snd_nxt_);
}

void Flow::Accept() {
  // A device that comes up has other things to say first.
  for (int i = 0; !sees_syn_; i++) {
    if (i == kTries || !Turn(10'000, false)) Fail("nobody calls");
  }
  is_open_ = true;
  Say(kSyn | kAck, snd_una_);
  snd_nxt_ = snd_max_ = 2;
  began_at_ = Now();
}

/** Our FIN, and the peer's where it has not come yet. */
void Flow::Close() {
  uint32_t fin = snd_nxt_++;
  snd_max_ = snd_nxt_;
  for (int i = 0; snd_una_ != snd_nxt_ || !sees_fin_; i++) {
    if (i == kTries) Fail("the peer does not close");
    if (snd_una_ != snd_nxt_) Say(kFin | kAck, fin);
    Turn(kSilenceMs, false);
    if (owes_ack_) Say(kAck, snd_nxt_);
  }
}

bool Flow::Turn(int wait_ms, bool wants_to_send) {
  pollfd waiting = {port_->fd(), static_cast<short>(POLLIN | (wants_to_send ? POLLOUT : 0)), 0};
  if (wait_ms > 0 && poll(&waiting, 1, wait_ms) == 0) return false;
  size_t count = port_->Receive(packets_);
  uint64_t before = bytes_;
  for (size_t i = 0; i < count; i++) {
    Incoming in;
    if (Read(ends_, packets_[i].bytes, packets_[i].length, &in)) Take(in);
  }
  if (count > 0 && bytes_ > before) Count(count, bytes_ - before);
  return count > 0;
}

void Flow::Take(const Incoming& in) {
  if ((in.flags & kRst) != 0) Fail("the peer has had enough");
  timestamp_ = in.timestamp;
  if ((in.flags & kSyn) != 0) {
    sees_syn_ = true;
    scale_ = in.window_scale;
    rcv_nxt_ = in.seq + 1;
    snd_wnd_ = in.window;
    ends_.remote = in.remote;
    ends_.remote_port = in.remote_port;
    return;
  }
  if (!is_open_) return;
  if (Ahead(in.ack, snd_una_) > 0 && Ahead(in.ack, snd_max_) <= 0) snd_una_ = in.ack;
  if (Ahead(snd_una_, snd_nxt_) > 0) {
    bytes_ += snd_una_ - snd_nxt_;
    snd_nxt_ = snd_una_;
  }
  snd_wnd_ = in.window << scale_;
  uint32_t end = in.seq + static_cast<uint32_t>(in.text);
  if (in.text > 0) {
    owes_ack_ = true;
    // What came by another way, and later, was acknowledged with what overtook it.
    bytes_ += in.text;
    missing_ -= static_cast<int64_t>(in.text);
    if (Ahead(end, rcv_nxt_) > 0) {
      missing_ += end - rcv_nxt_;
      rcv_nxt_ = end;
    }
  }
  if ((in.flags & kFin) != 0) {
    owes_ack_ = true;
    if (!sees_fin_) rcv_nxt_ = end + 1;
    sees_fin_ = true;
  }
}

void Flow::Say(uint8_t flags, uint32_t seq) {
  Write(ends_, {seq, rcv_nxt_, flags, kWindow, timestamp_, 0}, port_->sums(), outgoing_);
  port_->Send(outgoing_, 1);
  owes_ack_ = false;
}

uint32_t Flow::Room() const {
  uint32_t in_flight = snd_nxt_ - snd_una_;
  uint32_t window = std::min(snd_wnd_, kMostInFlight);
  return window > in_flight + kSegmentText ? window - in_flight : 0;
}

void Flow::GoBack() {
  went_back_++;
  bytes_ -= snd_nxt_ - snd_una_;
  snd_nxt_ = snd_una_;
}

/** As far as the window allows, in whole segments, and not beyond `end`. */
void Flow::SendText(uint32_t end) {
  uint32_t room = std::min(Room(), end - snd_nxt_);
  uint32_t seq = snd_nxt_;
  size_t count = 0;
  while (count < kSendBatch && room >= kSegmentText) {
    size_t text = std::min<size_t>(port_->most_text(), room / kSegmentText * kSegmentText);
    Write(ends_, {seq, rcv_nxt_, kAck | kPsh, kWindow, timestamp_, text}, port_->sums(), &outgoing_[count++]);
    seq += static_cast<uint32_t>(text);
    room -= static_cast<uint32_t>(text);
  }
  if (count == 0) return;
  size_t sent = port_->Send(outgoing_, count);
  uint64_t bytes = 0;
  for (size_t i = 0; i < sent; i++) bytes += outgoing_[i].text;
  snd_nxt_ += static_cast<uint32_t>(bytes);
  if (Ahead(snd_nxt_, snd_max_) > 0) snd_max_ = snd_nxt_;
  bytes_ += bytes;
  Count(sent, bytes);
  if (sent < count) Turn(1, true);
}

void Flow::Count(uint64_t packets, uint64_t bytes) {
  double now = Now();
  if (measured_from_ == 0) {
    if (now - began_at_ >= warmup_ms_) measured_from_ = now;
    return;
  }
  if (now - measured_from_ >= measure_ms_ && measured_.seconds > 0) return;
  measured_.packets += packets;
  measured_.bytes += bytes;
  measured_.seconds = (now - measured_from_) / 1e3;
}

}  // namespace costless
