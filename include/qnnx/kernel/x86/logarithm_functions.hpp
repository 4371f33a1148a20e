// SPDX-License-Identifier: Apache-2.0
#pragma once
// Logarithms of vectors of doubles for kernels of 16-bit results, relative errors below 2^-37:
//   log       x = 2^e m, sqrt 1/2 <= m < sqrt 2; log m = 2 (s + s^3 / 3 + ... s^13 / 13), s = (m - 1) / (m + 1)
//   softplus  log(1 + e^x) = max(x, 0) + log(1 + u), u = e^-|x|; log(1 + u) = 2 (s + ... s^21 / 21), s = u / (2 + u) <= 1/3
// Layer 5a.

#include "qnnx/kernel/x86/real_functions.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// mantissa * 2^exponent of normal numbers above 0, 1 <= mantissa < 2.
template <class V>
struct taken_apart;
template <>
struct taken_apart<avx2_vectors> {
  __m256d mantissa, exponent;
  QNNX_INLINE explicit taken_apart(__m256d v) {
    mantissa = _mm256_or_pd(_mm256_and_pd(v, _mm256_castsi256_pd(_mm256_set1_epi64x(0x000fffffffffffff))), _mm256_set1_pd(1.0));
    const __m256i e = _mm256_srli_epi64(_mm256_castpd_si256(v), 52);
    const __m256d above = _mm256_castsi256_pd(_mm256_or_si256(e, _mm256_set1_epi64x(0x4330000000000000)));  // 2^52 + e
    exponent = _mm256_sub_pd(above, _mm256_set1_pd(0x1p52 + 1023));
  }
};
#if QNNX_HAS_AVX512VBMI
template <>
struct taken_apart<avx512_vectors> {
  __m512d mantissa, exponent;
  QNNX_INLINE explicit taken_apart(__m512d v)
      : mantissa(_mm512_getmant_pd(v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_zero)), exponent(_mm512_getexp_pd(v)) {}
};
#endif

/// 0 gives -infinity, negative numbers NaN.
template <class V>
QNNX_INLINE typename V::doubles log_vector(typename V::doubles x) {
  using doubles = typename V::doubles;
  const doubles one = V::all(1.0), zero = V::all(0.0);
  const taken_apart<V> parts(x);
  const auto high = V::template compare<_CMP_GT_OQ>(parts.mantissa, V::all(0x1.6a09e667f3bcdp+0));
  const doubles m = V::select(high, V::mul(parts.mantissa, V::all(0.5)), parts.mantissa);
  const doubles e = V::select(high, V::add(parts.exponent, one), parts.exponent);
  const doubles s = V::div(V::sub(m, one), V::add(m, one)), z = V::mul(s, s);
  const doubles p = horner<V>(V::all(2.0 / 13), z, 2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5, 2.0 / 3, 2.0);
  const doubles found = V::fmadd(e, V::all(0x1.62e42fefa39efp-1), V::mul(p, s));
  const doubles none = V::select(V::template compare<_CMP_EQ_OQ>(x, zero), V::all(-__builtin_inf()), V::all(__builtin_nan("")));
  return V::select(V::template compare<_CMP_GT_OQ>(x, zero), found, none);
}
template <class V>
QNNX_INLINE typename V::doubles softplus_vector(typename V::doubles x) {
  using doubles = typename V::doubles;
  const doubles u = exp_vector<V>(V::negated(V::abs(x)));
  const doubles s = V::div(u, V::add(V::all(2.0), u)), z = V::mul(s, s);
  const doubles p = horner<V>(V::all(2.0 / 21), z, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13, 2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5, 2.0 / 3, 2.0);
  return V::fmadd(p, s, V::max(x, V::all(0.0)));
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
