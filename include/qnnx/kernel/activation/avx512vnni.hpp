// SPDX-License-Identifier: Apache-2.0
#pragma once
// One-input activations with AVX-512: 8-bit data through the reference's table, 64 values at once (vpermi2b); floats
// of Relu and its bounded forms bit for bit; of Sigmoid, Tanh, Gelu, Elu, HardSwish and HardSigmoid in double, within
// one unit in the last place (kernel/x86/real_functions.hpp). Layer 5a.

#include "qnnx/kernel/activation/reference.hpp"

#if QNNX_HAS_AVX512VBMI
#include "qnnx/kernel/x86/real_functions.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace x86 {

/// A table of 256 bytes in four vectors.
struct byte_table {
  __m512i part[4];
  QNNX_INLINE explicit byte_table(const void* bytes) {
    for (int i = 0; i < 4; ++i) part[i] = _mm512_loadu_si512(static_cast<const char*>(bytes) + 64 * i);
  }
  QNNX_INLINE __m512i operator()(__m512i at) const {  // each half takes 7 bits of the index
    const __m512i low = _mm512_permutex2var_epi8(part[0], at, part[1]);
    return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(at), _mm512_permutex2var_epi8(part[2], at, part[3]));
  }
};

template <class Op>
struct neuron_kernel : answers_as<Op> {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;

  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)> ||
                                   std::is_same_v<Sig, types::f32(types::f32)>;

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const std::int64_t count = y.size();
    if constexpr (is_float_v<typename Call::out_type>) {
      const op::neuron_params n = reference::neuron(c.params());
      if (!reference::is_clamp(n.operation)) return curve(c, n);
      const __m512 lo = _mm512_set1_ps(n.operation == op::neuron::relu ? 0.0f : n.min_value);
      const __m512 hi = _mm512_set1_ps(n.operation == op::neuron::relu ? __builtin_inff() : n.max_value);
      for (std::int64_t i = 0; i < count; i += 16) {
        const auto mask = static_cast<__mmask16>(count - i >= 16 ? 0xffff : (1u << (count - i)) - 1);
        const __m512 v = _mm512_maskz_loadu_ps(mask, x.data + i);
        const __m512 low = _mm512_max_ps(lo, v);  // a NaN, or zeros of both signs: the second
        _mm512_mask_storeu_ps(y.data + i, mask, _mm512_mask_mov_ps(_mm512_min_ps(hi, low), _mm512_cmp_ps_mask(v, lo, _CMP_LT_OQ), lo));
      }
    } else {
      const byte_table table(c.constants());
      const __m512i flip = _mm512_set1_epi8(is_signed_fixed(Call::out_type::code) ? static_cast<char>(0x80) : 0);
      for (std::int64_t i = 0; i < count; i += 64) {
        const __mmask64 mask = count - i >= 64 ? ~0ull : (1ull << (count - i)) - 1;
        _mm512_mask_storeu_epi8(y.data + i, mask, table(_mm512_xor_si512(flip, _mm512_maskz_loadu_epi8(mask, x.data + i))));
      }
    }
  }

 private:
  template <class Call>
  static void curve(const Call& c, const op::neuron_params& n) {
    const auto each = [&](auto f) {
      const auto x = c.template in<0>();
      const auto y = c.out();
      const std::int64_t count = y.size();
      for (std::int64_t i = 0; i < count; i += 8) {
        const auto mask = static_cast<__mmask8>(count - i >= 8 ? 0xff : (1u << (count - i)) - 1);
        const __m512d v = _mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask, x.data + i));
        __mmask8 alone = 0;  // lanes for the reference's function
        const __m256 result = _mm512_cvtpd_ps(f(v, alone));
        alignas(64) double plain[8];
        if (alone & mask) [[unlikely]]
          _mm512_store_pd(plain, v);
        _mm256_mask_storeu_ps(y.data + i, mask, result);
        for (unsigned rest = alone & mask; rest; rest &= rest - 1) {
          const int lane = __builtin_ctz(rest);
          y.data[i + lane] = static_cast<float>(neuron_value(n, plain[lane]));
        }
      }
    };
    const __m512d zero = _mm512_setzero_pd();
    const __m512d one = _mm512_set1_pd(1.0);
    const __m512d alpha = _mm512_set1_pd(static_cast<double>(n.alpha));
    switch (n.operation) {
      case op::neuron::sigmoid: return each([](__m512d x, __mmask8&) { return sigmoid_vector(x); });
      case op::neuron::tanh: return each([](__m512d x, __mmask8&) { return tanh_vector(x); });
      case op::neuron::gelu: return each([](__m512d x, __mmask8& far) { return _mm512_mul_pd(x, normal_cdf_vector(x, far)); });
      case op::neuron::elu:
        return each([&](__m512d x, __mmask8&) { return _mm512_mask_mov_pd(_mm512_mul_pd(alpha, expm1_vector(x)), _mm512_cmp_pd_mask(x, zero, _CMP_GT_OQ), x); });
      case op::neuron::hard_swish:
        return each([&](__m512d x, __mmask8&) {
          const __m512d gate = _mm512_min_pd(_mm512_set1_pd(6.0), _mm512_max_pd(zero, _mm512_add_pd(x, _mm512_set1_pd(3.0))));
          return _mm512_div_pd(_mm512_mul_pd(x, gate), _mm512_set1_pd(6.0));
        });
      case op::neuron::hard_sigmoid:
        return each([&](__m512d x, __mmask8&) {
          const __m512d line = _mm512_add_pd(_mm512_mul_pd(alpha, x), _mm512_set1_pd(static_cast<double>(n.beta)));
          return _mm512_min_pd(one, _mm512_max_pd(zero, line));
        });
      default: return reference::run(c);
    }
  }
};

}  // namespace x86

template <class Op>
  requires neuron_op<Op>
struct impl<Op, isa::avx512vnni> : x86::neuron_kernel<Op> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
