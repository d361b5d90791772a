// How many bytes a second are read, and nothing else is done with them: what a sum of the same bytes can be at most.
//
//   reading BYTES WARMUP_MS MEASURE_MS
//
// Goes through so much memory, a multiple of 128, again and again, 32 bytes a load where the processor can, and says so by a line of JSON.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

namespace {

#if defined(__x86_64__)
#define WIDE __attribute__((target("avx2")))
#else
#define WIDE
#endif

typedef uint64_t Words __attribute__((vector_size(32)));

WIDE inline Words Load(const uint8_t* from) {
  Words words;
  memcpy(&words, from, sizeof words);
  return words;
}

/** Every bit counts, so that no load can be left out. By name, not in arrays, which the compiler would keep in memory. */
WIDE uint64_t ReadAll(const uint8_t* bytes, size_t length) {
  Words a = {}, b = {}, c = {}, d = {};
  for (const uint8_t* end = bytes + length; bytes < end; bytes += 128) {
    a |= Load(bytes);
    b |= Load(bytes + 32);
    c |= Load(bytes + 64);
    d |= Load(bytes + 96);
  }
  a |= b | c | d;
  return a[0] | a[1] | a[2] | a[3];
}

double NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

/** Passes between two looks at the clock: some tens of microseconds. */
constexpr size_t kBytesATurn = 1024 * 1024;

double BytesRead(const std::vector<uint8_t>& bytes, double for_ms, double* passed_ms, uint64_t* seen) {
  double began = NowMs();
  double read = 0;
  do {
    for (size_t turn = 0; turn < kBytesATurn; turn += bytes.size()) {
      *seen |= ReadAll(bytes.data(), bytes.size());
      read += static_cast<double>(bytes.size());
    }
    *passed_ms = NowMs() - began;
  } while (*passed_ms < for_ms);
  return read;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4 || atoi(arguments[1]) <= 0 || atoi(arguments[1]) % 128 != 0) return 1;
  std::vector<uint8_t> bytes(static_cast<size_t>(atoi(arguments[1])), 1);
  double passed;
  uint64_t seen = 0;
  BytesRead(bytes, atof(arguments[2]), &passed, &seen);
  double read = BytesRead(bytes, atof(arguments[3]), &passed, &seen);
  if (seen != 0x0101010101010101) return 1;
  printf("{\"bytesPerSecond\":%.0f}\n", 1e3 * read / passed);
}
