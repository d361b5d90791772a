// lwIP with both ends in one thread: two interfaces back to back with an MTU of 1500, one flow, checksums summed by the sender
// and by the receiver, each packet copied on its way as from one host's memory to the other's.
//
//   lwip WARMUP_MS MEASURE_MS

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>

#include "lwip/init.h"
#include "lwip/ip4.h"
#include "lwip/netif.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"

namespace {

constexpr u16_t kPort = 80;
constexpr size_t kHeaders = 40;
constexpr int kPacketsBetweenLooks = 256;

struct Counts {
  unsigned long long data = 0;
  unsigned long long all = 0;
  unsigned long long received = 0;
};

struct End {
  netif interface = {};
  End* other = nullptr;
  std::deque<pbuf*> arrived;
};

End left;
End right;
Counts counts;
char chunk[64 * 1024];

double Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

void Must(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "lwip: %s\n", what);
  exit(1);
}

/** The sender's own copy stays with it: it may have to go again. */
err_t Cross(netif* interface, pbuf* packet, const ip4_addr_t*) {
  End* from = static_cast<End*>(interface->state);
  pbuf* copy = pbuf_clone(PBUF_LINK, PBUF_RAM, packet);
  if (copy == nullptr) return ERR_MEM;
  counts.all++;
  if (packet->tot_len > kHeaders + 12) counts.data++;
  from->other->arrived.push_back(copy);
  return ERR_OK;
}

err_t SetUp(netif* interface) {
  interface->output = Cross;
  interface->mtu = 1500;
  interface->name[0] = 'b';
  interface->name[1] = 'b';
  interface->flags |= NETIF_FLAG_LINK_UP;
  return ERR_OK;
}

void Join(End* end, End* other, unsigned host) {
  end->other = other;
  ip4_addr_t address, mask, none;
  IP4_ADDR(&address, 10, 0, 0, host);
  IP4_ADDR(&mask, 255, 255, 255, 0);
  IP4_ADDR(&none, 0, 0, 0, 0);
  Must(netif_add(&end->interface, &address, &mask, &none, end, SetUp, ip4_input) != nullptr, "netif_add");
  netif_set_up(&end->interface);
}

bool TakeAll(End* end) {
  bool any = !end->arrived.empty();
  for (; !end->arrived.empty(); end->arrived.pop_front()) ip4_input(end->arrived.front(), &end->interface);
  return any;
}

err_t Received(void*, tcp_pcb* pcb, pbuf* text, err_t) {
  if (text == nullptr) return ERR_OK;
  counts.received += text->tot_len;
  tcp_recved(pcb, text->tot_len);
  pbuf_free(text);
  return ERR_OK;
}

err_t Accepted(void*, tcp_pcb* pcb, err_t) {
  tcp_recv(pcb, Received);
  return ERR_OK;
}

void Fill(tcp_pcb* pcb) {
  while (tcp_sndbuf(pcb) > 0) {
    size_t room = tcp_sndbuf(pcb);
    u16_t length = static_cast<u16_t>(room < sizeof chunk - 1 ? room : sizeof chunk - 1);
    // As `write` of our stack: what is handed over is the caller's again.
    if (tcp_write(pcb, chunk, length, TCP_WRITE_FLAG_COPY) != ERR_OK) break;
  }
  tcp_output(pcb);
}

err_t Sent(void*, tcp_pcb* pcb, u16_t) {
  Fill(pcb);
  return ERR_OK;
}

err_t Connected(void*, tcp_pcb* pcb, err_t) {
  Fill(pcb);
  return ERR_OK;
}

void Failed(void*, err_t) { Must(false, "the connection failed"); }

void Open() {
  tcp_pcb* server = tcp_new();
  tcp_bind_netif(server, &right.interface);
  Must(tcp_bind(server, &right.interface.ip_addr, kPort) == ERR_OK, "tcp_bind");
  server = tcp_listen(server);
  Must(server != nullptr, "tcp_listen");
  tcp_accept(server, Accepted);

  tcp_pcb* client = tcp_new();
  tcp_bind_netif(client, &left.interface);
  tcp_nagle_disable(client);
  tcp_sent(client, Sent);
  tcp_err(client, Failed);
  Must(tcp_connect(client, &right.interface.ip_addr, kPort, Connected) == ERR_OK, "tcp_connect");
}

void RunUntil(double end) {
  while (Now() < end) {
    for (int i = 0; i < kPacketsBetweenLooks; i++) {
      bool any = TakeAll(&right);
      any = TakeAll(&left) || any;
      if (!any) break;
    }
    sys_check_timeouts();
  }
}

}  // namespace

int main(int count, char** arguments) {
  Must(count == 3, "WARMUP_MS MEASURE_MS");
  lwip_init();
  Join(&left, &right, 1);
  Join(&right, &left, 2);
  Open();
  RunUntil(Now() + atof(arguments[1]));
  Counts before = counts;
  double began_at = Now();
  RunUntil(began_at + atof(arguments[2]));
  double seconds = (Now() - began_at) / 1e3;
  Must(counts.received > before.received, "nothing arrives");
  printf("{\"dataPerSecond\":%.0f,\"allPerSecond\":%.0f,\"bytesPerSecond\":%.0f,\"version\":\"%s\"}\n",
         static_cast<double>(counts.data - before.data) / seconds, static_cast<double>(counts.all - before.all) / seconds,
         static_cast<double>(counts.received - before.received) / seconds, LWIP_VERSION_STRING);
}
