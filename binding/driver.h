// What every driver of the addon is to JavaScript: an object that receives batches into slots, sends batches of packets,
// and waits for its descriptors on the loop. A kind of socket is a class of its own on top.

#ifndef RAWTCP_DRIVER_H_
#define RAWTCP_DRIVER_H_

#include <napi.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "join.h"
#include "layout.h"
#include "loop_handles.h"
#include "memory.h"
#include "polling.h"
#include "send_wait.h"
#include "tx_batch.h"

namespace rawtcp {

/**
 * `Kind` has: kCounters (how many), kJoined (which of them counts segments joined to one before), kPolls (descriptors), kSending (the one that sends); ReceiveBatch(which), which answers
 * packets or -errno, and has written every column of their rows; QueueFill(which), how full the queue is that the last batch came from, 0 to 1, or 0 where nobody knows;
 * SendBatch(source, count) and FlushBacklog(), which answer what to wait for; `congested()`;
 * AttachMemory(), when slots, table and counters are known; ClearError(which), for an error that is pending on a descriptor; CountReceiveError(); CloseDescriptors().
 */
template <class Kind>
class Driver : public Napi::ObjectWrap<Kind>, protected LoopHandles::Listener {
 public:
  /** (counters: Float64Array), with a place for each of the kind's counters. */
  explicit Driver(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Kind>(info) {
    if (!IsTypedArray(info[0], napi_float64_array) ||
        info[0].As<Napi::Float64Array>().ElementLength() < Kind::kCounters) {
      ThrowArguments(info.Env(), "new Driver(counters: Float64Array)");
      return;
    }
    counters_ = Memory<double>(info[0].As<Napi::Float64Array>());
  }

 protected:
  using Method = Napi::Value (Kind::*)(const Napi::CallbackInfo&);

  ~Driver() = default;

  /** Defines the class in JavaScript: what `more` has, what all drivers have, and the names of the counters. */
  static void Define(Napi::Env env, Napi::Object exports, const char* name, const char* const* counter_names,
                     std::vector<Napi::ClassPropertyDescriptor<Kind>> more) {
    Napi::Array names = Napi::Array::New(env, Kind::kCounters);
    for (uint32_t i = 0; i < Kind::kCounters; i++) names.Set(i, counter_names[i]);
    more.push_back(Kind::InstanceMethod("start", static_cast<Method>(&Kind::Start)));
    more.push_back(Kind::InstanceMethod("renewSlot", static_cast<Method>(&Kind::RenewSlot)));
    more.push_back(Kind::InstanceMethod("send", static_cast<Method>(&Kind::Send)));
    more.push_back(Kind::InstanceMethod("keepAlive", static_cast<Method>(&Kind::KeepAlive)));
    more.push_back(Kind::InstanceMethod("close", static_cast<Method>(&Kind::Close)));
    more.push_back(Kind::StaticValue("counterNames", names, napi_enumerable));
    exports.Set(name, Kind::DefineClass(env, name, more));
  }

  bool IsOpen() const { return handles_ != nullptr; }
  /** Opened twice, or made without counters. */
  bool CannotOpen() const { return handles_ != nullptr || counters_.data() == nullptr; }

  /** 0 or -errno. */
  int WatchDescriptors(Napi::Env env, const int* fds) {
    return LoopHandles::Open(env, this, fds, Kind::kPolls, &handles_);
  }

  /**
   * (slots, rxTable, joinSegments, busyPollMs, closePollUs, onBatch(count, queueFill), onWritable()): begins to receive, each packet of a batch
   * into a slot of its own: an array of Uint8Arrays of equal length, as many as the table has rows. When the loop does not sleep: see polling.h.
   */
  Napi::Value Start(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (!info[0].IsArray() || !IsTypedArray(info[1], napi_int32_array) || !info[5].IsFunction() ||
        !info[6].IsFunction() || info[0].As<Napi::Array>().Length() * kRxStride != info[1].As<Napi::Int32Array>().ElementLength()) {
      return ThrowArguments(env,
                            "start(slots: Uint8Array[], rxTable: Int32Array, joinSegments, busyPollMs, closePollUs, "
                            "onBatch, onWritable)");
    }
    if (handles_ == nullptr || started_) return env.Undefined();
    Napi::Array slots = info[0].As<Napi::Array>();
    slot_array_ = Napi::Persistent(slots.As<Napi::Object>());
    slots_.resize(slots.Length());
    for (uint32_t i = 0; i < slots_.size(); i++) {
      if (!ReadSlot(slots, i)) return ThrowArguments(env, "start: slots are Uint8Arrays of equal length");
    }
    table_ = Memory<int32_t>(info[1].As<Napi::Int32Array>());
    kind()->AttachMemory();
    joins_ = info[2].ToBoolean();
    polling_.Begin(info[3].ToNumber().Uint32Value() * kNanosecondsOfMs,
                   info[4].ToNumber().Uint32Value() * kNanosecondsOfUs);
    on_batch_ = Napi::Persistent(info[5].As<Napi::Function>());
    on_writable_ = Napi::Persistent(info[6].As<Napi::Function>());
    context_ = std::make_unique<Napi::AsyncContext>(env, "rawtcp");
    started_ = true;
    this->Ref();
    for (size_t which = 0; which < Kind::kPolls; which++) {
      bool waits = which == Kind::kSending && kind()->congested();
      handles_->Watch(which, UV_READABLE | (waits ? UV_WRITABLE : 0));
    }
    return env.Undefined();
  }

  /** (index): other memory stands in the array of slots now, of the same length. */
  Napi::Value RenewSlot(const Napi::CallbackInfo& info) {
    uint32_t index = info[0].ToNumber().Uint32Value();
    if (index >= slots_.size() || !ReadSlot(slot_array_.Value().As<Napi::Array>(), index)) {
      return ThrowArguments(info.Env(), "renewSlot(index)");
    }
    return info.Env().Undefined();
  }

  /** (batch, count): whether packets are left in the backlog. */
  Napi::Value Send(const Napi::CallbackInfo& info) {
    TxBatch* batch = TxBatch::From(info[0]);
    if (batch == nullptr) return ThrowArguments(info.Env(), "send(batch: TxBatch, count)");
    if (handles_ == nullptr) return Napi::Boolean::New(info.Env(), false);
    Await(kind()->SendBatch(batch->source(), info[1].ToNumber().Uint32Value()));
    // What is sent while we receive is an answer, and the end of that is still to come.
    if (!receiving_) Rest();
    return Napi::Boolean::New(info.Env(), kind()->congested());
  }

  /** (keep): whether the open driver keeps the process from ending. */
  Napi::Value KeepAlive(const Napi::CallbackInfo& info) {
    if (handles_ != nullptr) handles_->KeepAlive(info[0].ToBoolean());
    return info.Env().Undefined();
  }

  Napi::Value Close(const Napi::CallbackInfo& info) {
    // Last words, a RST say, may stand in the backlog; the kernel gets one chance to take them.
    if (handles_ != nullptr) kind()->FlushBacklog();
    Shut();
    return info.Env().Undefined();
  }

  /** Without JavaScript, since it may be the end of the environment. May come twice. */
  void Shut() {
    if (handles_ != nullptr) {
      handles_->Close();
      handles_ = nullptr;
    }
    kind()->CloseDescriptors();
    if (started_) {
      started_ = false;
      on_batch_.Reset();
      on_writable_.Reset();
      this->Unref();
    }
  }

  void Await(SendWait wait) {
    if (wait == SendWait::kNothing) return;
    int readable = started_ ? UV_READABLE : 0;
    bool writable = wait == SendWait::kWritable;
    // Without memory the descriptor is writable all the while: waiting for that would be a busy loop.
    handles_->Watch(Kind::kSending, writable ? readable | UV_WRITABLE : readable);
    if (!writable) handles_->StartTimer(kMemoryRetryMs);
  }

  template <typename... Numbers>
  void Call(const Napi::FunctionReference& callback, Numbers... numbers) {
    napi_env env = this->Env();
    Napi::HandleScope scope(env);
    // One more than there are: an array of none is no array.
    const napi_value arguments[] = {Napi::Number::New(env, numbers)..., nullptr};
    // Not by node-addon-api: of a failure it makes an Error, and aborts the process where it cannot. In a worker that is
    // being terminated every call fails, and that is no error.
    napi_status status =
        napi_make_callback(env, *context_, this->Env().Global(), callback.Value(), sizeof...(numbers), arguments, nullptr);
    if (status == napi_ok) return;
    bool thrown = false;
    napi_value exception;
    napi_is_exception_pending(env, &thrown);
    // What the callback threw has no caller to go to: it ends as an uncaught exception, as with any handle of Node.
    if (thrown && napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
  }

  /** The array, as long as this object lives, holds the memory that these point to. */
  std::vector<uint8_t*> slots_;
  size_t slot_length_ = 0;
  Memory<int32_t> table_;
  Memory<double> counters_;

 private:
  /** Batches handed over in one turn of the loop: enough to keep up, few enough for others to have their turn. */
  static constexpr int kBatchesPerTurn = 8;
  static constexpr uint64_t kMemoryRetryMs = 2;
  static constexpr uint64_t kNanosecondsOfMs = 1'000'000;
  static constexpr uint64_t kNanosecondsOfUs = 1000;

  Kind* kind() { return static_cast<Kind*>(this); }

  void DescriptorReady(size_t which, int events) override {
    // A callback that closes us gives up the last reference, and we are not done yet.
    Napi::HandleScope scope(this->Env());
    [[maybe_unused]] Napi::Object self = this->Value();
    if ((events & UV_DISCONNECT) != 0) {
      kind()->ClearError(which);
      return;
    }
    if ((events & UV_WRITABLE) != 0) Flush();
    if ((events & UV_READABLE) != 0) Receive(which);
  }

  void TimerFired() override {
    Napi::HandleScope scope(this->Env());
    [[maybe_unused]] Napi::Object self = this->Value();
    Flush();
  }

  void LoopTurns() override {
    polling_.Looks();
    if (uv_hrtime() < sleeps_at_) return;
    polling_.GivesUp();
    handles_->StayAwake(false);
  }

  void EnvironmentEnds() override { Shut(); }

  /** An answer, or the next request, may follow soon. */
  void Rest() {
    if (!started_ || !polling_.wanted()) return;
    sleeps_at_ = polling_.Rests(uv_hrtime());
    handles_->StayAwake(sleeps_at_ != 0);
  }

  /** False where it is no memory as long as all others; the first one tells how long that is. */
  bool ReadSlot(Napi::Array array, uint32_t index) {
    Napi::Value value = array.Get(index);
    if (!IsTypedArray(value, napi_uint8_array)) return false;
    Napi::Uint8Array memory = value.As<Napi::Uint8Array>();
    if (slot_length_ == 0) slot_length_ = memory.ElementLength();
    if (memory.ElementLength() != slot_length_) return false;
    slots_[index] = memory.Data();
    return true;
  }

  void Receive(size_t which) {
    receiving_ = true;
    bool any = false;
    // The callback before may have closed us.
    for (int i = 0; i < kBatchesPerTurn && handles_ != nullptr; i++) {
      int count = kind()->ReceiveBatch(which);
      if (count == -EAGAIN) break;
      if (count < 0) {
        kind()->CountReceiveError();
        break;
      }
      if (!any && polling_.wanted()) polling_.PacketsArrive(uv_hrtime());
      any = true;
      if (joins_) count = Join(count);
      if (count > 0) Call(on_batch_, count, kind()->QueueFill(which));
    }
    receiving_ = false;
    if (any && handles_ != nullptr) Rest();
  }

  int Join(int count) {
    int kept = static_cast<int>(JoinSegments(slots_.data(), slot_length_, table_.data(), static_cast<size_t>(count)));
    counters_.data()[Kind::kJoined] += count - kept;
    return kept;
  }

  void Flush() {
    if (handles_ == nullptr) return;
    SendWait wait = kind()->FlushBacklog();
    Await(wait);
    if (kind()->congested()) return;
    handles_->Watch(Kind::kSending, started_ ? UV_READABLE : 0);
    if (started_) Call(on_writable_);
  }

  LoopHandles* handles_ = nullptr;
  Napi::ObjectReference slot_array_;
  Napi::FunctionReference on_batch_;
  Napi::FunctionReference on_writable_;
  std::unique_ptr<Napi::AsyncContext> context_;
  bool started_ = false;
  bool joins_ = false;
  bool receiving_ = false;
  Polling polling_;
  /** While the loop is kept awake, as of uv_hrtime(). */
  uint64_t sleeps_at_ = 0;
};

}  // namespace rawtcp

#endif  // RAWTCP_DRIVER_H_
