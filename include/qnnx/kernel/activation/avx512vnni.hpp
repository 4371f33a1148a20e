// SPDX-License-Identifier: Apache-2.0
#pragma once
// One-input activations with AVX-512: 8-bit data through the reference's table, 64 values at once (vpermi2b); floats
// of Relu and its bounded forms bit for bit; of Elu, HardSwish and HardSigmoid in double, within one unit in the last
// place; of Sigmoid, Tanh and Gelu within 8 (kernel/x86/real_functions.hpp). Layer 5a.

#include "qnnx/kernel/activation/reference.hpp"

#if QNNX_HAS_AVX512VBMI
#include "qnnx/kernel/x86/elements.hpp"
#include "qnnx/kernel/x86/real_functions.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace x86 {

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
      each_float(x.data, y.data, count, [&](__m512 v) {
        const __m512 low = _mm512_max_ps(lo, v);  // a NaN, or zeros of both signs: the second
        return _mm512_mask_mov_ps(_mm512_min_ps(hi, low), _mm512_cmp_ps_mask(v, lo, _CMP_LT_OQ), lo);
      });
    } else {
      look_up<typename Call::out_type>(c.constants(), x.data, y.data, count);
    }
  }

 private:
  template <class Call>
  static void curve(const Call& c, const op::neuron_params& n) {
    const auto floats = [&](auto f) { each_float(c.template in<0>().data, c.out().data, c.out().size(), f); };
    const auto each = [&](auto f) { each_double(c.template in<0>().data, c.out().data, c.out().size(), f); };
    const __m512d zero = _mm512_setzero_pd();
    const __m512d one = _mm512_set1_pd(1.0);
    const __m512d alpha = _mm512_set1_pd(static_cast<double>(n.alpha));
    switch (n.operation) {
      case op::neuron::sigmoid: return floats([](__m512 x) { return sigmoid_floats(x); });
      case op::neuron::tanh: return floats([](__m512 x) { return tanh_floats(x); });
      case op::neuron::gelu: return floats([](__m512 x) { return gelu_floats(x); });
      case op::neuron::elu:
        return each([&](__m512d x) { return _mm512_mask_mov_pd(_mm512_mul_pd(alpha, expm1_vector(x)), _mm512_cmp_pd_mask(x, zero, _CMP_GT_OQ), x); });
      case op::neuron::hard_swish:
        return each([&](__m512d x) {
          const __m512d gate = _mm512_min_pd(_mm512_set1_pd(6.0), _mm512_max_pd(zero, _mm512_add_pd(x, _mm512_set1_pd(3.0))));
          return _mm512_div_pd(_mm512_mul_pd(x, gate), _mm512_set1_pd(6.0));
        });
      case op::neuron::hard_sigmoid:
        return each([&](__m512d x) {
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
