// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rounding written a second time: 128-bit integers, magnitudes and remainders instead of shifts and nudges.
#include <cmath>
#include <cstdint>

#include "qnnx/numeric/rounding.hpp"

namespace exact {

using qnnx::rounding_mode;
__extension__ using wide = __int128;

enum class tie { even, up, away, toward_zero };

/// numerator / denominator, denominator > 0, rounded to nearest.
inline wide divide(wide numerator, wide denominator, tie t) {
  const bool negative = numerator < 0;
  const wide magnitude = negative ? -numerator : numerator;
  wide whole = magnitude / denominator;
  const wide twice = 2 * (magnitude % denominator);
  if (twice > denominator) ++whole;
  if (twice == denominator) {
    if (t == tie::away) ++whole;
    if (t == tie::up && !negative) ++whole;
    if (t == tie::even && whole % 2 != 0) ++whole;
  }
  return negative ? -whole : whole;
}
/// value * 2^exponent; exponents of which nothing is left give 0, huge ones saturate at 2^100.
inline wide scale_by_power(wide value, int exponent, tie t) {
  if (value == 0) return 0;
  if (exponent < -120) return 0;
  if (exponent < 0) return divide(value, wide(1) << -exponent, t);
  const wide top = wide(1) << 100;
  for (int i = 0; i < exponent; ++i) {
    value *= 2;
    if (value > top) return top;
    if (value < -top) return -top;
  }
  return value;
}

/// acc * real under a policy, as the formulas in docs/reference/numerics_accumulate.md say.
inline wide scaled(std::int64_t acc, double real, rounding_mode mode, bool wide_sum) {
  if (mode != rounding_mode::tflite) {
    int e = 0;
    const float m = std::frexp(static_cast<float>(real), &e);
    const auto mantissa = static_cast<std::int64_t>(std::ldexp(m, 24));
    return scale_by_power(wide(acc) * mantissa, e - 24, mode == rounding_mode::rne ? tie::even : tie::up);
  }
  int shift = 0;
  const double f = std::frexp(real, &shift);
  auto q31 = static_cast<std::int64_t>(std::round(f * 2147483648.0));
  if (q31 == (std::int64_t{1} << 31)) q31 /= 2, ++shift;
  if (shift < -31) q31 = 0, shift = 0;
  if (wide_sum) {
    const std::int64_t q15 = q31 >= 0x7fff0000 ? 0x7fff : static_cast<std::int64_t>(divide(q31, 65536, tie::up));
    return scale_by_power(wide(acc) * q15, shift - 15, tie::up);
  }
  const wide first = wide(static_cast<std::int32_t>(static_cast<std::uint32_t>(acc) << (shift > 0 ? shift : 0))) * q31;
  const wide high = divide(first, wide(1) << 31, first >= 0 ? tie::away : tie::toward_zero);
  return shift < 0 ? divide(high, wide(1) << -shift, tie::away) : high;
}

/// TFLite's fully-connected layers: the full Q31 mantissa, one rounding, ties up. Other policies as above.
inline wide scaled_once(std::int64_t acc, double real, rounding_mode mode) {
  if (mode != rounding_mode::tflite) return scaled(acc, real, mode, false);
  int shift = 0;
  const auto q31 = static_cast<std::int64_t>(std::round(std::frexp(real, &shift) * 2147483648.0));
  return shift < -31 ? 0 : scale_by_power(wide(acc) * q31, shift - 31, tie::up);
}

inline std::int64_t clamped(wide q, std::int64_t lo, std::int64_t hi) {
  return static_cast<std::int64_t>(q < lo ? wide(lo) : (q > hi ? wide(hi) : q));
}

}  // namespace exact
