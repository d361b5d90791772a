// A TCP that costs nothing: one connection whose peer is a real one. It has a handshake, sequence numbers, and the peer's window;
// it has no timers, no recovery and no checksums of text, and never looks at what it carries. What is lost on the way in counts
// as received; silence on the way out has it begin again at what the peer has acknowledged.

#ifndef COSTLESS_FLOW_H_
#define COSTLESS_FLOW_H_

#include <cstdint>

#include "port.h"

namespace costless {

/** Counts of the stretch that is measured: it begins when the warm-up is over. */
struct Measured {
  double seconds;
  uint64_t packets;
  uint64_t bytes;
};

class Flow {
 public:
  Flow(Port* port, const Ends& ends, double warmup_ms, double measure_ms)
      : port_(port), ends_(ends), warmup_ms_(warmup_ms), measure_ms_(measure_ms) {}

  /** Opens, sends for so long and closes. */
  void Send(double for_ms);
  /** Takes one connection, and what it carries until its end. */
  void Receive();

  const Measured& measured() const { return measured_; }
  /** All text: sent and acknowledged, or arrived. */
  uint64_t bytes() const { return bytes_; }
  /** Times that it began again, or text that never arrived and was acknowledged. */
  uint64_t went_back() const { return went_back_; }
  int64_t missing() const { return missing_; }

 private:
  void Connect();
  void Accept();
  void Close();
  /** Waits for packets, or until it can send, and takes what has come. False where that is nothing. */
  bool Turn(int wait_ms, bool wants_to_send);
  void Take(const Incoming& in);
  void Say(uint8_t flags, uint32_t seq);
  void SendText(uint32_t end);
  void GoBack();
  void Count(uint64_t packets, uint64_t bytes);
  uint32_t Room() const;

  Port* const port_;
  Ends ends_;
  const double warmup_ms_;
  const double measure_ms_;
  double began_at_ = 0;
  double measured_from_ = 0;
  Measured measured_ = {};
  uint64_t bytes_ = 0;
  uint64_t went_back_ = 0;
  int64_t missing_ = 0;

  /** As RFC 9293 has them. */
  uint32_t snd_una_ = 1;
  uint32_t snd_nxt_ = 1;
  /** Ahead of SND.NXT where it has gone back. */
  uint32_t snd_max_ = 1;
  uint32_t snd_wnd_ = 0;
  uint32_t rcv_nxt_ = 0;
  uint8_t scale_ = 0;
  uint32_t timestamp_ = 0;
  bool sees_syn_ = false;
  bool sees_fin_ = false;
  bool owes_ack_ = false;
  bool is_open_ = false;

  Packet packets_[kReceiveBatch];
  Outgoing outgoing_[kSendBatch];
};

}  // namespace costless

#endif  // COSTLESS_FLOW_H_
