// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sums of products with 4-bit weights, two to a byte, unpacked in registers. A nibble holds the weight plus 8, so that
// AND with 0x000f000f leaves two 16-bit lanes of a word (at shifts of 0, 4, 8 and 12: eight weights of a load, an
// instruction for two):  sum x * w = sum x * (w + 8) - 8 * sum x. Layer 5a.

#include "qnnx/kernel/arm/dsp.hpp"

namespace qnnx::inline QNNX_ABI::kernel::dsp {

inline constexpr word nibble_lanes = 0x000f000fu;

#if QNNX_HAS_DSP_INSTRUCTIONS

#define QNNX_NIBBLE_PAIR(SHIFTED)        \
  "ldmia r1!, {r8, r9, r10, r11}\n\t"    \
  "and lr, r7, r12" SHIFTED "\n\t"       \
  "smlad r3, r8, lr, r3\n\t"             \
  "smlad r4, r9, lr, r4\n\t"             \
  "smlad r5, r10, lr, r5\n\t"            \
  "smlad r6, r11, lr, r6\n\t"
#define QNNX_NIBBLE_OCTET        \
  "ldr r12, [r0], #4\n\t"        \
  QNNX_NIBBLE_PAIR("")           \
  QNNX_NIBBLE_PAIR(", lsr #4")   \
  QNNX_NIBBLE_PAIR(", lsr #8")   \
  QNNX_NIBBLE_PAIR(", lsr #12")

/// As four_pixels (arm/dot.hpp), with nibbles of w + 8: acc[p] += sum over 8 * octets elements; octets > 0.
QNNX_INLINE const std::byte* four_pixels_nibbles(const word* x, const std::byte* w, std::int32_t octets,
                                                 std::int32_t* acc) {
  register const std::byte* k asm("r0") = w;
  register const word* p asm("r1") = x;
  register std::int32_t n asm("r2") = octets;
  register std::int32_t a asm("r3") = acc[0];
  register std::int32_t b asm("r4") = acc[1];
  register std::int32_t c asm("r5") = acc[2];
  register std::int32_t d asm("r6") = acc[3];
  asm volatile(
      "push {r7}\n\t"  // may be the frame pointer: not in the clobber list
      "mov r7, #0x000f000f\n\t"
      "tst r2, #1\n\t"
      "beq 2f\n\t" QNNX_NIBBLE_OCTET
      "subs r2, r2, #1\n\t"
      "beq 3f\n"
      "2:\n\t" QNNX_NIBBLE_OCTET QNNX_NIBBLE_OCTET
      "subs r2, r2, #2\n\t"
      "bne 2b\n"
      "3:\n\t"
      "pop {r7}"
      : "+r"(k), "+r"(p), "+r"(n), "+r"(a), "+r"(b), "+r"(c), "+r"(d)
      :
      : "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
  acc[0] = a;
  acc[1] = b;
  acc[2] = c;
  acc[3] = d;
  return k;
}
#undef QNNX_NIBBLE_OCTET
#undef QNNX_NIBBLE_PAIR

#else

inline const std::byte* four_pixels_nibbles(const word* x, const std::byte* w, std::int32_t octets, std::int32_t* acc) {
  for (; octets > 0; --octets, w += 4)
    for (int shift = 0; shift < 16; shift += 4, x += 4)
      for (int p = 0; p < 4; ++p) acc[p] = smlad(x[p], (load_word(w) >> shift) & nibble_lanes, acc[p]);
  return w;
}

#endif

}  // namespace qnnx::inline QNNX_ABI::kernel::dsp
