#include "checksum.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace rawtcp {
namespace {

inline uint64_t Load64(const uint8_t* from) {
  uint64_t word;
  memcpy(&word, from, sizeof word);
  return word;
}

// The last bytes, 0 to 7, as a word with zeros behind them: right on either byte order.
inline uint64_t LoadTail(const uint8_t* from, size_t length) {
  uint64_t word = 0;
  memcpy(&word, from, length);
  return word;
}

// Halves of 32 bits are added, so that no addition waits for the carry of the one before.
inline uint64_t AddHalves(uint64_t sum, uint64_t word) { return sum + (word & 0xffffffff) + (word >> 32); }

uint64_t SumScalar(const uint8_t* data, size_t length, uint64_t initial) {
  uint64_t even = 0;
  uint64_t odd = 0;
  for (; length >= 16; length -= 16, data += 16) {
    even = AddHalves(even, Load64(data));
    odd = AddHalves(odd, Load64(data + 8));
  }
  if (length >= 8) {
    even = AddHalves(even, Load64(data));
    data += 8;
    length -= 8;
  }
  odd = AddHalves(odd, LoadTail(data, length));
  return AddCarry(initial, even + odd);
}

uint64_t CopyScalar(uint8_t* to, const uint8_t* from, size_t length, uint64_t initial) {
  uint64_t sum = 0;
  for (; length >= 8; length -= 8, from += 8, to += 8) {
    uint64_t word = Load64(from);
    memcpy(to, &word, sizeof word);
    sum = AddHalves(sum, word);
  }
  memcpy(to, from, length);
  sum = AddHalves(sum, LoadTail(from, length));
  return AddCarry(initial, sum);
}

#if defined(__x86_64__)

// Four registers of four sums each; a lane holds 2^32 additions of 32 bits before it could overflow.
struct Avx2Sums {
  __m256i lanes[4];

  __attribute__((target("avx2"))) Avx2Sums() {
    for (__m256i& lane : lanes) lane = _mm256_setzero_si256();
  }

  __attribute__((target("avx2"))) void Add(int lane, __m256i words) {
    const __m256i low = _mm256_set1_epi64x(0xffffffff);
    lanes[lane] = _mm256_add_epi64(lanes[lane], _mm256_and_si256(words, low));
    lanes[lane] = _mm256_add_epi64(lanes[lane], _mm256_srli_epi64(words, 32));
  }

  __attribute__((target("avx2"))) uint64_t Total() const {
    __m256i all = _mm256_add_epi64(_mm256_add_epi64(lanes[0], lanes[1]), _mm256_add_epi64(lanes[2], lanes[3]));
    alignas(32) uint64_t parts[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(parts), all);
    return parts[0] + parts[1] + parts[2] + parts[3];
  }
};

__attribute__((target("avx2"))) inline __m256i LoadAvx2(const uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

__attribute__((target("avx2"))) inline void StoreAvx2(uint8_t* to, __m256i words) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), words);
}

__attribute__((target("avx2"))) uint64_t SumAvx2(const uint8_t* data, size_t length, uint64_t initial) {
  if (length < 64) return SumScalar(data, length, initial);
  Avx2Sums sums;
  for (; length >= 128; length -= 128, data += 128) {
    for (int i = 0; i < 4; i++) sums.Add(i, LoadAvx2(data + 32 * i));
  }
  for (; length >= 32; length -= 32, data += 32) sums.Add(0, LoadAvx2(data));
  return SumScalar(data, length, AddCarry(initial, sums.Total()));
}

__attribute__((target("avx2"))) uint64_t CopyAvx2(uint8_t* to, const uint8_t* from, size_t length, uint64_t initial) {
  if (length < 64) return CopyScalar(to, from, length, initial);
  Avx2Sums sums;
  for (; length >= 128; length -= 128, from += 128, to += 128) {
    for (int i = 0; i < 4; i++) {
      __m256i words = LoadAvx2(from + 32 * i);
      StoreAvx2(to + 32 * i, words);
      sums.Add(i, words);
    }
  }
  for (; length >= 32; length -= 32, from += 32, to += 32) {
    __m256i words = LoadAvx2(from);
    StoreAvx2(to, words);
    sums.Add(0, words);
  }
  return CopyScalar(to, from, length, AddCarry(initial, sums.Total()));
}

#elif defined(__aarch64__)

// vpadal adds neighbouring lanes into lanes of twice the width: one instruction for 16 bytes.
uint64_t SumNeon(const uint8_t* data, size_t length, uint64_t initial) {
  uint64x2_t first = vdupq_n_u64(0);
  uint64x2_t second = vdupq_n_u64(0);
  for (; length >= 32; length -= 32, data += 32) {
    first = vpadalq_u32(first, vreinterpretq_u32_u8(vld1q_u8(data)));
    second = vpadalq_u32(second, vreinterpretq_u32_u8(vld1q_u8(data + 16)));
  }
  return SumScalar(data, length, AddCarry(initial, vaddvq_u64(vaddq_u64(first, second))));
}

uint64_t CopyNeon(uint8_t* to, const uint8_t* from, size_t length, uint64_t initial) {
  uint64x2_t first = vdupq_n_u64(0);
  uint64x2_t second = vdupq_n_u64(0);
  for (; length >= 32; length -= 32, from += 32, to += 32) {
    uint8x16_t low = vld1q_u8(from);
    uint8x16_t high = vld1q_u8(from + 16);
    vst1q_u8(to, low);
    vst1q_u8(to + 16, high);
    first = vpadalq_u32(first, vreinterpretq_u32_u8(low));
    second = vpadalq_u32(second, vreinterpretq_u32_u8(high));
  }
  return CopyScalar(to, from, length, AddCarry(initial, vaddvq_u64(vaddq_u64(first, second))));
}

#endif

constexpr ChecksumVariant kVariants[] = {
    {"scalar", SumScalar, CopyScalar},
#if defined(__x86_64__)
    {"avx2", SumAvx2, CopyAvx2},
#elif defined(__aarch64__)
    {"neon", SumNeon, CopyNeon},
#endif
};

size_t CountUsable() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") ? 2 : 1;
#else
  return sizeof kVariants / sizeof kVariants[0];
#endif
}

// Settled when the library is loaded, constant from then on: the one thing that workers share.
const size_t kUsable = CountUsable();

}  // namespace

const ChecksumVariant* ChecksumVariants(size_t* count) {
  *count = kUsable;
  return kVariants;
}

const ChecksumVariant& BestChecksum() { return kVariants[kUsable - 1]; }

}  // namespace rawtcp
