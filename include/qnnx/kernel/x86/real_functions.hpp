// SPDX-License-Identifier: Apache-2.0
#pragma once
// Functions of 8 doubles for kernels that round to float at the end: relative errors below 2^-28 (exp 2^-41), so a
// float result differs from the reference's by one unit in the last place at most, and only where the value lies that
// close to a tie.
//   exp          x = (16 i + j) ln 2 / 16 + r, |r| <= 0.0217: 2^i * 2^(j/16) * Taylor series of e^r to r^5
//   normal_tail  probability above a >= 0: e^(-a^2/2) t P(t), t = 5 / (5 + a); P interpolates at the 14 Chebyshev nodes
//                of a in [0, 15] (computed with 40 digits; largest relative error there 2^-39)
//   erf          the Taylor series below 3/4; 1 - 2 normal_tail(x sqrt 2) above, where that loses no more than a bit
// And of 16 floats, for GELU, Sigmoid, Tanh and Softmax: within 8 units in the last place of the exact value (5.4 found
// on 300,000 points of GELU in [-13, 6]):
//   exp          x = k ln 2 + r in two steps, a polynomial of degree 7 (Cephes, expf)
//   tanh         x + x^3 P(x^2) below 0.625 (Cephes, tanhf), 1 - 2 / (e^2x + 1) above
//   gelu         as above with t = 3 / (3 + |x|), P of degree 10; the rounding of x^2 / 2 comes back as a factor
// Layer 5a.

#include "qnnx/numeric/error_function.hpp"

#if QNNX_HAS_AVX512VNNI
#include <immintrin.h>

namespace qnnx::inline QNNX_ABI::kernel::x86 {

QNNX_INLINE __m512d negated(__m512d x) {
  return _mm512_castsi512_pd(_mm512_xor_si512(_mm512_castpd_si512(x), _mm512_set1_epi64(INT64_MIN)));
}
QNNX_INLINE __m512d magnitude(__m512d x) {
  return _mm512_castsi512_pd(_mm512_and_si512(_mm512_castpd_si512(x), _mm512_set1_epi64(INT64_MAX)));
}

/// NaN stays NaN; out of range gives 0 or infinity.
QNNX_INLINE __m512d exp_vector(__m512d x) {
  constexpr double roots[] = {0x1.0000000000000p+0, 0x1.0b5586cf9890fp+0, 0x1.172b83c7d517bp+0, 0x1.2387a6e756238p+0,
                              0x1.306fe0a31b715p+0, 0x1.3dea64c123422p+0, 0x1.4bfdad5362a27p+0, 0x1.5ab07dd485429p+0,
                              0x1.6a09e667f3bcdp+0, 0x1.7a11473eb0187p+0, 0x1.8ace5422aa0dbp+0, 0x1.9c49182a3f090p+0,
                              0x1.ae89f995ad3adp+0, 0x1.c199bdd85529cp+0, 0x1.d5818dcfba487p+0, 0x1.ea4afa2a490dap+0};
  x = _mm512_min_pd(_mm512_set1_pd(1000.0), _mm512_max_pd(_mm512_set1_pd(-1000.0), x));  // of a NaN the second: NaN
  const __m512d magic = _mm512_set1_pd(0x1.8p52);  // the sum's last bits are the integer
  const __m512d sum = _mm512_fmadd_pd(x, _mm512_set1_pd(0x1.71547652b82fep+4), magic);
  const __m512d k = _mm512_sub_pd(sum, magic);
  const __m512d r = _mm512_fnmadd_pd(k, _mm512_set1_pd(0x1.62e42fefa39efp-5), x);
  __m512d p = _mm512_set1_pd(1.0 / 120);
  for (const double c : {1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0}) p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(c));
  const __m512d root =
      _mm512_permutex2var_pd(_mm512_loadu_pd(roots), _mm512_castpd_si512(sum), _mm512_loadu_pd(roots + 8));
  return _mm512_scalef_pd(_mm512_mul_pd(p, root), _mm512_mul_pd(k, _mm512_set1_pd(1.0 / 16)));  // takes the floor
}
/// e^x - 1: a series where the difference would cancel.
QNNX_INLINE __m512d expm1_vector(__m512d x) {
  const __m512d one = _mm512_set1_pd(1.0);
  __m512d p = _mm512_set1_pd(1.0 / 720);
  for (const double c : {1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0}) p = _mm512_fmadd_pd(p, x, _mm512_set1_pd(c));
  const __mmask8 small = _mm512_cmp_pd_mask(magnitude(x), _mm512_set1_pd(0x1p-7), _CMP_LT_OQ);
  return _mm512_mask_mul_pd(_mm512_sub_pd(exp_vector(x), one), small, p, x);
}
/// Probability of a standard normal variable above a >= 0; e^(-a^2/2) is given.
QNNX_INLINE __m512d normal_tail(__m512d a, __m512d bell) {
  const __m512d five = _mm512_set1_pd(5.0);
  const __m512d t = _mm512_div_pd(five, _mm512_add_pd(five, a));
  constexpr double series[] = {0x1.46d0cecfea3b0p-4, 0x1.46bfad6bf8123p-4,  0x1.3aa3214111686p-4, 0x1.18169647ba405p-4,
                               0x1.2473af7a14320p-4, 0x1.009c89d2c6131p-7,  0x1.4c5f89f987630p-3, -0x1.005d8c380eba6p-2,
                               0x1.e10a32a7cbf80p-2, -0x1.15e10531f8dc4p-1, 0x1.e431c4da98b1bp-2, -0x1.132b763f424f9p-2,
                               0x1.57679e6b78240p-4, -0x1.65de8ba18a7c2p-7};
  __m512d p = _mm512_set1_pd(series[13]);
#pragma GCC unroll 13
  for (int i = 12; i >= 0; --i) p = _mm512_fmadd_pd(p, t, _mm512_set1_pd(series[i]));
  return _mm512_mul_pd(_mm512_mul_pd(p, t), bell);
}
QNNX_INLINE __m512d erf_vector(__m512d x) {
  const __m512d a = magnitude(x);
  const __m512d square = _mm512_mul_pd(x, x);
  const __m512d tail = normal_tail(_mm512_mul_pd(a, _mm512_set1_pd(0x1.6a09e667f3bcdp+0)), exp_vector(negated(square)));
  const __m512d far = _mm512_fnmadd_pd(_mm512_set1_pd(2.0), tail, _mm512_set1_pd(1.0));
  // 2 / sqrt(pi) * (-1)^n / (n! (2 n + 1)), n = 10 ... 0
  constexpr double two = 0x1.20dd750429b6dp+0;
  __m512d p = _mm512_set1_pd(two / 76204800);
  for (const double c : {two / -6894720, two / 685440, two / -75600, two / 9360, two / -1320, two / 216, two / -42,
                         two / 10, two / -3, two})
    p = _mm512_fmadd_pd(p, square, _mm512_set1_pd(c));
  const __mmask8 near = _mm512_cmp_pd_mask(a, _mm512_set1_pd(0.75), _CMP_LT_OQ);
  const __m512i sign = _mm512_and_si512(_mm512_castpd_si512(x), _mm512_set1_epi64(INT64_MIN));
  const __m512d signed_far = _mm512_castsi512_pd(_mm512_or_si512(_mm512_castpd_si512(far), sign));
  return _mm512_mask_mul_pd(signed_far, near, x, p);
}

/// e^x, x <= 88; NaN stays NaN.
QNNX_INLINE __m512 exp_floats(__m512 x) {
  x = _mm512_max_ps(_mm512_set1_ps(-200.0f), x);  // of a NaN the second
  const __m512 k = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504088896341f)),
                                        _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 r = _mm512_fnmadd_ps(k, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fmadd_ps(k, _mm512_set1_ps(2.12194440e-4f), r);
  __m512 p = _mm512_set1_ps(1.9875691500e-4f);
  for (const float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
  p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, k);
}
QNNX_INLINE __m512 sigmoid_floats(__m512 x) {
  const __m512 one = _mm512_set1_ps(1.0f);
  const __m512 e = exp_floats(_mm512_sub_ps(_mm512_setzero_ps(), _mm512_abs_ps(x)));
  const __mmask16 above = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GE_OQ);
  return _mm512_div_ps(_mm512_mask_mov_ps(e, above, one), _mm512_add_ps(one, e));
}
QNNX_INLINE __m512 tanh_floats(__m512 x) {
  const __m512 one = _mm512_set1_ps(1.0f);
  const __m512 a = _mm512_abs_ps(x);
  const __m512 e = exp_floats(_mm512_mul_ps(a, _mm512_set1_ps(-2.0f)));  // 1 - 2 e / (1 + e)
  const __m512 far = _mm512_fnmadd_ps(_mm512_set1_ps(2.0f), _mm512_div_ps(e, _mm512_add_ps(one, e)), one);
  const __m512i sign = _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(INT32_MIN));
  const __m512 square = _mm512_mul_ps(x, x);
  __m512 p = _mm512_set1_ps(-5.70498872745e-3f);
  for (const float c : {2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f})
    p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(c));
  const __m512 close = _mm512_fmadd_ps(_mm512_mul_ps(p, square), x, x);
  return _mm512_mask_mov_ps(_mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(far), sign)),
                            _mm512_cmp_ps_mask(a, _mm512_set1_ps(0.625f), _CMP_LT_OQ), close);
}
/// x times the probability of a standard normal variable below x.
QNNX_INLINE __m512 gelu_floats(__m512 x) {
  constexpr float series[] = {0x1.105936p-3f, 0x1.103ap-3f,    0x1.e753f6p-4f, 0x1.529accp-4f,
                              0x1.43f108p-4f, -0x1.700092p-4f, 0x1.a9b446p-3f, -0x1.70f0ap-2f,
                              0x1.2cfdb4p-2f, -0x1.e0072cp-4f, 0x1.3592bp-6f};
  const __m512 three = _mm512_set1_ps(3.0f);
  const __m512 half = _mm512_mul_ps(x, _mm512_set1_ps(0.5f));
  const __m512 square = _mm512_mul_ps(half, x);
  const __m512 rest = _mm512_fmsub_ps(half, x, square);
  const __m512 bell = exp_floats(_mm512_sub_ps(_mm512_setzero_ps(), square));
  const __m512 t = _mm512_div_ps(three, _mm512_add_ps(three, _mm512_abs_ps(x)));
  __m512 p = _mm512_set1_ps(series[10]);
#pragma GCC unroll 10
  for (int i = 9; i >= 0; --i) p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(series[i]));
  // beyond the bell's range `rest` may be no number
  const __m512 curve =
      _mm512_mask_fnmadd_ps(bell, _mm512_cmp_ps_mask(square, _mm512_set1_ps(200.0f), _CMP_LT_OQ), rest, bell);
  const __m512 tail = _mm512_mul_ps(_mm512_mul_ps(p, t), curve);
  const __mmask16 above = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GE_OQ);
  return _mm512_mul_ps(x, _mm512_mask_sub_ps(tail, above, _mm512_set1_ps(1.0f), tail));
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
