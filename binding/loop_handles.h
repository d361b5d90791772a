// The libuv handles of one driver. libuv gives a handle back only after a turn of the loop, so they live apart
// from the driver's own object and free themselves; and the environment (a worker's, or the process's) waits for
// them when it ends, since closing a loop with handles in it aborts the process.

#ifndef RAWTCP_LOOP_HANDLES_H_
#define RAWTCP_LOOP_HANDLES_H_

#include <node_api.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>

namespace rawtcp {

class LoopHandles {
 public:
  static constexpr size_t kMostPolls = 2;

  class Listener {
   public:
    /** `events` as of uv_poll; UV_DISCONNECT alone stands for an error pending on the descriptor. */
    virtual void DescriptorReady(size_t which, int events) = 0;
    virtual void TimerFired() = 0;
    /** Once in each turn of a loop that is kept awake. */
    virtual void LoopTurns() = 0;
    /** JavaScript must not be called any more. */
    virtual void EnvironmentEnds() = 0;

   protected:
    ~Listener() = default;
  };

  /** 0 or -errno. On success `*handles` lives until Close(). */
  static int Open(napi_env env, Listener* listener, const int* fds, size_t count, LoopHandles** handles);

  /** Events to wait for, 0 for none. */
  void Watch(size_t which, int events);
  void StartTimer(uint64_t milliseconds);
  /** Whether the loop only looks for events and never sleeps until there are some. It takes a whole core. */
  void StayAwake(bool awake);
  /** Whether waiting descriptors keep the process alive. */
  void KeepAlive(bool keep);
  /** The listener hears nothing more. Before the descriptors are closed; not to be used afterwards. */
  void Close();

 private:
  /** The timer and the idle handle. */
  static constexpr size_t kOthers = 2;

  struct Poll {
    uv_poll_t handle;
    LoopHandles* owner;
    size_t which;
    int events;
  };

  LoopHandles() = default;
  ~LoopHandles() = default;

  /** A handle is gone; with the last one, this object. */
  void Released();

  static void OnPoll(uv_poll_t* handle, int status, int events);
  static void OnTimer(uv_timer_t* handle);
  static void OnIdle(uv_idle_t* handle);
  static void OnPollClosed(uv_handle_t* handle);
  static void OnTimerClosed(uv_handle_t* handle);
  static void OnIdleClosed(uv_handle_t* handle);
  static void OnEnvironmentEnds(napi_async_cleanup_hook_handle hook, void* data);

  Listener* listener_ = nullptr;
  Poll polls_[kMostPolls];
  uv_timer_t timer_;
  uv_idle_t idle_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  /** Handles that are not given back yet: the timer, the idle handle, and the polls. */
  size_t open_ = 0;
};

}  // namespace rawtcp

#endif  // RAWTCP_LOOP_HANDLES_H_
