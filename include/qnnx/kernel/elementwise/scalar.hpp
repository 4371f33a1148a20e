// SPDX-License-Identifier: Apache-2.0
#pragma once
// Elementwise ops, functions of one operand, pools, ReduceMean, ReduceSum and Softmax without vectors: the kernels of
// armv7em_dsp, whose instructions are written out (the products by arm/dsp.hpp's multiply_long). Layer 5a.

#include "qnnx/kernel/activation/curve_16.hpp"
#include "qnnx/kernel/activation/interpolated_16.hpp"
#include "qnnx/kernel/elementwise/armv7em_dsp.hpp"
#include "qnnx/kernel/elementwise/armv7em_dsp_binary.hpp"
#include "qnnx/kernel/elementwise/armv7em_dsp_mixed.hpp"
#include "qnnx/kernel/elementwise/armv7em_dsp_table.hpp"
#include "qnnx/kernel/elementwise/curve_16.hpp"
#include "qnnx/kernel/hexagon/by_width.hpp"
#include "qnnx/kernel/pooling/armv7em_dsp.hpp"
#include "qnnx/kernel/reduction/armv7em_dsp.hpp"
#include "qnnx/kernel/softmax/halves.hpp"
#include "qnnx/kernel/softmax/integers.hpp"

#if QNNX_HAS_SCALAR
namespace qnnx::inline QNNX_ABI::kernel {

namespace scalar {
/// Some processors load words from multiples of four bytes alone: one byte at a time, four in a turn.
struct byte_tables {
  template <bool Signed>
  static QNNX_INLINE void run(const std::uint8_t* table, const std::uint8_t* x, std::uint8_t* y, std::int32_t n) {
    constexpr std::uint32_t turn = Signed ? 0x80u : 0u;
    for (; n >= 4; n -= 4, x += 4, y += 4) {
      y[0] = table[x[0] ^ turn];
      y[1] = table[x[1] ^ turn];
      y[2] = table[x[2] ^ turn];
      y[3] = table[x[3] ^ turn];
    }
    for (; n > 0; --n) *y++ = table[*x++ ^ turn];
  }
};
}  // namespace scalar

template <>
struct impl<op::elementwise_add, isa::scalar> : impl<op::elementwise_add, isa::armv7em_dsp> {};
template <>
struct impl<op::elementwise_add, isa::scalar_general> : impl<op::elementwise_add, isa::armv7em_dsp_mixed> {};
template <>
struct impl<op::elementwise_subtract, isa::scalar> : impl<op::elementwise_subtract, isa::armv7em_dsp> {};
template <>
struct impl<op::elementwise_subtract, isa::scalar_general> : impl<op::elementwise_subtract, isa::armv7em_dsp_mixed> {};
template <>
struct impl<op::elementwise_multiply, isa::scalar> : impl<op::elementwise_multiply, isa::armv7em_dsp> {};
template <>
struct impl<op::elementwise_maximum, isa::scalar> : impl<op::elementwise_maximum, isa::armv7em_dsp> {};
template <>
struct impl<op::elementwise_minimum, isa::scalar> : impl<op::elementwise_minimum, isa::armv7em_dsp> {};
template <>
struct impl<op::pool_avg2d, isa::scalar> : impl<op::pool_avg2d, isa::armv7em_dsp> {};
template <>
struct impl<op::reduce_mean, isa::scalar> : impl<op::reduce_mean, isa::armv7em_dsp> {};
template <>
struct impl<op::reduce_sum, isa::scalar> : impl<op::reduce_sum, isa::armv7em_dsp> {};
template <>
struct impl<op::softmax, isa::scalar> : by_width<op::softmax, integer_softmax, dsp::softmax_of_halves> {};
template <>
struct impl<op::softmax, isa::scalar_general> : dsp::interpolated_softmax {};
template <class Op>
  requires neuron_op<Op>
struct impl<Op, isa::scalar> : by_width<Op, dsp::table_kernel<Op, scalar::byte_tables>, dsp::curve_kernel<Op>> {};
template <class Op>
  requires neuron_op<Op>
struct impl<Op, isa::scalar_general> : dsp::interpolated_kernel<Op> {};
template <class Op>
  requires unary_op<Op>
struct impl<Op, isa::scalar> : by_width<Op, dsp::table_kernel<Op, scalar::byte_tables>, dsp::unary_curve_kernel<Op>> {};
template <>
struct impl<op::lookup, isa::scalar> : dsp::lookup_kernel<scalar::byte_tables> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
