// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd of two signed 8-bit tensors of one shape with Helium, four elements at a time, under tflite; other
// policies and types run the kernel of armv7em_dsp. Layer 5a.

#include "qnnx/kernel/arm/mve.hpp"
#include "qnnx/kernel/elementwise/armv7em_dsp.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::elementwise_add, isa::mve> : answers_as<op::elementwise_add, isa::armv7em_dsp> {
  using parent = impl<op::elementwise_add, isa::armv7em_dsp>;

  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::s8(types::s8, types::s8)>;

  static constexpr bool takes(const node_facts& f, const params& p) { return parent::takes(f, p); }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte* packed) {
    return parent::code_parts(f, p, packed);
  }

  template <class Call>
  static void run(const Call& c) {
    const std::int32_t* k = c.constants() + 2;
    const bool shifts = k[1] <= 0 && k[1] > -31 && k[3] <= 0 && k[3] > -31 && k[5] < 0 && k[5] > -31;
    if (c.rounding().mode() != rounding_mode::tflite || !shifts || !(c.s.inputs[0].dims == c.s.inputs[1].dims))
      return parent::run(c);
    const auto* a = reinterpret_cast<const std::int8_t*>(c.template in<0>().data);
    const auto* b = reinterpret_cast<const std::int8_t*>(c.template in<1>().data);
    auto* y = reinterpret_cast<std::int8_t*>(c.out().data);
    const std::int32_t oa = c.s.inputs[0].q.offset, ob = c.s.inputs[1].q.offset, zero = c.s.outputs[0].q.zero();
    const mve::limits l{c.constants()[0], c.constants()[1]};
    mve::add_rows(a, b, y, oa, ob, k, zero, l, static_cast<std::int32_t>(c.s.outputs[0].dims.size()));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
