// SPDX-License-Identifier: Apache-2.0
#pragma once
// ReduceMean and ReduceSum over neighbouring axes: four bytes at once (pooling/armv7em_dsp.hpp). Layer 5a.

#include "qnnx/kernel/pooling/armv7em_dsp.hpp"
#include "qnnx/kernel/reduction/summed.hpp"

#if QNNX_HAS_DSP_KERNELS
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {
template <class Op>
struct sum_of_channels : summed_reduction<Op, lane_adder> {
  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)> ||
                                   std::is_same_v<Sig, types::u16(types::u16)> || std::is_same_v<Sig, types::s16(types::s16)>;
};
}  // namespace dsp

template <>
struct impl<op::reduce_mean, isa::armv7em_dsp> : dsp::sum_of_channels<op::reduce_mean> {};
template <>
struct impl<op::reduce_sum, isa::armv7em_dsp> : dsp::sum_of_channels<op::reduce_sum> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
