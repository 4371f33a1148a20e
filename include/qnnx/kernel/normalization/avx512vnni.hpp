// SPDX-License-Identifier: Apache-2.0
#pragma once
// LayerNorm and RmsNorm over trailing axes with AVX-512, in double as the reference; the order of the sums differs, so
//   float  results are within one unit in the last place, or 2^-40 (|x - mean| factor |gamma| + |beta|)
//   8 bit  the sum is exact; a result whose quotient lies within 2^-20 of a tie is made again by the reference's
//          formula from sums in the reference's order, so integers are the reference's (quotients beyond 2^20 saturate
//          either way; the difference of the orders is below 2^-40 of a quotient)
// Other axes run the reference. Layer 5a.

#include "qnnx/kernel/normalization/reference.hpp"

#if QNNX_HAS_AVX512VNNI
#include <immintrin.h>

namespace qnnx::inline QNNX_ABI::kernel {

namespace x86 {

/// 8 elements as doubles: floats as they are, fixed point as q + offset (exact).
template <class View>
QNNX_INLINE __m512d load_doubles(const View& v, std::int64_t at, __mmask8 mask) {
  using T = typename View::type;
  if constexpr (is_float_v<T>) {
    return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask, v.data + at));
  } else {
    const __m128i b = _mm_maskz_loadu_epi8(mask, v.data + at);
    const __m256i q = is_signed_fixed(T::code) ? _mm256_cvtepi8_epi32(b) : _mm256_cvtepu8_epi32(b);
    return _mm512_cvtepi32_pd(_mm256_mask_add_epi32(_mm256_setzero_si256(), mask, q, _mm256_set1_epi32(v.offset())));
  }
}

/// Sums in four chains, by index.
struct four_sums {
  __m512d part[4]{_mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_pd()};
  QNNX_INLINE __m512d& of(std::int64_t k) { return part[k / 8 % 4]; }
  QNNX_INLINE double total() const {
    return _mm512_reduce_add_pd(_mm512_add_pd(_mm512_add_pd(part[0], part[1]), _mm512_add_pd(part[2], part[3])));
  }
};

template <class Sig>
struct norm_operands;
template <class Out, class X, class G, class B>
struct norm_operands<Out(X, G, B)> {
  static constexpr bool byte = is_fixed_v<X> && bits_of(X::code) == 8 && bits_of(G::code) == 8;
  static constexpr bool fits = byte || std::is_same_v<Out(X, G, B), types::f32(types::f32, types::f32, types::f32)>;
};

template <class Op>
struct norm_kernel : answers_as<Op> {
  using params = op::norm_params;
  using reference = impl<Op, isa::reference>;
  static constexpr bool centred = std::is_same_v<Op, op::layer_norm>;

  template <class Sig>
  static constexpr bool supports = norm_operands<Sig>::fits;

  /// Elements of the trailing axes that are normalised; 0 where the normalised axes are others.
  template <class Dims>
  static constexpr std::int64_t trailing(const Dims& x, const params& p, int rank) {
    std::int64_t count = 1;
    bool inside = true;
    for (int i = rank - 1; i >= 0; --i) {
      const bool normal = Op::normalised(p, rank, i);
      if (normal && !inside) return 0;
      inside &= normal;
      if (normal) count *= x[i];
    }
    return count;
  }
  /// Gamma and beta as doubles.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const std::int64_t count = trailing(f.c.dims(0), p, f.c.dims(0).rank());
    return (count + 8) * 16;
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto gamma = c.template in<1>();
    const auto beta = c.template in<2>();
    const auto y = c.out();
    shape dims;
    for (int i = 0; i < x.rank(); ++i) dims.push_back(x.extent(i));
    const std::int64_t count = trailing(dims, c.params(), x.rank());
    if (count == 0) return reference::run(c);
    constexpr bool fixed = is_fixed_v<typename Call::out_type>;
    auto* factors = reinterpret_cast<double*>(c.scratch());
    double* terms = factors + count + 8;
    for (std::int64_t k = 0; k < count; ++k) {
      factors[k] = kernel::weight_value(gamma, k, 1.0);
      terms[k] = kernel::bias_value(beta, x, gamma, k);
    }
    const double step = fixed ? static_cast<double>(x.scale()) : 1.0;
    const __m512d steps = _mm512_set1_pd(step);
    const auto n = static_cast<double>(count);
    const std::int64_t groups = x.size() / count;
    const auto each = [&](auto&& f) {
      std::int64_t k = 0;
      for (; k + 32 <= count; k += 32)
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) f(k + 8 * i, static_cast<__mmask8>(0xff));
      for (; k < count; k += 8) f(k, static_cast<__mmask8>(count - k >= 8 ? 0xff : (1u << (count - k)) - 1));
    };
    for (std::int64_t g = 0; g < groups; ++g) {
      const std::int64_t base = g * count;
      double mean = 0;
      if constexpr (centred) {
        four_sums sum;
        each([&](std::int64_t k, __mmask8 mask) {
          sum.of(k) = _mm512_add_pd(sum.of(k), load_doubles(x, base + k, mask));
        });
        mean = sum.total() * step / n;
      }
      const __m512d centre = _mm512_set1_pd(mean);
      const auto distance = [&](std::int64_t k, __mmask8 mask) {
        const __m512d v = load_doubles(x, base + k, mask);
        return _mm512_sub_pd(fixed ? _mm512_mul_pd(v, steps) : v, centre);
      };
      four_sums squares;
      each([&](std::int64_t k, __mmask8 mask) {
        const __m512d d = distance(k, mask);
        squares.of(k) = _mm512_mask3_fmadd_pd(d, d, squares.of(k), mask);
      });
      const double factor = 1.0 / math::sqrt(squares.total() / n + static_cast<double>(c.params().epsilon));
      const __m512d scale = _mm512_set1_pd(factor);
      const auto value = [&](std::int64_t k, __mmask8 mask) {
        return _mm512_add_pd(
            _mm512_mul_pd(_mm512_mul_pd(distance(k, mask), scale), _mm512_maskz_loadu_pd(mask, factors + k)),
            _mm512_maskz_loadu_pd(mask, terms + k));
      };
      if constexpr (fixed)
        fixed_row(c, x, y, base, count, factors, terms, value);
      else
        each([&](std::int64_t k, __mmask8 mask) {
          _mm256_mask_storeu_ps(y.data + base + k, mask, _mm512_cvtpd_ps(value(k, mask)));
        });
    }
  }

 private:
  template <class Call, class X, class Y, class Value>
  static void fixed_row(const Call& c, const X& x, const Y& y, std::int64_t base, std::int64_t count,
                        const double* factors, const double* terms, const Value& value) {
    using T = typename Call::out_type;
    // Nothing is written before the row is decided: the output may lie over the data.
    const double unit = static_cast<double>(y.scale());
    const __m512d inverse = _mm512_set1_pd(1.0 / unit);
    const __m512d bound = _mm512_set1_pd(1048576.0);
    const __m256i lo = _mm256_set1_epi32(static_cast<std::int32_t>(min_value(T::code)) + y.offset());
    const __m256i hi = _mm256_set1_epi32(static_cast<std::int32_t>(max_value(T::code)) + y.offset());
    bool close = false;
    for (std::int64_t k = 0; k < count && !close; k += 8) {
      const auto mask = static_cast<__mmask8>(count - k >= 8 ? 0xff : (1u << (count - k)) - 1);
      const __m512d q = _mm512_mul_pd(value(k, mask), inverse);
      const __m512d rest = _mm512_sub_pd(q, _mm512_roundscale_pd(q, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
      const __mmask8 near =
          _mm512_mask_cmp_pd_mask(mask, _mm512_abs_pd(rest), _mm512_set1_pd(0.5 - 0x1p-20), _CMP_GT_OQ);
      close = (near & _mm512_cmp_pd_mask(_mm512_abs_pd(q), bound, _CMP_LT_OQ)) != 0;
    }
    if (close) [[unlikely]] {
      exact_row(c, x, y, base, count, factors, terms);
      return;
    }
    for (std::int64_t k = 0; k < count; k += 8) {
      const auto mask = static_cast<__mmask8>(count - k >= 8 ? 0xff : (1u << (count - k)) - 1);
      const __m512d q = _mm512_min_pd(
          _mm512_max_pd(_mm512_mul_pd(value(k, mask), inverse), _mm512_sub_pd(_mm512_setzero_pd(), bound)), bound);
      __m256i whole = _mm512_cvt_roundpd_epi32(q, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      whole = _mm256_min_epi32(_mm256_max_epi32(whole, lo), hi);
      whole = _mm256_sub_epi32(whole, _mm256_set1_epi32(y.offset()));
      _mm_mask_storeu_epi8(y.data + base + k, mask, _mm256_cvtepi32_epi8(whole));
    }
  }
  /// The reference's row.
  template <class Call, class X, class Y>
  static void exact_row(const Call& c, const X& x, const Y& y, std::int64_t base, std::int64_t count,
                        const double* factors, const double* terms) {
    double mean = 0;
    if constexpr (centred) {
      for (std::int64_t k = 0; k < count; ++k) mean += x.real(base + k);
      mean /= static_cast<double>(count);
    }
    double square = 0;
    for (std::int64_t k = 0; k < count; ++k) {
      const double d = x.real(base + k) - mean;
      square += d * d;
    }
    const double factor =
        1.0 / math::sqrt(square / static_cast<double>(count) + static_cast<double>(c.params().epsilon));
    for (std::int64_t k = 0; k < count; ++k)
      store_rounded(y, base + k, (x.real(base + k) - mean) * factor * factors[k] + terms[k], c.rounding());
  }
};

}  // namespace x86

template <>
struct impl<op::layer_norm, isa::avx512vnni> : x86::norm_kernel<op::layer_norm> {};
template <>
struct impl<op::rms_norm, isa::avx512vnni> : x86::norm_kernel<op::rms_norm> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
