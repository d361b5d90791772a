// A path between two network namespaces: `emulator LEFT RIGHT`, both files of namespaces, makes the device "path" in each
// and carries packets between them. It ends when its standard input does.
//
// Lines on its standard input, answered by one line each:
//   run KEY=VALUE...   begins anew with these settings (settings.cc)
//   report             answers what was counted since then, as JSON

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>

#include "crossing.h"
#include "report.h"
#include "settings.h"
#include "tun.h"

namespace emulator {

namespace {

constexpr const char* kDevice = "path";
constexpr Nanoseconds kSecond = 1'000'000'000;
/**
 * On a fast line packets are fetched as often as this, as a network card's interrupts are moderated: to be woken by each
 * would take the processor away from the sender each time.
 */
constexpr Nanoseconds kTick = 100'000;
constexpr double kFastBitsPerSecond = 300e6;

Nanoseconds Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

/** Before others, also the ends of the path: a packet must not wait for a process to give up the processor. */
bool Hurry() {
  prctl(PR_SET_TIMERSLACK, 1);
  sched_param priority = {};
  priority.sched_priority = 2;
  return sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
}

class Emulator {
 public:
  Emulator(int left, int right) : left_(left), right_(right), forward_(left, right), back_(right, left) {}

  void Run() {
    while (!is_over_) {
      Wait();
      Nanoseconds now = Now();
      more_ = forward_.Read(now);
      more_ |= back_.Read(now);
      // Reading takes time.
      now = Now();
      forward_.Write(now);
      back_.Write(now);
    }
  }

 private:
  void Wait() {
    Nanoseconds due = std::min(forward_.next_due(), back_.next_due());
    bool is_idle = due == kNever && !more_;
    Nanoseconds wait = is_idle ? kSecond : more_ ? 0 : is_fast_ ? kTick : std::max<Nanoseconds>(0, due - Now());
    timespec timeout = {wait / kSecond, wait % kSecond};
    pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {left_, POLLIN, 0}, {right_, POLLIN, 0}};
    nfds_t watched = is_fast_ && !is_idle ? 1 : 3;
    if (ppoll(fds, watched, &timeout, nullptr) > 0 && fds[0].revents != 0) TakeCommands();
  }

  void TakeCommands() {
    char text[4096];
    ssize_t length = read(STDIN_FILENO, text, sizeof text);
    if (length < 0) return;
    if (length == 0) is_over_ = true;
    commands_.append(text, static_cast<size_t>(length));
    for (size_t end; (end = commands_.find('\n')) != std::string::npos; commands_.erase(0, end + 1)) {
      Obey(commands_.substr(0, end));
    }
  }

  void Obey(const std::string& command) {
    Settings settings;
    std::string unknown;
    if (command == "report") {
      Report(forward_, back_);
    } else if (command.rfind("run ", 0) == 0 && ReadSettings(command.substr(4), &settings, &unknown)) {
      Nanoseconds now = Now();
      forward_.Begin(settings.forward, settings.flow_bytes, now);
      back_.Begin(settings.back, 0, now);
      is_fast_ = settings.forward.bits_per_second >= kFastBitsPerSecond;
      printf("{}\n");
    } else {
      printf("{\"error\":\"%s\"}\n", unknown.empty() ? "no such command" : unknown.c_str());
    }
    fflush(stdout);
  }

  int left_;
  int right_;
  Crossing forward_;
  Crossing back_;
  std::string commands_;
  bool is_fast_ = false;
  /** A batch was full: there may be more to read. */
  bool more_ = false;
  bool is_over_ = false;
};

int Main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "emulator LEFT RIGHT\n");
    return 2;
  }
  int ends[2];
  for (int i = 0; i < 2; i++) {
    ends[i] = OpenTun(argv[1 + i], kDevice);
    if (ends[i] >= 0) continue;
    fprintf(stderr, "%s: %s\n", argv[1 + i], strerror(-ends[i]));
    return 1;
  }
  bool hurries = Hurry();
  printf("{\"hurries\":%s}\n", hurries ? "true" : "false");
  fflush(stdout);
  Emulator(ends[0], ends[1]).Run();
  return 0;
}

}  // namespace

}  // namespace emulator

int main(int argc, char** argv) { return emulator::Main(argc, argv); }
