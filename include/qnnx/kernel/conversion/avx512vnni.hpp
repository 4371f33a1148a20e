// SPDX-License-Identifier: Apache-2.0
#pragma once
// Quantize, Dequantize and Convert between float32 and 8-bit (dequantize: also 16-bit) data of one scale, and between
// 8-bit encodings. The reference's bits.
//   quantize    tflite: the float quotient, halves away from zero. Others: x * (1 / scale) in float decides the integer
//               unless a lane lies within 2^-13 of a tie; then the 16 lanes are divided in double, as the reference does.
//               For |x / scale| < 2^10 the product is wrong by less than 2^-13; beyond, 8-bit results saturate
//   dequantize  (q + offset) is exact as a float: one multiplication rounds once
// Layer 5a.

#include "qnnx/kernel/conversion/reference.hpp"

#if QNNX_HAS_AVX512VNNI
#include "qnnx/kernel/x86/finish.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace x86 {

/// round(x / scale) as int32, within +-2^20.
class quantizer {
 public:
  quantizer(float scale, rounding_mode mode) : scale_(scale), mode_(mode), inverse_(_mm512_set1_ps(1.0f / scale)) {}
  QNNX_INLINE __m512i operator()(__m512 x) const {
    const __m512 bound = _mm512_set1_ps(1048576.0f);
    const auto bounded = [&](__m512 v) { return _mm512_min_ps(_mm512_max_ps(v, _mm512_sub_ps(_mm512_setzero_ps(), bound)), bound); };
    x = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, x, _CMP_ORD_Q), x);  // NaN is real 0
    const __m512 half = _mm512_set1_ps(0.5f);
    if (mode_ == rounding_mode::tflite) {
      const __m512 q = bounded(_mm512_div_ps(x, _mm512_set1_ps(scale_)));
      const __m512 whole = _mm512_roundscale_ps(q, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
      const __m512 rest = _mm512_sub_ps(q, whole);
      const __mmask16 up = _mm512_cmp_ps_mask(_mm512_abs_ps(rest), half, _CMP_GE_OQ);
      const __m512 one = _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(_mm512_set1_ps(1.0f)), _mm512_and_si512(_mm512_castps_si512(rest), _mm512_set1_epi32(INT32_MIN))));
      return _mm512_cvttps_epi32(_mm512_mask_add_ps(whole, up, whole, one));
    }
    const __m512 q = bounded(_mm512_mul_ps(x, inverse_));
    const __m512 whole = _mm512_roundscale_ps(q, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __mmask16 close = _mm512_cmp_ps_mask(_mm512_abs_ps(_mm512_sub_ps(q, whole)), _mm512_set1_ps(0.5f - 0x1p-13f), _CMP_GT_OQ);
    if (close) [[unlikely]]
      return _mm512_inserti64x4(_mm512_castsi256_si512(exact(_mm512_castps512_ps256(x))), exact(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1))), 1);
    return _mm512_cvtps_epi32(whole);
  }

  /// rne, as many blocks of 64 as there are: bytes clamped to [lo, hi] + zero. The sum with 1.5 * 2^23 has the rounded
  /// quotient in its low bits; a block with a lane close to a tie is done again by the exact form.
  template <class Byte>
  std::int64_t blocks(const float* x, Byte* y, std::int64_t n, __m512i lo, __m512i hi, __m512i zero) const {
    const __m512 magic = _mm512_set1_ps(12582912.0f);
    const __m512i bits = _mm512_castps_si512(magic);
    const __m512i low = _mm512_add_epi32(bits, lo);
    const __m512i high = _mm512_add_epi32(bits, hi);
    const __m512i zero8 = _mm512_shuffle_epi8(zero, _mm512_setzero_si512());
    const __m512 bound = _mm512_set1_ps(1048576.0f);
    const __m512 least = _mm512_set1_ps(-1048576.0f);
    const __m512 close = _mm512_set1_ps(0.5f - 0x1p-13f);
    const __m512 inverse = inverse_;
    std::int64_t i = 0;
    for (; i + 64 <= n; i += 64) {
      __m512i q[4];
      unsigned ties = 0;
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        __m512 p = _mm512_loadu_ps(x + i + 16 * v);
        p = _mm512_mul_ps(_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(p, p, _CMP_ORD_Q), p), inverse);
        p = _mm512_min_ps(_mm512_max_ps(p, least), bound);
        const __m512 sum = _mm512_add_ps(p, magic);
        ties |= _mm512_cmp_ps_mask(_mm512_abs_ps(_mm512_sub_ps(p, _mm512_sub_ps(sum, magic))), close, _CMP_GT_OQ);
        q[v] = _mm512_min_epi32(_mm512_max_epi32(_mm512_castps_si512(sum), low), high);
      }
      if (ties) [[unlikely]]
        for (int v = 0; v < 4; ++v) q[v] = _mm512_min_epi32(_mm512_max_epi32((*this)(_mm512_loadu_ps(x + i + 16 * v)), lo), hi);
      const __m512i all = _mm512_inserti64x4(low_bytes(q[0], q[1]), _mm512_castsi512_si256(low_bytes(q[2], q[3])), 1);
      _mm512_storeu_si512(y + i, _mm512_add_epi8(all, zero8));
    }
    return i;
  }

 private:
  __m256i exact(__m256 x) const {
    const __m512d bound = _mm512_set1_pd(1048576.0);
    __m512d q = _mm512_div_pd(_mm512_cvtps_pd(x), _mm512_set1_pd(static_cast<double>(scale_)));
    q = _mm512_min_pd(_mm512_max_pd(q, _mm512_sub_pd(_mm512_setzero_pd(), bound)), bound);
    if (mode_ == rounding_mode::rne) return _mm512_cvt_roundpd_epi32(q, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512d floor = _mm512_roundscale_pd(q, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    const __mmask8 up = _mm512_cmp_pd_mask(_mm512_sub_pd(q, floor), _mm512_set1_pd(0.5), _CMP_GE_OQ);
    return _mm512_cvttpd_epi32(_mm512_mask_add_pd(floor, up, floor, _mm512_set1_pd(1.0)));
  }
  float scale_;
  rounding_mode mode_;
  __m512 inverse_;
};

template <class T>
QNNX_INLINE __m512i load_fixed(const typename T::storage* p, __mmask16 mask) {
  if constexpr (bits_of(T::code) == 8) {
    const __m128i v = _mm_maskz_loadu_epi8(mask, p);
    return is_signed_fixed(T::code) ? _mm512_cvtepi8_epi32(v) : _mm512_cvtepu8_epi32(v);
  } else {
    const __m256i v = _mm256_maskz_loadu_epi16(mask, p);
    return is_signed_fixed(T::code) ? _mm512_cvtepi16_epi32(v) : _mm512_cvtepu16_epi32(v);
  }
}

template <class T>
inline constexpr bool is_byte_data = is_fixed_v<T> && bits_of(T::code) == 8;
template <class Sig>
struct conversion_types;
template <class Out, class In>
struct conversion_types<Out(In)> {
  static constexpr bool quantizes = is_byte_data<Out> && std::is_same_v<In, types::f32>;
  static constexpr bool dequantizes = std::is_same_v<Out, types::f32> && is_fixed_v<In> && (bits_of(In::code) == 8 || bits_of(In::code) == 16);
  static constexpr bool rescales = is_byte_data<Out> && is_byte_data<In>;
};

template <class Op>
struct conversion_kernel : answers_as<Op> {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;

  template <class Sig>
  static constexpr bool supports = conversion_types<Sig>::quantizes || conversion_types<Sig>::dequantizes || conversion_types<Sig>::rescales;

  template <class Call>
  static void run(const Call& c) {
    using In = typename Call::template in_type<0>;
    using Out = typename Call::out_type;
    using kind = conversion_types<Out(In)>;
    const auto x = c.template in<0>();
    const auto y = c.out();
    if (x.q->scales || y.q->scales) return reference::run(c);
    const std::int32_t* w = c.constants();
    const std::int64_t n = y.size();
    const auto each = [&](auto step) {
      for (std::int64_t i = 0; i < n; i += 16) step(i, static_cast<__mmask16>(n - i >= 16 ? 0xffff : (1u << (n - i)) - 1));
    };
    if constexpr (kind::dequantizes) {
      const __m512i offset = _mm512_set1_epi32(x.offset());
      const __m512 scale = _mm512_set1_ps(x.scale());
      each([&](std::int64_t i, __mmask16 mask) {
        const __m512i q = _mm512_add_epi32(load_fixed<In>(x.data + i, mask), offset);
        _mm512_mask_storeu_ps(y.data + i, mask, _mm512_mul_ps(_mm512_cvtepi32_ps(q), scale));
      });
    } else {
      const __m512i lo = _mm512_set1_epi32(w[0] - y.zero());
      const __m512i hi = _mm512_set1_epi32(w[1] - y.zero());
      const __m512i zero = _mm512_set1_epi32(y.zero());
      const auto store = [&](std::int64_t i, __mmask16 mask, __m512i q) {
        q = _mm512_add_epi32(_mm512_min_epi32(_mm512_max_epi32(q, lo), hi), zero);
        _mm_mask_storeu_epi8(y.data + i, mask, _mm512_cvtepi32_epi8(q));
      };
      if constexpr (kind::quantizes) {
        const quantizer quantize(y.scale(), c.rounding().mode());
        std::int64_t from = 0;
        if (c.rounding().mode() == rounding_mode::rne) from = quantize.blocks(x.data, y.data, n, lo, hi, zero);
        for (std::int64_t i = from; i < n; i += 16) {
          const auto mask = static_cast<__mmask16>(n - i >= 16 ? 0xffff : (1u << (n - i)) - 1);
          store(i, mask, quantize(_mm512_maskz_loadu_ps(mask, x.data + i)));
        }
      } else {
        const vector_multiplier v = vector_form({w[2], w[3]}, c.rounding().mode());
        const __m512i offset = _mm512_set1_epi32(x.offset());
        const auto value = [&](std::int64_t i, __mmask16 mask) { return _mm512_add_epi32(load_fixed<In>(x.data + i, mask), offset); };
        if (v.rne_fits) {
          const __m512 m = _mm512_set1_ps(v.factor);
          each([&](std::int64_t i, __mmask16 mask) { store(i, mask, scale_rne(value(i, mask), m)); });
        } else if (v.shifted_fits) {
          const shifted_scale scale(_mm512_set1_epi32(v.mantissa), _mm512_set1_epi32(v.shift), c.rounding().mode() == rounding_mode::tflite);
          each([&](std::int64_t i, __mmask16 mask) { store(i, mask, scale(value(i, mask))); });
        } else {
          reference::run(c);
        }
      }
    }
  }
};

}  // namespace x86

template <>
struct impl<op::quantize, isa::avx512vnni> : x86::conversion_kernel<op::quantize> {};
template <>
struct impl<op::dequantize, isa::avx512vnni> : x86::conversion_kernel<op::dequantize> {};
template <>
struct impl<op::convert, isa::avx512vnni> : x86::conversion_kernel<op::convert> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
