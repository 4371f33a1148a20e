// SPDX-License-Identifier: Apache-2.0
#pragma once
// Functions of 8 doubles for kernels that round to float at the end: relative errors below 2^-44, so a float result
// differs from the reference's by one unit in the last place at most, and only where the value lies that close to a tie.
//   exp        x = k ln 2 + r, Taylor series of e^r to r^13 (|r| <= 0.347: the rest is below 2^-52), times 2^k
//   normal_cdf the Taylor series of numeric/error_function.hpp around the nearest quarter
// Layer 5a.

#include "qnnx/numeric/error_function.hpp"

#if QNNX_HAS_AVX512VNNI
#include <immintrin.h>

namespace qnnx::inline QNNX_ABI::kernel::x86 {

QNNX_INLINE __m512d negated(__m512d x) { return _mm512_castsi512_pd(_mm512_xor_si512(_mm512_castpd_si512(x), _mm512_set1_epi64(INT64_MIN))); }
QNNX_INLINE __m512d magnitude(__m512d x) { return _mm512_castsi512_pd(_mm512_and_si512(_mm512_castpd_si512(x), _mm512_set1_epi64(INT64_MAX))); }

/// NaN stays NaN; out of range gives 0 or infinity.
QNNX_INLINE __m512d exp_vector(__m512d x) {
  x = _mm512_min_pd(_mm512_set1_pd(1000.0), _mm512_max_pd(_mm512_set1_pd(-1000.0), x));  // of a NaN the second: NaN
  const __m512d k = _mm512_roundscale_pd(_mm512_mul_pd(x, _mm512_set1_pd(0x1.71547652b82fep+0)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512d r = _mm512_fnmadd_pd(k, _mm512_set1_pd(0x1.62e42fefa39efp-1), x);
  r = _mm512_fnmadd_pd(k, _mm512_set1_pd(0x1.abc9e3b39803fp-56), r);
  constexpr double inverse_factorial[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                                          1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       0.5,          1.0,         1.0};
  __m512d p = _mm512_set1_pd(inverse_factorial[0]);
#pragma GCC unroll 13
  for (int i = 1; i < 14; ++i) p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(inverse_factorial[i]));
  return _mm512_scalef_pd(p, k);
}
QNNX_INLINE __m512d sigmoid_vector(__m512d x) {
  const __m512d one = _mm512_set1_pd(1.0);
  return _mm512_div_pd(one, _mm512_add_pd(one, exp_vector(negated(x))));
}
/// e^x - 1: a series where the difference would cancel.
QNNX_INLINE __m512d expm1_vector(__m512d x) {
  const __m512d one = _mm512_set1_pd(1.0);
  __m512d p = _mm512_set1_pd(1.0 / 720);
  for (const double c : {1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0}) p = _mm512_fmadd_pd(p, x, _mm512_set1_pd(c));
  const __mmask8 small = _mm512_cmp_pd_mask(magnitude(x), _mm512_set1_pd(0x1p-7), _CMP_LT_OQ);
  return _mm512_mask_mul_pd(_mm512_sub_pd(exp_vector(x), one), small, p, x);
}
QNNX_INLINE __m512d tanh_vector(__m512d x) {
  const __m512d two = _mm512_set1_pd(2.0);
  const __m512d m = expm1_vector(_mm512_mul_pd(two, _mm512_min_pd(_mm512_set1_pd(300.0), magnitude(x))));
  const __m512d t = _mm512_div_pd(m, _mm512_add_pd(m, two));
  const __m512i sign = _mm512_and_si512(_mm512_castpd_si512(x), _mm512_set1_epi64(INT64_MIN));
  // min_pd loses a NaN: it comes back here
  return _mm512_mask_mov_pd(_mm512_castsi512_pd(_mm512_or_si512(_mm512_castpd_si512(t), sign)), _mm512_cmp_pd_mask(x, x, _CMP_UNORD_Q), x);
}
/// Probability of a standard normal variable below x. Lanes of `far` (x < -7) are not defined.
QNNX_INLINE __m512d normal_cdf_vector(__m512d x, __mmask8& far) {
  far = _mm512_cmp_pd_mask(x, _mm512_set1_pd(-7.0), _CMP_LT_OQ);
  const __m512d z = _mm512_mul_pd(x, _mm512_set1_pd(-0x1.6a09e667f3bcdp-1));  // 0.5 erfc(z)
  const __m512d a = _mm512_min_pd(magnitude(z), _mm512_set1_pd(5.0));         // beyond, 1 - cdf is below 2^-39
  const __m512d whole = _mm512_roundscale_pd(_mm512_mul_pd(a, _mm512_set1_pd(4.0)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512d c = _mm512_mul_pd(whole, _mm512_set1_pd(0.25));
  const __m512i at = _mm512_slli_epi64(_mm512_cvtpd_epi64(whole), 1);
  const auto* table = &math::detail::erfc_quarters[0].value;
  const __m512d value = _mm512_i64gather_pd(at, table, 8);
  __m512d g = _mm512_i64gather_pd(at, table + 1, 8);
  const __m512d h = _mm512_sub_pd(a, c);
  __m512d before = _mm512_setzero_pd();
  __m512d power = h;
  __m512d sum = _mm512_setzero_pd();
  for (int n = 0; n < 15; ++n) {
    const __m512d scale = _mm512_set1_pd(1.0 / (n + 1));
    sum = _mm512_fmadd_pd(_mm512_mul_pd(g, power), scale, sum);
    const __m512d next = _mm512_mul_pd(_mm512_fmadd_pd(c, g, before), _mm512_set1_pd(-2.0 / (n + 1)));
    before = g;
    g = next;
    power = _mm512_mul_pd(power, h);
  }
  const __m512d tail = _mm512_sub_pd(value, sum);
  const __mmask8 below = _mm512_movepi64_mask(_mm512_castpd_si512(z));
  return _mm512_mul_pd(_mm512_set1_pd(0.5), _mm512_mask_sub_pd(tail, below, _mm512_set1_pd(2.0), tail));
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
