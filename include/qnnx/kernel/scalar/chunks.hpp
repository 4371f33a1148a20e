// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sums of products of 8-bit data with 4-bit weights in words of 32 bits that two pixels share: word = x1 * 2^16 + x0.
// `chunk` elements whose weights have magnitudes of at most 255 together stay within 16 bits each. A chunk begins at
// 2^15, so that its upper half is its second sum, no borrow; then
//   second = sum over chunks (m >> 16),  first = sum m - second * 2^16 - chunks * 2^15
// Chunks of 8-bit weights would be of a few elements: a multiplication a product needs less (scalar/products.hpp).
// Layer 5a.

#include "qnnx/kernel/scalar/layout.hpp"

#if QNNX_HAS_SCALAR_32
namespace qnnx::inline QNNX_ABI::kernel::scalar {

inline constexpr std::int32_t most_magnitude = 255;  // of a chunk's weights: 128 * 255 < 2^15
inline constexpr std::int32_t chunk_step = 8;        // elements of a word of weights, at most 64 together

/// The longest chunk, of whole words of weights, that all weights of a channel allow.
template <class Weight>
std::int32_t chunk_of(std::int32_t elements, Weight&& weight) {
  const auto fits = [&](std::int32_t n) {
    std::int32_t magnitude = 0;
    for (std::int32_t k = 0; k < elements; ++k) {
      if (k % n == 0) magnitude = 0;
      const std::int32_t w = weight(k);
      magnitude += w < 0 ? -w : w;
      if (magnitude > most_magnitude) return false;
    }
    return true;
  };
  std::int32_t best = chunk_step;
  for (std::int32_t n = 2 * chunk_step; n < 32 * chunk_step && n - chunk_step < elements; n += chunk_step)
    if (fits(n)) best = n;
  return best;
}

/// Sums of the chunks of a channel, word by word: totals of m, seconds of m >> 16.
struct chunk_sums {
  word total0 = 0, total1 = 0, second0 = 0, second1 = 0;
};

#if QNNX_HAS_ARMV7M_ASSEMBLY

#define QNNX_NIBBLE(BIT)                   \
  "sbfx %[v], %[q], #" #BIT ", #4\n\t"     \
  "ldmia %[x]!, {r4, r5}\n\t"              \
  "mla %[m0], r4, %[v], %[m0]\n\t"         \
  "mla %[m1], r5, %[v], %[m1]\n\t"
/// `chunks` chunks of `octets` words of weights each; both positive.
QNNX_INLINE void add_chunks(const word*& x, const std::byte*& w, std::int32_t octets, std::int32_t chunks,
                            chunk_sums& s) {
  word m0, m1, n, v, q;
  asm volatile(
      "1:\n\t"
      "ldr %[n], %[octets]\n\t"
      "mov %[m0], #0x8000\n\t"
      "mov %[m1], #0x8000\n"
      "2:\n\t"
      "ldr %[q], [%[w]], #4\n\t" QNNX_NIBBLE(0) QNNX_NIBBLE(4) QNNX_NIBBLE(8) QNNX_NIBBLE(12) QNNX_NIBBLE(16)
      QNNX_NIBBLE(20) QNNX_NIBBLE(24) QNNX_NIBBLE(28)
      "subs %[n], %[n], #1\n\t"
      "bne 2b\n\t"
      "ldr %[n], %[chunks]\n\t"  // in memory: there is no register left
      "add %[t0], %[t0], %[m0]\n\t"
      "add %[t1], %[t1], %[m1]\n\t"
      "add %[s0], %[s0], %[m0], asr #16\n\t"
      "add %[s1], %[s1], %[m1], asr #16\n\t"
      "subs %[n], %[n], #1\n\t"
      "str %[n], %[chunks]\n\t"
      "bne 1b"
      : [x] "+r"(x), [w] "+r"(w), [chunks] "+m"(chunks), [t0] "+r"(s.total0), [t1] "+r"(s.total1),
        [s0] "+r"(s.second0), [s1] "+r"(s.second1), [m0] "=&r"(m0), [m1] "=&r"(m1), [n] "=&r"(n), [v] "=&r"(v),
        [q] "=&r"(q)
      : [octets] "m"(octets)
      : "r4", "r5", "cc", "memory");
}
#undef QNNX_NIBBLE

#endif
#if QNNX_HAS_ARMV6M_ASSEMBLY

#define QNNX_NIBBLE(LEFT)             \
  "lsls %[v], %[q], #" #LEFT "\n\t"   \
  "asrs %[v], %[v], #28\n\t" QNNX_PRODUCTS
#define QNNX_PRODUCTS           \
  "ldmia %[x]!, {r5, r6}\n\t"   \
  "muls r5, %[v], r5\n\t"       \
  "muls r6, %[v], r6\n\t"       \
  "adds %[m0], %[m0], r5\n\t"   \
  "adds %[m1], %[m1], r6\n\t"
/// `chunks` chunks of `octets` words of weights each; both positive. The sums live in high registers, the end of a
/// chunk's data in r12.
QNNX_INLINE void add_chunks(const word*& x, const std::byte*& w, std::int32_t octets, std::int32_t chunks,
                            chunk_sums& s) {
  const std::int32_t size = 2 * chunk_step * octets;  // words of data
  const std::int32_t bytes = size * static_cast<std::int32_t>(sizeof(word));
  const word* const all = x + size * chunks;
  word m0, m1, v, q, second1;
  asm volatile(
      ".syntax unified\n\t"
      "movs %[m0], #0\n\t"
      "mov r8, %[m0]\n\t"
      "mov r9, %[m0]\n\t"
      "mov r10, %[m0]\n\t"
      "mov r11, %[m0]\n\t"
      "mov r12, %[x]\n"
      "1:\n\t"
      "ldr %[m0], %[bytes]\n\t"
      "add r12, %[m0]\n\t"
      "movs %[m0], #128\n\t"
      "lsls %[m0], %[m0], #8\n\t"
      "mov %[m1], %[m0]\n"
      "2:\n\t"
      "ldmia %[w]!, {%[q]}\n\t" QNNX_NIBBLE(28) QNNX_NIBBLE(24) QNNX_NIBBLE(20) QNNX_NIBBLE(16) QNNX_NIBBLE(12)
      QNNX_NIBBLE(8) QNNX_NIBBLE(4)
      "asrs %[v], %[q], #28\n\t" QNNX_PRODUCTS
      "cmp %[x], r12\n\t"
      "bne 2b\n\t"
      "add r8, %[m0]\n\t"
      "add r9, %[m1]\n\t"
      "asrs %[m0], %[m0], #16\n\t"
      "asrs %[m1], %[m1], #16\n\t"
      "add r10, %[m0]\n\t"
      "add r11, %[m1]\n\t"
      "ldr %[m0], %[all]\n\t"
      "cmp %[x], %[m0]\n\t"
      "bne 1b\n\t"
      "mov %[m0], r8\n\t"
      "mov %[m1], r9\n\t"
      "mov %[v], r10\n\t"
      "mov r5, r11\n\t"
      "str r5, %[last]"
      : [x] "+l"(x), [w] "+l"(w), [q] "=&l"(q), [m0] "=&l"(m0), [m1] "=&l"(m1), [v] "=&l"(v), [last] "=m"(second1)
      : [bytes] "m"(bytes), [all] "m"(all)
      : "r5", "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
  s.total0 += m0, s.total1 += m1, s.second0 += v, s.second1 += second1;
}
#undef QNNX_PRODUCTS
#undef QNNX_NIBBLE

#endif
#if QNNX_HAS_SCALAR_PORTABLE

inline void add_chunks(const word*& x, const std::byte*& w, std::int32_t octets, std::int32_t chunks, chunk_sums& s) {
  using weights = kind<types::s8, types::s4>;
  for (; chunks > 0; --chunks) {
    word m0 = 0x8000u, m1 = 0x8000u;
    for (std::int32_t n = octets; n > 0; --n, x += 2 * chunk_step, w += 4)
#pragma GCC unroll 8
      for (std::int32_t k = 0; k < chunk_step; ++k) {
        const auto v = static_cast<word>(weights::weight(w, k));
        m0 += x[2 * k] * v;
        m1 += x[2 * k + 1] * v;
      }
    s.total0 += m0, s.total1 += m1;
    s.second0 += static_cast<word>(static_cast<std::int32_t>(m0) >> 16);
    s.second1 += static_cast<word>(static_cast<std::int32_t>(m1) >> 16);
  }
}

#endif

/// Sums of one channel for the four pixels of a block.
QNNX_INLINE void chunked_sums(const word* x, const chunk_head& r, std::int32_t* sums) {
  const auto* w = reinterpret_cast<const std::byte*>(&r + 1);
  chunk_sums s;
  if (r.whole > 0) add_chunks(x, w, r.chunk / chunk_step, r.whole, s);
  if (r.rest > 0) {
    chunk_sums last;
    add_chunks(x, w, r.rest / chunk_step, 1, last);
    s.total0 += last.total0, s.total1 += last.total1, s.second0 += last.second0, s.second1 += last.second1;
  }
  const word begun = (word{r.whole} + (r.rest > 0 ? 1u : 0u)) << 15;
  sums[0] = static_cast<std::int32_t>(s.total0 - (s.second0 << 16) - begun);
  sums[1] = static_cast<std::int32_t>(s.second0);
  sums[2] = static_cast<std::int32_t>(s.total1 - (s.second1 << 16) - begun);
  sums[3] = static_cast<std::int32_t>(s.second1);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::scalar
#endif
