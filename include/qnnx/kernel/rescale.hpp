// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sum of two quantized values with three encodings.
//   rne, half_up  q = clamp(zero + round((a * m0 + b * m1) / 2^shift)), a = q0 + offset0; m0, m1 fixed point with a
//                 common shift: 21 bits for 8-bit data (the sum fits int32), 40-bit products for 16-bit data (int64).
//   tflite        both inputs are shifted left by 20 (15 for 16 bit), scaled to twice the larger input scale, added,
//                 and scaled to the output, each with TFLite's double rounding (reference_ops::Add).
// Layer 5a. a and b already have their offsets added.

#include "qnnx/numeric/requantize.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

inline constexpr int add_constants_words = 7;  // m0, e0, m1, e1, mout, eout, shift

/// Bits of the largest fixed-point multiplier of the rne form.
constexpr int add_multiplier_bits(int bits) { return bits <= 8 ? 21 : 30; }

template <class Rounding>
constexpr void make_add_constants(float scale0, float scale1, float scale_out, int bits, Rounding r, std::int32_t* out) {
  const auto s0 = static_cast<double>(scale0);
  const auto s1 = static_cast<double>(scale1);
  const auto so = static_cast<double>(scale_out);
  for (int i = 0; i < add_constants_words; ++i) out[i] = 0;
  if (r.mode() == rounding_mode::tflite) {
    const int left = bits <= 8 ? 20 : 15;
    const double twice = 2.0 * (s0 > s1 ? s0 : s1);
    const multiplier a = split_q31(s0 / twice);
    const multiplier b = split_q31(s1 / twice);
    double one = 1.0;
    for (int i = 0; i < left; ++i) one *= 2.0;
    const multiplier o = split_q31(twice / (one * so));
    out[0] = a.mantissa;
    out[1] = a.exponent;
    out[2] = b.mantissa;
    out[3] = b.exponent;
    out[4] = o.mantissa;
    out[5] = o.exponent;
    out[6] = left;
    return;
  }
  // One step of an operand whose ratio is far above the other's leaves the output's range whatever the other is (an
  // attention mask of -10000, say): a smaller ratio gives the same results and leaves the other one its bits.
  double r0 = s0 / so;
  double r1 = s1 / so;
  const double steps = 2.0 * static_cast<double>(std::int64_t{1} << bits);
  if (r0 > (r1 + 1) * steps) r0 = (r1 + 1) * steps;
  else if (r1 > (r0 + 1) * steps) r1 = (r0 + 1) * steps;
  const double larger = r0 > r1 ? r0 : r1;
  int shift = 0;  // larger * 2^shift in [2^(k-1), 2^k)
  double scaled = larger;
  double top = 1.0;
  for (int i = 0; i < add_multiplier_bits(bits); ++i) top *= 2.0;
  while (scaled < top / 2 && shift < 60) {
    scaled *= 2.0;
    ++shift;
  }
  while (scaled >= top && shift > -8) {
    scaled /= 2.0;
    --shift;
  }
  double power = 1.0;
  for (int i = 0; i < shift; ++i) power *= 2.0;
  for (int i = 0; i > shift; --i) power /= 2.0;
  out[0] = static_cast<std::int32_t>(round_rne(r0 * power));
  out[2] = static_cast<std::int32_t>(round_rne(r1 * power));
  out[6] = shift;
}

template <class Rounding>
constexpr std::int32_t add_quantized(std::int32_t a, std::int32_t b, const std::int32_t* k, std::int32_t zero,
                                     std::int32_t lo, std::int32_t hi, int bits, Rounding r) {
  (void)bits;
  if (r.mode() == rounding_mode::tflite) {
    const std::int32_t x = a * (1 << k[6]);
    const std::int32_t y = b * (1 << k[6]);
    const std::int64_t sum = scale_accumulator(x, multiplier{k[0], k[1]}, r) + scale_accumulator(y, multiplier{k[2], k[3]}, r);
    return requantize(static_cast<std::int32_t>(sum), multiplier{k[4], k[5]}, zero, lo, hi, r);
  }
  const std::int64_t sum = static_cast<std::int64_t>(a) * k[0] + static_cast<std::int64_t>(b) * k[2];
  const int shift = k[6];
  std::int64_t q = 0;
  if (shift <= 0) q = sum * (std::int64_t{1} << -shift);
  else if (shift > 62) q = 0;
  else q = r.mode() == rounding_mode::half_up ? shift_right_half_up(sum, shift) : shift_right_rne(sum, shift);
  return static_cast<std::int32_t>(clamp<std::int64_t>(q + zero, lo, hi));
}

}  // namespace qnnx::inline QNNX_ABI::kernel
