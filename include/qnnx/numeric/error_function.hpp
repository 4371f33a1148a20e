// SPDX-License-Identifier: Apache-2.0
#pragma once
// erf, erfc and the normal distribution in double without libm, as numeric/math.hpp. Below 5: Taylor series around
// the nearest quarter c, with g = 2/sqrt(pi) e^-x^2 and its recurrence g[n+1] = -2 (c g[n] + g[n-1]) / (n+1); above:
// a continued fraction (NIST DLMF 7.9.4). Layer 1.

#include "qnnx/numeric/math.hpp"

namespace qnnx::inline QNNX_ABI::math {

namespace detail {
struct erfc_point {
  double value;  // erfc(k/4)
  double slope;  // 2/sqrt(pi) e^-(k/4)^2
};
inline constexpr erfc_point erfc_quarters[] = {
    {0x1.0000000000000p+0, 0x1.20dd750429b6dp+0},   {0x1.728558ee694fcp-1, 0x1.0f5d1602f7e41p+0},
    {0x1.eb02147ce245cp-2, 0x1.c1efca49a5011p-1},   {0x1.27c6d14c5e341p-2, 0x1.492e42d78d2c5p-1},
    {0x1.4226162fbddd5p-3, 0x1.a911f096fbc26p-2},   {0x1.3bcd133aa0ffcp-4, 0x1.e4652fadcb6b2p-3},
    {0x1.15aaa8ec85205p-5, 0x1.e723726b824a9p-4},   {0x1.b4be201caa4b4p-7, 0x1.b055303221015p-5},
    {0x1.328f5ec350e67p-8, 0x1.529b9e8cf9a1ep-6},   {0x1.7f713f9cc9784p-10, 0x1.d4143a9dfe965p-8},
    {0x1.aab859b20ac9ep-12, 0x1.1d83170fbf6fbp-9},  {0x1.a609f7584d32bp-14, 0x1.3360ccd23db3ap-11},
    {0x1.729df6503422ap-16, 0x1.2408e9ba3327fp-13}, {0x1.20c1303550f0ep-18, 0x1.e9b5e8d00ce77p-16},
    {0x1.8ef2a9a18d857p-21, 0x1.6a597219a93dap-18}, {0x1.e87470e4f4246p-24, 0x1.d9371e2ff7c35p-21},
    {0x1.08ddd13bd35e7p-26, 0x1.10b1488aeb235p-23}, {0x1.fcae93fb7323cp-30, 0x1.155a09065d4f7p-26},
    {0x1.b05cfe2e99435p-33, 0x1.f1e3523b41d7dp-30}, {0x1.453141082302ap-36, 0x1.8a61745ec7d1dp-33},
    {0x1.b0c1a759f7739p-40, 0x1.13af4f04f9998p-36}};

/// erf(x) - erf(k/4), k/4 the quarter nearest to x in [0, 5].
constexpr double erf_step(double x, int k) {
  const double c = k * 0.25;
  const double h = x - c;
  double before = 0;
  double g = erfc_quarters[k].slope;
  double power = h;
  double sum = 0;
  for (int n = 0; n < 20; ++n) {
    sum += g * power / (n + 1);
    const double next = -2.0 * (c * g + before) / (n + 1);
    before = g;
    g = next;
    power *= h;
  }
  return sum;
}
/// erfc(x), x > 5: e^-x^2 / sqrt(pi) / (x + (1/2)/(x + (2/2)/(x + (3/2)/(x + ...)))).
constexpr double erfc_tail(double x) {
  if (x > 27.3) return 0.0;
  double f = x;
  for (int n = 24; n >= 1; --n) f = x + 0.5 * n / f;
  const pair square = exact_product(x, x);
  return exp_pair(-square.hi, -square.lo) * 0x1.20dd750429b6dp-1 / f;
}
}  // namespace detail

constexpr double erfc(double x) {
  if (is_nan(x)) return x;
  const double ax = abs(x);
  double tail = 0;
  if (ax > 5) {
    tail = detail::erfc_tail(ax);
  } else {
    const auto k = static_cast<int>(ax * 4 + 0.5);
    tail = detail::erfc_quarters[k].value - detail::erf_step(ax, k);
  }
  return x < 0 ? 2.0 - tail : tail;
}
constexpr double erf(double x) {
  if (is_nan(x) || x == 0) return x;
  const double ax = abs(x);
  if (ax > 6) return copy_sign(1.0, x);
  if (ax < 0.25) return detail::erf_step(x, 0);
  return copy_sign(1.0 - erfc(ax), x);
}
/// Probability of a standard normal variable below x.
constexpr double normal_cdf(double x) { return 0.5 * erfc(-x * 0x1.6a09e667f3bcdp-1); }

}  // namespace qnnx::inline QNNX_ABI::math
