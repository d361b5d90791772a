#include "loop_handles.h"

#include <cerrno>

namespace rawtcp {

int LoopHandles::Open(napi_env env, Listener* listener, const int* fds, size_t count, LoopHandles** handles) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return -EINVAL;

  LoopHandles* self = new LoopHandles;
  if (napi_add_async_cleanup_hook(env, OnEnvironmentEnds, self, &self->hook_) != napi_ok) {
    delete self;
    return -EINVAL;
  }
  self->listener_ = listener;
  uv_timer_init(loop, &self->timer_);
  self->timer_.data = self;
  uv_idle_init(loop, &self->idle_);
  self->idle_.data = self;
  // A loop with nothing but this to do is to end.
  uv_unref(reinterpret_cast<uv_handle_t*>(&self->idle_));
  self->open_ = kOthers;
  for (size_t i = 0; i < count; i++) {
    Poll& poll = self->polls_[i];
    int error = uv_poll_init(loop, &poll.handle, fds[i]);
    if (error != 0) {
      self->Close();
      return error;
    }
    poll.handle.data = &poll;
    poll.owner = self;
    poll.which = i;
    poll.events = 0;
    self->open_++;
  }
  *handles = self;
  return 0;
}

void LoopHandles::Watch(size_t which, int events) {
  Poll& poll = polls_[which];
  if (poll.events == events) return;
  poll.events = events;
  if (events == 0) {
    uv_poll_stop(&poll.handle);
  } else {
    uv_poll_start(&poll.handle, events, OnPoll);
  }
}

void LoopHandles::StartTimer(uint64_t milliseconds) {
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(&timer_)) == 0) uv_timer_start(&timer_, OnTimer, milliseconds, 0);
}

void LoopHandles::StayAwake(bool awake) {
  // With an idle handle that is active, libuv polls without waiting.
  if (awake) {
    uv_idle_start(&idle_, OnIdle);
  } else {
    uv_idle_stop(&idle_);
  }
}

void LoopHandles::KeepAlive(bool keep) {
  size_t polls = open_ - kOthers;
  for (size_t i = 0; i < polls; i++) {
    uv_handle_t* handle = reinterpret_cast<uv_handle_t*>(&polls_[i].handle);
    keep ? uv_ref(handle) : uv_unref(handle);
  }
}

void LoopHandles::Close() {
  if (listener_ == nullptr) return;
  listener_ = nullptr;
  // The polls were opened last, in order: as many as were counted.
  size_t polls = open_ - kOthers;
  for (size_t i = 0; i < polls; i++) uv_close(reinterpret_cast<uv_handle_t*>(&polls_[i].handle), OnPollClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), OnTimerClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(&idle_), OnIdleClosed);
}

void LoopHandles::Released() {
  if (--open_ > 0) return;
  // Also tells the environment, where it is ending, that it need not wait any longer.
  napi_remove_async_cleanup_hook(hook_);
  delete this;
}

void LoopHandles::OnPoll(uv_poll_t* handle, int status, int events) {
  Poll* poll = static_cast<Poll*>(handle->data);
  Listener* listener = poll->owner->listener_;
  if (listener == nullptr) return;
  if (status < 0) {
    // libuv has stopped the handle: an error is pending on the descriptor. Whoever listens clears it; we wait on.
    int wanted = poll->events;
    poll->events = 0;
    poll->owner->Watch(poll->which, wanted);
    events = UV_DISCONNECT;
  }
  listener->DescriptorReady(poll->which, events);
}

void LoopHandles::OnTimer(uv_timer_t* handle) {
  Listener* listener = static_cast<LoopHandles*>(handle->data)->listener_;
  if (listener != nullptr) listener->TimerFired();
}

void LoopHandles::OnIdle(uv_idle_t* handle) {
  Listener* listener = static_cast<LoopHandles*>(handle->data)->listener_;
  if (listener != nullptr) listener->LoopTurns();
}

void LoopHandles::OnPollClosed(uv_handle_t* handle) { static_cast<Poll*>(handle->data)->owner->Released(); }

void LoopHandles::OnTimerClosed(uv_handle_t* handle) { static_cast<LoopHandles*>(handle->data)->Released(); }

void LoopHandles::OnIdleClosed(uv_handle_t* handle) { static_cast<LoopHandles*>(handle->data)->Released(); }

void LoopHandles::OnEnvironmentEnds(napi_async_cleanup_hook_handle, void* data) {
  LoopHandles* self = static_cast<LoopHandles*>(data);
  // Where it is closing already, the last handle to go answers for the hook.
  if (self->listener_ != nullptr) self->listener_->EnvironmentEnds();
}

}  // namespace rawtcp
