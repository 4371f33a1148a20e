// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax along the last axis with AVX-512.
//   float  beta 1: exponentials in float with what the difference to the maximum loses as a factor, their sum in
//   double:
//          within 8 units in the last place; another beta: in double, within one (kernel/x86/real_functions.hpp)
//   8 bit  the reference's table of 32-bit words as four tables of bytes, 64 values at once; the sum is exact, the
//          quotient in float decides the integer unless it lies within 2^-12 of a tie (it is wrong by less than
//          2^-13 below 2^9; results above saturate): then the reference's double division. Not TFLite's form
// Layer 5a.

#include "qnnx/kernel/softmax/reference.hpp"

#if QNNX_HAS_AVX512VNNI
#include "qnnx/kernel/x86/elements.hpp"
#include "qnnx/kernel/x86/real_functions.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace x86 {

/// A table of 256 words; results of 64 lookups come as four vectors, 4 of 16 neighbours in each: the order in which
/// packs_epi32 and packus_epi16 put them back.
struct word_table {
  alignas(64) std::uint8_t planes[4][256];
  explicit word_table(const std::int32_t* words) {
    for (int i = 0; i < 256; i += 16) {
      __m512i w = _mm512_loadu_si512(words + i);
      for (int p = 0; p < 4; ++p, w = _mm512_srli_epi32(w, 8))
        _mm_store_si128(reinterpret_cast<__m128i*>(&planes[p][i]), _mm512_cvtepi32_epi8(w));
    }
  }
};
struct word_lookup {
  byte_table plane[4];
  explicit QNNX_INLINE word_lookup(const word_table& t)
      : plane{byte_table(t.planes[0]), byte_table(t.planes[1]), byte_table(t.planes[2]), byte_table(t.planes[3])} {}
  QNNX_INLINE void operator()(__m512i at, __mmask64 mask, __m512i* out) const {
    __m512i b[4];
#pragma GCC unroll 4
    for (int p = 0; p < 4; ++p) b[p] = _mm512_maskz_mov_epi8(mask, plane[p](at));
    const __m512i low01 = _mm512_unpacklo_epi8(b[0], b[1]);
    const __m512i high01 = _mm512_unpackhi_epi8(b[0], b[1]);
    const __m512i low23 = _mm512_unpacklo_epi8(b[2], b[3]);
    const __m512i high23 = _mm512_unpackhi_epi8(b[2], b[3]);
    out[0] = _mm512_unpacklo_epi16(low01, low23);
    out[1] = _mm512_unpackhi_epi16(low01, low23);
    out[2] = _mm512_unpacklo_epi16(high01, high23);
    out[3] = _mm512_unpackhi_epi16(high01, high23);
  }
};

/// Rows of `count` bytes; `words` is the reference's table.
template <class Call>
void softmax_bytes(const Call& c, const std::int32_t* words, std::int64_t count) {
  using T = typename Call::out_type;
  constexpr bool is_signed = is_signed_fixed(T::code);
  const auto x = c.template in<0>();
  const auto y = c.out();
  const word_table table(words);
  const word_lookup look(table);
  const __m512i flip = _mm512_set1_epi8(is_signed ? static_cast<char>(0x80) : 0);
  const __m512i zero = _mm512_set1_epi32(y.zero());
  const __m512i low_half = _mm512_set1_epi64(0xffffffff);
  constexpr std::int64_t most_kept = 1024;  // of longer rows, words are looked up twice
  alignas(64) std::int32_t kept[most_kept];
  for (std::int64_t base = 0, n = x.size(); base < n; base += count) {
    __m512i most = _mm512_setzero_si512();
    for (std::int64_t k = 0; k < count; k += 64) {
      const __mmask64 mask = first_bytes(count - k);
      most = _mm512_mask_max_epu8(most, mask, most,
                                  _mm512_xor_si512(flip, _mm512_maskz_loadu_epi8(mask, x.data + base + k)));
    }
    __m256i fold = _mm256_max_epu8(_mm512_castsi512_si256(most), _mm512_extracti64x4_epi64(most, 1));
    __m128i last = _mm_max_epu8(_mm256_castsi256_si128(fold), _mm256_extracti128_si256(fold, 1));
    for (int shift = 0; shift < 4; ++shift)
      last = _mm_max_epu8(last, shift == 0   ? _mm_srli_si128(last, 8)
                                : shift == 1 ? _mm_srli_si128(last, 4)
                                : shift == 2 ? _mm_srli_si128(last, 2)
                                             : _mm_srli_si128(last, 1));
    const __m512i top = _mm512_broadcastb_epi8(last);
    const auto distance = [&](std::int64_t k, __mmask64 mask) {
      return _mm512_sub_epi8(top, _mm512_xor_si512(flip, _mm512_maskz_loadu_epi8(mask, x.data + base + k)));
    };
    __m512i sum = _mm512_setzero_si512();
    for (std::int64_t k = 0; k < count; k += 64) {
      const __mmask64 mask = first_bytes(count - k);
      __m512i w[4];
      look(distance(k, mask), mask, w);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        sum = _mm512_add_epi64(sum, _mm512_add_epi64(_mm512_and_si512(w[i], low_half), _mm512_srli_epi64(w[i], 32)));
        if (count <= most_kept) _mm512_store_si512(kept + k + 16 * i, w[i]);
      }
    }
    const double unit = static_cast<double>(_mm512_reduce_add_epi64(sum)) * static_cast<double>(y.scale());
    const __m512 inverse = _mm512_set1_ps(static_cast<float>(1.0 / unit));
    for (std::int64_t k = 0; k < count; k += 64) {
      const __mmask64 mask = first_bytes(count - k);
      __m512i w[4];
      if (count <= most_kept) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) w[i] = _mm512_load_si512(kept + k + 16 * i);
      } else {
        look(distance(k, mask), mask, w);
      }
      __mmask16 close = 0;
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const __m512 q = _mm512_min_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(w[i]), inverse), _mm512_set1_ps(65536.0f));
        const __m512 whole = _mm512_roundscale_ps(q, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        close |=
            _mm512_cmp_ps_mask(_mm512_abs_ps(_mm512_sub_ps(q, whole)), _mm512_set1_ps(0.5f - 0x1p-12f), _CMP_GT_OQ);
        w[i] = _mm512_add_epi32(_mm512_cvtps_epi32(whole), zero);
      }
      if (close) [[unlikely]] {
        alignas(64) std::uint8_t distances[64];
        _mm512_store_si512(distances, distance(k, mask));
        for (std::int64_t j = 0; j < 64 && k + j < count; ++j) {
          const std::int64_t q = round_real(static_cast<double>(words[distances[j]]) / unit, c.rounding()) - y.offset();
          y.store(base + k + j, clamp<std::int64_t>(q, min_value(T::code), max_value(T::code)));
        }
        continue;
      }
      const __m512i low = _mm512_packs_epi32(w[0], w[1]);
      const __m512i high = _mm512_packs_epi32(w[2], w[3]);
      _mm512_mask_storeu_epi8(y.data + base + k, mask,
                              is_signed ? _mm512_packs_epi16(low, high) : _mm512_packus_epi16(low, high));
    }
  }
}

}  // namespace x86

template <>
struct impl<op::softmax, isa::avx512vnni> : answers_as<op::softmax> {
  template <class Sig>
  static constexpr bool supports =
      std::is_same_v<Sig, types::f32(types::f32)> || std::is_same_v<Sig, types::u8(types::u8)> ||
      std::is_same_v<Sig, types::s8(types::s8)>;

  /// The exponentials of one row of floats.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params&) {
    return is_fixed(f.c.out(0).type) ? 0 : (f.c.dims(0)[f.c.dims(0).rank() - 1] + 8) * 8;
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    if (op::along_axis::resolved(c.params(), x.rank()) != x.rank() - 1) return reference::run(c);
    const std::int64_t count = x.extent(x.rank() - 1);
    if constexpr (is_fixed_v<typename Call::out_type>) {
      if (c.rounding().mode() == rounding_mode::tflite || y.zero() > 1024 || y.zero() < -1024) return reference::run(c);
      x86::softmax_bytes(c, c.constants(), count);
    } else if (c.params().beta == 1.0f) {
      plain_rows(x.data, y.data, x.size(), count);
    } else {
      float_rows(c, x, y, count);
    }
  }

 private:
  /// The first value, or a larger one: of a row that begins with NaN, NaN; other NaN are skipped, as in the reference.
  static float largest(const float* from, std::int64_t count) {
    if (from[0] != from[0]) return from[0];
    __m512 most = _mm512_set1_ps(from[0]);
    for (std::int64_t k = 0; k < count; k += 16) {
      const auto mask = static_cast<__mmask16>(count - k >= 16 ? 0xffff : (1u << (count - k)) - 1);
      most = _mm512_mask_max_ps(most, mask, _mm512_maskz_loadu_ps(mask, from + k), most);  // of a NaN the second
    }
    return _mm512_reduce_max_ps(most);
  }
  static void plain_rows(const float* x, float* y, std::int64_t size, std::int64_t count) {
    for (std::int64_t base = 0; base < size; base += count) {
      const float* from = x + base;
      float* to = y + base;
      const __m512 most = _mm512_set1_ps(largest(from, count));
      __m512d even = _mm512_setzero_pd();
      __m512d odd = _mm512_setzero_pd();
      for (std::int64_t k = 0; k < count; k += 16) {
        const auto mask = static_cast<__mmask16>(count - k >= 16 ? 0xffff : (1u << (count - k)) - 1);
        const __m512 v = _mm512_mask_loadu_ps(most, mask, from + k);
        const __m512 d = _mm512_sub_ps(v, most);
        const __m512 back = _mm512_sub_ps(d, v);  // exact sum of two: v - most = d + lost
        const __m512 lost = _mm512_sub_ps(_mm512_sub_ps(v, _mm512_sub_ps(d, back)), _mm512_add_ps(most, back));
        const __m512 e = x86::exp_floats(d);
        const __m512 exact =
            _mm512_mask_fmadd_ps(e, _mm512_cmp_ps_mask(d, _mm512_set1_ps(-200.0f), _CMP_GT_OQ), lost, e);
        const __m512 kept = _mm512_maskz_mov_ps(mask, exact);
        even = _mm512_add_pd(even, _mm512_cvtps_pd(_mm512_castps512_ps256(kept)));
        odd = _mm512_add_pd(odd, _mm512_cvtps_pd(_mm512_extractf32x8_ps(kept, 1)));
        _mm512_mask_storeu_ps(to + k, mask, kept);
      }
      const __m512 share = _mm512_set1_ps(static_cast<float>(1.0 / _mm512_reduce_add_pd(_mm512_add_pd(even, odd))));
      for (std::int64_t k = 0; k < count; k += 16) {
        const auto mask = static_cast<__mmask16>(count - k >= 16 ? 0xffff : (1u << (count - k)) - 1);
        _mm512_mask_storeu_ps(to + k, mask, _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, to + k), share));
      }
    }
  }
  template <class Call, class X, class Y>
  static void float_rows(const Call& c, const X& x, const Y& y, std::int64_t count) {
    const std::int64_t rows = x.size() / count;
    auto* made = reinterpret_cast<double*>(c.scratch());
    const __m512d beta = _mm512_set1_pd(static_cast<double>(c.params().beta));
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* from = x.data + r * count;
      const float top = largest(from, count);
      const __m512d most = _mm512_set1_pd(static_cast<double>(top));
      __m512d sum = _mm512_setzero_pd();
      for (std::int64_t k = 0; k < count; k += 8) {
        const auto mask = static_cast<__mmask8>(count - k >= 8 ? 0xff : (1u << (count - k)) - 1);
        const __m512d v = _mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask, from + k));
        const __m512d e = x86::exp_vector(_mm512_mul_pd(_mm512_sub_pd(v, most), beta));
        sum = _mm512_mask_add_pd(sum, mask, sum, e);
        _mm512_mask_storeu_pd(made + k, mask, e);
      }
      const __m512d share = _mm512_set1_pd(1.0 / _mm512_reduce_add_pd(sum));
      for (std::int64_t k = 0; k < count; k += 8) {
        const auto mask = static_cast<__mmask8>(count - k >= 8 ? 0xff : (1u << (count - k)) - 1);
        _mm256_mask_storeu_ps(y.data + r * count + k, mask,
                              _mm512_cvtpd_ps(_mm512_mul_pd(_mm512_maskz_loadu_pd(mask, made + k), share)));
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
