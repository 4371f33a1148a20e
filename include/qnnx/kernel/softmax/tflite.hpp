// SPDX-License-Identifier: Apache-2.0
#pragma once
// The fixed-point exponential and reciprocal of TensorFlow Lite's 8-bit softmax (gemmlowp's definitions; arXiv
// 1712.05877, appendix): exp of a non-positive number with 5 integer bits as a Q31 value, and 1 / (1 + x). Raw int32
// throughout; "Qn" has n integer bits. Layer 5a.

#include "qnnx/numeric/requantize.hpp"

namespace qnnx::inline QNNX_ABI::kernel::tflite {

constexpr std::int32_t mul(std::int32_t a, std::int32_t b) { return qnnx::detail::doubling_high_mul(a, b); }
constexpr std::int32_t shift_right(std::int32_t x, int n) { return qnnx::detail::divide_by_power(x, n); }
/// x * 2^n, saturated.
constexpr std::int32_t shift_left(std::int32_t x, int n) {
  return saturate<std::int32_t>(static_cast<std::int64_t>(x) * (std::int64_t{1} << n));
}
constexpr std::int32_t wrap_add(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}

/// exp(a), a in [-1/4, 0) as Q0: a polynomial of degree 4 about -1/8.
constexpr std::int32_t exp_small(std::int32_t a) {
  constexpr std::int32_t exp_eighth = 1895147668;  // exp(-1/8)
  constexpr std::int32_t third = 715827883;
  const std::int32_t x = a + (1 << 28);
  const std::int32_t x2 = mul(x, x);
  const std::int32_t x3 = mul(x2, x);
  const std::int32_t x4 = mul(x2, x2);
  const std::int32_t x4_quarter = shift_right(x4, 2);
  const std::int32_t tail = shift_right(mul(x4_quarter + x3, third) + x2, 1);
  return wrap_add(exp_eighth, mul(exp_eighth, x + tail));
}

/// exp(a), a <= 0 as Q5; result Q0.
constexpr std::int32_t exp_negative(std::int32_t a) {
  if (a == 0) return INT32_MAX;
  constexpr int fraction = 26;
  constexpr std::int32_t quarter = 1 << (fraction - 2);
  const std::int32_t mod = (a & (quarter - 1)) - quarter;
  std::int32_t result = exp_small(shift_left(mod, 5));
  const std::int32_t remainder = mod - a;
  constexpr std::int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};  // exp(-2^k)
  for (int k = -2; k <= 4; ++k)
    if (remainder & (1 << (fraction + k))) result = mul(result, factors[k + 2]);
  return result;
}

/// 1 / (1 + x), x in [0, 1) as Q0, by three Newton steps; result Q0.
constexpr std::int32_t one_over_one_plus(std::int32_t x) {
  const auto half_denominator = static_cast<std::int32_t>((static_cast<std::int64_t>(x) + INT32_MAX + 1) / 2);
  std::int32_t r = wrap_add(1515870810, mul(half_denominator, -1010580540));  // 48/17 - 32/17 d, Q2
  for (int i = 0; i < 3; ++i) {
    const std::int32_t rest = (1 << 29) - mul(half_denominator, r);
    r = wrap_add(r, shift_left(mul(r, rest), 2));
  }
  return shift_left(r, 1);
}

struct reciprocal {
  std::int32_t value = 0;  // Q0
  int over_unit = 0;       // the true value is value * 2^-over_unit
};
/// 1 / x for x with 12 integer bits.
constexpr reciprocal invert(std::int32_t x) {
  int zeros = 0;
  for (std::uint32_t u = static_cast<std::uint32_t>(x); zeros < 32 && !(u & 0x80000000u); u <<= 1) ++zeros;
  const auto shifted = static_cast<std::int32_t>((static_cast<std::uint32_t>(x) << zeros) - (1u << 31));
  return {one_over_one_plus(shifted), 12 - zeros};
}

}  // namespace qnnx::inline QNNX_ABI::kernel::tflite
