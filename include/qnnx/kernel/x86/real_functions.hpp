// SPDX-License-Identifier: Apache-2.0
#pragma once
// Functions of vectors of doubles for kernels that round to float at the end: relative errors below 2^-28 (exp 2^-41), so a
// float result differs from the reference's by one unit in the last place at most, and only where the value lies that
// close to a tie.
//   exp          x = (16 i + j) ln 2 / 16 + r, |r| <= 0.0217: 2^i * 2^(j/16) * Taylor series of e^r to r^5
//   normal_tail  probability above a >= 0: e^(-a^2/2) t P(t), t = 5 / (5 + a); P interpolates at the 14 Chebyshev nodes
//                of a in [0, 15] (computed with 40 digits; largest relative error there 2^-39)
//   erf          the Taylor series below 3/4; 1 - 2 normal_tail(x sqrt 2) above, where that loses no more than a bit
// On vectors of floats: float_functions.hpp. V: vectors of vectors_avx2.hpp or vectors_avx512.hpp; the same bits of both. Layer 5a.

#include "qnnx/kernel/x86/vectors_avx2.hpp"
#include "qnnx/kernel/x86/vectors_avx512.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// p x^n + c_1 x^(n-1) + ... + c_n, written out: g++ -O2 leaves a loop over the constants a loop.
template <class V, class X, class... C>
QNNX_INLINE X horner(X p, X x, C... c) {
  ((p = V::fmadd(p, x, V::all(c))), ...);
  return p;
}

/// NaN stays NaN; out of range gives 0 or infinity.
template <class V>
QNNX_INLINE typename V::doubles exp_vector(typename V::doubles x) {
  using doubles = typename V::doubles;
  static constexpr double roots[] = {
      0x1.0000000000000p+0, 0x1.0b5586cf9890fp+0, 0x1.172b83c7d517bp+0, 0x1.2387a6e756238p+0,
      0x1.306fe0a31b715p+0, 0x1.3dea64c123422p+0, 0x1.4bfdad5362a27p+0, 0x1.5ab07dd485429p+0,
      0x1.6a09e667f3bcdp+0, 0x1.7a11473eb0187p+0, 0x1.8ace5422aa0dbp+0, 0x1.9c49182a3f090p+0,
      0x1.ae89f995ad3adp+0, 0x1.c199bdd85529cp+0, 0x1.d5818dcfba487p+0, 0x1.ea4afa2a490dap+0};
  x = V::min(V::all(1000.0), V::max(V::all(-1000.0), x));  // of a NaN the second: NaN
  const doubles magic = V::all(0x1.8p52);                  // the sum's last bits are the integer
  const doubles sum = V::fmadd(x, V::all(0x1.71547652b82fep+4), magic);
  const doubles k = V::sub(sum, magic);
  const doubles r = V::fnmadd(k, V::all(0x1.62e42fefa39efp-5), x);
  doubles p = V::all(1.0 / 120);
  p = horner<V>(p, r, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0);
  return V::times_power(V::mul(p, V::pick16(roots, sum)), V::mul(k, V::all(1.0 / 16)));  // takes the floor
}
/// e^x - 1: a series where the difference would cancel.
template <class V>
QNNX_INLINE typename V::doubles expm1_vector(typename V::doubles x) {
  typename V::doubles p = V::all(1.0 / 720);
  p = horner<V>(p, x, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0);
  const auto small = V::template compare<_CMP_LT_OQ>(V::abs(x), V::all(0x1p-7));
  return V::select(small, V::mul(p, x), V::sub(exp_vector<V>(x), V::all(1.0)));
}
/// Probability of a standard normal variable above a >= 0; e^(-a^2/2) is given.
template <class V>
QNNX_INLINE typename V::doubles normal_tail(typename V::doubles a, typename V::doubles bell) {
  using doubles = typename V::doubles;
  const doubles five = V::all(5.0);
  const doubles t = V::div(five, V::add(five, a));
  constexpr double series[] = {0x1.46d0cecfea3b0p-4, 0x1.46bfad6bf8123p-4,  0x1.3aa3214111686p-4, 0x1.18169647ba405p-4,
                               0x1.2473af7a14320p-4, 0x1.009c89d2c6131p-7,  0x1.4c5f89f987630p-3, -0x1.005d8c380eba6p-2,
                               0x1.e10a32a7cbf80p-2, -0x1.15e10531f8dc4p-1, 0x1.e431c4da98b1bp-2, -0x1.132b763f424f9p-2,
                               0x1.57679e6b78240p-4, -0x1.65de8ba18a7c2p-7};
  doubles p = V::all(series[13]);
#pragma GCC unroll 13
  for (int i = 12; i >= 0; --i) p = V::fmadd(p, t, V::all(series[i]));
  return V::mul(V::mul(p, t), bell);
}
template <class V>
QNNX_INLINE typename V::doubles erf_vector(typename V::doubles x) {
  using doubles = typename V::doubles;
  const doubles a = V::abs(x);
  const doubles square = V::mul(x, x);
  const doubles tail = normal_tail<V>(V::mul(a, V::all(0x1.6a09e667f3bcdp+0)), exp_vector<V>(V::negated(square)));
  const doubles far = V::fnmadd(V::all(2.0), tail, V::all(1.0));
  // 2 / sqrt(pi) * (-1)^n / (n! (2 n + 1)), n = 10 ... 0
  constexpr double two = 0x1.20dd750429b6dp+0;
  doubles p = V::all(two / 76204800);
  p = horner<V>(p, square, two / -6894720, two / 685440, two / -75600, two / 9360, two / -1320, two / 216, two / -42,
                         two / 10, two / -3, two);
  const auto near = V::template compare<_CMP_LT_OQ>(a, V::all(0.75));
  return V::select(near, V::mul(x, p), V::with_sign_of(far, x));
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
