// SPDX-License-Identifier: Apache-2.0
#pragma once
// From accumulator to output: q = clamp(zero + round(acc * M)).
//   rne, half_up  M is the float32 nearest to the real multiplier; acc * M is exact (24-bit mantissa times the
//                 accumulator), then one rounding.
//   tflite        M is a Q31 mantissa and a power of two made from a double; the product is rounded twice, as in
//                 TensorFlow Lite's MultiplyByQuantizedMultiplier (arXiv 1712.05877, section 2.2).
// Layer 1. Every optimized form must give these bits.

#include <bit>
#include <cstdint>

#include "qnnx/numeric/rounding.hpp"
#include "qnnx/numeric/saturate.hpp"

namespace qnnx::inline QNNX_ABI {

/// A real multiplier in the form that one rounding policy needs: value = mantissa * 2^exponent.
struct multiplier {
  std::int32_t mantissa = 0;  // rne, half_up: 24 bits; tflite: Q31, exponent counts from 2^-31
  std::int32_t exponent = 0;
};

/// mantissa (24 bits) and exponent of a finite positive float32; zero and negative values give zero.
constexpr multiplier split_float(float m) {
  const auto bits = std::bit_cast<std::uint32_t>(m);
  const auto e = static_cast<std::int32_t>((bits >> 23) & 0xff);
  if ((bits >> 31) || e == 0 || e == 0xff) return {};
  return {static_cast<std::int32_t>((bits & 0x7fffff) | 0x800000), e - 150};
}

/// Q31 form of a positive real, as TFLite's QuantizeMultiplier makes it.
constexpr multiplier split_q31(double m) {
  if (!(m > 0)) return {};
  const auto bits = std::bit_cast<std::uint64_t>(m);
  auto shift = static_cast<std::int32_t>((bits >> 52) & 0x7ff) - 1022;  // m = f * 2^shift, f in [0.5, 1)
  const std::uint64_t fraction = (bits & 0xfffffffffffffULL) | 0x10000000000000ULL;  // f * 2^53
  auto q = static_cast<std::int64_t>((fraction + (1ULL << 21)) >> 22);              // round(f * 2^31), half away
  if (q == (std::int64_t{1} << 31)) {
    q /= 2;
    ++shift;
  }
  if (shift < -31) return {};
  if (shift > 30) return {INT32_MAX, 30};
  return {static_cast<std::int32_t>(q), shift};
}

/// The multiplier for scale_in * scale_weight / scale_out under a policy. Scales are float32 > 0. From 2^40 on, where
/// one step of the input leaves any output range, all are 2^40: the quotient need not fit a float.
template <class Rounding>
constexpr multiplier make_multiplier(double real, Rounding r) {
  if (r.mode() == rounding_mode::tflite) return split_q31(real);
  constexpr double most = 1099511627776.0;
  return split_float(static_cast<float>(real < most ? real : most));
}

namespace detail {
/// round(a * b / 2^31): nearest, a tie away from zero for positive and toward zero for negative products; saturating
/// (gemmlowp's SaturatingRoundingDoublingHighMul).
constexpr std::int32_t doubling_high_mul(std::int32_t a, std::int32_t b) {
  if (a == INT32_MIN && b == INT32_MIN) return INT32_MAX;
  const std::int64_t ab = static_cast<std::int64_t>(a) * b;
  const std::int64_t nudge = ab >= 0 ? (std::int64_t{1} << 30) : 1 - (std::int64_t{1} << 30);
  return static_cast<std::int32_t>((ab + nudge) / (std::int64_t{1} << 31));
}
/// x / 2^exponent rounded to nearest, ties away from zero.
constexpr std::int32_t divide_by_power(std::int32_t x, int exponent) {
  if (exponent <= 0) return x;
  if (exponent > 31) return 0;
  const auto mask = static_cast<std::int32_t>((std::int64_t{1} << exponent) - 1);
  const std::int32_t remainder = x & mask;
  const std::int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return static_cast<std::int32_t>((static_cast<std::int64_t>(x) >> exponent) + (remainder > threshold ? 1 : 0));
}

inline constexpr std::int64_t widest_result = std::int64_t{1} << 60;  // stands for everything larger

/// x * 2^left, saturating at +-widest_result.
constexpr std::int64_t shift_left_saturating(std::int64_t x, int left) {
  if (x == 0) return 0;
  if (left > 60 || x > (widest_result >> left) || x < -(widest_result >> left))
    return x > 0 ? widest_result : -widest_result;
  return x * (std::int64_t{1} << left);
}

/// round(acc * mantissa / 2^shift) for any acc and 0 <= mantissa < 2^31: the product has up to 95 bits,
/// high * 2^32 + low. Saturates at +-widest_result.
constexpr std::int64_t scale_wide(std::int64_t acc, std::int32_t mantissa, int shift, bool half_up) {
  const std::int64_t low_product = static_cast<std::int64_t>(acc & 0xffffffff) * mantissa;
  const std::int64_t high = (acc >> 32) * mantissa + (low_product >> 32);
  const std::int64_t low = low_product & 0xffffffff;
  if (shift < 32) {  // |high| < 2^62: what does not fit is far outside every result range
    if (high >= (std::int64_t{1} << 30) || high < -(std::int64_t{1} << 30))
      return shift_left_saturating(high, 32 - (shift > 0 ? shift : 0));
    const std::int64_t product = high * (std::int64_t{1} << 32) + low;
    if (shift <= 0) return shift_left_saturating(product, -shift);
    return half_up ? shift_right_half_up(product, shift) : shift_right_rne(product, shift);
  }
  if (shift > 96) return 0;
  const int rest_bits = shift - 32;  // of high
  if (rest_bits >= 63) return 0;     // |acc * mantissa| < 2^94: less than half
  const std::int64_t floor = high >> rest_bits;
  const std::int64_t rest = high - floor * (std::int64_t{1} << rest_bits);  // with low: what is rounded off
  const std::int64_t half_high = rest_bits > 0 ? std::int64_t{1} << (rest_bits - 1) : 0;
  const std::int64_t half_low = rest_bits > 0 ? 0 : std::int64_t{1} << 31;
  const bool above = rest > half_high || (rest == half_high && low > half_low);
  const bool tie = rest == half_high && low == half_low;
  return floor + ((above || (tie && (half_up || (floor & 1)))) ? 1 : 0);
}
}  // namespace detail

/// round(acc * M) without zero point and clamp. tflite with 64-bit sums: TFLite's 16x8 path (multiplier reduced to 16
/// bits, one rounding, defined for |acc| < 2^47; larger sums saturate there).
template <class Acc, class Rounding>
constexpr std::int64_t scale_accumulator(Acc acc, multiplier m, Rounding r) {
  if (r.mode() == rounding_mode::tflite) {
    if constexpr (sizeof(Acc) > 4) {
      constexpr std::int64_t widest = std::int64_t{1} << 47;
      const std::int32_t reduced = m.mantissa < 0x7fff0000 ? ((m.mantissa + (1 << 15)) >> 16) : 0x7fff;
      const std::int64_t product = clamp<std::int64_t>(acc, -widest, widest) * reduced;
      const int shift = 15 - m.exponent;
      if (shift <= 0) return detail::shift_left_saturating(product, -shift);
      if (shift > 62) return 0;
      return (product + (std::int64_t{1} << (shift - 1))) >> shift;
    } else {
      const int left = m.exponent > 0 ? m.exponent : 0;
      const int right = m.exponent > 0 ? 0 : -m.exponent;
      const auto shifted = static_cast<std::int32_t>(static_cast<std::uint32_t>(acc) << left);
      return detail::divide_by_power(detail::doubling_high_mul(shifted, m.mantissa), right);
    }
  }
  const int shift = -m.exponent;
  const bool half_up = r.mode() == rounding_mode::half_up;
  constexpr std::int64_t narrow = std::int64_t{1} << 38;  // times 24 bits: at most 62
  if (shift > 0 && shift <= 62 && (sizeof(Acc) <= 4 || (acc > -narrow && acc < narrow))) {
    const std::int64_t product = static_cast<std::int64_t>(acc) * m.mantissa;
    return half_up ? shift_right_half_up(product, shift) : shift_right_rne(product, shift);
  }
  return detail::scale_wide(acc, m.mantissa, shift, half_up);
}

/// round(acc * M) as TFLite's fully-connected kernels have it: one rounding of the exact product with the full Q31
/// mantissa, ties toward +infinity, for 32- and 64-bit sums alike. Other policies: as scale_accumulator.
template <class Acc, class Rounding>
constexpr std::int64_t scale_accumulator_once(Acc acc, multiplier m, Rounding r) {
  if (r.mode() != rounding_mode::tflite) return scale_accumulator(acc, m, r);
  const int shift = 31 - m.exponent;
  if (shift > 0 && shift <= 62 && acc >= INT32_MIN && acc <= INT32_MAX)
    return shift_right_half_up(static_cast<std::int64_t>(acc) * m.mantissa, shift);
  return detail::scale_wide(acc, m.mantissa, shift, true);
}

/// clamp(zero + round(acc * M), lo, hi); zero = -offset.
template <class Acc, class Rounding>
constexpr std::int32_t requantize(Acc acc, multiplier m, std::int32_t zero, std::int32_t lo, std::int32_t hi,
                                  Rounding r) {
  return static_cast<std::int32_t>(clamp<std::int64_t>(scale_accumulator(acc, m, r) + zero, lo, hi));
}

}  // namespace qnnx::inline QNNX_ABI
