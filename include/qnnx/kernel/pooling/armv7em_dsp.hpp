// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolAvg2d: four channels of 8 bits are added in two words of 16-bit lanes, three instructions for four elements; those
// of 16 bits in registers of their own. Layer 5a.

#include "qnnx/kernel/arm/scaler.hpp"
#include "qnnx/kernel/pooling/summed.hpp"

#if QNNX_HAS_DSP_KERNELS
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {
struct lane_adder {
  static constexpr int channels = 4;
  /// Sums of four neighbouring channels. Signed bytes are added with 128, so that lanes count up.
  template <bool Signed>
  static QNNX_INLINE void add(const std::byte* from, std::int32_t rows, std::int32_t columns, std::int32_t step,
                              std::int32_t pitch, std::int32_t* sum) {
    dsp::word even = 0, odd = 0;
    for (std::int32_t r = 0; r < rows; ++r, from += pitch) {
      const std::byte* at = from;
      for (std::int32_t k = 0; k < columns; ++k, at += step) {
        const dsp::word v = dsp::load_word(__builtin_assume_aligned(at, 4)) ^ (Signed ? 0x80808080u : 0u);
        even += dsp::uxtb16(v);
        odd += dsp::uxtb16_ror8(v);
      }
    }
    const std::int32_t added = Signed ? 128 * rows * columns : 0;
    sum[0] = static_cast<std::int32_t>(even & 0xffffu) - added;
    sum[1] = static_cast<std::int32_t>(odd & 0xffffu) - added;
    sum[2] = static_cast<std::int32_t>(even >> 16) - added;
    sum[3] = static_cast<std::int32_t>(odd >> 16) - added;
  }
};

/// arm/scaler.hpp; TFLite's 16-bit means have a multiplier of 16 bits and are the reference's.
template <dtype T>
struct mean_scaler {
  static constexpr bool wide = bits_of(T) > 8;
  scaler<wide> fast{};
  exact_scaler<T> exact{};
  bool fits = false;

  constexpr mean_scaler() = default;
  template <class Rounding>
  constexpr mean_scaler(multiplier m, std::int32_t zero, std::int64_t largest, Rounding r)
      : fast(m, zero, largest, r), exact(m, zero, largest, r), fits(fast.fits || (wide && r.mode() == rounding_mode::tflite)) {}
  template <class Rounding>
  QNNX_INLINE auto operator()(std::int32_t sum, Rounding r) const {
    if constexpr (wide) return r.mode() == rounding_mode::tflite ? exact(sum, r) : std::int64_t{fast(sum, r)};
    else return fast(sum, r);
  }
};
}  // namespace dsp

template <>
struct impl<op::pool_avg2d, isa::armv7em_dsp> : summed_average_pool<dsp::lane_adder, dsp::mean_scaler> {
  template <class Sig>
  static constexpr bool supports =
      std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)> ||
      std::is_same_v<Sig, types::u16(types::u16)> || std::is_same_v<Sig, types::s16(types::s16)>;
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
