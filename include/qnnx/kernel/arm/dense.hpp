// SPDX-License-Identifier: Apache-2.0
#pragma once
// One row of 8-bit data times four channels of weights, each weight read once: an instruction a product.
// Two channels a and b share a 16-bit lane, 256 a + (b + 128), so that one dual multiply-add advances both:
//   mixed = sum lane * x = 256 A + B,  plain = sum (lane & 255) * x = B
//   A = (mixed - plain) / 256 (exact),  sum b x = B - 128 sum x
// 256 A must fit 32 bits: the packer checks the weights' magnitudes; any weights may be summed `chunk` elements at a
// time. Packed: per four elements k the words
// ab(k0, k2), ab(k1, k3), cd(k0, k2), cd(k1, k3), the lanes that data bytes extend to. Layer 5a.

#include "qnnx/kernel/arm/dsp.hpp"

namespace qnnx::inline QNNX_ABI::kernel::dsp {

/// Elements whose sums of products with 8-bit weights stay below 2^23: 2^15 (u8) or 2^14 (s8) each.
template <bool Signed>
inline constexpr std::int32_t chunk = Signed ? 508 : 252;

/// The lane of weights a and b.
constexpr std::uint16_t shared_lane(std::int32_t a, std::int32_t b) {
  return static_cast<std::uint16_t>(a * 256 + b + 128);
}

struct pair_sums {
  std::int32_t mixed[2] = {0, 0};  // channels a, b and c, d
  std::int32_t plain[2] = {0, 0};
};

/// The sum of channel a or c.
QNNX_INLINE word high_sum(const pair_sums& s, int pair) {
  return static_cast<word>(
      static_cast<std::int32_t>(static_cast<word>(s.mixed[pair]) - static_cast<word>(s.plain[pair])) >> 8);
}

/// Adds four elements; returns the end of their weights.
template <bool Signed>
const word* one_quad(const std::byte* x, const word* w, pair_sums& s) {
  const word v = load_word(x);
  for (int pair = 0; pair < 2; ++pair) {
    const word e = w[2 * pair], o = w[2 * pair + 1];
    s.mixed[pair] = smlad(o, odd_bytes<Signed>(v), smlad(e, even_bytes<Signed>(v), s.mixed[pair]));
    s.plain[pair] = smlad(uxtb16(o), odd_bytes<Signed>(v), smlad(uxtb16(e), even_bytes<Signed>(v), s.plain[pair]));
  }
  return w + 4;
}

#if QNNX_HAS_DSP_INSTRUCTIONS

#define QNNX_DENSE_QUAD(EXTEND)                                               \
  "ldr %[e], [%[x]], #4\n\t"                                                  \
  "ldmia %[w]!, {r4, r5, r6, r8}\n\t" EXTEND " %[o], %[e], ror #8\n\t" EXTEND \
  " %[e], %[e]\n\t"                                                           \
  "smlad %[m0], r4, %[e], %[m0]\n\t"                                          \
  "uxtb16 r4, r4\n\t"                                                         \
  "smlad %[m1], r6, %[e], %[m1]\n\t"                                          \
  "uxtb16 r6, r6\n\t"                                                         \
  "smlad %[p0], r4, %[e], %[p0]\n\t"                                          \
  "smlad %[p1], r6, %[e], %[p1]\n\t"                                          \
  "smlad %[m0], r5, %[o], %[m0]\n\t"                                          \
  "uxtb16 r5, r5\n\t"                                                         \
  "smlad %[m1], r8, %[o], %[m1]\n\t"                                          \
  "uxtb16 r8, r8\n\t"                                                         \
  "smlad %[p0], r5, %[o], %[p0]\n\t"                                          \
  "smlad %[p1], r8, %[o], %[p1]\n\t"
#define QNNX_DENSE_LOOP(EXTEND) \
  asm volatile(                                                                                                   \
      "b 2f\n"                                                                                                    \
      "1:\n\t" QNNX_DENSE_QUAD(EXTEND) "subs %[n], %[n], #1\n"                                                    \
      "2:\n\t"                                                                                                    \
      "tst %[n], #3\n\t"                                                                                          \
      "bne 1b\n\t"                                                                                                \
      "cmp %[n], #0\n\t"                                                                                          \
      "beq 4f\n"                                                                                                  \
      "3:\n\t" QNNX_DENSE_QUAD(EXTEND) QNNX_DENSE_QUAD(EXTEND) QNNX_DENSE_QUAD(EXTEND) QNNX_DENSE_QUAD(EXTEND)    \
      "subs %[n], %[n], #4\n\t"                                                                                   \
      "bne 3b\n"                                                                                                  \
      "4:\n"                                                                                                      \
      : [m0] "+r"(m0), [m1] "+r"(m1), [p0] "+r"(p0), [p1] "+r"(p1), [x] "+r"(x), [w] "+r"(w), [n] "+r"(quads),    \
        [e] "=&r"(e), [o] "=&r"(o)                                                                                \
      :                                                                                                           \
      : "r4", "r5", "r6", "r8", "cc", "memory")

/// Adds 4 * quads elements, quads > 0; returns the end of the weights.
template <bool Signed>
QNNX_INLINE const word* four_channels(const std::byte* x, const word* w, std::int32_t quads, pair_sums& s) {
  std::int32_t m0 = s.mixed[0], m1 = s.mixed[1], p0 = s.plain[0], p1 = s.plain[1];
  word e, o;
  if constexpr (Signed)
    QNNX_DENSE_LOOP("sxtb16");
  else
    QNNX_DENSE_LOOP("uxtb16");
  s = {{m0, m1}, {p0, p1}};
  return w;
}
#undef QNNX_DENSE_LOOP
#undef QNNX_DENSE_QUAD

#else

template <bool Signed>
const word* four_channels(const std::byte* x, const word* w, std::int32_t quads, pair_sums& s) {
  for (; quads > 0; --quads, x += 4) w = one_quad<Signed>(x, w, s);
  return w;
}

#endif

/// The sum of n bytes.
template <bool Signed>
std::int32_t sum_bytes(const std::byte* x, std::int32_t n) {
  constexpr word ones = 0x00010001u;
  std::int32_t sum = 0;
  for (; n >= 4; n -= 4, x += 4) {
    const word v = load_word(x);
    sum = smlad(odd_bytes<Signed>(v), ones, smlad(even_bytes<Signed>(v), ones, sum));
  }
  for (; n > 0; --n, ++x) sum += Signed ? static_cast<std::int8_t>(*x) : static_cast<std::int32_t>(*x);
  return sum;
}

}  // namespace qnnx::inline QNNX_ABI::kernel::dsp
