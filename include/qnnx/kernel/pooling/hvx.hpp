// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolAvg2d on 8-bit data with HVX: 64 channels are added in 16-bit lanes; multiples of 64 channels. Layer 5a.

#include "qnnx/kernel/hexagon/hvx.hpp"
#include "qnnx/kernel/pooling/summed.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

namespace hvx {
struct lane_adder {
  static constexpr int channels = 64;
  /// Signed bytes are added with 128, so that lanes count up.
  template <bool Signed>
  static QNNX_INLINE void add(const std::byte* from, std::int32_t rows, std::int32_t columns, std::int32_t step,
                              std::int32_t pitch, std::int32_t* sum) {
    byte_sums s;
    const vec flip = splat_byte(Signed ? 128 : 0);
    for (std::int32_t r = 0; r < rows; ++r, from += pitch) {
      const std::byte* at = from;
      for (std::int32_t k = 0; k < columns; ++k, at += step) s += bit_xor(load_part(at, channels), flip);
    }
    std::uint16_t even[64], odd[64];
    store(even, s.even);
    store(odd, s.odd);
    const std::int32_t added = Signed ? 128 * rows * columns : 0;
    for (int i = 0; i < channels / 2; ++i) {
      sum[2 * i] = even[i] - added;
      sum[2 * i + 1] = odd[i] - added;
    }
  }
};
}  // namespace hvx

template <>
struct impl<op::pool_avg2d, isa::hvx> : summed_average_pool<hvx::lane_adder> {
  template <class Sig>
  static constexpr bool supports =
      std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)>;
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
