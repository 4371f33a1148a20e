// SPDX-License-Identifier: Apache-2.0
#pragma once
// ReduceMean and ReduceSum over neighbouring axes of 8 bits with Helium: eight channels at once (pooling/mve.hpp).
// Layer 5a.

#include "qnnx/kernel/pooling/mve.hpp"
#include "qnnx/kernel/reduction/armv7em_dsp.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel {

namespace mve {
template <class Op>
struct sum_of_channels : summed_reduction<Op, lane_adder> {
  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)>;
};
}  // namespace mve

template <>
struct impl<op::reduce_mean, isa::mve> : mve::sum_of_channels<op::reduce_mean> {};
template <>
struct impl<op::reduce_sum, isa::mve> : mve::sum_of_channels<op::reduce_sum> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
