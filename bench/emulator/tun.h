// A TUN device in a network namespace, without offloads: each packet is one of the wire, with its checksums.

#ifndef RAWTCP_BENCH_TUN_H_
#define RAWTCP_BENCH_TUN_H_

namespace emulator {

/** Answers a descriptor that does not block, or -errno. The device goes when the descriptor is closed. */
int OpenTun(const char* namespace_path, const char* name);

}  // namespace emulator

#endif  // RAWTCP_BENCH_TUN_H_
