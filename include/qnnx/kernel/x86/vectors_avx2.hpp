// SPDX-License-Identifier: Apache-2.0
#pragma once
// 256-bit vectors under the names that the element-wise kernels use, which are written once for this width and for that
// of vectors_avx512.hpp: 8 floats or words of 32 bits, 4 doubles. A loop over elements passes `whole` for full vectors
// and `some` for the last ones: AVX2 has no masks of bytes, and its masked stores are slow on some processors, so those
// go through a few bytes on the stack; nothing beyond an operand is read or written. Layer 5a.

#include "qnnx/kernel/x86/arithmetic.hpp"

#if QNNX_HAS_AVX2
#include <immintrin.h>

#include <cstring>

namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// n < Limit bytes, Limit a power of two.
template <int Limit>
QNNX_INLINE void copy_few(void* to, const void* from, std::int64_t n) {
  auto* t = static_cast<std::byte*>(to);
  const auto* f = static_cast<const std::byte*>(from);
  const auto move = [&](auto size) {
    if constexpr (size() < Limit) {
      if (n & size()) {
        std::memcpy(t, f, size());
        t += size();
        f += size();
      }
    }
  };
  move(std::integral_constant<int, 16>());
  move(std::integral_constant<int, 8>());
  move(std::integral_constant<int, 4>());
  move(std::integral_constant<int, 2>());
  move(std::integral_constant<int, 1>());
}

struct avx2_vectors {
  using floats = __m256;
  using words = __m256i;
  using doubles = __m256d;
  static constexpr int lanes = 8;
  static constexpr int double_lanes = 4;

  struct whole {};
  struct some {
    __m256i mask;
    std::int64_t count;
  };
  struct some_doubles {
    __m256i mask;
    std::int64_t count;
  };
  static QNNX_INLINE some first(std::int64_t n) {
    return {f32x8::first(n), n};
  }
  static QNNX_INLINE some_doubles first_doubles(std::int64_t n) {
    return {_mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)), n};
  }
  static QNNX_INLINE whole every_double() { return {}; }
  /// f(index, lanes that take part) over n elements.
  template <class F>
  static QNNX_INLINE void each(std::int64_t n, F&& f) {
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) f(i, whole{});
    if (i < n) f(i, first(n - i));
  }
  template <class F>
  static QNNX_INLINE void each_doubles(std::int64_t n, F&& f) {
    std::int64_t i = 0;
    for (; i + double_lanes <= n; i += double_lanes) f(i, whole{});
    if (i < n) f(i, first_doubles(n - i));
  }

  // floats
  static QNNX_INLINE floats all(float v) { return _mm256_set1_ps(v); }
  static QNNX_INLINE floats load(const float* p) { return _mm256_loadu_ps(p); }
  static QNNX_INLINE floats load(whole, const float* p) { return _mm256_loadu_ps(p); }
  static QNNX_INLINE floats load(some s, const float* p) { return _mm256_maskload_ps(p, s.mask); }
  static QNNX_INLINE void store(float* p, floats v) { _mm256_storeu_ps(p, v); }
  static QNNX_INLINE void store(whole, float* p, floats v) { _mm256_storeu_ps(p, v); }
  static QNNX_INLINE void store(some s, float* p, floats v) {
    alignas(32) float lane[8];
    _mm256_store_ps(lane, v);
    copy_few<32>(p, lane, 4 * s.count);
  }
  // 16-bit floats, as numbers; every processor with AVX2 has F16C, not every set of compiler flags
#define QNNX_WITH_F16C __attribute__((target("f16c"))) inline
  static QNNX_WITH_F16C floats load(const half* p) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
  static QNNX_WITH_F16C floats load(whole, const half* p) { return load(p); }
  static QNNX_WITH_F16C floats load(some s, const half* p) {
    alignas(16) half lane[8];
    copy_few<16>(lane, p, 2 * s.count);
    return load(lane);
  }
  static QNNX_WITH_F16C void store(half* p, floats v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT)); }
  static QNNX_WITH_F16C void store(whole, half* p, floats v) { store(p, v); }
  static QNNX_WITH_F16C void store(some s, half* p, floats v) {
    alignas(16) half lane[8];
    store(lane, v);
    copy_few<16>(p, lane, 2 * s.count);
  }
  static QNNX_WITH_F16C doubles load_widened(whole, const half* p) { return _mm256_cvtps_pd(_mm_cvtph_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))); }
  static QNNX_WITH_F16C doubles load_widened(some_doubles s, const half* p) {
    alignas(8) half lane[4];
    copy_few<8>(lane, p, 2 * s.count);
    return load_widened(whole{}, lane);
  }
  static QNNX_WITH_F16C void store_narrowed(whole, half* p, doubles v) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_cvtps_ph(_mm256_cvtpd_ps(v), _MM_FROUND_TO_NEAREST_INT));
  }
  static QNNX_WITH_F16C void store_narrowed(some_doubles s, half* p, doubles v) {
    alignas(8) half lane[4];
    store_narrowed(whole{}, lane, v);
    copy_few<8>(p, lane, 2 * s.count);
  }
#undef QNNX_WITH_F16C
  static QNNX_INLINE floats add(floats a, floats b) { return _mm256_add_ps(a, b); }
  static QNNX_INLINE floats sub(floats a, floats b) { return _mm256_sub_ps(a, b); }
  static QNNX_INLINE floats mul(floats a, floats b) { return _mm256_mul_ps(a, b); }
  static QNNX_INLINE floats div(floats a, floats b) { return _mm256_div_ps(a, b); }
  static QNNX_INLINE floats fmadd(floats a, floats b, floats c) { return _mm256_fmadd_ps(a, b, c); }
  static QNNX_INLINE floats fmsub(floats a, floats b, floats c) { return _mm256_fmsub_ps(a, b, c); }
  static QNNX_INLINE floats fnmadd(floats a, floats b, floats c) { return _mm256_fnmadd_ps(a, b, c); }
  static QNNX_INLINE floats min(floats a, floats b) { return _mm256_min_ps(a, b); }  // of a NaN the second
  static QNNX_INLINE floats max(floats a, floats b) { return _mm256_max_ps(a, b); }
  static QNNX_INLINE floats sqrt(floats v) { return _mm256_sqrt_ps(v); }
  template <int Mode>
  static QNNX_INLINE floats rounded(floats v) { return _mm256_round_ps(v, Mode | _MM_FROUND_NO_EXC); }
  template <int Relation>
  static QNNX_INLINE floats compare(floats a, floats b) { return _mm256_cmp_ps(a, b, Relation); }
  static QNNX_INLINE floats select(floats mask, floats yes, floats no) { return _mm256_blendv_ps(no, yes, mask); }
  static QNNX_INLINE floats select(whole, floats yes, floats) { return yes; }
  static QNNX_INLINE floats select(some s, floats yes, floats no) {
    return _mm256_blendv_ps(no, yes, _mm256_castsi256_ps(s.mask));
  }
  static QNNX_INLINE floats keep(floats mask, floats v) { return _mm256_and_ps(mask, v); }  // others are 0
  static QNNX_INLINE floats either(floats mask, floats other) { return _mm256_or_ps(mask, other); }
  static QNNX_INLINE floats both(floats mask, floats other) { return _mm256_and_ps(mask, other); }
  static QNNX_INLINE bool any(floats mask) { return _mm256_movemask_ps(mask) != 0; }
  static QNNX_INLINE floats abs(floats v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }
  static QNNX_INLINE floats activate(floats v, activation act, float lo, float hi) { return f32x8::activate(v, act, lo, hi); }
  static QNNX_INLINE float largest(floats v) {
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_shuffle_ps(m, m, 1)));
  }

  // doubles
  static QNNX_INLINE doubles all(double v) { return _mm256_set1_pd(v); }
  static QNNX_INLINE doubles load(const double* p) { return _mm256_loadu_pd(p); }
  static QNNX_INLINE doubles load(whole, const double* p) { return _mm256_loadu_pd(p); }
  static QNNX_INLINE doubles load(some_doubles s, const double* p) { return _mm256_maskload_pd(p, s.mask); }
  static QNNX_INLINE void store(double* p, doubles v) { _mm256_storeu_pd(p, v); }
  static QNNX_INLINE void store(whole, double* p, doubles v) { _mm256_storeu_pd(p, v); }
  static QNNX_INLINE void store(some_doubles s, double* p, doubles v) {
    alignas(32) double lane[4];
    _mm256_store_pd(lane, v);
    copy_few<32>(p, lane, 8 * s.count);
  }
  /// As many floats as there are doubles.
  static QNNX_INLINE doubles load_widened(whole, const float* p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
  static QNNX_INLINE doubles load_widened(some_doubles s, const float* p) {
    alignas(16) float lane[4] = {};
    copy_few<16>(lane, p, 4 * s.count);
    return _mm256_cvtps_pd(_mm_load_ps(lane));
  }
  static QNNX_INLINE void store_narrowed(whole, float* p, doubles v) { _mm_storeu_ps(p, _mm256_cvtpd_ps(v)); }
  static QNNX_INLINE void store_narrowed(some_doubles s, float* p, doubles v) {
    alignas(16) float lane[4];
    _mm_store_ps(lane, _mm256_cvtpd_ps(v));
    copy_few<16>(p, lane, 4 * s.count);
  }
  static QNNX_INLINE doubles low_half(floats v) { return _mm256_cvtps_pd(_mm256_castps256_ps128(v)); }
  static QNNX_INLINE doubles high_half(floats v) { return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)); }
  static QNNX_INLINE doubles low_half(words v) { return _mm256_cvtepi32_pd(_mm256_castsi256_si128(v)); }
  static QNNX_INLINE doubles high_half(words v) { return _mm256_cvtepi32_pd(_mm256_extracti128_si256(v, 1)); }
  static QNNX_INLINE doubles add(doubles a, doubles b) { return _mm256_add_pd(a, b); }
  static QNNX_INLINE doubles sub(doubles a, doubles b) { return _mm256_sub_pd(a, b); }
  static QNNX_INLINE doubles mul(doubles a, doubles b) { return _mm256_mul_pd(a, b); }
  static QNNX_INLINE doubles div(doubles a, doubles b) { return _mm256_div_pd(a, b); }
  static QNNX_INLINE doubles fmadd(doubles a, doubles b, doubles c) { return _mm256_fmadd_pd(a, b, c); }
  static QNNX_INLINE doubles fmsub(doubles a, doubles b, doubles c) { return _mm256_fmsub_pd(a, b, c); }
  static QNNX_INLINE doubles fnmadd(doubles a, doubles b, doubles c) { return _mm256_fnmadd_pd(a, b, c); }
  static QNNX_INLINE doubles min(doubles a, doubles b) { return _mm256_min_pd(a, b); }
  static QNNX_INLINE doubles max(doubles a, doubles b) { return _mm256_max_pd(a, b); }
  static QNNX_INLINE doubles sqrt(doubles v) { return _mm256_sqrt_pd(v); }
  template <int Mode>
  static QNNX_INLINE doubles rounded(doubles v) { return _mm256_round_pd(v, Mode | _MM_FROUND_NO_EXC); }
  template <int Relation>
  static QNNX_INLINE doubles compare(doubles a, doubles b) { return _mm256_cmp_pd(a, b, Relation); }
  static QNNX_INLINE doubles select(doubles mask, doubles yes, doubles no) { return _mm256_blendv_pd(no, yes, mask); }
  static QNNX_INLINE doubles select(whole, doubles yes, doubles) { return yes; }
  static QNNX_INLINE doubles select(some_doubles s, doubles yes, doubles no) {
    return _mm256_blendv_pd(no, yes, _mm256_castsi256_pd(s.mask));
  }
  static QNNX_INLINE doubles both(doubles mask, doubles other) { return _mm256_and_pd(mask, other); }
  static QNNX_INLINE bool any(doubles mask) { return _mm256_movemask_pd(mask) != 0; }
  static QNNX_INLINE doubles abs(doubles v) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), v); }
  static QNNX_INLINE doubles negated(doubles v) { return _mm256_xor_pd(v, _mm256_set1_pd(-0.0)); }
  /// The magnitude of one with the sign of the other, which is not negative.
  static QNNX_INLINE doubles with_sign_of(doubles v, doubles sign) {
    return _mm256_or_pd(v, _mm256_and_pd(sign, _mm256_set1_pd(-0.0)));
  }
  static QNNX_INLINE floats with_sign_of(floats v, floats sign) {
    return _mm256_or_ps(v, _mm256_and_ps(sign, _mm256_set1_ps(-0.0f)));
  }
  /// table[last four bits].
  static QNNX_INLINE doubles pick16(const double* table, doubles bits) {
    return _mm256_i64gather_pd(table, _mm256_and_si256(_mm256_castpd_si256(bits), _mm256_set1_epi64x(15)), 8);
  }
  /// p 2^floor(k) for 1 <= p < 4, k kept in [-1022, 1022]: what lies beyond is 0 or infinity as a float.
  static QNNX_INLINE doubles times_power(doubles p, doubles k) {
    __m128i n = _mm256_cvtpd_epi32(_mm256_floor_pd(k));
    n = _mm_min_epi32(_mm_max_epi32(n, _mm_set1_epi32(-1022)), _mm_set1_epi32(1022));
    const __m256i e = _mm256_cvtepi32_epi64(_mm_add_epi32(n, _mm_set1_epi32(1023)));
    return _mm256_mul_pd(p, _mm256_castsi256_pd(_mm256_slli_epi64(e, 52)));
  }
  static QNNX_INLINE double total(doubles v) {
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
  }

  // words
  static QNNX_INLINE words all(std::int32_t v) { return _mm256_set1_epi32(v); }
  static QNNX_INLINE words load(const std::int32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static QNNX_INLINE void store(std::int32_t* p, words v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  static QNNX_INLINE words add(words a, words b) { return _mm256_add_epi32(a, b); }
  static QNNX_INLINE words sub(words a, words b) { return _mm256_sub_epi32(a, b); }
  static QNNX_INLINE words mul(words a, words b) { return _mm256_mullo_epi32(a, b); }
  static QNNX_INLINE words min(words a, words b) { return _mm256_min_epi32(a, b); }
  static QNNX_INLINE words max(words a, words b) { return _mm256_max_epi32(a, b); }
  static QNNX_INLINE words and_bits(words a, words b) { return _mm256_and_si256(a, b); }
  static QNNX_INLINE words or_bits(words a, words b) { return _mm256_or_si256(a, b); }
  static QNNX_INLINE words xor_bits(words a, words b) { return _mm256_xor_si256(a, b); }
  static QNNX_INLINE words shifted_left(words a, int n) { return _mm256_slli_epi32(a, n); }
  static QNNX_INLINE words shifted_right(words a, words n) { return _mm256_srav_epi32(a, n); }
  static QNNX_INLINE words shifted_right(words a, __m128i n) { return _mm256_sra_epi32(a, n); }
  static QNNX_INLINE words shifted_right_zero(words a, int n) { return _mm256_srli_epi32(a, n); }
  /// 32 bits from each place of an array of 16-bit values.
  static QNNX_INLINE words gather_at_halves(const std::uint16_t* first, words at) {
    return _mm256_i32gather_epi32(reinterpret_cast<const int*>(first), at, 2);
  }
  static QNNX_INLINE words not_positive(words a) { return _mm256_cmpgt_epi32(_mm256_set1_epi32(1), a); }
  /// a, and without the last bit where no bit of `tested` is in `bits`.
  static QNNX_INLINE words even_where_none(words a, words tested, words bits) {
    const words none = _mm256_cmpeq_epi32(_mm256_and_si256(tested, bits), _mm256_setzero_si256());
    return _mm256_andnot_si256(_mm256_srli_epi32(none, 31), a);
  }
  static QNNX_INLINE words select(words mask, words yes, words no) { return _mm256_blendv_epi8(no, yes, mask); }
  static QNNX_INLINE words bits_of(floats v) { return _mm256_castps_si256(v); }
  static QNNX_INLINE floats floats_of(words v) { return _mm256_castsi256_ps(v); }
  static QNNX_INLINE floats to_floats(words v) { return _mm256_cvtepi32_ps(v); }
  static QNNX_INLINE words to_words(floats v) { return _mm256_cvtps_epi32(v); }  // to nearest, halves to even
  static QNNX_INLINE words to_words_truncated(floats v) { return _mm256_cvttps_epi32(v); }
  static QNNX_INLINE words to_words(doubles low, doubles high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm256_cvtpd_epi32(low)), _mm256_cvtpd_epi32(high), 1);
  }
  static QNNX_INLINE words to_words_truncated(doubles low, doubles high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm256_cvttpd_epi32(low)), _mm256_cvttpd_epi32(high), 1);
  }

  // bytes and 16-bit values, one to a lane
  template <bool Signed>
  static QNNX_INLINE words widened(__m128i v) { return Signed ? _mm256_cvtepi8_epi32(v) : _mm256_cvtepu8_epi32(v); }
  template <bool Signed>
  static QNNX_INLINE words load_bytes(whole, const void* p) {
    return widened<Signed>(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
  }
  template <bool Signed>
  static QNNX_INLINE words load_bytes(some s, const void* p) {
    std::int64_t eight = 0;
    copy_few<8>(&eight, p, s.count);
    return widened<Signed>(_mm_cvtsi64_si128(eight));
  }
  template <bool Signed>
  static QNNX_INLINE words load_bytes(const void* p) { return load_bytes<Signed>(whole{}, p); }
  template <bool Signed>
  static QNNX_INLINE words load_halves(whole, const void* p) {
    const __m128i v = _mm_loadu_si128(static_cast<const __m128i*>(p));
    return Signed ? _mm256_cvtepi16_epi32(v) : _mm256_cvtepu16_epi32(v);
  }
  template <bool Signed>
  static QNNX_INLINE words load_halves(some s, const void* p) {
    alignas(16) std::uint16_t lane[8] = {};
    copy_few<16>(lane, p, 2 * s.count);
    return load_halves<Signed>(whole{}, lane);
  }
  /// Four bytes, or as many as there are doubles.
  template <bool Signed>
  static QNNX_INLINE doubles load_bytes_widened(whole, const void* p, std::int32_t offset) {
    std::int32_t four = 0;
    std::memcpy(&four, p, 4);
    const __m128i v = _mm_cvtsi32_si128(four);
    return _mm256_cvtepi32_pd(_mm_add_epi32(Signed ? _mm_cvtepi8_epi32(v) : _mm_cvtepu8_epi32(v), _mm_set1_epi32(offset)));
  }
  template <bool Signed>
  static QNNX_INLINE doubles load_bytes_widened(some_doubles s, const void* p, std::int32_t offset) {
    std::int32_t four = 0;
    copy_few<4>(&four, p, s.count);
    return _mm256_and_pd(_mm256_castsi256_pd(s.mask), load_bytes_widened<Signed>(whole{}, &four, offset));
  }
  /// The low byte of each lane.
  static QNNX_INLINE std::int64_t low_bytes(words v) {
    const __m256i order = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4,
                                           8, 12, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m256i apart = _mm256_shuffle_epi8(v, order);
    return _mm_cvtsi128_si64(_mm_or_si128(_mm256_castsi256_si128(apart), _mm256_extracti128_si256(apart, 1)));
  }
  static QNNX_INLINE void store_low_bytes(whole, void* p, words v) {
    const std::int64_t eight = low_bytes(v);
    std::memcpy(p, &eight, 8);
  }
  static QNNX_INLINE void store_low_bytes(some s, void* p, words v) {
    const std::int64_t eight = low_bytes(v);
    copy_few<8>(p, &eight, s.count);
  }
  /// The low half of each lane.
  static QNNX_INLINE __m128i low_halves(words v) {
    const __m256i packed = _mm256_packus_epi32(_mm256_and_si256(v, _mm256_set1_epi32(0xffff)), _mm256_setzero_si256());
    return _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08));
  }
  static QNNX_INLINE void store_low_halves(whole, void* p, words v) { _mm_storeu_si128(static_cast<__m128i*>(p), low_halves(v)); }
  static QNNX_INLINE void store_low_halves(some s, void* p, words v) {
    alignas(16) std::uint16_t lane[8];
    store_low_halves(whole{}, lane, v);
    copy_few<16>(p, lane, 2 * s.count);
  }
  /// Doubles rounded to integers, kept in [lo, hi], less the offset.
  template <class Part>
  static QNNX_INLINE void store_doubles_as_bytes(Part part, void* p, doubles q, std::int32_t lo, std::int32_t hi, std::int32_t offset) {
    __m128i whole_numbers = _mm_min_epi32(_mm_max_epi32(_mm256_cvtpd_epi32(q), _mm_set1_epi32(lo)), _mm_set1_epi32(hi));
    whole_numbers = _mm_sub_epi32(whole_numbers, _mm_set1_epi32(offset));
    const int four = _mm_cvtsi128_si32(_mm_shuffle_epi8(whole_numbers, _mm_set1_epi32(0x0c080400)));
    if constexpr (std::is_same_v<Part, whole>) std::memcpy(p, &four, 4);
    else copy_few<4>(p, &four, part.count);
  }

  // vectors of bytes, signed or not
  static constexpr int byte_lanes = 32;
  static QNNX_INLINE words all_bytes(std::int32_t v) { return _mm256_set1_epi8(static_cast<char>(v)); }
  static QNNX_INLINE words all_halves(std::int32_t v) { return _mm256_set1_epi16(static_cast<short>(v)); }
  static QNNX_INLINE words load_vector(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static QNNX_INLINE void store_vector(void* p, words v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
  struct some_bytes {
    std::int64_t count;
  };
  template <class F>
  static QNNX_INLINE void each_bytes(std::int64_t n, F&& f) {
    std::int64_t i = 0;
    for (; i + byte_lanes <= n; i += byte_lanes) f(i, whole{});
    if (i < n) f(i, some_bytes{n - i});
  }
  static QNNX_INLINE words load_vector(whole, const void* p) { return load_vector(p); }
  static QNNX_INLINE void store_vector(whole, void* p, words v) { store_vector(p, v); }
  static QNNX_INLINE words load_vector(some_bytes s, const void* p) {
    alignas(32) std::uint8_t lane[32] = {};
    copy_few<32>(lane, p, s.count);
    return load_vector(lane);
  }
  static QNNX_INLINE some_bytes first_halves(std::int64_t n) { return {2 * n}; }
  static QNNX_INLINE void store_vector(some_bytes s, void* p, words v) {
    alignas(32) std::uint8_t lane[32];
    store_vector(lane, v);
    copy_few<32>(p, lane, s.count);
  }
  static QNNX_INLINE words select_bytes(whole, words yes, words) { return yes; }
  static QNNX_INLINE words select_bytes(some_bytes s, words yes, words no) {
    const words at = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
                                      25, 26, 27, 28, 29, 30, 31);
    return _mm256_blendv_epi8(no, yes, _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(s.count)), at));
  }
  /// Sums of 8 neighbouring bytes, in lanes of 64 bits.
  static QNNX_INLINE words sums_of_eight(words bytes) { return _mm256_sad_epu8(bytes, _mm256_setzero_si256()); }
  static QNNX_INLINE words add_pairs(words a, words b) { return _mm256_add_epi64(a, b); }
  static QNNX_INLINE std::int64_t total_pairs(words v) {
    const __m128i two = _mm_add_epi64(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    return _mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1);
  }
  static QNNX_INLINE words add_bytes(words a, words b) { return _mm256_add_epi8(a, b); }
  template <bool Signed>
  static QNNX_INLINE words max_bytes(words a, words b) { return Signed ? _mm256_max_epi8(a, b) : _mm256_max_epu8(a, b); }
  template <bool Signed>
  static QNNX_INLINE words min_bytes(words a, words b) { return Signed ? _mm256_min_epi8(a, b) : _mm256_min_epu8(a, b); }
  /// The low bytes of four vectors of words, in order.
  static QNNX_INLINE words low_bytes(const words (&q)[4]) {
    const words mask = _mm256_set1_epi32(255);
    const auto two = [&](words a, words b) { return _mm256_packus_epi32(_mm256_and_si256(a, mask), _mm256_and_si256(b, mask)); };
    return in_order(_mm256_packus_epi16(two(q[0], q[1]), two(q[2], q[3])));
  }
  /// Four vectors of words + zero as bytes in order. The saturations keep what the clamp cuts anyway.
  template <bool Signed>
  static QNNX_INLINE words saturated_bytes(const words (&q)[4], words zero16, words lo, words hi) {
    const words low = _mm256_adds_epi16(_mm256_packs_epi32(q[0], q[1]), zero16);
    const words high = _mm256_adds_epi16(_mm256_packs_epi32(q[2], q[3]), zero16);
    return min_bytes<Signed>(
        max_bytes<Signed>(in_order(Signed ? _mm256_packs_epi16(low, high) : _mm256_packus_epi16(low, high)), lo), hi);
  }

  // vectors of 16-bit values: quads of two vectors of words stand in turn in the vector that they are packed into
  static constexpr int half_lanes = 16;
  /// Sums of the products of neighbouring values on top of words.
  static QNNX_INLINE words add_pair_products(words sum, words a, words b) { return add(sum, _mm256_madd_epi16(a, b)); }
  static QNNX_INLINE words low_pairs(words a, words b) { return _mm256_unpacklo_epi16(a, b); }
  static QNNX_INLINE words high_pairs(words a, words b) { return _mm256_unpackhi_epi16(a, b); }
  template <bool Signed>
  static QNNX_INLINE words pack_words(words even, words odd) {
    return Signed ? _mm256_packs_epi32(even, odd) : _mm256_packus_epi32(even, odd);
  }
  static QNNX_INLINE std::uint16_t smallest_half(words v) {
    const __m128i eight = _mm_min_epu16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    return static_cast<std::uint16_t>(_mm_cvtsi128_si32(_mm_minpos_epu16(eight)));
  }
  /// 0 or -1 for each.
  static QNNX_INLINE words signs_of_halves(words v) { return _mm256_srai_epi16(v, 15); }
  template <bool Signed>
  static QNNX_INLINE words max_halves(words a, words b) { return Signed ? _mm256_max_epi16(a, b) : _mm256_max_epu16(a, b); }
  template <bool Signed>
  static QNNX_INLINE words min_halves(words a, words b) { return Signed ? _mm256_min_epi16(a, b) : _mm256_min_epu16(a, b); }
  template <class F>
  static QNNX_INLINE void each_halves(std::int64_t n, F&& f) {
    std::int64_t i = 0;
    for (; i + half_lanes <= n; i += half_lanes) f(i, whole{});
    if (i < n) f(i, first_halves(n - i));
  }

 private:
  static QNNX_INLINE words in_order(words packed) {
    return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
