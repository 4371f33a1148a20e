// SPDX-License-Identifier: Apache-2.0
#pragma once
// ReduceSum, ReduceMean, ReduceMax and ReduceMin of floats and bytes with AVX-512, where the reduced elements or the
// kept ones lie contiguous (trailing axes; the image axes of NHWC). Integers are exact. Floats: sums in double; along
// contiguous elements in 8 parts, so that a result is within one unit in the last place or 2^-45 of the sum of
// magnitudes; of zeros of both signs, maximum and minimum may give either. Other shapes run the reference. Layer 5a.

#include "qnnx/kernel/reduction/reference.hpp"

#if QNNX_HAS_AVX512VNNI
#include <immintrin.h>

namespace qnnx::inline QNNX_ABI::kernel {

namespace x86 {

QNNX_INLINE __mmask16 lanes16(std::int64_t n) {
  return static_cast<__mmask16>(n >= 16 ? 0xffff : (1u << n) - 1);
}

/// The larger (smaller) of each lane; a NaN on either side stays.
template <bool Largest>
QNNX_INLINE __m512 pick_floats(__m512 best, __m512 v) {
  const __mmask16 better = _mm512_cmp_ps_mask(v, best, Largest ? _CMP_NLE_UQ : _CMP_NGE_UQ);
  return _mm512_mask_mov_ps(best, _mm512_mask_cmp_ps_mask(better, best, best, _CMP_ORD_Q), v);
}

template <class Op>
struct reduce_vectors : answers_as<Op> {
  using reference = impl<Op, isa::reference>;
  static constexpr op::reduction kind = Op::kind;
  static constexpr bool picks = kind == op::reduction::max || kind == op::reduction::min;
  static constexpr bool largest = kind == op::reduction::max;

  template <class Sig>
  static constexpr bool supports =
      std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)> ||
      std::is_same_v<Sig, types::f32(types::f32)>;

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const reduce_walk w(x.ext, c.params().axes);
    const auto inner = [](const walk& n) {
      return n.rank > 0 && n.axes[static_cast<std::size_t>(n.rank - 1)].from == 1;
    };
    if (w.count > (1 << 20)) return reference::run(c);
    if (inner(w.over)) return along(c, w);
    if (inner(w.kept)) return across(c, w);
    reference::run(c);
  }

 private:
  /// The nest without its innermost axis.
  static walk outer(walk n) {
    --n.rank;
    return n;
  }
  /// Contiguous elements become one.
  template <class Call>
  static void along(const Call& c, const reduce_walk& w) {
    using T = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const std::int64_t length = w.over.axes[static_cast<std::size_t>(w.over.rank - 1)].extent;
    const walk rows = outer(w.over);
    const __m512i flip = _mm512_set1_epi8(static_cast<char>(is_signed_fixed(T::code) ? 0x80 : 0));
    std::int64_t k = 0;
    each_place(w.kept, 0, [&](std::int64_t start) {
      if constexpr (is_float_v<T> && picks) {
        __m512 best = _mm512_set1_ps(x.data[start]);
        each_place(rows, start, [&](std::int64_t at) {
          for (std::int64_t i = 0; i < length; i += 16)
            best = pick_floats<largest>(best, _mm512_mask_loadu_ps(best, lanes16(length - i), x.data + at + i));
        });
        alignas(64) float lane[16];
        _mm512_store_ps(lane, best);
        float found = lane[0];
        for (const float v : lane)
          if (found == found && (v != v || (largest ? v > found : v < found))) found = v;
        y.data[k++] = found;
      } else if constexpr (is_float_v<T>) {
        __m512d even = _mm512_setzero_pd();
        __m512d odd = _mm512_setzero_pd();
        each_place(rows, start, [&](std::int64_t at) {
          for (std::int64_t i = 0; i < length; i += 16) {
            const __m512 v = _mm512_maskz_loadu_ps(lanes16(length - i), x.data + at + i);
            even = _mm512_add_pd(even, _mm512_cvtps_pd(_mm512_castps512_ps256(v)));
            odd = _mm512_add_pd(odd, _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)));
          }
        });
        reference::store_sum(c, y, k++, _mm512_reduce_add_pd(_mm512_add_pd(even, odd)), w.count);
      } else {
        // unsigned bytes u = q - lowest
        __m512i acc = largest || !picks ? _mm512_setzero_si512() : _mm512_set1_epi8(-1);
        each_place(rows, start, [&](std::int64_t at) {
          for (std::int64_t i = 0; i < length; i += 64) {
            const __mmask64 mask = length - i >= 64 ? ~0ull : (1ull << (length - i)) - 1;
            const __m512i u = _mm512_xor_si512(flip, _mm512_maskz_loadu_epi8(mask, x.data + at + i));
            if constexpr (kind == op::reduction::max)
              acc = _mm512_mask_max_epu8(acc, mask, acc, u);
            else if constexpr (kind == op::reduction::min)
              acc = _mm512_mask_min_epu8(acc, mask, acc, u);
            else
              acc = _mm512_add_epi64(acc, _mm512_sad_epu8(_mm512_maskz_mov_epi8(mask, u), _mm512_setzero_si512()));
          }
        });
        if constexpr (picks) {
          alignas(64) std::uint8_t lane[64];
          _mm512_store_si512(lane, acc);
          std::uint8_t found = lane[0];
          for (const std::uint8_t v : lane)
            if (largest ? v > found : v < found) found = v;
          reference::store_picked(c, y, k++, stored_byte<T>(found));
        } else {
          store_bytes_sum(c, y, k++, _mm512_reduce_add_epi64(acc), w.count);
        }
      }
    });
  }
  /// Rows of kept elements, one after the other.
  template <class Call>
  static void across(const Call& c, const reduce_walk& w) {
    using T = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const std::int64_t length = w.kept.axes[static_cast<std::size_t>(w.kept.rank - 1)].extent;
    constexpr std::int32_t sign = is_signed_fixed(T::code) ? 0x80 : 0;
    std::int64_t first = 0;
    each_place(outer(w.kept), 0, [&](std::int64_t start) {
      for (std::int64_t i = 0; i < length; i += 16) {
        const __mmask16 mask = lanes16(length - i);
        const std::int64_t k = first + i;
        if constexpr (is_float_v<T> && picks) {
          __m512 best = _mm512_maskz_loadu_ps(mask, x.data + start + i);
          each_place(w.over, start + i, [&](std::int64_t at) {
            best = pick_floats<largest>(best, _mm512_maskz_loadu_ps(mask, x.data + at));
          });
          _mm512_mask_storeu_ps(y.data + k, mask, best);
        } else if constexpr (is_float_v<T>) {
          __m512d low = _mm512_setzero_pd();
          __m512d high = _mm512_setzero_pd();
          each_place(w.over, start + i, [&](std::int64_t at) {
            const __m512 v = _mm512_maskz_loadu_ps(mask, x.data + at);
            low = _mm512_add_pd(low, _mm512_cvtps_pd(_mm512_castps512_ps256(v)));
            high = _mm512_add_pd(high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)));
          });
          alignas(64) double sum[16];
          _mm512_store_pd(sum, low);
          _mm512_store_pd(sum + 8, high);
          for (std::int64_t j = 0; j < 16 && i + j < length; ++j) reference::store_sum(c, y, k + j, sum[j], w.count);
        } else {
          __m512i acc = largest || !picks ? _mm512_setzero_si512() : _mm512_set1_epi32(255);
          each_place(w.over, start + i, [&](std::int64_t at) {
            const __m512i u = _mm512_xor_si512(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, x.data + at)),
                                               _mm512_set1_epi32(sign));
            if constexpr (kind == op::reduction::max)
              acc = _mm512_max_epi32(acc, u);
            else if constexpr (kind == op::reduction::min)
              acc = _mm512_min_epi32(acc, u);
            else
              acc = _mm512_add_epi32(acc, u);
          });
          alignas(64) std::int32_t lane[16];
          _mm512_store_si512(lane, acc);
          for (std::int64_t j = 0; j < 16 && i + j < length; ++j) {
            if constexpr (picks)
              reference::store_picked(c, y, k + j, stored_byte<T>(static_cast<std::uint8_t>(lane[j])));
            else
              store_bytes_sum(c, y, k + j, lane[j], w.count);
          }
        }
      }
      first += length;
    });
  }
  template <class T>
  static typename T::storage stored_byte(std::uint8_t u) {
    return static_cast<typename T::storage>(is_signed_fixed(T::code) ? u ^ 0x80u : u);
  }
  /// `sum` of u = q - lowest over `count` elements.
  template <class Call, class Y>
  static void store_bytes_sum(const Call& c, const Y& y, std::int64_t k, std::int64_t sum, std::int64_t count) {
    const std::int64_t centre = min_value(Call::out_type::code) + c.template in<0>().offset();
    reference::store_sum(c, y, k, sum + count * centre, count);
  }
};

}  // namespace x86

template <>
struct impl<op::reduce_sum, isa::avx512vnni> : x86::reduce_vectors<op::reduce_sum> {};
template <>
struct impl<op::reduce_mean, isa::avx512vnni> : x86::reduce_vectors<op::reduce_mean> {};
template <>
struct impl<op::reduce_max, isa::avx512vnni> : x86::reduce_vectors<op::reduce_max> {};
template <>
struct impl<op::reduce_min, isa::avx512vnni> : x86::reduce_vectors<op::reduce_min> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
