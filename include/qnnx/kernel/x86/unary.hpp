// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lookup, ElementWiseUnary and its forms on vectors V: 8-bit data through the reference's table; of the functions on
// floats those below: abs, neg, sqrt, reciprocal, floor, ceil, round with the reference's bits, rsqrt within 1.5 units in
// the last place, exp, erf, log, atan and asin as float_functions.hpp, sin and cos as angle_functions.hpp. Others run the reference. 16-bit data: unary_16.hpp. Layer 5a.

#include "qnnx/kernel/elementwise/lookup.hpp"
#include "qnnx/kernel/elementwise/unary.hpp"
#include "qnnx/kernel/x86/angle_functions.hpp"
#include "qnnx/kernel/x86/elements.hpp"
#include "qnnx/kernel/x86/float_functions.hpp"
#include "qnnx/kernel/x86/unary_16.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class Op, class V>
struct unary_kernel : answers_as<Op> {
  using reference = impl<Op, isa::reference>;
  using floats = typename V::floats;
  using doubles = typename V::doubles;

  /// Whether the op may be this operation.
  static constexpr bool may(op::unary o) {
    if constexpr (std::is_same_v<Op, op::elementwise_unary>) return true;
    else return Op::unary_operation == o;
  }
  static constexpr bool sixteen_bits = [] {
    if constexpr (std::is_same_v<Op, op::elementwise_unary>) return true;
    else return has_sixteen_bit_form(Op::unary_operation);
  }();
  template <class Sig>
  static constexpr bool supports =
      std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)> ||
      is_real_signature<Sig> || (sixteen_bits && is_half_signature<Sig>);

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    if constexpr (is_float_v<typename Call::out_type>) {
      const auto each = [&](auto f) { each_float<V>(x.data, y.data, y.size(), f); };
      const auto sign = V::all(INT32_MIN);
      switch (reference::what(c.params())) {
        case op::unary::abs:
          return each([&](floats v) { return V::abs(v); });
        case op::unary::neg:
          return each([&](floats v) { return V::floats_of(V::xor_bits(sign, V::bits_of(v))); });
        case op::unary::sqrt:
          return each([](floats v) { return V::sqrt(v); });
        case op::unary::reciprocal:
          return each([](floats v) { return V::div(V::all(1.0f), v); });
        case op::unary::floor:
          return each([](floats v) { return V::template rounded<_MM_FROUND_TO_NEG_INF>(v); });
        case op::unary::ceil:
          return each([](floats v) { return V::template rounded<_MM_FROUND_TO_POS_INF>(v); });
        case op::unary::round:
          return each([](floats v) { return V::template rounded<_MM_FROUND_TO_NEAREST_INT>(v); });
        case op::unary::rsqrt:
          return each([](floats v) { return V::div(V::all(1.0f), V::sqrt(v)); });
        case op::unary::exp:
          return each([](floats v) { return exp_floats<V>(v); });
        case op::unary::erf:
          return each([](floats v) { return erf_floats<V>(v); });
        case op::unary::log:
          return each([](floats v) { return log_floats<V>(v); });
        case op::unary::atan:
          return each([](floats v) { return atan_floats<V>(v); });
        case op::unary::asin:
          return each([](floats v) { return asin_floats<V>(v); });
        case op::unary::sin:
          return each_double<V>(x.data, y.data, y.size(), [](doubles v) { return sine_vector<V, false>(v); });
        case op::unary::cos:
          return each_double<V>(x.data, y.data, y.size(), [](doubles v) { return sine_vector<V, true>(v); });
        default:
          return reference::run(c);
      }
    } else if constexpr (is_half_data<typename Call::out_type>) {
      if (!sixteen_bit_unary<V>(c, reference::what(c.params()), [](op::unary o) { return may(o); })) reference::run(c);
    } else {
      look_up<V, typename Call::out_type>(c.constants(), x.data, y.data, y.size());
    }
  }
};

template <class V>
struct lookup_kernel : answers_as<op::lookup> {
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    look_up<V, typename Call::template in_type<0>>(c.template in<1>().data, x.data, y.data, y.size());
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
