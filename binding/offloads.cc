#include "offloads.h"

#include <linux/ethtool.h>
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

}  // namespace

void InitOffloads(Napi::Env env, Napi::Object exports) {
  exports.Set("offloads", Napi::Function::New<Offloads>(env, "offloads"));
}

}  // namespace rawtcp
