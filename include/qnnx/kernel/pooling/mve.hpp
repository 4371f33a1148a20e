// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolAvg2d on signed 8-bit data with Helium: eight channels are added in 16-bit lanes. Layer 5a.

#include "qnnx/kernel/arm/mve.hpp"
#include "qnnx/kernel/pooling/armv7em_dsp.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel {

namespace mve {
struct lane_adder {
  static constexpr int channels = 8;
  template <bool Signed>
  static QNNX_INLINE void add(const std::byte* from, std::int32_t rows, std::int32_t columns, std::int32_t step,
                              std::int32_t pitch, std::int32_t* sum) {
    add_window(reinterpret_cast<const std::int8_t*>(from), rows, columns, step, pitch, sum);
  }
};
}  // namespace mve

template <>
struct impl<op::pool_avg2d, isa::mve> : summed_average_pool<mve::lane_adder> {
  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::s8(types::s8)>;
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
