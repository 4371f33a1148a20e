// SPDX-License-Identifier: Apache-2.0
#pragma once
// 512-bit vectors under the names of vectors_avx2.hpp: 16 floats or words, 8 doubles. Loops over elements pass masks.
// Layer 5a.

#include "qnnx/kernel/x86/arithmetic.hpp"

#if QNNX_HAS_AVX512VNNI
#include <immintrin.h>

namespace qnnx::inline QNNX_ABI::kernel::x86 {

struct avx512_vectors {
  using floats = __m512;
  using words = __m512i;
  using doubles = __m512d;
  using some = __mmask16;
  using some_doubles = __mmask8;
  static constexpr int lanes = 16;
  static constexpr int double_lanes = 8;

  static QNNX_INLINE some first(std::int64_t n) { return static_cast<some>(n >= 16 ? 0xffff : (1u << n) - 1); }
  static QNNX_INLINE some_doubles first_doubles(std::int64_t n) {
    return static_cast<some_doubles>(n >= 8 ? 0xff : (1u << n) - 1);
  }
  static QNNX_INLINE some_doubles every_double() { return 0xff; }
  /// f(index, lanes that take part) over n elements.
  template <class F>
  static QNNX_INLINE void each(std::int64_t n, F&& f) {
    for (std::int64_t i = 0; i < n; i += lanes) f(i, first(n - i));
  }
  template <class F>
  static QNNX_INLINE void each_doubles(std::int64_t n, F&& f) {
    for (std::int64_t i = 0; i < n; i += double_lanes) f(i, first_doubles(n - i));
  }

  // floats
  static QNNX_INLINE floats all(float v) { return _mm512_set1_ps(v); }
  static QNNX_INLINE floats load(const float* p) { return _mm512_loadu_ps(p); }
  static QNNX_INLINE floats load(some s, const float* p) { return _mm512_maskz_loadu_ps(s, p); }
  static QNNX_INLINE void store(float* p, floats v) { _mm512_storeu_ps(p, v); }
  static QNNX_INLINE void store(some s, float* p, floats v) { _mm512_mask_storeu_ps(p, s, v); }
  // 16-bit floats, as numbers
  static QNNX_INLINE floats load(const half* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
  static QNNX_INLINE floats load(some s, const half* p) { return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(s, p)); }
  static QNNX_INLINE void store(half* p, floats v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT)); }
  static QNNX_INLINE void store(some s, half* p, floats v) { _mm256_mask_storeu_epi16(p, s, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT)); }
  // of 8, F16C's instructions: not in every set of compiler flags (vectors_avx2.hpp)
  __attribute__((target("f16c"))) static inline doubles load_widened(some_doubles s, const half* p) {
    return _mm512_cvtps_pd(_mm256_cvtph_ps(_mm_maskz_loadu_epi16(s, p)));
  }
  __attribute__((target("f16c"))) static inline void store_narrowed(some_doubles s, half* p, doubles v) {
    _mm_mask_storeu_epi16(p, s, _mm256_cvtps_ph(_mm512_cvtpd_ps(v), _MM_FROUND_TO_NEAREST_INT));
  }
  static QNNX_INLINE floats add(floats a, floats b) { return _mm512_add_ps(a, b); }
  static QNNX_INLINE floats sub(floats a, floats b) { return _mm512_sub_ps(a, b); }
  static QNNX_INLINE floats mul(floats a, floats b) { return _mm512_mul_ps(a, b); }
  static QNNX_INLINE floats div(floats a, floats b) { return _mm512_div_ps(a, b); }
  static QNNX_INLINE floats fmadd(floats a, floats b, floats c) { return _mm512_fmadd_ps(a, b, c); }
  static QNNX_INLINE floats fmsub(floats a, floats b, floats c) { return _mm512_fmsub_ps(a, b, c); }
  static QNNX_INLINE floats fnmadd(floats a, floats b, floats c) { return _mm512_fnmadd_ps(a, b, c); }
  static QNNX_INLINE floats min(floats a, floats b) { return _mm512_min_ps(a, b); }  // of a NaN the second
  static QNNX_INLINE floats max(floats a, floats b) { return _mm512_max_ps(a, b); }
  static QNNX_INLINE floats sqrt(floats v) { return _mm512_sqrt_ps(v); }
  template <int Mode>
  static QNNX_INLINE floats rounded(floats v) { return _mm512_roundscale_ps(v, Mode | _MM_FROUND_NO_EXC); }
  template <int Relation>
  static QNNX_INLINE __mmask16 compare(floats a, floats b) { return _mm512_cmp_ps_mask(a, b, Relation); }
  static QNNX_INLINE floats select(__mmask16 mask, floats yes, floats no) { return _mm512_mask_mov_ps(no, mask, yes); }
  static QNNX_INLINE floats keep(__mmask16 mask, floats v) { return _mm512_maskz_mov_ps(mask, v); }  // others are 0
  static QNNX_INLINE __mmask16 either(__mmask16 a, __mmask16 b) { return static_cast<__mmask16>(a | b); }
  static QNNX_INLINE __mmask16 both(__mmask16 a, __mmask16 b) { return static_cast<__mmask16>(a & b); }
  static QNNX_INLINE bool any(__mmask16 mask) { return mask != 0; }
  static QNNX_INLINE floats abs(floats v) { return _mm512_abs_ps(v); }
  static QNNX_INLINE floats activate(floats v, activation act, float lo, float hi) { return f32x16::activate(v, act, lo, hi); }
  static QNNX_INLINE float largest(floats v) { return _mm512_reduce_max_ps(v); }

  // doubles
  static QNNX_INLINE doubles all(double v) { return _mm512_set1_pd(v); }
  static QNNX_INLINE doubles load(const double* p) { return _mm512_loadu_pd(p); }
  static QNNX_INLINE doubles load(some_doubles s, const double* p) { return _mm512_maskz_loadu_pd(s, p); }
  static QNNX_INLINE void store(double* p, doubles v) { _mm512_storeu_pd(p, v); }
  static QNNX_INLINE void store(some_doubles s, double* p, doubles v) { _mm512_mask_storeu_pd(p, s, v); }
  /// As many floats as there are doubles.
  static QNNX_INLINE doubles load_widened(some_doubles s, const float* p) {
    return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(s, p));
  }
  static QNNX_INLINE void store_narrowed(some_doubles s, float* p, doubles v) {
    _mm256_mask_storeu_ps(p, s, _mm512_cvtpd_ps(v));
  }
  static QNNX_INLINE doubles low_half(floats v) { return _mm512_cvtps_pd(_mm512_castps512_ps256(v)); }
  static QNNX_INLINE doubles high_half(floats v) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)); }
  static QNNX_INLINE doubles low_half(words v) { return _mm512_cvtepi32_pd(_mm512_castsi512_si256(v)); }
  static QNNX_INLINE doubles high_half(words v) { return _mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(v, 1)); }
  static QNNX_INLINE doubles add(doubles a, doubles b) { return _mm512_add_pd(a, b); }
  static QNNX_INLINE doubles sub(doubles a, doubles b) { return _mm512_sub_pd(a, b); }
  static QNNX_INLINE doubles mul(doubles a, doubles b) { return _mm512_mul_pd(a, b); }
  static QNNX_INLINE doubles div(doubles a, doubles b) { return _mm512_div_pd(a, b); }
  static QNNX_INLINE doubles fmadd(doubles a, doubles b, doubles c) { return _mm512_fmadd_pd(a, b, c); }
  static QNNX_INLINE doubles fmsub(doubles a, doubles b, doubles c) { return _mm512_fmsub_pd(a, b, c); }
  static QNNX_INLINE doubles fnmadd(doubles a, doubles b, doubles c) { return _mm512_fnmadd_pd(a, b, c); }
  static QNNX_INLINE doubles min(doubles a, doubles b) { return _mm512_min_pd(a, b); }
  static QNNX_INLINE doubles max(doubles a, doubles b) { return _mm512_max_pd(a, b); }
  static QNNX_INLINE doubles sqrt(doubles v) { return _mm512_sqrt_pd(v); }
  template <int Mode>
  static QNNX_INLINE doubles rounded(doubles v) { return _mm512_roundscale_pd(v, Mode | _MM_FROUND_NO_EXC); }
  template <int Relation>
  static QNNX_INLINE __mmask8 compare(doubles a, doubles b) { return _mm512_cmp_pd_mask(a, b, Relation); }
  static QNNX_INLINE doubles select(__mmask8 mask, doubles yes, doubles no) { return _mm512_mask_mov_pd(no, mask, yes); }
  static QNNX_INLINE __mmask8 both(__mmask8 a, __mmask8 b) { return static_cast<__mmask8>(a & b); }
  static QNNX_INLINE bool any(__mmask8 mask) { return mask != 0; }
  static QNNX_INLINE doubles abs(doubles v) {
    return _mm512_castsi512_pd(_mm512_and_si512(_mm512_castpd_si512(v), _mm512_set1_epi64(INT64_MAX)));
  }
  static QNNX_INLINE doubles negated(doubles v) {
    return _mm512_castsi512_pd(_mm512_xor_si512(_mm512_castpd_si512(v), _mm512_set1_epi64(INT64_MIN)));
  }
  /// The magnitude of one with the sign of the other, which is not negative.
  static QNNX_INLINE doubles with_sign_of(doubles v, doubles sign) {
    const __m512i s = _mm512_and_si512(_mm512_castpd_si512(sign), _mm512_set1_epi64(INT64_MIN));
    return _mm512_castsi512_pd(_mm512_or_si512(_mm512_castpd_si512(v), s));
  }
  static QNNX_INLINE floats with_sign_of(floats v, floats sign) {
    const __m512i s = _mm512_and_si512(_mm512_castps_si512(sign), _mm512_set1_epi32(INT32_MIN));
    return _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(v), s));
  }
  /// table[last four bits].
  static QNNX_INLINE doubles pick16(const double* table, doubles bits) {
    return _mm512_permutex2var_pd(_mm512_loadu_pd(table), _mm512_castpd_si512(bits), _mm512_loadu_pd(table + 8));
  }
  /// p 2^floor(k).
  static QNNX_INLINE doubles times_power(doubles p, doubles k) { return _mm512_scalef_pd(p, k); }
  static QNNX_INLINE double total(doubles v) { return _mm512_reduce_add_pd(v); }

  // words
  static QNNX_INLINE words all(std::int32_t v) { return _mm512_set1_epi32(v); }
  static QNNX_INLINE words load(const std::int32_t* p) { return _mm512_loadu_si512(p); }
  static QNNX_INLINE void store(std::int32_t* p, words v) { _mm512_storeu_si512(p, v); }
  static QNNX_INLINE words add(words a, words b) { return _mm512_add_epi32(a, b); }
  static QNNX_INLINE words sub(words a, words b) { return _mm512_sub_epi32(a, b); }
  static QNNX_INLINE words mul(words a, words b) { return _mm512_mullo_epi32(a, b); }
  static QNNX_INLINE words min(words a, words b) { return _mm512_min_epi32(a, b); }
  static QNNX_INLINE words max(words a, words b) { return _mm512_max_epi32(a, b); }
  static QNNX_INLINE words and_bits(words a, words b) { return _mm512_and_si512(a, b); }
  static QNNX_INLINE words or_bits(words a, words b) { return _mm512_or_si512(a, b); }
  static QNNX_INLINE words xor_bits(words a, words b) { return _mm512_xor_si512(a, b); }
  static QNNX_INLINE words shifted_left(words a, int n) { return _mm512_slli_epi32(a, static_cast<unsigned>(n)); }
  static QNNX_INLINE words shifted_right(words a, words n) { return _mm512_srav_epi32(a, n); }
  static QNNX_INLINE words shifted_right(words a, __m128i n) { return _mm512_sra_epi32(a, n); }
  static QNNX_INLINE words shifted_right_zero(words a, int n) { return _mm512_srli_epi32(a, static_cast<unsigned>(n)); }
  /// 32 bits from each place of an array of 16-bit values.
  static QNNX_INLINE words gather_at_halves(const std::uint16_t* first, words at) { return _mm512_i32gather_epi32(at, first, 2); }
  static QNNX_INLINE __mmask16 not_positive(words a) { return _mm512_cmple_epi32_mask(a, _mm512_setzero_si512()); }
  /// a, and without the last bit where no bit of `tested` is in `bits`.
  static QNNX_INLINE words even_where_none(words a, words tested, words bits) {
    return _mm512_mask_and_epi32(a, _mm512_testn_epi32_mask(tested, bits), a, _mm512_set1_epi32(-2));
  }
  static QNNX_INLINE words select(__mmask16 mask, words yes, words no) { return _mm512_mask_mov_epi32(no, mask, yes); }
  static QNNX_INLINE words bits_of(floats v) { return _mm512_castps_si512(v); }
  static QNNX_INLINE floats floats_of(words v) { return _mm512_castsi512_ps(v); }
  static QNNX_INLINE floats to_floats(words v) { return _mm512_cvtepi32_ps(v); }
  static QNNX_INLINE words to_words(floats v) { return _mm512_cvtps_epi32(v); }  // to nearest, halves to even
  static QNNX_INLINE words to_words_truncated(floats v) { return _mm512_cvttps_epi32(v); }
  static QNNX_INLINE words to_words(doubles low, doubles high) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtpd_epi32(low)), _mm512_cvtpd_epi32(high), 1);
  }
  static QNNX_INLINE words to_words_truncated(doubles low, doubles high) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvttpd_epi32(low)), _mm512_cvttpd_epi32(high), 1);
  }

  // bytes and 16-bit values, one to a lane
  template <bool Signed>
  static QNNX_INLINE words load_bytes(some s, const void* p) {
    const __m128i v = _mm_maskz_loadu_epi8(s, p);
    return Signed ? _mm512_cvtepi8_epi32(v) : _mm512_cvtepu8_epi32(v);
  }
  template <bool Signed>
  static QNNX_INLINE words load_bytes(const void* p) {
    const __m128i v = _mm_loadu_si128(static_cast<const __m128i*>(p));
    return Signed ? _mm512_cvtepi8_epi32(v) : _mm512_cvtepu8_epi32(v);
  }
  template <bool Signed>
  static QNNX_INLINE words load_halves(some s, const void* p) {
    const __m256i v = _mm256_maskz_loadu_epi16(s, p);
    return Signed ? _mm512_cvtepi16_epi32(v) : _mm512_cvtepu16_epi32(v);
  }
  /// Bytes + offset, as many as there are doubles.
  template <bool Signed>
  static QNNX_INLINE doubles load_bytes_widened(some_doubles s, const void* p, std::int32_t offset) {
    const __m128i b = _mm_maskz_loadu_epi8(s, p);
    const __m256i q = Signed ? _mm256_cvtepi8_epi32(b) : _mm256_cvtepu8_epi32(b);
    return _mm512_cvtepi32_pd(_mm256_mask_add_epi32(_mm256_setzero_si256(), s, q, _mm256_set1_epi32(offset)));
  }
  static QNNX_INLINE void store_low_bytes(some s, void* p, words v) {
    _mm_mask_storeu_epi8(p, s, _mm512_cvtepi32_epi8(v));
  }
  static QNNX_INLINE void store_low_halves(some s, void* p, words v) {
    _mm256_mask_storeu_epi16(p, s, _mm512_cvtepi32_epi16(v));
  }
  /// Doubles rounded to integers, kept in [lo, hi], less the offset.
  static QNNX_INLINE void store_doubles_as_bytes(some_doubles s, void* p, doubles q, std::int32_t lo, std::int32_t hi, std::int32_t offset) {
    __m256i whole = _mm512_cvt_roundpd_epi32(q, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    whole = _mm256_min_epi32(_mm256_max_epi32(whole, _mm256_set1_epi32(lo)), _mm256_set1_epi32(hi));
    _mm_mask_storeu_epi8(p, s, _mm256_cvtepi32_epi8(_mm256_sub_epi32(whole, _mm256_set1_epi32(offset))));
  }

  // vectors of bytes, signed or not
  static constexpr int byte_lanes = 64;
  static QNNX_INLINE words all_bytes(std::int32_t v) { return _mm512_set1_epi8(static_cast<char>(v)); }
  static QNNX_INLINE words all_halves(std::int32_t v) { return _mm512_set1_epi16(static_cast<short>(v)); }
  static QNNX_INLINE __mmask64 first_bytes(std::int64_t n) { return n >= 64 ? ~0ull : (1ull << n) - 1; }
  /// Those that lie before byte n of a row, which may end before the vector begins.
  static QNNX_INLINE __mmask64 bytes_before(std::int64_t n) { return n <= 0 ? 0 : first_bytes(n); }
  static QNNX_INLINE words load_vector(const void* p) { return _mm512_loadu_si512(p); }
  static QNNX_INLINE words load_vector(__mmask64 s, const void* p) { return _mm512_maskz_loadu_epi8(s, p); }
  static QNNX_INLINE void store_vector(void* p, words v) { _mm512_storeu_si512(p, v); }
  static QNNX_INLINE void store_vector(__mmask64 s, void* p, words v) { _mm512_mask_storeu_epi8(p, s, v); }
  template <class F>
  static QNNX_INLINE void each_bytes(std::int64_t n, F&& f) {
    for (std::int64_t i = 0; i < n; i += byte_lanes) f(i, first_bytes(n - i));
  }
  static QNNX_INLINE words select_bytes(__mmask64 s, words yes, words no) { return _mm512_mask_mov_epi8(no, s, yes); }
  /// Sums of 8 neighbouring bytes, in lanes of 64 bits.
  static QNNX_INLINE words sums_of_eight(words bytes) { return _mm512_sad_epu8(bytes, _mm512_setzero_si512()); }
  static QNNX_INLINE words add_pairs(words a, words b) { return _mm512_add_epi64(a, b); }
  static QNNX_INLINE std::int64_t total_pairs(words v) { return _mm512_reduce_add_epi64(v); }
  static QNNX_INLINE words add_bytes(words a, words b) { return _mm512_add_epi8(a, b); }
  template <bool Signed>
  static QNNX_INLINE words max_bytes(words a, words b) { return Signed ? _mm512_max_epi8(a, b) : _mm512_max_epu8(a, b); }
  template <bool Signed>
  static QNNX_INLINE words min_bytes(words a, words b) { return Signed ? _mm512_min_epi8(a, b) : _mm512_min_epu8(a, b); }
  /// The low bytes of four vectors of words, in order.
  static QNNX_INLINE words low_bytes(const words (&q)[4]) {
    return _mm512_inserti64x4(low_bytes(q[0], q[1]), _mm512_castsi512_si256(low_bytes(q[2], q[3])), 1);
  }
  /// The low bytes of the lanes of two vectors, in the low half.
  static QNNX_INLINE words low_bytes(words a, words b) {
#if QNNX_HAS_AVX512VBMI
    const words every_fourth = _mm512_set_epi64(0, 0, 0, 0, 0x7c7874706c686460, 0x5c5854504c484440, 0x3c3834302c282420, 0x1c1814100c080400);
    return _mm512_permutex2var_epi8(a, every_fourth, b);
#else
    return _mm512_castsi256_si512(_mm256_set_m128i(_mm512_cvtepi32_epi8(b), _mm512_cvtepi32_epi8(a)));
#endif
  }
  /// Four vectors of words + zero as bytes in order. The saturations keep what the clamp cuts anyway.
  template <bool Signed>
  static QNNX_INLINE words saturated_bytes(const words (&q)[4], words zero16, words lo, words hi) {
    const words low = _mm512_adds_epi16(_mm512_packs_epi32(q[0], q[1]), zero16);
    const words high = _mm512_adds_epi16(_mm512_packs_epi32(q[2], q[3]), zero16);
    const words order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const words all = Signed ? _mm512_packs_epi16(low, high) : _mm512_packus_epi16(low, high);
    return _mm512_permutexvar_epi32(order, min_bytes<Signed>(max_bytes<Signed>(all, lo), hi));
  }

  // vectors of 16-bit values: quads of two vectors of words stand in turn in the vector that they are packed into
  static constexpr int half_lanes = 32;
  static QNNX_INLINE __mmask64 first_halves(std::int64_t n) { return first_bytes(2 * n); }
  /// Sums of the products of neighbouring values on top of words.
  static QNNX_INLINE words add_pair_products(words sum, words a, words b) { return _mm512_dpwssd_epi32(sum, a, b); }
  static QNNX_INLINE words low_pairs(words a, words b) { return _mm512_unpacklo_epi16(a, b); }
  static QNNX_INLINE words high_pairs(words a, words b) { return _mm512_unpackhi_epi16(a, b); }
  template <bool Signed>
  static QNNX_INLINE words pack_words(words even, words odd) {
    return Signed ? _mm512_packs_epi32(even, odd) : _mm512_packus_epi32(even, odd);
  }
  static QNNX_INLINE std::uint16_t smallest_half(words v) {
    const __m256i half = _mm256_min_epu16(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    const __m128i eight = _mm_min_epu16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    return static_cast<std::uint16_t>(_mm_cvtsi128_si32(_mm_minpos_epu16(eight)));
  }
  /// 0 or -1 for each.
  static QNNX_INLINE words signs_of_halves(words v) { return _mm512_srai_epi16(v, 15); }
  template <bool Signed>
  static QNNX_INLINE words max_halves(words a, words b) { return Signed ? _mm512_max_epi16(a, b) : _mm512_max_epu16(a, b); }
  template <bool Signed>
  static QNNX_INLINE words min_halves(words a, words b) { return Signed ? _mm512_min_epi16(a, b) : _mm512_min_epu16(a, b); }
  template <class F>
  static QNNX_INLINE void each_halves(std::int64_t n, F&& f) {
    for (std::int64_t i = 0; i < n; i += half_lanes) f(i, first_halves(n - i));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
