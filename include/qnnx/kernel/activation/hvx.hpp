// SPDX-License-Identifier: Apache-2.0
#pragma once
// One-input functions of 8-bit data with HVX: the reference's table of 256 entries, 128 elements at a time: activations,
// ElementWiseNeuron, ElementWiseUnary and its forms, Lookup. Those of 16 bits by activation/hvx_curves.hpp. Layer 5a.

#include "qnnx/kernel/activation/hvx_curves.hpp"
#include "qnnx/kernel/activation/reference.hpp"
#include "qnnx/kernel/elementwise/curve_16.hpp"
#include "qnnx/kernel/elementwise/lookup.hpp"
#include "qnnx/kernel/elementwise/unary.hpp"
#include "qnnx/kernel/hexagon/by_width.hpp"
#include "qnnx/kernel/hexagon/elements.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

namespace hvx {
template <class Op>
struct table_kernel : answers_as<Op> {
  template <class Sig>
  static constexpr bool supports =
      std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)>;

  template <class Call>
  static void run(const Call& c) {
    look_up_all<is_signed_fixed(Call::out_type::code)>(c.constants(), c.template in<0>().data, c.out().data,
                                                       static_cast<std::int32_t>(c.s.outputs[0].dims.size()));
  }
};
}  // namespace hvx

template <class Op>
  requires neuron_op<Op>
struct impl<Op, isa::hvx> : by_width<Op, hvx::table_kernel<Op>, hvx::neuron_of_halves<Op>> {};
template <class Op>
  requires unary_op<Op>
struct impl<Op, isa::hvx> : by_width<Op, hvx::table_kernel<Op>, dsp::unary_curve_kernel<Op, hvx::curve_vectors>> {};

template <>
struct impl<op::lookup, isa::hvx> : answers_as<op::lookup> {
  template <class Call>
  static void run(const Call& c) {
    look_up_all(c, is_signed_fixed(Call::template in_type<0>::code));
  }

 private:
  template <class Call>
  static void look_up_all(const Call& c, bool is_signed) {
    const auto n = static_cast<std::int32_t>(c.s.outputs[0].dims.size());
    const auto *table = c.template in<1>().data;
    if (is_signed) hvx::look_up_all<true>(table, c.template in<0>().data, c.out().data, n);
    else hvx::look_up_all<false>(table, c.template in<0>().data, c.out().data, n);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
