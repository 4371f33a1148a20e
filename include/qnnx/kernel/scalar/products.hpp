// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sums of products of processors without vectors: two output pixels share a word, so that one multiplication serves
// both. A block holds, per window element, `words` words of two pixels each: low half x0, high half x1, both signed.
//   64 bits   word = x1 * 2^32 + x0: the halves of sum word * w are the two sums. |sum| < 2^31: up to 65535 elements
//   32 bits   word = x1 * 2^16 + x0: `chunk` elements whose weights have magnitudes of at most 255 together stay within
//             16 bits each. A chunk begins at 2^15, so that its upper half is its second sum, no borrow; then
//               second = sum over chunks (m >> 16),  first = sum m - second * 2^16 - chunks * 2^15
// Data is signed: unsigned bytes are read less 128. Layer 5a.

#include "qnnx/kernel/scalar/finish.hpp"

#if QNNX_HAS_SCALAR
namespace qnnx::inline QNNX_ABI::kernel::scalar {

using word = std::conditional_t<QNNX_SCALAR_BITS == 64, std::uint64_t, std::uint32_t>;
using half = std::conditional_t<QNNX_SCALAR_BITS == 64, std::int32_t, std::int16_t>;
inline constexpr int half_bits = QNNX_SCALAR_BITS / 2;
inline constexpr std::int32_t words = QNNX_SCALAR_BITS == 64 ? 4 : 2;  // of a window element
inline constexpr std::int32_t pixels = 2 * words;                      // of a block
inline constexpr std::int32_t most_elements = 65535;
inline constexpr std::int32_t most_magnitude = 255;  // of a chunk's weights: 128 * 255 < 2^15

/// What is taken from the data before it is multiplied.
template <bool Signed>
inline constexpr std::int32_t base_of = Signed ? 0 : 128;
template <bool Signed>
QNNX_INLINE std::int32_t signed_byte(std::byte x) {
  return static_cast<std::int8_t>(Signed ? x : x ^ std::byte{0x80});
}
QNNX_INLINE word pair_of(std::int32_t first, std::int32_t second) {
  return (static_cast<word>(second) << half_bits) + static_cast<word>(static_cast<half>(first));
}

/// Before a channel's weights in the packed form.
struct record_head {
  channel_head head;
  std::uint16_t chunk = 0;  // elements: 1 or an even number
  std::uint16_t whole = 0;  // chunks
  std::uint16_t rest = 0;   // elements of one more, shorter chunk: even
  std::uint16_t unused = 0;
};
/// Weights are filled with a zero to an even number, records to words.
constexpr std::int32_t even(std::int32_t n) {
  return (n + 1) / 2 * 2;
}
constexpr std::int64_t record_bytes(std::int32_t elements) {
  return static_cast<std::int64_t>(sizeof(record_head)) + (elements + 3) / 4 * 4;
}

/// The longest chunk that all of a channel's weights allow.
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
  std::int32_t best = 1;
  for (std::int32_t n = 2; n < 64 && n - 2 < elements; n += 2)
    if (fits(n)) best = n;
  return best;
}

/// One line of `pixels` pixels into the block at `to`; returns its end.
template <bool Signed>
QNNX_NOINLINE word* interleave(const std::byte* const* lines, std::int32_t elements, word* to) {
  for (std::int32_t i = 0; i < words; ++i) {
    const std::byte* a = lines[2 * i];
    const std::byte* b = lines[2 * i + 1];
    word* at = to + i;
    for (std::int32_t k = elements; k > 0; --k, at += words)
      *at = pair_of(signed_byte<Signed>(*a++), signed_byte<Signed>(*b++));
  }
  return to + elements * words;
}

#if QNNX_HAS_SCALAR_64

inline constexpr std::int32_t channels_at_once = 4;
/// Sums of Channels channels for all pixels of the block: sums[channel][pixel].
template <std::int32_t Channels>
QNNX_INLINE void block_sums(const word* x, const record_head* const* r, std::int32_t elements, std::int32_t* sums) {
  word acc[Channels][words] = {};
  const std::int8_t* w[Channels];
  for (std::int32_t c = 0; c < Channels; ++c) w[c] = reinterpret_cast<const std::int8_t*>(r[c] + 1);
  for (std::int32_t k = 0; k < elements; ++k, x += words) {
    const word x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
    for (std::int32_t c = 0; c < Channels; ++c) {
      const auto v = static_cast<word>(std::int64_t{*w[c]++});
      acc[c][0] += x0 * v, acc[c][1] += x1 * v, acc[c][2] += x2 * v, acc[c][3] += x3 * v;
    }
  }
  for (std::int32_t c = 0; c < Channels; ++c)
    for (std::int32_t i = 0; i < words; ++i) {
      const auto first = static_cast<std::int32_t>(static_cast<std::uint32_t>(acc[c][i]));
      sums[c * pixels + 2 * i] = first;
      sums[c * pixels + 2 * i + 1] = static_cast<std::int32_t>(
          static_cast<std::uint32_t>((acc[c][i] - static_cast<word>(std::int64_t{first})) >> 32));
    }
}

#else

/// Sums of the chunks of a channel, word by word: totals of m, seconds of m >> 16.
struct chunk_sums {
  word total0 = 0, total1 = 0, second0 = 0, second1 = 0;
};

#if QNNX_HAS_ARMV7M_ASSEMBLY

#define QNNX_ELEMENT               \
  "ldrsb %[v], [%[w]], #1\n\t"     \
  "ldmia %[x]!, {r4, r5}\n\t"      \
  "mla %[m0], r4, %[v], %[m0]\n\t" \
  "mla %[m1], r5, %[v], %[m1]\n\t"
/// `chunks` chunks of 2 * `pairs` elements each; both positive.
QNNX_INLINE void add_chunks(const word*& x, const std::int8_t*& w, std::int32_t pairs, std::int32_t chunks,
                            chunk_sums& s) {
  word m0, m1, n, v;
  asm volatile(
      "1:\n\t"
      "ldr %[n], %[pairs]\n\t"
      "mov %[m0], #0x8000\n\t"
      "mov %[m1], #0x8000\n"
      "2:\n\t" QNNX_ELEMENT QNNX_ELEMENT
      "subs %[n], %[n], #1\n\t"
      "bne 2b\n\t"
      "add %[t0], %[t0], %[m0]\n\t"
      "add %[t1], %[t1], %[m1]\n\t"
      "add %[s0], %[s0], %[m0], asr #16\n\t"
      "add %[s1], %[s1], %[m1], asr #16\n\t"
      "subs %[chunks], %[chunks], #1\n\t"
      "bne 1b"
      : [x] "+r"(x), [w] "+r"(w), [chunks] "+r"(chunks), [t0] "+r"(s.total0), [t1] "+r"(s.total1), [s0] "+r"(s.second0),
        [s1] "+r"(s.second1), [m0] "=&r"(m0), [m1] "=&r"(m1), [n] "=&r"(n), [v] "=&r"(v)
      : [pairs] "m"(pairs)
      : "r4", "r5", "cc", "memory");
}
#undef QNNX_ELEMENT

#else
#if QNNX_HAS_ARMV6M_ASSEMBLY

#define QNNX_ELEMENT             \
  "ldrsb %[v], [%[w], %[k]]\n\t" \
  "ldmia %[x]!, {r5, r6}\n\t"    \
  "muls r5, %[v], r5\n\t"        \
  "muls r6, %[v], r6\n\t"        \
  "adds %[m0], %[m0], r5\n\t"    \
  "adds %[m1], %[m1], r6\n\t"    \
  "adds %[k], %[k], #1\n\t"
/// `chunks` chunks of 2 * `pairs` elements each; both positive. The sums live in high registers.
QNNX_INLINE void add_chunks(const word*& x, const std::int8_t*& w, std::int32_t pairs, std::int32_t chunks,
                            chunk_sums& s) {
  const std::int32_t size = 2 * pairs, all = size * chunks;
  std::int32_t k = 0;
  word m0, m1, v, second1;
  asm volatile(
      ".syntax unified\n\t"
      "movs %[m0], #0\n\t"
      "mov r8, %[m0]\n\t"
      "mov r9, %[m0]\n\t"
      "mov r10, %[m0]\n\t"
      "mov r11, %[m0]\n\t"
      "mov r12, %[m0]\n"
      "1:\n\t"
      "ldr %[m0], %[size]\n\t"
      "add r12, %[m0]\n\t"
      "movs %[m0], #128\n\t"
      "lsls %[m0], %[m0], #8\n\t"
      "mov %[m1], %[m0]\n"
      "2:\n\t" QNNX_ELEMENT QNNX_ELEMENT
      "cmp %[k], r12\n\t"
      "bne 2b\n\t"
      "add r8, %[m0]\n\t"
      "add r9, %[m1]\n\t"
      "asrs %[m0], %[m0], #16\n\t"
      "asrs %[m1], %[m1], #16\n\t"
      "add r10, %[m0]\n\t"
      "add r11, %[m1]\n\t"
      "ldr %[m0], %[all]\n\t"
      "cmp %[k], %[m0]\n\t"
      "bne 1b\n\t"
      "mov %[m0], r8\n\t"
      "mov %[m1], r9\n\t"
      "mov %[v], r10\n\t"
      "mov r5, r11\n\t"
      "str r5, %[last]"
      : [x] "+l"(x), [k] "+l"(k), [m0] "=&l"(m0), [m1] "=&l"(m1), [v] "=&l"(v), [last] "=m"(second1)
      : [w] "l"(w), [size] "m"(size), [all] "m"(all)
      : "r5", "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
  s.total0 += m0, s.total1 += m1, s.second0 += v, s.second1 += second1;
  w += all;
}
#undef QNNX_ELEMENT

#else

inline void add_chunks(const word*& x, const std::int8_t*& w, std::int32_t pairs, std::int32_t chunks, chunk_sums& s) {
  for (; chunks > 0; --chunks) {
    word m0 = 0x8000u, m1 = 0x8000u;
    for (std::int32_t n = pairs; n > 0; --n, x += 2 * words, w += 2) {
      const auto a = static_cast<word>(std::int32_t{w[0]}), b = static_cast<word>(std::int32_t{w[1]});
      m0 += x[0] * a + x[2] * b;
      m1 += x[1] * a + x[3] * b;
    }
    s.total0 += m0, s.total1 += m1;
    s.second0 += static_cast<word>(static_cast<std::int32_t>(m0) >> 16);
    s.second1 += static_cast<word>(static_cast<std::int32_t>(m1) >> 16);
  }
}

#endif
#endif

/// Chunks of one element: two weights of -128 side by side.
QNNX_NOINLINE inline void add_single_chunks(const word* x, const std::int8_t* w, std::int32_t elements, chunk_sums& s) {
  for (; elements > 0; --elements, x += words, ++w) {
    const auto v = static_cast<word>(std::int32_t{*w});
    const word m0 = 0x8000u + x[0] * v, m1 = 0x8000u + x[1] * v;
    s.total0 += m0, s.total1 += m1;
    s.second0 += static_cast<word>(static_cast<std::int32_t>(m0) >> 16);
    s.second1 += static_cast<word>(static_cast<std::int32_t>(m1) >> 16);
  }
}
inline constexpr std::int32_t channels_at_once = 1;
/// Sums of one channel for all pixels of the block.
template <std::int32_t Channels>
QNNX_INLINE void block_sums(const word* x, const record_head* const* records, std::int32_t elements,
                            std::int32_t* sums) {
  const record_head& r = *records[0];
  const auto* w = reinterpret_cast<const std::int8_t*>(records[0] + 1);
  chunk_sums s;
  if (r.chunk == 1) {
    add_single_chunks(x, w, elements, s);
  } else {
    if (r.whole > 0) add_chunks(x, w, r.chunk / 2, r.whole, s);
    if (r.rest > 0) {
      chunk_sums last;
      add_chunks(x, w, r.rest / 2, 1, last);
      s.total0 += last.total0, s.total1 += last.total1, s.second0 += last.second0, s.second1 += last.second1;
    }
  }
  const word begun = (word{r.whole} + (r.rest > 0 ? 1u : 0u)) << 15;
  sums[0] = static_cast<std::int32_t>(s.total0 - (s.second0 << 16) - begun);
  sums[1] = static_cast<std::int32_t>(s.second0);
  sums[2] = static_cast<std::int32_t>(s.total1 - (s.second1 << 16) - begun);
  sums[3] = static_cast<std::int32_t>(s.second1);
}

#endif

}  // namespace qnnx::inline QNNX_ABI::kernel::scalar
#endif
