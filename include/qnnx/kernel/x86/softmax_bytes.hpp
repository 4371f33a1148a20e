// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows of 8-bit Softmax through the reference's table of 256 words of 32 bits: with AVX2 gathered, with AVX-512 as four
// tables of bytes, 64 values at once. Layer 5a.

#include "qnnx/kernel/softmax/reference.hpp"
#include "qnnx/kernel/x86/elements.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// Rows of `count` bytes; `words` is the reference's table.
template <class Call>
void softmax_bytes(avx2_vectors, const Call& c, const std::int32_t* words, std::int64_t count) {
  using V = avx2_vectors;
  using T = typename Call::out_type;
  constexpr bool is_signed = is_signed_fixed(T::code);
  const auto x = c.template in<0>();
  const auto y = c.out();
  const __m256i zero = V::all(y.zero());
  const __m256i low_half = _mm256_set1_epi64x(0xffffffff);
  constexpr std::int64_t most_kept = 1024;  // of longer rows, words are looked up twice
  alignas(32) std::int32_t kept[most_kept];
  for (std::int64_t base = 0, n = x.size(); base < n; base += count) {
    const auto* from = x.data + base;
    __m256i most = V::all_bytes(is_signed ? 0x80 : 0);
    std::int64_t i = 0;
    for (; i + 32 <= count; i += 32) most = V::max_bytes<is_signed>(most, V::load_vector(from + i));
    typename T::storage lane[32];
    V::store_vector(lane, most);
    std::int32_t largest = lane[0];
    for (int k = 1; k < 32 && count >= 32; ++k) largest = lane[k] > largest ? lane[k] : largest;
    for (; i < count; ++i) largest = from[i] > largest ? from[i] : largest;
    const __m256i top = V::all(largest);
    const auto look = [&](std::int64_t k, auto part) {
      return _mm256_i32gather_epi32(words, V::sub(top, V::load_bytes<is_signed>(part, from + k)), 4);
    };
    __m256i sum = _mm256_setzero_si256();
    V::each(count, [&](std::int64_t k, auto part) {
      __m256i w;
      if constexpr (std::is_same_v<decltype(part), V::whole>) {
        w = look(k, part);
      } else {  // lanes beyond the row: no index
        alignas(32) std::int32_t last[8] = {};
        for (std::int64_t j = 0; j < part.count; ++j) last[j] = words[largest - from[k + j]];
        w = V::load(last);
      }
      sum = _mm256_add_epi64(sum, _mm256_add_epi64(_mm256_and_si256(w, low_half), _mm256_srli_epi64(w, 32)));
      if (count <= most_kept) V::store(kept + k, w);
    });
    alignas(32) std::int64_t sums[4];
    V::store_vector(sums, sum);
    const double unit = static_cast<double>(sums[0] + sums[1] + sums[2] + sums[3]) * static_cast<double>(y.scale());
    const __m256 inverse = V::all(static_cast<float>(1.0 / unit));
    const auto one = [&](std::int64_t k) {
      const std::int64_t q = round_real(static_cast<double>(words[largest - from[k]]) / unit, c.rounding()) - y.offset();
      y.store(base + k, clamp<std::int64_t>(q, min_value(T::code), max_value(T::code)));
    };
    std::int64_t k = 0;
    for (; k + 32 <= count; k += 32) {
      __m256i q[4];
      __m256 close = V::all(0.0f);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        const __m256i w = count <= most_kept ? V::load(kept + k + 8 * v) : look(k + 8 * v, V::whole{});
        const __m256 p = V::min(V::mul(V::to_floats(w), inverse), V::all(65536.0f));
        const __m256 whole = V::rounded<_MM_FROUND_TO_NEAREST_INT>(p);
        close = V::either(close, V::compare<_CMP_GT_OQ>(V::abs(V::sub(p, whole)), V::all(0.5f - 0x1p-12f)));
        q[v] = V::add(V::to_words(whole), zero);
      }
      if (V::any(close)) [[unlikely]] {
        for (std::int64_t j = 0; j < 32; ++j) one(k + j);
        continue;
      }
      V::store_vector(y.data + base + k, V::saturated_bytes<is_signed>(q, _mm256_setzero_si256(), V::all_bytes(is_signed ? -128 : 0), V::all_bytes(is_signed ? 127 : 255)));
    }
    for (; k < count; ++k) one(k);
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif

#if QNNX_HAS_AVX512VBMI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

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
  using table = byte_table_of<avx512_vectors>;
  table plane[4];
  explicit QNNX_INLINE word_lookup(const word_table& t)
      : plane{table(t.planes[0]), table(t.planes[1]), table(t.planes[2]), table(t.planes[3])} {}
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
void softmax_bytes(avx512_vectors, const Call& c, const std::int32_t* words, std::int64_t count) {
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
      const __mmask64 mask = avx512_vectors::first_bytes(count - k);
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
      const __mmask64 mask = avx512_vectors::first_bytes(count - k);
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
      const __mmask64 mask = avx512_vectors::first_bytes(count - k);
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

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
