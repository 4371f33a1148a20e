// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sums of products with dual multiply-adds (SMLAD: two products an instruction).
//   four_pixels   four output pixels of one channel: their windows stand interleaved as 16-bit pairs, per four window
//                 elements k: (k0, k2) of pixels 0..3, then (k1, k3) of pixels 0..3. 8-bit weights in natural order:
//                 their bytes extend to the same pairs. 13 instructions for 16 products.
//   interleave    makes that form from four rows of bytes
// In assembly where the instructions exist: compilers do not use LDM here and spill. Layer 5a.

#include "qnnx/kernel/arm/dsp.hpp"

namespace qnnx::inline QNNX_ABI::kernel::dsp {

/// Bytes of an interleaved block for windows of `depth4` elements (a multiple of 4).
constexpr std::int64_t block_bytes(std::int64_t depth4) {
  return depth4 * 8;
}

#if QNNX_HAS_DSP_INSTRUCTIONS

#define QNNX_DOT_QUAD                 \
  "ldr %[v], [%[w]], #4\n\t"          \
  "ldmia %[x]!, {r4, r5, r6, r8}\n\t" \
  "sxtb16 %[t], %[v]\n\t"             \
  "smlad %[a], r4, %[t], %[a]\n\t"    \
  "smlad %[b], r5, %[t], %[b]\n\t"    \
  "smlad %[c], r6, %[t], %[c]\n\t"    \
  "smlad %[d], r8, %[t], %[d]\n\t"    \
  "ldmia %[x]!, {r4, r5, r6, r8}\n\t" \
  "sxtb16 %[t], %[v], ror #8\n\t"     \
  "smlad %[a], r4, %[t], %[a]\n\t"    \
  "smlad %[b], r5, %[t], %[b]\n\t"    \
  "smlad %[c], r6, %[t], %[c]\n\t"    \
  "smlad %[d], r8, %[t], %[d]\n\t"

/// acc[p] += sum over 4 * quads elements; quads > 0. Returns the end of the weights.
QNNX_INLINE const std::byte* four_pixels(const word* x, const std::byte* w, std::int32_t quads, std::int32_t* acc) {
  register std::int32_t a asm("r3") = acc[0];  // named: the compiler does not find places for all of these everywhere
  register std::int32_t b asm("r9") = acc[1];
  register std::int32_t c asm("r10") = acc[2];
  register std::int32_t d asm("r11") = acc[3];
  register word v asm("r12");
  register word t asm("lr");
  asm volatile(
      "b 2f\n"
      "1:\n\t" QNNX_DOT_QUAD
      "subs %[n], %[n], #1\n"
      "2:\n\t"
      "tst %[n], #3\n\t"
      "bne 1b\n\t"
      "cmp %[n], #0\n\t"
      "beq 4f\n"
      "3:\n\t" QNNX_DOT_QUAD QNNX_DOT_QUAD QNNX_DOT_QUAD QNNX_DOT_QUAD
      "subs %[n], %[n], #4\n\t"
      "bne 3b\n"
      "4:\n"
      : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [x] "+r"(x), [w] "+r"(w), [n] "+r"(quads), [v] "=&r"(v),
        [t] "=&r"(t)
      :
      : "r4", "r5", "r6", "r8", "cc", "memory");
  acc[0] = a;
  acc[1] = b;
  acc[2] = c;
  acc[3] = d;
  return w;
}
#undef QNNX_DOT_QUAD

/// Four rows of 4 * quads bytes to the interleaved form at `to`; returns its end. quads > 0.
template <bool Signed>
QNNX_INLINE word* interleave(const std::byte* p0, const std::byte* p1, const std::byte* p2, const std::byte* p3,
                             word* to, std::int32_t quads) {
  do {
    const word a = load_word(p0), b = load_word(p1), c = load_word(p2), d = load_word(p3);
    p0 += 4, p1 += 4, p2 += 4, p3 += 4;
    to[0] = even_bytes<Signed>(a);
    to[1] = even_bytes<Signed>(b);
    to[2] = even_bytes<Signed>(c);
    to[3] = even_bytes<Signed>(d);
    to[4] = odd_bytes<Signed>(a);
    to[5] = odd_bytes<Signed>(b);
    to[6] = odd_bytes<Signed>(c);
    to[7] = odd_bytes<Signed>(d);
    to += 8;
  } while (--quads);
  return to;
}

#else

inline const std::byte* four_pixels(const word* x, const std::byte* w, std::int32_t quads, std::int32_t* acc) {
  for (; quads > 0; --quads, x += 8, w += 4) {
    const word v = load_word(w);
    for (int p = 0; p < 4; ++p) acc[p] = smlad(x[4 + p], sxtb16_ror8(v), smlad(x[p], sxtb16(v), acc[p]));
  }
  return w;
}
template <bool Signed>
word* interleave(const std::byte* p0, const std::byte* p1, const std::byte* p2, const std::byte* p3, word* to,
                 std::int32_t quads) {
  const std::byte* const rows[4] = {p0, p1, p2, p3};
  for (std::int32_t k = 0; k < quads; ++k, to += 8)
    for (int p = 0; p < 4; ++p) {
      const word v = load_word(rows[p] + 4 * k);
      to[p] = even_bytes<Signed>(v);
      to[4 + p] = odd_bytes<Signed>(v);
    }
  return to;
}

#endif

}  // namespace qnnx::inline QNNX_ABI::kernel::dsp
