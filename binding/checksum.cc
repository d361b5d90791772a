#include "checksum.h"

#include <algorithm>
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

// A register of eight sums of 16-bit words. vpmaddwd multiplies by one and adds in pairs, for words that have a sign; so 2^15 is taken
// from each word first, and given back in the total: three instructions for 32 bytes. Four of them by name: an array of
// them is kept in memory by the compiler, and takes twice the time.
struct Avx2Sum {
  __m256i lanes;

  __attribute__((target("avx2"))) Avx2Sum() : lanes(_mm256_setzero_si256()) {}

  __attribute__((target("avx2"))) void Add(__m256i words) {
    __m256i with_sign = _mm256_xor_si256(words, _mm256_set1_epi16(INT16_MIN));
    lanes = _mm256_add_epi32(lanes, _mm256_madd_epi16(with_sign, _mm256_set1_epi16(1)));
  }
};

// 32 bytes add at most 2^16 to a lane, so that a total of 32 bits holds what comes of less than 2^15 times as many.
constexpr size_t kMostAvx2 = 512 * 1024;

__attribute__((target("avx2"))) inline uint64_t TotalAvx2(const Avx2Sum& a, const Avx2Sum& b, const Avx2Sum& c, const Avx2Sum& d, size_t bytes) {
  __m256i all = _mm256_add_epi32(_mm256_add_epi32(a.lanes, b.lanes), _mm256_add_epi32(c.lanes, d.lanes));
  __m256i wide = _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(all)), _mm256_cvtepi32_epi64(_mm256_extracti128_si256(all, 1)));
  __m128i half = _mm_add_epi64(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
  uint64_t total = static_cast<uint64_t>(_mm_cvtsi128_si64(half)) + static_cast<uint64_t>(_mm_extract_epi64(half, 1));
  return total + (bytes / 2 << 15);
}

// What is summed is followed by what is summed next, as a rule: packets of a batch, segments of a ring. It is on its way from
// memory by then; beyond the end of all memory a prefetch does nothing.
constexpr size_t kAhead = 2048;

__attribute__((target("avx2"))) inline __m256i LoadAvx2(const uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

__attribute__((target("avx2"))) inline __m256i CopyAvx2(uint8_t* to, const uint8_t* from) {
  __m256i words = LoadAvx2(from);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), words);
  return words;
}

// Functions of their own, and not inlined: what is compiled for SSE waits for 50 ns where the upper halves of the registers are in
// use, and the compiler sees to that where a function for AVX returns.
__attribute__((target("avx2"), noinline)) uint64_t SumBlocksAvx2(const uint8_t* data, size_t bytes) {
  Avx2Sum a, b, c, d;
  const uint8_t* end = data + bytes;
  for (; end - data >= 128; data += 128) {
    _mm_prefetch(reinterpret_cast<const char*>(data + kAhead), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(data + kAhead + 64), _MM_HINT_T0);
    a.Add(LoadAvx2(data));
    b.Add(LoadAvx2(data + 32));
    c.Add(LoadAvx2(data + 64));
    d.Add(LoadAvx2(data + 96));
  }
  for (; data < end; data += 32) a.Add(LoadAvx2(data));
  return TotalAvx2(a, b, c, d, bytes);
}

__attribute__((target("avx2"), noinline)) uint64_t CopyBlocksAvx2(uint8_t* to, const uint8_t* from, size_t bytes) {
  Avx2Sum a, b, c, d;
  const uint8_t* end = from + bytes;
  for (; end - from >= 128; from += 128, to += 128) {
    a.Add(CopyAvx2(to, from));
    b.Add(CopyAvx2(to + 32, from + 32));
    c.Add(CopyAvx2(to + 64, from + 64));
    d.Add(CopyAvx2(to + 96, from + 96));
  }
  for (; from < end; from += 32, to += 32) a.Add(CopyAvx2(to, from));
  return TotalAvx2(a, b, c, d, bytes);
}

// Whole blocks of 32 bytes for the registers, of one call; what is shorter than this is summed sooner without them.
constexpr size_t kLeastAvx2 = 128;

// From here on it pays to sum a few bytes first so that no load, or store, lies across two lines of the cache.
constexpr size_t kWorthAligning = 4096;

// The bytes before the next address that registers of 32 bytes like. Words begin at even places, so from odd ones there is no way.
inline size_t Unaligned(const uint8_t* address, size_t length) {
  size_t bytes = -reinterpret_cast<uintptr_t>(address) & 31;
  return length >= kWorthAligning && bytes % 2 == 0 ? bytes : 0;
}

inline size_t WholeBlocks(size_t length) { return std::min(length, kMostAvx2) & ~size_t{31}; }

uint64_t SumAvx2(const uint8_t* data, size_t length, uint64_t initial) {
  size_t head = Unaligned(data, length);
  uint64_t sum = SumScalar(data, head, initial);
  data += head;
  length -= head;
  while (length >= kLeastAvx2) {
    size_t bytes = WholeBlocks(length);
    sum = AddCarry(sum, SumBlocksAvx2(data, bytes));
    data += bytes;
    length -= bytes;
  }
  return SumScalar(data, length, sum);
}

uint64_t CopyAvx2(uint8_t* to, const uint8_t* from, size_t length, uint64_t initial) {
  size_t head = Unaligned(to, length);
  uint64_t sum = CopyScalar(to, from, head, initial);
  to += head;
  from += head;
  length -= head;
  while (length >= kLeastAvx2) {
    size_t bytes = WholeBlocks(length);
    sum = AddCarry(sum, CopyBlocksAvx2(to, from, bytes));
    to += bytes;
    from += bytes;
    length -= bytes;
  }
  return CopyScalar(to, from, length, sum);
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
