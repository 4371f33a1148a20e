// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolAvg2d and PoolMax2d with AVX-512: floats in the reference's order (its bits) and 8-bit data. Layer 5a.

#include "qnnx/kernel/pooling/reference.hpp"

#if QNNX_HAS_AVX512VNNI
#include "qnnx/kernel/x86/finish.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace x86 {

template <class Op>
struct pool_kernel : answers_as<Op> {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;
  static constexpr bool average = std::is_same_v<Op, op::pool_avg2d>;

  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::f32(types::f32)> || std::is_same_v<Sig, types::u8(types::u8)> ||
                                   std::is_same_v<Sig, types::s8(types::s8)>;

  static constexpr int parts(const node_facts& f, const params&) { return pool_parts(f.c); }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const epilogue& e = c.epi();
    if (e.residual >= 0 || e.table >= 0) return reference::run(c);
    const pool_geometry<Op> g(x, y, c.params());
    const std::int64_t channels = y.extent(3);
    const std::int64_t line = static_cast<std::int64_t>(g.size[2]) * channels;
    const auto corner = [&](std::int32_t n, const pool_window& w) {
      return x.data + ((static_cast<std::int64_t>(n) * g.size[1] + w.from[1]) * g.size[2] + w.from[2]) * channels;
    };
    if constexpr (is_float_v<typename Call::out_type>) {
      each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
        const float* first = corner(n, w);
        const __m512 count = _mm512_set1_ps(static_cast<float>(w.count));
        for (std::int64_t o = 0; o < channels; o += 16) {
          const auto mask = static_cast<__mmask16>(channels - o >= 16 ? 0xffff : (1u << (channels - o)) - 1);
          __m512 sum = _mm512_set1_ps(average ? 0.0f : -__builtin_inff());
          for (std::int32_t h = 0; h < w.to[1] - w.from[1]; ++h)
            for (std::int32_t v = 0; v < w.to[2] - w.from[2]; ++v) {
              const __m512 b = _mm512_maskz_loadu_ps(mask, first + h * line + v * channels + o);
              if constexpr (average) sum = _mm512_add_ps(sum, b);
              else sum = _mm512_mask_mov_ps(_mm512_max_ps(b, sum), _mm512_cmp_ps_mask(b, b, _CMP_UNORD_Q), b);  // a NaN replaces
            }
          if constexpr (average) sum = _mm512_div_ps(sum, count);
          _mm512_mask_storeu_ps(y.data + index + o, mask, activate_vector(sum, e.act, e.lo, e.hi));
        }
      });
    } else {
      constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
      const std::int32_t* k = c.constants();
      const bool same = x.scale() == y.scale() && x.offset() == y.offset();
      if constexpr (!average) {
        if (!same) return reference::run(c);
        const __m512i lo = _mm512_set1_epi8(static_cast<char>(k[0]));
        const __m512i hi = _mm512_set1_epi8(static_cast<char>(k[1]));
        each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
          const auto* first = corner(n, w);
          for (std::int64_t o = 0; o < channels; o += 64) {
            const __mmask64 mask = channels - o >= 64 ? ~0ull : (1ull << (channels - o)) - 1;
            __m512i most = _mm512_set1_epi8(is_signed ? static_cast<char>(0x80) : 0);
            for (std::int32_t h = 0; h < w.to[1] - w.from[1]; ++h)
              for (std::int32_t v = 0; v < w.to[2] - w.from[2]; ++v) {
                const __m512i b = _mm512_maskz_loadu_epi8(mask, first + h * line + v * channels + o);
                most = is_signed ? _mm512_max_epi8(most, b) : _mm512_max_epu8(most, b);
              }
            most = is_signed ? _mm512_min_epi8(_mm512_max_epi8(most, lo), hi) : _mm512_min_epu8(_mm512_max_epu8(most, lo), hi);
            _mm512_mask_storeu_epi8(y.data + index + o, mask, most);
          }
        });
      } else {
        const rounding_mode mode = c.rounding().mode();
        const bool tflite_mean = mode == rounding_mode::tflite && same;
        const std::int64_t full = static_cast<std::int64_t>(g.filter[0]) * g.filter[1] * g.filter[2];
        if (full > 65536) return reference::run(c);  // sums of more than 24 bits
        const finish<Call> done(c, false);
        each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
          multiplier m{k[finish_constants::header], k[finish_constants::header + 1]};
          if (w.count != full)
            m = make_multiplier(static_cast<double>(x.scale()) * (1.0 / static_cast<double>(w.count)) / static_cast<double>(y.scale()), c.rounding());
          const vector_multiplier v = vector_form(m, mode);
          const auto inside = static_cast<std::int32_t>((w.to[1] - w.from[1]) * (w.to[2] - w.from[2]));
          // real sum, or with tflite_mean the sum of stored values, padding that counts being real 0
          const std::int32_t shift = tflite_mean ? -static_cast<std::int32_t>(w.count - inside) * x.offset() : inside * x.offset();
          const auto* first = corner(n, w);
          for (std::int64_t o = 0; o < channels; o += 16) {
            const auto mask = static_cast<__mmask16>(channels - o >= 16 ? 0xffff : (1u << (channels - o)) - 1);
            __m512i sum = _mm512_set1_epi32(shift);
            for (std::int32_t h = 0; h < w.to[1] - w.from[1]; ++h)
              for (std::int32_t u = 0; u < w.to[2] - w.from[2]; ++u) {
                const __m128i b = _mm_maskz_loadu_epi8(mask, first + h * line + u * channels + o);
                sum = _mm512_add_epi32(sum, is_signed ? _mm512_cvtepi8_epi32(b) : _mm512_cvtepu8_epi32(b));
              }
            __m512i q;
            if (tflite_mean) {
              q = divide_away(sum, static_cast<std::int32_t>(w.count));
            } else if (v.rne_fits) {
              q = scale_rne(sum, _mm512_set1_ps(v.factor));
            } else if (v.shifted_fits) {
              q = shifted_scale(_mm512_set1_epi32(v.mantissa), _mm512_set1_epi32(v.shift), mode == rounding_mode::tflite)(sum);
            } else {
              alignas(64) std::int32_t plain[16];
              _mm512_store_si512(plain, sum);
              for (std::int64_t j = 0; j < 16 && o + j < channels; ++j) done.store_scaled(index + o + j, plain[j], m);
              continue;
            }
            const std::int32_t zero = tflite_mean ? 0 : y.zero();
            q = _mm512_min_epi32(_mm512_max_epi32(q, _mm512_set1_epi32(k[0] - zero)), _mm512_set1_epi32(k[1] - zero));
            _mm_mask_storeu_epi8(y.data + index + o, mask, _mm512_cvtepi32_epi8(_mm512_add_epi32(q, _mm512_set1_epi32(zero))));
          }
        });
      }
    }
  }

 private:
  /// (x + half of count away from zero) / count, toward zero. In double: the quotient is at least 1 / count from the
  /// next integer, far more than a rounding.
  static QNNX_INLINE __m512i divide_away(__m512i x, std::int32_t count) {
    const __m512i half = _mm512_set1_epi32(count / 2);
    const __m512i nudged = _mm512_mask_sub_epi32(_mm512_add_epi32(x, half), _mm512_cmple_epi32_mask(x, _mm512_setzero_si512()), x, half);
    const __m512d d = _mm512_set1_pd(static_cast<double>(count));
    const __m256i low = _mm512_cvttpd_epi32(_mm512_div_pd(_mm512_cvtepi32_pd(_mm512_castsi512_si256(nudged)), d));
    const __m256i high = _mm512_cvttpd_epi32(_mm512_div_pd(_mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(nudged, 1)), d));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  }
};

}  // namespace x86

template <>
struct impl<op::pool_avg2d, isa::avx512vnni> : x86::pool_kernel<op::pool_avg2d> {};
template <>
struct impl<op::pool_max2d, isa::avx512vnni> : x86::pool_kernel<op::pool_max2d> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
