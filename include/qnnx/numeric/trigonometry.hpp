// SPDX-License-Identifier: Apache-2.0
#pragma once
// sin, cos, atan, asin in double without libm, as numeric/math.hpp. Angles of any size are reduced exactly: the
// mantissa times the 192 bits of 2/pi that matter (M. Payne, R. Hanek, SIGNUM 18(1), 1983). Layer 1.

#include "qnnx/numeric/math.hpp"

namespace qnnx::inline QNNX_ABI::math {

namespace detail {
/// Bits of 2/pi behind the point, after 64 zero bits.
inline constexpr std::uint64_t two_over_pi[] = {
    0, 0xa2f9836e4e441529u, 0xfc2757d1f534ddc0u, 0xdb6295993c439041u, 0xfe5163abdebbc561u, 0xb7246e3a424dd2e0u,
    0x06492eea09d1921cu, 0xfe1deb1cb129a73eu, 0xe88235f52ebb4484u, 0xe99c7026b45f7e41u, 0x3991d639835339f4u,
    0x9c845f8bbdf9283bu, 0x1ff897ffde05980fu, 0xef2f118b5a0a6d1fu, 0x6d367ecf27cb09b7u, 0x4f463f669e5fea2du,
    0x7527bac7ebe5f17bu, 0x3d0739f78a5292eau, 0x6bfb5fb11f8d5d08u, 0x56033046fc7b6babu, 0xf0cfbc209af4361du};

struct wide {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;
};
constexpr wide multiply(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
  const std::uint64_t low = a0 * b0;
  const std::uint64_t mid = a1 * b0 + (low >> 32);
  const std::uint64_t cross = a0 * b1 + (mid & 0xffffffffu);
  return {a1 * b1 + (mid >> 32) + (cross >> 32), (cross << 32) | (low & 0xffffffffu)};
}

/// x = quadrant * pi/2 + (hi + lo), |hi| <= pi/4; quadrant modulo 4.
struct angle {
  int quadrant = 0;
  double hi = 0;
  double lo = 0;
};
constexpr angle reduce(double x) {
  const double ax = abs(x);
  if (ax <= 0.785) return {0, x, 0};
  const split m = take_apart(ax);
  const auto mantissa = static_cast<std::uint64_t>(m.mantissa * 4503599627370496.0);
  // Bits of 2/pi that make multiples of 4 drop out: 64 + (exponent - 52) - 2 bits of the table are skipped.
  const int skip = m.exponent + 10;
  const int word = skip / 64;
  const int bit = skip % 64;
  std::uint64_t w[3] = {};
  for (int i = 0; i < 3; ++i)
    w[i] = bit ? (two_over_pi[word + i] << bit) | (two_over_pi[word + i + 1] >> (64 - bit)) : two_over_pi[word + i];
  // The product modulo 2^192: two bits of quadrant, then the fraction of pi/2.
  const wide p1 = multiply(mantissa, w[1]);
  const wide p2 = multiply(mantissa, w[2]);
  const std::uint64_t middle = p1.lo + p2.hi;
  const std::uint64_t top = mantissa * w[0] + p1.hi + (middle < p1.lo ? 1 : 0);
  auto quadrant = static_cast<int>(top >> 62);
  std::uint64_t f0 = (top << 2) | (middle >> 62);
  std::uint64_t f1 = (middle << 2) | (p2.lo >> 62);
  const bool above = (f0 >> 63) != 0;  // nearer to the next quadrant: the fraction minus 1
  if (above) {
    f1 = ~f1;
    f0 = ~f0;
    ++quadrant;
  }
  // 128 bits of fraction as two doubles: the leading zeros are shifted out first.
  int zeros = 0;
  while (zeros < 64 && !(f0 >> 63)) {
    f0 = (f0 << 1) | (f1 >> 63);
    f1 <<= 1;
    ++zeros;
  }
  const double unit = power_of_two(-zeros);
  const double hi = static_cast<double>(f0 >> 11) * power_of_two(-53);
  const double lo = (static_cast<double>(f0 & 0x7ff) + static_cast<double>(f1 >> 11) * power_of_two(-53)) * power_of_two(-64);
  const pair p = exact_product(hi, 0x1.921fb54442d18p+0);
  const double rest = p.lo + hi * 0x1.1a62633145c07p-54 + lo * 0x1.921fb54442d18p+0;
  const pair sum = exact_sum(p.hi, rest);
  double sign = above ? -1.0 : 1.0;
  if (x < 0) {
    sign = -sign;
    quadrant = -quadrant;
  }
  return {quadrant & 3, sign * sum.hi * unit, sign * sum.lo * unit};
}
/// sin(hi + lo), |hi| <= pi/4.
constexpr double sin_series(double hi, double lo) {
  constexpr double c[] = {-1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800.0,
                          -1.0 / 1307674368000.0};
  const double z = hi * hi;
  double p = 1.0 / 355687428096000.0;
  for (int i = 6; i >= 0; --i) p = p * z + c[i];
  return hi + (hi * z * p + lo * (1.0 - 0.5 * z));
}
/// cos(hi + lo), |hi| <= pi/4.
constexpr double cos_series(double hi, double lo) {
  constexpr double c[] = {1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600, -1.0 / 87178291200.0,
                          1.0 / 20922789888000.0};
  const double z = hi * hi;
  double p = -1.0 / 6402373705728000.0;
  for (int i = 6; i >= 0; --i) p = p * z + c[i];
  const double half = 0.5 * z;
  const double w = 1.0 - half;
  return w + (((1.0 - w) - half) + (z * z * p - hi * lo));
}
}  // namespace detail

constexpr double sin(double x) {
  if (x == 0) return x;
  if (!(abs(x) < infinity)) return not_a_number;
  const detail::angle a = detail::reduce(x);
  const double v = (a.quadrant & 1) ? detail::cos_series(a.hi, a.lo) : detail::sin_series(a.hi, a.lo);
  return (a.quadrant & 2) ? -v : v;
}
constexpr double cos(double x) {
  if (!(abs(x) < infinity)) return not_a_number;
  const detail::angle a = detail::reduce(x);
  const double v = (a.quadrant & 1) ? detail::sin_series(a.hi, a.lo) : detail::cos_series(a.hi, a.lo);
  return ((a.quadrant + 1) & 2) ? -v : v;
}

/// atan(t) = atan(k/8) + atan((t - k/8) / (1 + t k/8)), k/8 nearest to t; above 1 by pi/2 - atan(1/t).
constexpr double atan(double x) {
  constexpr detail::pair eighths[] = {{0.0, 0.0},
                                      {0x1.fd5ba9aac2f6ep-4, -0x1.cd37686760c17p-59},
                                      {0x1.f5b75f92c80ddp-3, 0x1.8ab6e3cf7afbdp-57},
                                      {0x1.6f61941e4def1p-2, -0x1.c63aae6f6e918p-56},
                                      {0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56},
                                      {0x1.1e00babdefeb4p-1, -0x1.928df287a668fp-58},
                                      {0x1.4978fa3269ee1p-1, 0x1.2419a87f2a458p-56},
                                      {0x1.700a7c5784634p-1, -0x1.8c34d25aadef6p-56},
                                      {0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55}};
  if (is_nan(x)) return x;
  const double ax = abs(x);
  const double t = ax > 1 ? 1.0 / ax : ax;
  const auto k = static_cast<int>(t * 8 + 0.5);
  const double centre = k * 0.125;
  const double u = (t - centre) / (1.0 + t * centre);
  const double z = u * u;
  constexpr double odd[] = {1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17};
  double p = odd[7];
  for (int n = 6; n >= 0; --n) p = odd[n] - z * p;
  const double value = eighths[k].hi + (u + (eighths[k].lo - u * z * p));
  if (ax > 1) return copy_sign(0x1.921fb54442d18p+0 - (value - 0x1.1a62633145c07p-54), x);
  return copy_sign(value, x);
}
constexpr double asin(double x) {
  if (is_nan(x) || abs(x) > 1) return not_a_number;
  if (abs(x) == 1) return copy_sign(0x1.921fb54442d18p+0, x);
  return atan(x / sqrt((1.0 - x) * (1.0 + x)));
}

}  // namespace qnnx::inline QNNX_ABI::math
