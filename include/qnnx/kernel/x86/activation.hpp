// SPDX-License-Identifier: Apache-2.0
#pragma once
// One-input activations on vectors V: 8-bit data through the reference's table, a vector of bytes at once; floats of
// Relu and its bounded forms bit for bit, of the others within the units in the last place that float_functions.hpp gives
// (HardSwish 2.5, HardSigmoid 1); 16-bit data: activation_16.hpp. Layer 5a.

#include "qnnx/kernel/activation/reference.hpp"
#include "qnnx/kernel/x86/activation_16.hpp"
#include "qnnx/kernel/x86/elements.hpp"
#include "qnnx/kernel/x86/float_functions.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class Op, class V>
struct neuron_kernel : answers_as<Op> {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;
  using floats = typename V::floats;

  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)> ||
                                   is_real_signature<Sig> || is_half_signature<Sig>;

  /// Whether the op may be this operation.
  static constexpr bool may(op::neuron o) {
    if constexpr (std::is_same_v<Op, op::elementwise_neuron>) return true;
    else return Op::as_neuron(params{}).operation == o;
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const std::int64_t count = y.size();
    if constexpr (is_float_v<typename Call::out_type>) {
      const op::neuron_params n = reference::neuron(c.params());
      if (!reference::is_clamp(n.operation)) return curve(c, n);
      const floats lo = V::all(n.operation == op::neuron::relu ? 0.0f : n.min_value);
      const floats hi = V::all(n.operation == op::neuron::relu ? __builtin_inff() : n.max_value);
      each_float<V>(x.data, y.data, count, [&](floats v) {
        const floats low = V::max(lo, v);  // a NaN, or zeros of both signs: the second
        return V::select(V::template compare<_CMP_LT_OQ>(v, lo), lo, V::min(hi, low));
      });
    } else if constexpr (is_half_data<typename Call::out_type>) {
      if (!sixteen_bit_neuron<V>(c, reference::neuron(c.params()), [](op::neuron o) { return may(o); })) reference::run(c);
    } else {
      look_up<V, typename Call::out_type>(c.constants(), x.data, y.data, count);
    }
  }

 private:
  template <class Call>
  static void curve(const Call& c, const op::neuron_params& n) {
    const auto each = [&](auto f) { each_float<V>(c.template in<0>().data, c.out().data, c.out().size(), f); };
    const floats zero = V::all(0.0f);
    const floats alpha = V::all(n.alpha);
    const floats beta = V::all(n.beta);
    switch (n.operation) {
      case op::neuron::sigmoid: return each([](floats x) { return sigmoid_floats<V>(x); });
      case op::neuron::silu: return each([](floats x) { return V::mul(x, sigmoid_floats<V>(x)); });
      case op::neuron::tanh: return each([](floats x) { return tanh_floats<V>(x); });
      case op::neuron::gelu: return each([](floats x) { return gelu_floats<V>(x); });
      case op::neuron::elu: return each([&](floats x) { return elu_floats<V>(x, alpha); });
      case op::neuron::hard_swish:
        return each([&](floats x) {
          const floats gate = V::min(V::all(6.0f), V::max(zero, V::add(x, V::all(3.0f))));
          return V::mul(x, V::mul(gate, V::all(1.0f / 6)));
        });
      case op::neuron::hard_sigmoid:
        return each([&](floats x) {
          return V::min(V::all(1.0f), V::max(zero, V::fmadd(alpha, x, beta)));
        });
      case op::neuron::softplus:
        if (n.beta != 1.0f) return reference::run(c);
        if (n.threshold < 0) return each([](floats x) { return softplus_floats<V>(x); });
        return each([&](floats x) { return V::select(V::template compare<_CMP_GT_OQ>(x, V::all(n.threshold)), x, softplus_floats<V>(x)); });
      default: return reference::run(c);
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
