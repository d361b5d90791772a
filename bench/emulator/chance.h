// Chance that can be repeated: what happens to a packet follows from the seed, its number and the question asked.

#ifndef RAWTCP_BENCH_CHANCE_H_
#define RAWTCP_BENCH_CHANCE_H_

#include <cstdint>

namespace emulator {

/** From 0, and below 1 (the finaliser of splitmix64). */
inline double Chance(uint64_t seed, uint64_t index, uint64_t question) {
  uint64_t x = seed * 0x9e3779b97f4a7c15u + index * 0xd1342543de82ef95u + question * 0xaf251af3b0f025b5u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  x ^= x >> 31;
  return static_cast<double>(x >> 11) * 0x1p-53;
}

}  // namespace emulator

#endif  // RAWTCP_BENCH_CHANCE_H_
