// The kernel as a sender, with a congestion control that the namespace's default need not be and that only a privileged
// process may ask for. It takes orders on its standard input, a line each, and ends when that does:
//   ADDRESS PORT BYTES CONTROLLER MILLISECONDS    answered by {} or {"error":...}

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace {

constexpr size_t kChunk = 256 * 1024;
char chunk[kChunk];

struct Order {
  char address[64];
  int port;
  long long bytes;
  char controller[32];
  long milliseconds;
};

long Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

/** Until the socket can be read or written. Answers false when the time has come. */
bool Wait(int fd, short events, long deadline) {
  long left = deadline - Now();
  if (left <= 0) return false;
  pollfd one = {fd, events, 0};
  return poll(&one, 1, static_cast<int>(left)) > 0;
}

/** Answers 0 or an error. */
int Transfer(int fd, const Order& order) {
  long deadline = Now() + order.milliseconds;
  if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, order.controller, strlen(order.controller)) < 0) return errno;
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(order.port));
  inet_pton(AF_INET, order.address, &to.sin_addr);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0 && errno != EINPROGRESS) return errno;
  for (long long left = order.bytes; left > 0;) {
    if (!Wait(fd, POLLOUT, deadline)) return ETIME;
    ssize_t sent = send(fd, chunk, std::min<size_t>(kChunk, static_cast<size_t>(left)), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return errno;
    if (sent > 0) left -= sent;
  }
  shutdown(fd, SHUT_WR);
  // The peer closes when it has everything.
  if (!Wait(fd, POLLIN, deadline)) return ETIME;
  return recv(fd, chunk, kChunk, 0) < 0 ? errno : 0;
}

/** Whoever has not got it all by then will not get it. */
void Abort(int fd) {
  linger at_once = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

int main() {
  Order order;
  while (scanf("%63s %d %lld %31s %ld", order.address, &order.port, &order.bytes, order.controller,
               &order.milliseconds) == 5) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? errno : Transfer(fd, order);
    if (error != 0) Abort(fd);
    close(fd);
    if (error == 0) printf("{}\n");
    else printf("{\"error\":\"%s\"}\n", strerror(error));
    fflush(stdout);
  }
}
