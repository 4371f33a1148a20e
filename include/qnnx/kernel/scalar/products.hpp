// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sums of products of processors without vectors, over a block (scalar/layout.hpp):
//   64 bits  word = x1 * 2^32 + x0: two output pixels share a word, so that one multiplication serves both; the halves of
//            sum word * w are the two sums. |sum| < 2^31: up to 65535 elements of 8 bits, or as the packer proves for 16
//   32 bits  word = x, a multiplication a product; 8-bit data with 4-bit weights as 64 bits (scalar/chunks.hpp)
// Layer 5a.

#include "qnnx/kernel/scalar/chunks.hpp"

#if QNNX_HAS_SCALAR
namespace qnnx::inline QNNX_ABI::kernel::scalar {

QNNX_INLINE word pair_of(std::int32_t first, std::int32_t second) {
  return (static_cast<word>(second) << half_bits) + static_cast<word>(static_cast<half>(first));
}

/// One line of `pixels` pixels into the block at `to`; returns its end.
template <class Kind>
QNNX_NOINLINE word* interleave(const std::byte* const* lines, std::int32_t elements, word* to) {
  constexpr std::int32_t words = Kind::words;
  for (std::int32_t i = 0; i < words; ++i) {
    constexpr std::int32_t of_word = pixels / words;
    const auto* a = reinterpret_cast<const typename Kind::storage*>(lines[of_word * i]);
    [[maybe_unused]] const auto* b = reinterpret_cast<const typename Kind::storage*>(lines[of_word * i + of_word - 1]);
    word* at = to + i;
    for (std::int32_t k = elements; k > 0; --k, at += words)
      if constexpr (of_word == 2)
        *at = pair_of(Kind::signed_element(*a++), Kind::signed_element(*b++));
      else
        *at = static_cast<word>(Kind::signed_element(*a++));
  }
  return to + elements * words;
}

/// Channels whose sums are made at once: as many as registers hold.
template <class Kind>
inline constexpr std::int32_t channels_at_once =
    Kind::form.chunks() || QNNX_HAS_SCALAR_ASSEMBLY ? 1 : 2;

#if QNNX_HAS_ARMV7M_ASSEMBLY

#define QNNX_PRODUCTS                   \
  "ldmia r1!, {r8, r9, r10, r11}\n\t"   \
  "mla r3, r8, r12, r3\n\t"             \
  "mla r4, r9, r12, r4\n\t"             \
  "mla r5, r10, r12, r5\n\t"            \
  "mla r6, r11, r12, r6\n\t"
#define QNNX_ELEMENT "ldrsb r12, [r0], #1\n\t" QNNX_PRODUCTS
#define QNNX_NIBBLE(BIT) "sbfx r12, lr, #" #BIT ", #4\n\t" QNNX_PRODUCTS
/// Sums of `groups` quads of bytes or octets of nibbles, positive, for four pixels, a word each.
template <class Kind>
QNNX_INLINE void add_groups(const word* x, const std::byte* w, std::int32_t groups, std::int32_t* sums) {
  register const std::byte* k asm("r0") = w;
  register const word* p asm("r1") = x;
  register std::int32_t n asm("r2") = groups;
  register std::int32_t a asm("r3") = 0;
  register std::int32_t b asm("r4") = 0;
  register std::int32_t c asm("r5") = 0;
  register std::int32_t d asm("r6") = 0;
  if constexpr (Kind::nibbles)
    asm volatile(
        "1:\n\t"
        "ldr lr, [r0], #4\n\t" QNNX_NIBBLE(0) QNNX_NIBBLE(4) QNNX_NIBBLE(8) QNNX_NIBBLE(12) QNNX_NIBBLE(16)
        QNNX_NIBBLE(20) QNNX_NIBBLE(24) QNNX_NIBBLE(28)
        "subs r2, r2, #1\n\t"
        "bne 1b"
        : "+r"(k), "+r"(p), "+r"(n), "+r"(a), "+r"(b), "+r"(c), "+r"(d)
        :
        : "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
  else
    asm volatile(
        "1:\n\t" QNNX_ELEMENT QNNX_ELEMENT QNNX_ELEMENT QNNX_ELEMENT
        "subs r2, r2, #1\n\t"
        "bne 1b"
        : "+r"(k), "+r"(p), "+r"(n), "+r"(a), "+r"(b), "+r"(c), "+r"(d)
        :
        : "r8", "r9", "r10", "r11", "r12", "cc", "memory");
  sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}
#undef QNNX_NIBBLE
#undef QNNX_ELEMENT
#undef QNNX_PRODUCTS

#endif
#if QNNX_HAS_ARMV6M_ASSEMBLY

#define QNNX_ELEMENT(LEFT, RIGHT)    \
  "lsls r2, r3, #" #LEFT "\n\t"      \
  "asrs r2, r2, #" #RIGHT "\n\t" QNNX_PRODUCTS
#define QNNX_PRODUCTS                \
  "ldmia r1!, {r4, r5, r6, r7}\n\t"  \
  "muls r4, r2, r4\n\t"              \
  "muls r5, r2, r5\n\t"              \
  "muls r6, r2, r6\n\t"              \
  "muls r7, r2, r7\n\t"              \
  "add r8, r4\n\t"                   \
  "add r9, r5\n\t"                   \
  "add r10, r6\n\t"                  \
  "add r11, r7\n\t"
#define QNNX_BEGIN                                                                                \
  ".syntax unified\n\t"                                                                           \
  "push {r3, r7}\n\t"  /* r7 may be the frame pointer: not in the clobber list */                 \
  "mov r12, r2\n\t"                                                                               \
  "movs r2, #0\n\t"                                                                               \
  "mov r8, r2\n\t"                                                                                \
  "mov r9, r2\n\t"                                                                                \
  "mov r10, r2\n\t"                                                                               \
  "mov r11, r2\n"                                                                                 \
  "1:\n\t"                                                                                        \
  "ldmia r0!, {r3}\n\t"
#define QNNX_END        \
  "cmp r1, r12\n\t"     \
  "bne 1b\n\t"          \
  "pop {r3, r7}\n\t"    \
  "mov r2, r8\n\t"      \
  "str r2, [r3]\n\t"    \
  "mov r2, r9\n\t"      \
  "str r2, [r3, #4]\n\t"\
  "mov r2, r10\n\t"     \
  "str r2, [r3, #8]\n\t"\
  "mov r2, r11\n\t"     \
  "str r2, [r3, #12]"
/// Sums of `groups` quads of bytes or octets of nibbles, positive, for four pixels, a word each. The sums live in high
/// registers, the end of the data in r12.
template <class Kind>
QNNX_INLINE void add_groups(const word* x, const std::byte* w, std::int32_t groups, std::int32_t* sums) {
  register const std::byte* k asm("r0") = w;
  register const word* p asm("r1") = x;
  register const word* end asm("r2") = x + groups * (Kind::nibbles ? 32 : 16);
  register std::int32_t* to asm("r3") = sums;
  if constexpr (Kind::nibbles)
    asm volatile(QNNX_BEGIN QNNX_ELEMENT(28, 28) QNNX_ELEMENT(24, 28) QNNX_ELEMENT(20, 28) QNNX_ELEMENT(16, 28)
                 QNNX_ELEMENT(12, 28) QNNX_ELEMENT(8, 28) QNNX_ELEMENT(4, 28)
                 "asrs r2, r3, #28\n\t" QNNX_PRODUCTS QNNX_END
                 : "+r"(k), "+r"(p), "+r"(end), "+r"(to)
                 :
                 : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
  else
    asm volatile(QNNX_BEGIN
                 "sxtb r2, r3\n\t" QNNX_PRODUCTS QNNX_ELEMENT(16, 24) QNNX_ELEMENT(8, 24)
                 "asrs r2, r3, #24\n\t" QNNX_PRODUCTS QNNX_END
                 : "+r"(k), "+r"(p), "+r"(end), "+r"(to)
                 :
                 : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
}
#undef QNNX_END
#undef QNNX_BEGIN
#undef QNNX_PRODUCTS
#undef QNNX_ELEMENT

#endif

/// Sums of Channels channels for all pixels of a block, or of `elements` of its elements: sums[channel][pixel]. Not for
/// words in chunks.
template <class Kind, std::int32_t Channels>
QNNX_INLINE void plain_sums(const word* x, const std::byte* const* weights, std::int32_t elements, std::int32_t* sums) {
#if QNNX_HAS_SCALAR_ASSEMBLY
  add_groups<Kind>(x, weights[0], Kind::form.filled(elements) / Kind::form.step(), sums);
#else
  word acc[Channels][4] = {};
  const std::byte* w[Channels];
#pragma GCC unroll 4
  for (std::int32_t c = 0; c < Channels; ++c) w[c] = weights[c];
  for (std::int32_t k = 0; k < elements; k += 4, x += 16) {
#pragma GCC unroll 4
    for (std::int32_t i = 0; i < 4; ++i) {
      const word x0 = x[4 * i], x1 = x[4 * i + 1], x2 = x[4 * i + 2], x3 = x[4 * i + 3];
#pragma GCC unroll 4
      for (std::int32_t c = 0; c < Channels; ++c) {
        const auto v = static_cast<word>(std::int64_t{Kind::weight(w[c], i)});
        acc[c][0] += x0 * v, acc[c][1] += x1 * v, acc[c][2] += x2 * v, acc[c][3] += x3 * v;
        // else compilers add the products of several elements first, and spill
        asm volatile("" : "+r"(acc[c][0]), "+r"(acc[c][1]), "+r"(acc[c][2]), "+r"(acc[c][3]) : : "memory");
      }
    }
#pragma GCC unroll 4
    for (std::int32_t c = 0; c < Channels; ++c) w[c] += Kind::nibbles ? 2 : 4;
  }
#pragma GCC unroll 4
  for (std::int32_t c = 0; c < Channels; ++c)
#pragma GCC unroll 4
    for (std::int32_t i = 0; i < 4; ++i) {
      const auto first = static_cast<std::int32_t>(static_cast<std::uint32_t>(acc[c][i] & 0xffffffffu));
      if constexpr (Kind::words == pixels) {
        sums[c * pixels + i] = first;
      } else {
        sums[c * pixels + 2 * i] = first;
        sums[c * pixels + 2 * i + 1] = static_cast<std::int32_t>(static_cast<std::uint32_t>(
            (acc[c][i] - static_cast<word>(std::int64_t{first})) >> half_bits));
      }
    }
#endif
}
/// The same for whole records.
template <class Kind, std::int32_t Channels>
QNNX_INLINE void block_sums(const word* x, const std::byte* const* records, std::int32_t elements, std::int32_t* sums) {
#if QNNX_HAS_SCALAR_32
  if constexpr (Kind::form.chunks())
    chunked_sums(x, *reinterpret_cast<const chunk_head*>(records[0]), sums);
  else
#endif
  {
    const std::byte* w[Channels];
    for (std::int32_t c = 0; c < Channels; ++c) w[c] = records[c] + sizeof(channel_head);
    plain_sums<Kind, Channels>(x, w, elements, sums);
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::scalar
#endif
