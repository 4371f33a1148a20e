// SPDX-License-Identifier: Apache-2.0
#pragma once
// Real functions in double without libm, usable in constant expressions: the same bits on every target, at compile
// time and at run time. Within 3e-15 relative of the true value (test/kernels_elementwise/math_test.cpp); special
// values as in IEEE 754. exp, log: argument reduction by ln 2 and a series; pow: logarithm to 100 bits; sqrt: Newton
// steps and one exact correction. Layer 1. Angles are in numeric/trigonometry.hpp, erf in numeric/error_function.hpp.

#include <bit>
#include <cstdint>
#include <limits>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI::math {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

constexpr bool is_nan(double x) { return !(x == x); }
constexpr bool is_negative(double x) { return (std::bit_cast<std::uint64_t>(x) >> 63) != 0; }
constexpr double abs(double x) { return std::bit_cast<double>(std::bit_cast<std::uint64_t>(x) & 0x7fffffffffffffffu); }
constexpr double copy_sign(double x, double sign) {
  return std::bit_cast<double>((std::bit_cast<std::uint64_t>(x) & 0x7fffffffffffffffu) |
                               (std::bit_cast<std::uint64_t>(sign) & 0x8000000000000000u));
}
constexpr double trunc(double x) {
  if (!(abs(x) < 4503599627370496.0)) return x;
  return copy_sign(static_cast<double>(static_cast<std::int64_t>(x)), x);
}
constexpr double floor(double x) {
  const double t = trunc(x);
  return t > x ? t - 1.0 : t;
}
constexpr double ceil(double x) {
  const double t = trunc(x);
  return t < x ? copy_sign(t + 1.0, x) : t;
}
/// Nearest integer, ties to even.
constexpr double round_even(double x) {
  if (!(abs(x) < 4503599627370496.0)) return x;
  const double magic = copy_sign(4503599627370496.0, x);
  return copy_sign((x + magic) - magic, x);
}

namespace detail {
/// A sum of two doubles that do not overlap: some 106 bits.
struct pair {
  double hi = 0;
  double lo = 0;
};
constexpr pair exact_sum(double a, double b) {
  const double s = a + b;
  const double t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}
constexpr pair exact_product(double a, double b) {
  constexpr double cut = 134217729.0;  // 2^27 + 1
  const double ca = cut * a;
  const double cb = cut * b;
  const double ah = ca - (ca - a);
  const double bh = cb - (cb - b);
  const double al = a - ah;
  const double bl = b - bh;
  const double p = a * b;
  return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}
/// x = mantissa * 2^exponent with mantissa in [1, 2); x finite, positive.
struct split {
  double mantissa = 1;
  int exponent = 0;
};
constexpr split take_apart(double x) {
  int base = 1023;
  if (x < std::numeric_limits<double>::min()) {
    x *= 18014398509481984.0;  // 2^54: a subnormal becomes normal
    base += 54;
  }
  const auto u = std::bit_cast<std::uint64_t>(x);
  return {std::bit_cast<double>((u & 0xfffffffffffffu) | 0x3ff0000000000000u), static_cast<int>((u >> 52) & 0x7ff) - base};
}
/// 2^n for a normal result.
constexpr double power_of_two(int n) { return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52); }
/// x * 2^n for x in [0.25, 4) and -1100 < n < 1025 where the result is finite; one rounding, below the normal range.
constexpr double scale(double x, int n) {
  if (n > 1000) return x * power_of_two(n - 60) * power_of_two(60);
  if (n < -1000) return x * power_of_two(n + 120) * power_of_two(-120);
  return x * power_of_two(n);
}

inline constexpr double ln2_hi = 0x1.62e42fee00000p-1;  // 32 bits: times an exponent it is exact
inline constexpr double ln2_lo = 0x1.a39ef35793c76p-33;

/// e^r - 1 for |r| < 0.36.
constexpr double expm1_series(double r) {
  constexpr double c[] = {1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880,
                          1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
  double p = 1.0 / 87178291200.0;
  for (int i = 11; i >= 0; --i) p = p * r + c[i];
  return r + r * r * p;
}
/// 1/First + z/(First + 2) + z^2/(First + 4) + ..., z = s^2, First 3 or 5: log((1 + s) / (1 - s)) =
/// 2 s + 2 s^3 (1/3 + z/5 + ...), |s| < 0.18.
template <int First = 3>
constexpr double log_tail(double z) {
  constexpr double odd[] = {1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11, 1.0 / 13, 1.0 / 15,
                            1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23, 1.0 / 25, 1.0 / 27};
  double p = 0;
  for (int k = 11 + First / 5; k >= First / 5; --k) p = p * z + odd[k];
  return p;
}
/// log of a finite positive number as a pair.
constexpr pair log_pair(double x) {
  split m = take_apart(x);
  if (m.mantissa > 0x1.6a09e667f3bcdp+0) {  // to [sqrt(1/2), sqrt(2)]
    m.mantissa /= 2;
    ++m.exponent;
  }
  // s = (m - 1) / (m + 1) to twice the precision: m - 1 is exact, m + 1 is a pair.
  const double n = m.mantissa - 1.0;
  const pair d = exact_sum(m.mantissa, 1.0);
  const double s = n / d.hi;
  const pair back = exact_product(s, d.hi);
  const double s_lo = (((n - back.hi) - back.lo) - s * d.lo) / d.hi;
  // 2 s^3 / 3 as a pair, the rest of the series as a double.
  const pair z = exact_product(s, s);
  const double z_lo = z.lo + 2 * s * s_lo;
  const pair cube = exact_product(z.hi, s);
  const double cube_lo = cube.lo + z.hi * s_lo + z_lo * s;
  const pair third = exact_product(cube.hi, 0x1.5555555555555p-1);
  const double third_lo = third.lo + cube.hi * 0x1.5555555555555p-55 + cube_lo * 0x1.5555555555555p-1;
  const double rest = 2 * cube.hi * z.hi * log_tail<5>(z.hi);
  const pair small = exact_sum(2 * s, third.hi);
  const auto e = static_cast<double>(m.exponent);
  const pair sum = exact_sum(e * ln2_hi, small.hi);
  return exact_sum(sum.hi, sum.lo + (small.lo + (2 * s_lo + third_lo + rest + e * ln2_lo)));
}
/// e^(hi + lo) for |lo| far below 1; finite arguments.
constexpr double exp_pair(double hi, double lo) {
  if (hi > 709.8) return infinity;
  if (hi < -745.2) return 0.0;
  const auto k = static_cast<int>(round_even(hi * 0x1.71547652b82fep+0));
  const double r_hi = hi - k * ln2_hi;
  const double r_lo = lo - k * ln2_lo;
  const pair r = exact_sum(r_hi, r_lo);
  const double m = expm1_series(r.hi);
  const double value = 1.0 + (m + r.lo * (1.0 + m));
  if (k == 1024 && value >= 1.0) return infinity;
  return scale(value, k);
}
}  // namespace detail

constexpr double exp(double x) {
  if (is_nan(x)) return x;
  return detail::exp_pair(x, 0.0);
}
constexpr double expm1(double x) {
  if (is_nan(x) || x == 0) return x;
  if (abs(x) < 0.35) return detail::expm1_series(x);
  return x < -40 ? -1.0 : exp(x) - 1.0;
}
constexpr double log(double x) {
  if (is_nan(x) || x == infinity) return x;
  if (x < 0) return not_a_number;
  if (x == 0) return -infinity;
  detail::split m = detail::take_apart(x);
  if (m.mantissa > 0x1.6a09e667f3bcdp+0) {
    m.mantissa /= 2;
    ++m.exponent;
  }
  const double s = (m.mantissa - 1.0) / (m.mantissa + 1.0);
  const auto e = static_cast<double>(m.exponent);
  return e * detail::ln2_hi + (2 * s + (2 * s * s * s * detail::log_tail(s * s) + e * detail::ln2_lo));
}
constexpr double log1p(double x) {
  if (is_nan(x) || abs(x) < 1e-20 || x == infinity) return x;
  if (x > -0.29 && x < 0.41) {
    const double s = x / (2.0 + x);
    return 2 * s + 2 * s * s * s * detail::log_tail(s * s);
  }
  if (x <= -1) return x == -1 ? -infinity : not_a_number;
  const double u = 1.0 + x;
  const double lost = abs(x) > 1 ? 1.0 - (u - x) : x - (u - 1.0);
  return log(u) + lost / u;
}

constexpr double sqrt(double x) {
  if (is_nan(x) || x == 0 || x == infinity) return x;
  if (x < 0) return not_a_number;
  detail::split m = detail::take_apart(x);
  if (m.exponent & 1) {
    m.mantissa *= 2;
    --m.exponent;
  }
  // y -> 1/sqrt(m): each step doubles the digits.
  double y = std::bit_cast<double>(0x5fe6eb50c7b537a9u - (std::bit_cast<std::uint64_t>(m.mantissa) >> 1));
  for (int i = 0; i < 4; ++i) y = y * (1.5 - 0.5 * m.mantissa * y * y);
  const double root = m.mantissa * y;
  const detail::pair square = detail::exact_product(root, root);
  const double best = root + ((m.mantissa - square.hi) - square.lo) * y * 0.5;
  return detail::scale(best, m.exponent / 2);
}
constexpr double rsqrt(double x) {
  if (x == 0) return copy_sign(infinity, x);
  return x == infinity ? 0.0 : 1.0 / sqrt(x);
}

/// x^y as C's pow.
constexpr double pow(double x, double y) {
  if (y == 0 || x == 1) return 1.0;
  if (is_nan(x) || is_nan(y)) return not_a_number;
  if (y == 1) return x;
  const double ax = abs(x);
  if (abs(y) == infinity) return ax == 1 ? 1.0 : ((ax > 1) == (y > 0) ? infinity : 0.0);
  const bool whole = trunc(y) == y;
  const bool odd = whole && abs(y) < 9007199254740992.0 && trunc(y / 2) * 2 != y;
  const double sign = odd && is_negative(x) ? -1.0 : 1.0;
  if (x == 0) return y < 0 ? sign * infinity : sign * 0.0;
  if (ax == infinity) return y < 0 ? sign * 0.0 : sign * infinity;
  if (x < 0 && !whole) return not_a_number;
  if (ax == 1) return sign;
  if (y == 0.5) return sqrt(x);
  if (y == 2 && ax < 1e150 && ax > 1e-150) return x * x;
  if (y == -1 && ax < 1e300 && ax > 1e-300) return 1.0 / x;
  const detail::pair l = detail::log_pair(ax);
  if (abs(y) > 1e20) return (l.hi > 0) == (y > 0) ? sign * infinity : sign * 0.0;
  const double estimate = y * l.hi;
  if (estimate > 710) return sign * infinity;
  if (estimate < -746) return sign * 0.0;
  const detail::pair p = detail::exact_product(y, l.hi);
  return sign * detail::exp_pair(p.hi, p.lo + y * l.lo);
}

constexpr double sigmoid(double x) {
  if (is_nan(x)) return x;
  const double e = exp(-abs(x));
  return is_negative(x) ? e / (1.0 + e) : 1.0 / (1.0 + e);
}
constexpr double tanh(double x) {
  if (is_nan(x) || x == 0) return x;
  if (abs(x) > 22) return copy_sign(1.0, x);
  const double m = expm1(2 * abs(x));
  return copy_sign(m / (m + 2.0), x);
}
/// log(1 + e^x).
constexpr double softplus(double x) {
  if (is_nan(x)) return x;
  return (x > 0 ? x : 0.0) + log1p(exp(-abs(x)));
}

/// x - y * trunc(x / y), exact, with the sign of x (C's fmod).
constexpr double fmod(double x, double y) {
  if (is_nan(x) || is_nan(y) || abs(x) == infinity || y == 0) return not_a_number;
  const double ax = abs(x);
  const double ay = abs(y);
  if (ax < ay) return x;
  const detail::split a = detail::take_apart(ax);
  const detail::split b = detail::take_apart(ay);
  const auto divisor = static_cast<std::uint64_t>(b.mantissa * 4503599627370496.0);
  std::uint64_t rest = static_cast<std::uint64_t>(a.mantissa * 4503599627370496.0) % divisor;
  for (int left = a.exponent - b.exponent; left > 0; left -= 11)  // 53 + 11 bits fit a word
    rest = (rest << (left < 11 ? left : 11)) % divisor;
  // rest < divisor, so the result is below y and rest * 2^(e - 52) is exact, in two steps.
  const int e = b.exponent - 52;
  const auto r = static_cast<double>(rest);
  const double value = e < -1000 ? r * detail::power_of_two(e + 200) * detail::power_of_two(-200) : r * detail::power_of_two(e);
  return copy_sign(value, x);
}
/// The remainder with the sign of y (Python's %).
constexpr double modulo(double x, double y) {
  const double r = fmod(x, y);
  if (r == 0) return copy_sign(0.0, y);
  if (is_nan(r) || is_negative(r) == is_negative(y)) return r;
  return abs(y) == infinity ? y : r + y;
}

}  // namespace qnnx::inline QNNX_ABI::math
