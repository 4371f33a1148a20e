// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lookup, ElementWiseUnary and its forms with AVX-512: 8-bit data through the reference's table; of the functions on
// floats those below: abs, neg, sqrt, reciprocal, rsqrt, floor, ceil, round with the reference's bits, exp and erf
// within one unit in the last place. Others run the reference. Layer 5a.

#include "qnnx/kernel/elementwise/lookup.hpp"
#include "qnnx/kernel/elementwise/unary.hpp"

#if QNNX_HAS_AVX512VBMI
#include "qnnx/kernel/x86/elements.hpp"
#include "qnnx/kernel/x86/real_functions.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace x86 {

template <class Op>
struct unary_kernel : answers_as<Op> {
  using reference = impl<Op, isa::reference>;

  template <class Sig>
  static constexpr bool supports =
      std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)> ||
      std::is_same_v<Sig, types::f32(types::f32)>;

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    if constexpr (is_float_v<typename Call::out_type>) {
      const auto floats = [&](auto f) { each_float(x.data, y.data, y.size(), f); };
      const auto doubles = [&](auto f) { each_double(x.data, y.data, y.size(), f); };
      const __m512i sign = _mm512_set1_epi32(INT32_MIN);
      switch (reference::what(c.params())) {
        case op::unary::abs:
          return floats(
              [&](__m512 v) { return _mm512_castsi512_ps(_mm512_andnot_si512(sign, _mm512_castps_si512(v))); });
        case op::unary::neg:
          return floats([&](__m512 v) { return _mm512_castsi512_ps(_mm512_xor_si512(sign, _mm512_castps_si512(v))); });
        case op::unary::sqrt:
          return floats([](__m512 v) { return _mm512_sqrt_ps(v); });
        case op::unary::reciprocal:
          return floats([](__m512 v) { return _mm512_div_ps(_mm512_set1_ps(1.0f), v); });
        case op::unary::floor:
          return floats([](__m512 v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); });
        case op::unary::ceil:
          return floats([](__m512 v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); });
        case op::unary::round:
          return floats(
              [](__m512 v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); });
        case op::unary::rsqrt:
          return doubles([](__m512d v) { return _mm512_div_pd(_mm512_set1_pd(1.0), _mm512_sqrt_pd(v)); });
        case op::unary::exp:
          return doubles([](__m512d v) { return exp_vector(v); });
        case op::unary::erf:
          return doubles([](__m512d v) { return erf_vector(v); });
        default:
          return reference::run(c);
      }
    } else {
      look_up<typename Call::out_type>(c.constants(), x.data, y.data, y.size());
    }
  }
};

}  // namespace x86

template <class Op>
requires unary_op<Op>
struct impl<Op, isa::avx512vnni> : x86::unary_kernel<Op> {
};

template <>
struct impl<op::lookup, isa::avx512vnni> : answers_as<op::lookup> {
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    x86::look_up<typename Call::template in_type<0>>(c.template in<1>().data, x.data, y.data, y.size());
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
