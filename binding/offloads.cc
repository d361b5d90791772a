#include "offloads.h"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "memory.h"
#include "unique_fd.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20  // Linux 6.2
#define TUN_F_USO6 0x40
#endif
#ifndef PACKET_VNET_HDR_SZ
#define PACKET_VNET_HDR_SZ 24  // Linux 6.5
#endif

namespace rawtcp {
namespace {

struct Question {
  const char* name;
  uint32_t command;
};

constexpr Question kQuestions[] = {
    {"rxChecksum", ETHTOOL_GRXCSUM}, {"txChecksum", ETHTOOL_GTXCSUM}, {"tcpSegmentation", ETHTOOL_GTSO},
    {"genericSegmentation", ETHTOOL_GGSO}, {"genericReceive", ETHTOOL_GGRO},
};

/** 0, 1 or -errno. */
int Ask(int fd, const std::string& interface, uint32_t command) {
  ethtool_value value{command, 0};
  ifreq request{};
  strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  if (ioctl(fd, SIOCETHTOOL, &request) != 0) return -errno;
  return value.data != 0 ? 1 : 0;
}

/** (interface): name -> boolean for what the driver answers, or -errno where it answers nothing. */
Napi::Value Offloads(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsString()) return ThrowArguments(env, "offloads(interface: string)");
  std::string interface = info[0].As<Napi::String>().Utf8Value();
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
  if (!fd.valid()) return Napi::Number::New(env, -errno);
  Napi::Object answers = Napi::Object::New(env);
  int error = 0;
  size_t answered = 0;
  for (const Question& question : kQuestions) {
    int answer = Ask(fd.get(), interface, question.command);
    if (answer < 0) {
      error = answer;
      continue;
    }
    answers.Set(question.name, Napi::Boolean::New(env, answer == 1));
    answered++;
  }
  if (answered == 0) return Napi::Number::New(env, error);
  return answers;
}

struct Flag {
  const char* name;
  int value;
};

/** With what each of them needs. */
constexpr Flag kTunFlags[] = {
    {"TUN_F_CSUM", TUN_F_CSUM},
    {"TUN_F_TSO4", TUN_F_CSUM | TUN_F_TSO4},
    {"TUN_F_TSO_ECN", TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO_ECN},
    {"TUN_F_USO", TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6},
};

constexpr Flag kPacketOptions[] = {
    {"PACKET_VNET_HDR", PACKET_VNET_HDR}, {"PACKET_VNET_HDR_SZ", PACKET_VNET_HDR_SZ},
};

/** On a device that is never up, and gone with its descriptor. */
void AskTun(Napi::Env env, Napi::Object answers) {
  UniqueFd fd(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
  if (!fd.valid() || ioctl(fd.get(), TUNSETIFF, &request) != 0) return;
  for (const Flag& flag : kTunFlags) {
    answers.Set(flag.name, Napi::Boolean::New(env, ioctl(fd.get(), TUNSETOFFLOAD, static_cast<unsigned long>(flag.value)) == 0));
  }
}

/** On a socket that receives nothing. */
void AskPacketSocket(Napi::Env env, Napi::Object answers) {
  UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return;
  for (const Flag& option : kPacketOptions) {
    // A length as much as a yes: that of the shortest header.
    const int length = 10;
    answers.Set(option.name, Napi::Boolean::New(env, setsockopt(fd.get(), SOL_PACKET, option.value, &length, sizeof length) == 0));
  }
}

/** (): flag -> whether the kernel takes it, of TUN devices and packet sockets; those of what cannot be opened are missing. */
Napi::Value OffloadFlags(const Napi::CallbackInfo& info) {
  Napi::Object answers = Napi::Object::New(info.Env());
  AskTun(info.Env(), answers);
  AskPacketSocket(info.Env(), answers);
  return answers;
}

}  // namespace

void InitOffloads(Napi::Env env, Napi::Object exports) {
  exports.Set("offloadFlags", Napi::Function::New<OffloadFlags>(env, "offloadFlags"));
  exports.Set("offloads", Napi::Function::New<Offloads>(env, "offloads"));
}

}  // namespace rawtcp
