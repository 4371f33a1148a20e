// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolAvg2d on 8-bit data with NEON: eight channels are added in 16-bit lanes (256 * 255 fits an unsigned one). Layer
// 5a.

#include "qnnx/kernel/pooling/armv7em_dsp.hpp"

#if QNNX_HAS_NEON
#include <arm_neon.h>

namespace qnnx::inline QNNX_ABI::kernel {

namespace neon {
struct lane_adder {
  static constexpr int channels = 8;
  template <bool Signed>
  static QNNX_INLINE void add(const std::byte* from, std::int32_t rows, std::int32_t columns, std::int32_t step,
                              std::int32_t pitch, std::int32_t* sum) {
    uint16x8_t total = vdupq_n_u16(0);
    for (std::int32_t r = 0; r < rows; ++r, from += pitch) {
      const auto* at = reinterpret_cast<const std::uint8_t*>(from);
      for (std::int32_t k = 0; k < columns; ++k, at += step)
        total = vaddw_u8(total, veor_u8(vld1_u8(at), vdup_n_u8(Signed ? 0x80 : 0)));
    }
    const int32x4_t added = vdupq_n_s32(Signed ? 128 * rows * columns : 0);
    vst1q_s32(sum, vsubq_s32(vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(total))), added));
    vst1q_s32(sum + 4, vsubq_s32(vreinterpretq_s32_u32(vmovl_high_u16(total)), added));
  }
};
}  // namespace neon

template <>
struct impl<op::pool_avg2d, isa::neon> : summed_average_pool<neon::lane_adder> {
  template <class Sig>
  static constexpr bool supports = impl<op::pool_avg2d, isa::armv7em_dsp>::template supports<Sig>;
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
