#include "tun_device.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "layout.h"
#include "virtio_header.h"

namespace rawtcp {
namespace {

/** What the kernel may leave to us: checksums, and TCP segments of up to 64 KiB, with ECN's bits or without. */
constexpr unsigned kOffloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO_ECN;

int Interface(int fd, ifreq* request) { return ioctl(fd, TUNGETIFF, request) == 0 ? 0 : -errno; }

/** Loads a program of extended BPF that asks for nothing of the kernel's. 0 or -errno. */
int LoadProgram(const uint8_t* instructions, size_t length, UniqueFd* out) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  attributes.insns = reinterpret_cast<uintptr_t>(instructions);
  attributes.insn_cnt = static_cast<uint32_t>(length / sizeof(bpf_insn));
  attributes.license = reinterpret_cast<uintptr_t>("");
  UniqueFd fd(static_cast<int>(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes)));
  if (!fd.valid()) return -errno;
  *out = std::move(fd);
  return 0;
}

}  // namespace

void TunDevice::Init(Napi::Env env, Napi::Object exports) {
  Define(env, exports, "TunDevice", kTunCounterNames,
         {InstanceMethod<&TunDevice::Open>("open"), InstanceMethod<&TunDevice::Adopt>("adopt"),
          InstanceMethod<&TunDevice::Descriptor>("descriptor"), InstanceMethod<&TunDevice::Steer>("steer"),
          InstanceMethod<&TunDevice::HasOffload>("hasOffload"), InstanceMethod<&TunDevice::Name>("name")});
}

/** (name, offload, multiQueue): creates the device, or opens a queue of one that exists. 0 or -errno. */
Napi::Value TunDevice::Open(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsString()) return ThrowArguments(env, "open(name: string, offload: boolean, multiQueue: boolean)");
  if (CannotOpen()) return Napi::Number::New(env, -EALREADY);
  std::string name = info[0].As<Napi::String>().Utf8Value();
  if (name.size() >= IFNAMSIZ) return Napi::Number::New(env, -EINVAL);
  UniqueFd fd(open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return Napi::Number::New(env, -errno);
  ifreq request{};
  strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  int flags = IFF_TUN | IFF_NO_PI;
  if (info[1].ToBoolean()) flags |= IFF_VNET_HDR;
  if (info[2].ToBoolean()) flags |= IFF_MULTI_QUEUE;
  request.ifr_flags = static_cast<short>(flags);
  // Not persistent: the device goes with its last descriptor, however the process ends.
  if (ioctl(fd.get(), TUNSETIFF, &request) != 0) return Napi::Number::New(env, -errno);
  return Napi::Number::New(env, TakeOver(env, std::move(fd)));
}

/** (fd, duplicate): a descriptor of a device that somebody else has set up; it is ours from now on, or a duplicate of it is. 0 or -errno. */
Napi::Value TunDevice::Adopt(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (CannotOpen()) return Napi::Number::New(env, -EALREADY);
  int given = info[0].ToNumber().Int32Value();
  ifreq request{};
  int error = Interface(given, &request);
  if (error != 0) return Napi::Number::New(env, error);
  if ((request.ifr_flags & IFF_TUN) == 0 || (request.ifr_flags & IFF_NO_PI) == 0) {
    return Napi::Number::New(env, -EINVAL);
  }
  int flags = fcntl(given, F_GETFL);
  if (flags < 0 || fcntl(given, F_SETFL, flags | O_NONBLOCK) != 0) return Napi::Number::New(env, -errno);
  if (!info[1].ToBoolean()) return Napi::Number::New(env, TakeOver(env, UniqueFd(given)));
  UniqueFd duplicate(fcntl(given, F_DUPFD_CLOEXEC, 0));
  if (!duplicate.valid()) return Napi::Number::New(env, -errno);
  return Napi::Number::New(env, TakeOver(env, std::move(duplicate)));
}

int TunDevice::TakeOver(Napi::Env env, UniqueFd fd) {
  ifreq request{};
  int error = Interface(fd.get(), &request);
  if (error != 0) return error;
  name_ = request.ifr_name;
  has_header_ = (request.ifr_flags & IFF_VNET_HDR) != 0;
  if (has_header_) {
    int length = sizeof(VirtioHeader);
    if (ioctl(fd.get(), TUNSETVNETHDRSZ, &length) != 0) return -errno;
    // Older kernels do not know all of it; without any the header still spares the checksums on our way out.
    for (unsigned offloads : {kOffloads, kOffloads & ~TUN_F_TSO_ECN, unsigned{TUN_F_CSUM}, 0u}) {
      if (ioctl(fd.get(), TUNSETOFFLOAD, offloads) != 0) continue;
      has_offload_ = (offloads & TUN_F_TSO4) != 0;
      break;
    }
  }
  fd_ = std::move(fd);
  const int fds[kPolls] = {fd_.get()};
  error = WatchDescriptors(env, fds);
  if (error != 0) fd_.Reset();
  return error;
}

/** For others to adopt; -1 once it is closed. */
Napi::Value TunDevice::Descriptor(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), fd_.get()); }

/** (program: Uint8Array of extended BPF): which queue of the device a packet from the kernel goes to. 0 or -errno. */
Napi::Value TunDevice::Steer(const Napi::CallbackInfo& info) {
  if (!IsTypedArray(info[0], napi_uint8_array)) return ThrowArguments(info.Env(), "steer(program: Uint8Array)");
  Napi::Uint8Array program = info[0].As<Napi::Uint8Array>();
  UniqueFd loaded;
  int error = LoadProgram(program.Data(), program.ElementLength(), &loaded);
  // The device keeps the program.
  int fd = loaded.get();
  if (error == 0 && ioctl(fd_.get(), TUNSETSTEERINGEBPF, &fd) != 0) error = -errno;
  return Napi::Number::New(info.Env(), error);
}

/** Whether super-segments pass whole, both ways. */
Napi::Value TunDevice::HasOffload(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), has_offload_); }

/** The interface's name, which the kernel may have chosen. */
Napi::Value TunDevice::Name(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), name_); }

int TunDevice::ReceiveBatch(size_t) {
  size_t count = 0;
  size_t bytes = 0;
  for (int reads = 0; count < slots_.size() && bytes < kEnoughBytes; reads++) {
    uint8_t* packet = slots_[count];
    VirtioHeader header;
    iovec pieces[] = {{&header, sizeof header}, {packet, slot_length_}};
    ssize_t got = has_header_ ? readv(fd_.get(), pieces, 2) : read(fd_.get(), packet, slot_length_);
    if (got < 0) {
      if (errno == EINTR) continue;
      // What was read before is handed over first; an error that lasts comes again.
      if (reads == 0) return -errno;
      break;
    }
    size_t length = static_cast<size_t>(got) - (has_header_ ? sizeof header : 0);
    if (length > kMaxPacket || length < kMinIpHeader) {
      Count(kTunReceivedTruncated);
      continue;
    }
    ChecksumState checksum = ReadChecksumState(header, packet, length);
    if (checksum == kChecksumPartial) Count(kTunReceivedChecksumPartial);
    if (checksum == kChecksumBad) Count(kTunReceivedChecksumBad);
    Count(kTunReceivedPackets);
    Count(kTunReceivedBytes, static_cast<double>(length));
    int32_t* row = table_.data() + count * kRxStride;
    row[kRxOffset] = 0;
    row[kRxLength] = static_cast<int32_t>(length);
    row[kRxChecksum] = checksum;
    row[kRxSegment] = ReadSegmentText(header);
    row[kRxRegion] = static_cast<int32_t>(count);
    bytes += length;
    count++;
  }
  Count(kTunReceivedBatches);
  return static_cast<int>(count);
}

SendWait TunDevice::SendBatch(const TxSource& source, size_t count) {
  bool waits = congested();
  for (size_t row = 0; row < count; row++) {
    Packet packet;
    if (!ReadDescriptor(source, row, &packet)) {
      Count(kTunSendMalformed);
      continue;
    }
    // Whole, for the device or the kernel behind it to cut; or here, where it has no header to say so.
    size_t pieces = has_header_ ? 1 : CountPieces(packet);
    for (size_t i = 0; i < pieces; i++) {
      uint8_t header[kHeaderRoom];
      Packet piece = pieces == 1 ? packet : CutPiece(packet, i, header);
      if (congested() || Write(piece) == -EAGAIN) Queue(piece);
    }
  }
  // Whoever waits for the backlog waits already.
  return !waits && congested() ? SendWait::kWritable : SendWait::kNothing;
}

/** 0, or -EAGAIN where the device is full; a packet that it refuses for another reason is dropped and counted. */
int TunDevice::Write(const Packet& packet) {
  VirtioHeader header;
  if (has_header_) {
    // Nobody has to sum what never sees a wire.
    header = OffloadTo(packet, 0);
  } else {
    FillChecksums(packet);
  }
  iovec pieces[4];
  int used = 0;
  if (has_header_) pieces[used++] = {&header, sizeof header};
  pieces[used++] = {packet.header, packet.header_length};
  for (const Region& payload : packet.payload) {
    if (payload.length > 0) pieces[used++] = {const_cast<uint8_t*>(payload.data), payload.length};
  }
  ssize_t written;
  do {
    written = writev(fd_.get(), pieces, used);
  } while (written < 0 && errno == EINTR);
  if (written >= 0) {
    Count(kTunSentPackets);
    Count(kTunSentBytes, static_cast<double>(packet.length()));
    return 0;
  }
  if (errno == EAGAIN) return -EAGAIN;
  // EIO: the interface is down.
  Count(errno == EIO ? kTunSendNetworkDown : kTunSendOtherErrors);
  return 0;
}

void TunDevice::Queue(const Packet& packet) {
  // The backlog knows bytes only: a super-segment waits in pieces.
  size_t pieces = CountPieces(packet);
  for (size_t i = 0; i < pieces; i++) {
    uint8_t header[kHeaderRoom];
    Packet piece = pieces == 1 ? packet : CutPiece(packet, i, header);
    uint8_t* room = backlog_.Push(piece.length());
    if (room == nullptr) {
      Count(kTunSendQueueOverflows);
      continue;
    }
    CopyPacket(piece, room);
    Count(kTunSendQueuedPackets);
  }
}

SendWait TunDevice::FlushBacklog() {
  while (congested()) {
    size_t cursor = 0;
    size_t length;
    uint8_t* bytes = backlog_.Next(&cursor, &length);
    size_t headers = IpHeaderLength(bytes);
    if (IpProtocol(bytes) == IPPROTO_TCP) headers += static_cast<size_t>(bytes[headers + 12] >> 4) * 4;
    Packet packet{bytes, headers, {{bytes + headers, length - headers}, {bytes, 0}}, 0};
    if (Write(packet) == -EAGAIN) return SendWait::kWritable;
    backlog_.Pop();
  }
  return SendWait::kNothing;
}

}  // namespace rawtcp
