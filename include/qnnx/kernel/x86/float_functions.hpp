// SPDX-License-Identifier: Apache-2.0
#pragma once
// Functions of vectors of floats, computed in floats. Largest difference from the exact value, in units in the last place of
// the result (every seventh of all floats; test/kernels_isa/float_functions_test.cpp looks at a sample):
//   exp      1.5  x = (k + j / n) ln 2 + r, n = power_steps<V>::n, |r| <= ln 2 / 2 n: 2^k * root * (1 + r (1 + r (c + d r))),
//                 ln 2 in two parts; in one (k 2^-29 more) where e^x is a term beside 1
//   elu      1.5  1 - e^x, x = k ln 2 + r, |r| <= ln 2 / 2: (1 - 2^k) - 2^k (e^r - 1), the last by a polynomial of degree 6
//   sigmoid  5    e^x / (1 + e^x); 3 for |x| <= 20
//   tanh     3    of |x|: m / (2 - m), m = 1 - e^(-2 |x|)
//   gelu     7.5  max(x, 0) - |x| e^(-x^2/2) N(|x|) / D(|x|), degrees 4 and 5, [0, 15]; what rounding x^2 / 2 loses goes into r
//   erf      6.5  x N(x^2) / D(x^2), degrees 5 and 5, |x| < 3.93, 1 beyond
//   log      2    x = 2^k (1 + f), f in [sqrt(1/2) - 1, sqrt 2 - 1]: f - f^2/2 + f^3 P(f), degree 7, + k ln 2
//   softplus 3    max(x, 0) + log(1 + e^-|x|), 1 + e^-|x| = 2^k (1 + f), k 0 or 1, f exact
//   atan     4    x N(x^2) / D(x^2), degrees 3 and 3, up to 1, pi / 2 less that of 1 / |x| beyond
//   asin     3    x + x^3 P(x^2), degree 4, up to 1/2, pi / 2 less twice that of sqrt((1 - |x|) / 2) beyond
// Polynomials and quotients have the least largest error (Lawson's weights). NaN stays NaN, zeros and infinities are the
// reference's. V: vectors of vectors_avx2.hpp or vectors_avx512.hpp. Layer 5a.

#include "qnnx/kernel/x86/real_functions.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// How vectors V take a power of two in steps of 1 / n.
///   pick         table[last bits], n entries
///   times_floor  p 2^floor(k), 1/2 < p < 2, |k| < 250; `sum`: k plus a float whose last bit is worth 1 / n
template <class V>
struct power_steps;

template <>
struct power_steps<avx2_vectors> {
  using V = avx2_vectors;
  static constexpr int n = 8;
  static QNNX_INLINE __m256 pick(const float* table, __m256 bits) { return _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), V::bits_of(bits)); }
  /// Added to the exponent where every result is normal; else two factors: the first leaves no subnormal number, the second
  /// rounds once.
  static QNNX_INLINE __m256 times_floor(__m256 p, __m256 k, __m256 sum) {
    if (!V::any(V::compare<_CMP_NLT_UQ>(V::abs(k), V::all(125.0f)))) [[likely]]
      return V::floats_of(V::add(V::bits_of(p), V::shifted_left(V::and_bits(V::bits_of(sum), V::all(std::int32_t{-n})), 20)));
    const __m256i whole = V::to_words(V::rounded<_MM_FROUND_TO_NEG_INF>(k));
    const __m256i half = _mm256_srai_epi32(whole, 1);
    const auto power = [](__m256i e) { return V::floats_of(V::shifted_left(V::max(V::add(e, V::all(std::int32_t{127})), V::all(std::int32_t{0})), 23)); };
    return V::mul(V::mul(p, power(half)), power(V::sub(whole, half)));
  }
};

#if QNNX_HAS_AVX512VNNI
template <>
struct power_steps<avx512_vectors> {
  static constexpr int n = 16;
  static QNNX_INLINE __m512 pick(const float* table, __m512 bits) { return _mm512_permutexvar_ps(_mm512_castps_si512(bits), _mm512_loadu_ps(table)); }
  static QNNX_INLINE __m512 times_floor(__m512 p, __m512 k, __m512) { return _mm512_scalef_ps(p, k); }
};
#endif

inline constexpr float log2_e = 0x1.715476p+0f;
inline constexpr float ln_2 = 0x1.62e430p-1f;
inline constexpr float ln_2_rest = -0x1.05c610p-29f;
inline constexpr float half_pi = 0x1.921fb6p+0f;
inline constexpr float half_pi_excess = 0x1.777a5cp-25f;  // over pi / 2

/// e^x or e^(x + rest), |x| <= 160, |rest| far below 1; below the range 0, above infinity.
template <class V, bool Exact = true, class... Rest>
QNNX_INLINE typename V::floats exp_in_range(typename V::floats x, Rest... rest) {
  using floats = typename V::floats;
  static constexpr float sixteenths[] = {0x1.000000p+0f, 0x1.0b5586p+0f, 0x1.172b84p+0f, 0x1.2387a6p+0f, 0x1.306fe0p+0f, 0x1.3dea64p+0f,
                                         0x1.4bfdaep+0f, 0x1.5ab07ep+0f, 0x1.6a09e6p+0f, 0x1.7a1148p+0f, 0x1.8ace54p+0f, 0x1.9c4918p+0f,
                                         0x1.ae89fap+0f, 0x1.c199bep+0f, 0x1.d5818ep+0f, 0x1.ea4afap+0f};
  static constexpr float eighths[] = {0x1.000000p+0f, 0x1.172b84p+0f, 0x1.306fe0p+0f, 0x1.4bfdaep+0f,
                                      0x1.6a09e6p+0f, 0x1.8ace54p+0f, 0x1.ae89fap+0f, 0x1.d5818ep+0f};
  using steps = power_steps<V>;
  constexpr bool fine = steps::n == 16;
  static_assert(fine || steps::n == 8);
  const floats magic = V::all(fine ? 0x1.8p19f : 0x1.8p20f);  // the sum's last bit is worth one step
  const floats sum = V::fmadd(x, V::all(log2_e), magic);
  const floats k = V::sub(sum, magic);
  const floats root = steps::pick(fine ? sixteenths : eighths, sum);
  floats r = V::fnmadd(k, V::all(ln_2), x);
  if constexpr (Exact) r = V::fnmadd(k, V::all(ln_2_rest), r);
  ((r = V::add(r, rest)), ...);
  floats p = V::all(fine ? 0x1.55559ap-3f : 0x1.555656p-3f);
  p = horner<V>(p, r, fine ? 0x1.00021ep-1f : 0x1.000876p-1f, 1.0f);
  return steps::times_floor(V::fmadd(V::mul(root, r), p, root), k, sum);
}
/// e^x.
template <class V>
QNNX_INLINE typename V::floats exp_floats(typename V::floats x) {
  return exp_in_range<V>(V::min(V::all(100.0f), V::max(V::all(-150.0f), x)));  // of a NaN the second
}
/// 1 - e^(Times x), x <= 0, Times 1 or 2: powers of x take the factor into their coefficients.
template <class V, int Times>
QNNX_INLINE typename V::floats one_less_exp(typename V::floats x) {
  using floats = typename V::floats;
  constexpr float t = Times;
  x = V::max(V::all(-20.0f / t), x);
  const floats magic = V::all(0x1.8p23f + 127.0f);  // the sum's last bits are the exponent of 2^k
  const floats sum = V::fmadd(x, V::all(log2_e * t), magic);
  const floats r = V::fnmadd(V::sub(sum, magic), V::all(ln_2 / t), x);
  const floats power = V::floats_of(V::shifted_left(V::bits_of(sum), 23));
  floats p = V::all(0x1.6bebfep-10f * (t * t * t * t * t * t));
  p = horner<V>(p, r, 0x1.1227b0p-7f * (t * t * t * t * t), 0x1.555674p-5f * (t * t * t * t), 0x1.5554b0p-3f * (t * t * t), 0x1.fffffep-2f * (t * t));
  p = V::fmadd(V::mul(p, r), r, Times == 1 ? r : V::add(r, r));
  return V::fnmadd(power, p, V::sub(V::all(1.0f), power));
}
template <class V>
QNNX_INLINE typename V::floats sigmoid_floats(typename V::floats x) {
  const auto within = V::min(V::all(64.0f), V::max(V::all(-150.0f), x));
  const auto e = exp_in_range<V, false>(within);
  return V::div(e, V::add(V::all(1.0f), e));
}
template <class V>
QNNX_INLINE typename V::floats tanh_floats(typename V::floats x) {
  const auto m = one_less_exp<V, 2>(V::with_sign_of(x, V::all(-0.0f)));
  return V::with_sign_of(V::div(m, V::sub(V::all(2.0f), m)), x);
}
/// x, or alpha (e^x - 1) below 0.
template <class V>
QNNX_INLINE typename V::floats elu_floats(typename V::floats x, typename V::floats alpha) {
  const auto below = V::mul(alpha, V::with_sign_of(one_less_exp<V, 1>(V::min(V::all(0.0f), x)), x));
  return V::select(V::template compare<_CMP_GT_OQ>(x, V::all(0.0f)), x, below);
}
/// x times the probability of a standard normal variable below x.
template <class V>
QNNX_INLINE typename V::floats gelu_floats(typename V::floats x) {
  using floats = typename V::floats;
  const floats a = V::min(V::all(15.0f), V::abs(x));  // e^(-a^2/2) is 0 there
  const floats half = V::mul(a, V::all(-0.5f));
  const floats square = V::mul(half, a);
  const floats bell = exp_in_range<V>(square, V::fmsub(half, a, square));
  const floats n = horner<V>(V::all(0x1.0d44ecp-8f), a, 0x1.4c7302p-5f, 0x1.76f4a6p-3f, 0x1.c09ae4p-2f, 0.5f);
  const floats d = horner<V>(V::all(0x1.517996p-7f), a, 0x1.a0b0a6p-4f, 0x1.e0542ep-2f, 0x1.33ae12p+0f, 0x1.ac8fa2p+0f, 1.0f);
  const floats tail = V::div(V::mul(V::mul(V::min(V::all(15.0f), x), bell), n), d);  // times x; of -infinity NaN, as the reference
  return V::with_sign_of(V::sub(V::max(V::all(0.0f), x), V::abs(tail)), x);
}
template <class V>
QNNX_INLINE typename V::floats erf_floats(typename V::floats x) {
  using floats = typename V::floats;
  const floats a = V::min(V::all(3.93f), V::abs(x));
  const floats square = V::mul(a, a);
  const floats n = horner<V>(V::all(0x1.1211b4p-19f), square, 0x1.2aa4b8p-12f, 0x1.ef665cp-9f, 0x1.b07532p-5f, 0x1.86b990p-3f, 0x1.20dd74p+0f);
  const floats d = horner<V>(V::all(0x1.3ecd34p-15f), square, 0x1.3173fcp-10f, 0x1.eb6f7ap-7f, 0x1.d3ff9ap-4f, 0x1.013becp-1f, 1.0f);
  return V::with_sign_of(V::min(V::all(1.0f), V::div(V::mul(a, n), d)), x);
}

/// log(2^k (1 + f)).
template <class V>
QNNX_INLINE typename V::floats log_of_parts(typename V::floats k, typename V::floats f) {
  using floats = typename V::floats;
  const floats p = horner<V>(V::all(-0x1.38b568p-4f), f, 0x1.055d70p-3f, -0x1.0d8636p-3f, 0x1.22d9e8p-3f, -0x1.547228p-3f, 0x1.99a00ap-3f,
                             -0x1.000228p-2f, 0x1.555554p-2f);
  const floats square = V::mul(f, f);
  const floats low = V::fmadd(V::mul(f, p), square, V::mul(square, V::all(-0.5f)));
  return V::fmadd(k, V::all(ln_2), V::add(f, low));
}
template <class V>
QNNX_INLINE typename V::floats log_floats(typename V::floats x) {
  using floats = typename V::floats;
  using words = typename V::words;
  const floats zero = V::all(0.0f);
  const auto tiny = V::template compare<_CMP_LT_OQ>(x, V::all(0x1p-126f));
  const words bits = V::bits_of(V::select(tiny, V::mul(x, V::all(0x1p23f)), x));
  const words half_root = V::all(std::int32_t{0x3f3504f3});
  const words k = V::and_bits(V::sub(bits, half_root), V::all(std::int32_t{-0x800000}));
  const floats f = V::sub(V::floats_of(V::sub(bits, k)), V::all(1.0f));
  const floats exponent = V::fmadd(V::to_floats(k), V::all(0x1p-23f), V::select(tiny, V::all(-23.0f), zero));
  const floats y = log_of_parts<V>(exponent, f);
  const floats not_positive = V::select(V::template compare<_CMP_EQ_OQ>(x, zero), V::all(-__builtin_inff()), V::all(__builtin_nanf("")));
  const floats beyond = V::select(V::template compare<_CMP_NLT_UQ>(x, V::all(__builtin_inff())), x, y);  // infinity, NaN
  return V::select(V::template compare<_CMP_LE_OQ>(x, zero), not_positive, beyond);
}
/// log(1 + e^x).
template <class V>
QNNX_INLINE typename V::floats softplus_floats(typename V::floats x) {
  using floats = typename V::floats;
  const floats one = V::all(1.0f);
  const floats e = exp_floats<V>(V::with_sign_of(x, V::all(-0.0f)));
  const auto large = V::template compare<_CMP_GT_OQ>(e, V::all(0x1.a8279ap-2f));  // sqrt 2 - 1
  const floats f = V::select(large, V::mul(V::sub(e, one), V::all(0.5f)), e);
  return V::add(V::max(V::all(0.0f), x), log_of_parts<V>(V::select(large, one, V::all(0.0f)), f));
}
template <class V>
QNNX_INLINE typename V::floats atan_floats(typename V::floats x) {
  using floats = typename V::floats;
  const floats one = V::all(1.0f);
  const floats a = V::abs(x);
  const auto beyond = V::template compare<_CMP_GT_OQ>(a, one);
  const floats t = V::div(V::select(beyond, one, a), V::select(beyond, a, one));
  const floats square = V::mul(t, t);
  const floats n = horner<V>(V::all(0x1.2380a8p-7f), square, 0x1.2504e2p-2f, 0x1.2109a6p+0f, 1.0f);
  const floats d = horner<V>(V::all(0x1.9d5a24p-5f), square, 0x1.25b10cp-1f, 0x1.765ef8p+0f, 1.0f);
  const floats y = V::div(V::mul(t, n), d);
  return V::with_sign_of(V::select(beyond, V::sub(V::all(half_pi), V::add(y, V::all(half_pi_excess))), y), x);
}
/// NaN beyond 1.
template <class V>
QNNX_INLINE typename V::floats asin_floats(typename V::floats x) {
  using floats = typename V::floats;
  const floats a = V::abs(x);
  const auto far = V::template compare<_CMP_GT_OQ>(a, V::all(0.5f));
  const floats square = V::select(far, V::mul(V::sub(V::all(1.0f), a), V::all(0.5f)), V::mul(a, a));
  const floats s = V::select(far, V::sqrt(square), a);
  const floats p = horner<V>(V::all(0x1.59f3e4p-5f), square, 0x1.8b86a2p-6f, 0x1.748f00p-5f, 0x1.330136p-4f, 0x1.5555cap-3f);
  const floats y = V::fmadd(V::mul(s, square), p, s);
  return V::with_sign_of(V::select(far, V::sub(V::all(half_pi), V::add(V::add(y, y), V::all(half_pi_excess))), y), x);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
