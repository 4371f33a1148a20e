// SPDX-License-Identifier: Apache-2.0
#pragma once
// numeric/requantize.hpp in vectors of 16 or 8 accumulators; the same bits.
//   rne      one fused multiply-add with 1.5 * 2^23 rounds the exact product to an integer in the low mantissa bits.
//            Right for 2^-16 <= M < 2^8: where acc is not exact as a float, or the sum leaves the magic binade, the
//            result is outside the 8-bit range on the correct side
//   others   (acc * m + nudge) >> s in 64 bits, the nudge made of powers of two:
//              half_up, and TFLite's fully connected layers   2^(s-1)
//              tflite, s = 31 + e: its two roundings are floor((floor((a m + 2^30) / 2^31) + 2^(e-1) - [a < 0]) / 2^e)
//              = (a m + 2^30 + 2^(s-1) - [a < 0] 2^31) >> s for e > 0, (a m + 2^30) >> 31 for e = 0; for e < 0 the
//              accumulator is shifted left first, as there
//   narrow   tflite's second rounding in 32 bits: e > 0 in all channels, and |acc| < 2^30 whatever the data
// Layer 5a.

#include "qnnx/kernel/contract.hpp"

#if QNNX_HAS_AVX2
#include <immintrin.h>

#include <bit>

namespace qnnx::inline QNNX_ABI::kernel::x86 {

// Vectors of 32-bit integers, for code that serves both widths.
template <int Lanes>
struct words_of;
template <>
struct words_of<8> {
  using type = __m256i;
};
template <int Lanes>
QNNX_INLINE auto every(std::int32_t x);
template <>
QNNX_INLINE auto every<8>(std::int32_t x) { return _mm256_set1_epi32(x); }
QNNX_INLINE __m256i plus(__m256i a, __m256i b) { return _mm256_add_epi32(a, b); }
QNNX_INLINE __m256i minus(__m256i a, __m256i b) { return _mm256_sub_epi32(a, b); }
QNNX_INLINE __m256i times(__m256i a, __m256i b) { return _mm256_mullo_epi32(a, b); }
QNNX_INLINE __m256i common_bits(__m256i a, __m256i b) { return _mm256_and_si256(a, b); }
QNNX_INLINE __m256i up20(__m256i a) { return _mm256_slli_epi32(a, 20); }
QNNX_INLINE __m256i down(__m256i a, __m128i shift) { return _mm256_sra_epi32(a, shift); }
#if QNNX_HAS_AVX512VNNI
template <>
struct words_of<16> {
  using type = __m512i;
};
template <>
QNNX_INLINE auto every<16>(std::int32_t x) { return _mm512_set1_epi32(x); }
QNNX_INLINE __m512i plus(__m512i a, __m512i b) { return _mm512_add_epi32(a, b); }
QNNX_INLINE __m512i minus(__m512i a, __m512i b) { return _mm512_sub_epi32(a, b); }
QNNX_INLINE __m512i times(__m512i a, __m512i b) { return _mm512_mullo_epi32(a, b); }
QNNX_INLINE __m512i common_bits(__m512i a, __m512i b) { return _mm512_and_si512(a, b); }
QNNX_INLINE __m512i up20(__m512i a) { return _mm512_slli_epi32(a, 20); }
QNNX_INLINE __m512i down(__m512i a, __m128i shift) { return _mm512_sra_epi32(a, shift); }
#endif

enum class scaling : std::uint8_t { scalar, rne, shifted, narrow };

/// A multiplier as the vector forms take it.
struct vector_multiplier {
  float factor = 0;            // rne
  std::int32_t mantissa = 0;   // shifted
  std::int32_t shift = 0;
  bool rne_fits = false;
  bool shifted_fits = false;
  bool narrow_fits = false;
};
/// `once`: TFLite's fully connected layers, which round once.
inline vector_multiplier vector_form(multiplier m, rounding_mode mode, bool once = false) {
  vector_multiplier v;
  v.mantissa = m.mantissa;
  if (mode == rounding_mode::tflite) {
    v.shift = m.mantissa == 0 ? 32 : 31 - m.exponent;
    v.shifted_fits = v.shift >= (once ? 31 : 1) && v.shift <= 62;
    v.narrow_fits = !once && v.shift > 31 && v.shift <= 61;
    return v;
  }
  v.shift = -m.exponent;
  v.shifted_fits = mode == rounding_mode::half_up && v.shift >= 24 && v.shift <= 62;
  float f = static_cast<float>(m.mantissa);
  for (int e = m.exponent; e < 0; ++e) f *= 0.5f;
  v.factor = f;
  v.rne_fits = mode == rounding_mode::rne && m.exponent <= 0 && f >= 0x1p-16f && f < 0x1p8f;
  return v;
}
/// The vector form that serves a set of multipliers: the best one that all of them have. `most`: no |acc| is above it.
/// `bounded`: rne, and scaled values are below 2^21, so that the magic constant leaves by a subtraction.
struct scaling_choice {
  bool rne = true, shifted = true, narrow = true, bounded = true;
  void add(const vector_multiplier& v, std::int64_t most) {
    rne &= v.rne_fits;
    shifted &= v.shifted_fits;
    narrow &= v.narrow_fits && most < (std::int64_t{1} << 30);
    bounded &= v.rne_fits && static_cast<double>(v.factor) * static_cast<double>(most) < 0x1p21;
  }
  scaling best() const { return rne ? scaling::rne : narrow ? scaling::narrow : shifted ? scaling::shifted : scaling::scalar; }
};
/// The words of a multiplier for `how`: factor (narrow: half of the second divisor), mantissa, shift (narrow: e).
inline void store_multiplier(const vector_multiplier& v, scaling how, std::int32_t* factor, std::int32_t* mantissa, std::int32_t* shift) {
  *factor = std::bit_cast<std::int32_t>(v.factor);
  *mantissa = v.mantissa;
  *shift = v.shift;
  if (how == scaling::narrow) {
    *shift = v.shift - 31;
    *factor = 1 << (v.shift - 32);
  }
}

/// round(acc * M) under rne, not clamped: below -2^22 and above 0x3480'0000 it is only right in sign.
QNNX_INLINE __m256i scale_rne(__m256i acc, __m256 m) {
  const __m256 magic = _mm256_set1_ps(12582912.0f);
  const __m256i lowest = _mm256_castps_si256(_mm256_set1_ps(12582912.0f - 4194304.0f));
  const __m256i q = _mm256_castps_si256(_mm256_fmadd_ps(_mm256_cvtepi32_ps(acc), m, magic));
  return _mm256_sub_epi32(_mm256_max_epi32(q, lowest), _mm256_castps_si256(magic));
}

/// The constants of 8 multipliers under a rounding with shifts; lanes of 64 bits, even and odd channels apart.
struct shifted_scale8 {
  __m256i m_even, m_odd, nudge_even, nudge_odd, shift_even, shift_odd, negative_even, negative_odd, left;

  QNNX_INLINE shifted_scale8(__m256i mantissa, __m256i shift, bool twice) {
    left = twice ? _mm256_max_epi32(_mm256_sub_epi32(_mm256_set1_epi32(31), shift), _mm256_setzero_si256()) : _mm256_setzero_si256();
    if (twice) shift = _mm256_max_epi32(shift, _mm256_set1_epi32(31));
    m_even = mantissa;
    m_odd = _mm256_srli_epi64(mantissa, 32);
    shift_even = _mm256_and_si256(shift, _mm256_set1_epi64x(0xffffffff));
    shift_odd = _mm256_srli_epi64(shift, 32);
    nudge_even = nudge(shift_even, twice);
    nudge_odd = nudge(shift_odd, twice);
    negative_even = carry(shift_even, twice);
    negative_odd = carry(shift_odd, twice);
  }
  /// The mantissa is not negative: a product has the accumulator's sign, or is 0.
  QNNX_INLINE __m256i operator()(__m256i acc) const {
    acc = _mm256_sllv_epi32(acc, left);
    const __m256i even = half(_mm256_mul_epi32(acc, m_even), nudge_even, negative_even, shift_even);
    const __m256i odd = half(_mm256_mul_epi32(_mm256_srli_epi64(acc, 32), m_odd), nudge_odd, negative_odd, shift_odd);
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  }

 private:
  /// Where the second shift is above 0.
  static QNNX_INLINE __m256i above(__m256i shift) { return _mm256_cmpgt_epi64(shift, _mm256_set1_epi64x(31)); }
  static QNNX_INLINE __m256i nudge(__m256i shift, bool twice) {
    const __m256i one = _mm256_set1_epi64x(1);
    const __m256i h = _mm256_sllv_epi64(one, _mm256_sub_epi64(shift, one));
    if (!twice) return h;
    return _mm256_add_epi64(_mm256_set1_epi64x(std::int64_t{1} << 30), _mm256_and_si256(h, above(shift)));
  }
  static QNNX_INLINE __m256i carry(__m256i shift, bool twice) {
    if (!twice) return _mm256_setzero_si256();
    return _mm256_and_si256(_mm256_set1_epi64x(std::int64_t{1} << 31), above(shift));
  }
  /// An arithmetic shift is a logical one of x + 2^63, less 2^63 >> shift.
  static QNNX_INLINE __m256i half(__m256i product, __m256i nudge, __m256i negative, __m256i shift) {
    const __m256i top = _mm256_set1_epi64x(INT64_MIN);
    const __m256i below = _mm256_cmpgt_epi64(_mm256_setzero_si256(), product);
    const __m256i x = _mm256_sub_epi64(_mm256_add_epi64(product, nudge), _mm256_and_si256(below, negative));
    return _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_xor_si256(x, top), shift), _mm256_srlv_epi64(top, shift));
  }
};

/// The form for vectors of so many words.
template <int Lanes>
struct shifted_scale_of;
template <>
struct shifted_scale_of<8> {
  using type = shifted_scale8;
};

/// round(x * mantissa / 2^31), TFLite's SaturatingRoundingDoublingHighMul, for |x| < 2^30 and a mantissa that is not
/// negative: 2 x has its result in the upper half of the product.
QNNX_INLINE __m256i multiply_high(__m256i x, __m256i mantissa) {
  const __m256i nudge = _mm256_set1_epi64x(std::int64_t{1} << 31);
  const __m256i twice = _mm256_add_epi32(x, x);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(twice, mantissa), nudge);
  const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(twice, 32), _mm256_srli_epi64(mantissa, 32)), nudge);
  return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}
/// The narrow form: mantissa, half of 2^e, e.
QNNX_INLINE __m256i scale_narrow(__m256i acc, __m256i mantissa, __m256i half, __m256i e) {
  const __m256i high = multiply_high(acc, mantissa);
  return _mm256_srav_epi32(_mm256_add_epi32(_mm256_add_epi32(high, half), _mm256_srai_epi32(high, 31)), e);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// round(acc * M) under rne, not clamped: below -2^22 and above 0x3480'0000 it is only right in sign.
QNNX_INLINE __m512i scale_rne(__m512i acc, __m512 m) {
  const __m512 magic = _mm512_set1_ps(12582912.0f);
  const __m512i lowest = _mm512_castps_si512(_mm512_set1_ps(12582912.0f - 4194304.0f));
  const __m512i q = _mm512_castps_si512(_mm512_fmadd_ps(_mm512_cvtepi32_ps(acc), m, magic));
  return _mm512_sub_epi32(_mm512_max_epi32(q, lowest), _mm512_castps_si512(magic));
}

/// The constants of 16 multipliers under a rounding with shifts; lanes of 64 bits, even and odd channels apart.
struct shifted_scale {
  __m512i m_even, m_odd, nudge_even, nudge_odd, shift_even, shift_odd, negative_even, negative_odd;

  __m512i left;
  bool any_left;

  QNNX_INLINE shifted_scale(__m512i mantissa, __m512i shift, bool twice) {
    any_left = twice && _mm512_cmplt_epi32_mask(shift, _mm512_set1_epi32(31)) != 0;
    left = _mm512_max_epi32(_mm512_sub_epi32(_mm512_set1_epi32(31), shift), _mm512_setzero_si512());
    if (twice) shift = _mm512_max_epi32(shift, _mm512_set1_epi32(31));
    m_even = mantissa;
    m_odd = _mm512_srli_epi64(mantissa, 32);
    shift_even = _mm512_and_si512(shift, _mm512_set1_epi64(0xffffffff));
    shift_odd = _mm512_srli_epi64(shift, 32);
    const __m512i one = _mm512_set1_epi64(1);
    const __m512i first = _mm512_set1_epi64(twice ? std::int64_t{1} << 30 : 0);
    nudge_even = _mm512_add_epi64(first, half(shift_even, twice, one));
    nudge_odd = _mm512_add_epi64(first, half(shift_odd, twice, one));
    const __m512i carry = _mm512_set1_epi64(std::int64_t{1} << 31);  // for a < 0, but not where the second shift is 0
    const __m512i last = _mm512_set1_epi64(31);
    negative_even = twice ? _mm512_maskz_mov_epi64(_mm512_cmpgt_epi64_mask(shift_even, last), carry) : _mm512_setzero_si512();
    negative_odd = twice ? _mm512_maskz_mov_epi64(_mm512_cmpgt_epi64_mask(shift_odd, last), carry) : _mm512_setzero_si512();
  }
  /// The mantissa is not negative: a product has the accumulator's sign, or is 0.
  QNNX_INLINE __m512i operator()(__m512i acc) const {
    if (any_left) acc = _mm512_sllv_epi32(acc, left);
    __m512i even = _mm512_mul_epi32(acc, m_even);
    __m512i odd = _mm512_mul_epi32(_mm512_srli_epi64(acc, 32), m_odd);
    const __mmask8 below_even = _mm512_movepi64_mask(even);
    const __mmask8 below_odd = _mm512_movepi64_mask(odd);
    even = _mm512_add_epi64(even, nudge_even);
    odd = _mm512_add_epi64(odd, nudge_odd);
    even = _mm512_mask_sub_epi64(even, below_even, even, negative_even);
    odd = _mm512_mask_sub_epi64(odd, below_odd, odd, negative_odd);
    even = _mm512_srav_epi64(even, shift_even);
    odd = _mm512_srav_epi64(odd, shift_odd);
    return _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
  }

 private:
  static QNNX_INLINE __m512i half(__m512i shift, bool twice, __m512i one) {
    const __m512i h = _mm512_sllv_epi64(one, _mm512_sub_epi64(shift, one));
    if (!twice) return h;
    return _mm512_maskz_mov_epi64(_mm512_cmpgt_epi64_mask(shift, _mm512_set1_epi64(31)), h);
  }
};

template <>
struct shifted_scale_of<16> {
  using type = shifted_scale;
};

/// round(x * mantissa / 2^31), TFLite's SaturatingRoundingDoublingHighMul, for |x| < 2^30 and a mantissa that is not
/// negative: 2 x has its result in the upper half of the product.
QNNX_INLINE __m512i multiply_high(__m512i x, __m512i mantissa) {
  const __m512i nudge = _mm512_set1_epi64(std::int64_t{1} << 31);
  const __m512i twice = _mm512_add_epi32(x, x);
  const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(twice, mantissa), nudge);
  const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_shuffle_epi32(twice, _MM_PERM_DDBB), _mm512_shuffle_epi32(mantissa, _MM_PERM_DDBB)), nudge);
  return _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
}
/// The narrow form: mantissa, half of 2^e, e.
QNNX_INLINE __m512i scale_narrow(__m512i acc, __m512i mantissa, __m512i half, __m512i e) {
  const __m512i high = multiply_high(acc, mantissa);
  return _mm512_srav_epi32(_mm512_add_epi32(_mm512_add_epi32(high, half), _mm512_srai_epi32(high, 31)), e);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
