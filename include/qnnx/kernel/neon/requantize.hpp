// SPDX-License-Identifier: Apache-2.0
#pragma once
// round(acc * M) of four 32-bit sums, the bits of numeric/requantize.hpp:
//   doubled   tflite: shift left, SQRDMULH, then divide by a power of two; 1 off a negative number before the rounding
//             shift makes its ties go away from zero
//   fused     rne, where acc fits a float and |acc * M| < 2^22: one fused multiply-add with 1.5 * 2^23
//   shifted   rne, half_up, and tflite's sums of 16-bit data (multiplier of 16 bits): the 64-bit product, a rounding
//             shift (ties up); rne adds the lowest kept bit less 1 first
// Results beyond 32 bits saturate. Layer 5a.

#include <array>

#include "qnnx/kernel/arm/finish.hpp"

#if QNNX_HAS_NEON
#include <arm_neon.h>

namespace qnnx::inline QNNX_ABI::kernel::neon {

/// Ties to even, of a shift that rounds them up: x + lowest kept bit - 1.
QNNX_INLINE int64x2_t before_even_shift(int64x2_t x, int64x2_t right) {
  const int64x2_t odd = vandq_s64(vshlq_s64(x, right), vdupq_n_s64(1));
  return vsubq_s64(vaddq_s64(x, odd), vdupq_n_s64(1));
}
QNNX_INLINE int32x4_t before_even_shift(int32x4_t x, int32x4_t right) {
  const int32x4_t odd = vandq_s32(vshlq_s32(x, right), vdupq_n_s32(1));
  return vsubq_s32(vaddq_s32(x, odd), vdupq_n_s32(1));
}

struct doubled_scaler {
  int32x4_t left, factor, right;
  explicit doubled_scaler(multiplier m = {})
      : left(vdupq_n_s32(m.exponent > 0 ? m.exponent : 0)),
        factor(vdupq_n_s32(m.mantissa)),
        right(vdupq_n_s32(m.exponent > 0 ? 0 : m.exponent)) {}
  QNNX_INLINE int32x4_t operator()(int32x4_t acc) const {
    const int32x4_t high = vqrdmulhq_s32(vshlq_s32(acc, left), factor);
    return vrshlq_s32(vqaddq_s32(high, vshrq_n_s32(vandq_s32(high, right), 31)), right);
  }
};
struct fused_scaler {
  float32x4_t factor;
  explicit fused_scaler(multiplier m = {}) : factor(vdupq_n_f32(dsp::as_float(m))) {}
  QNNX_INLINE int32x4_t operator()(int32x4_t acc) const {
    const float32x4_t magic = vdupq_n_f32(12582912.0f);
    const float32x4_t scaled = vfmaq_f32(magic, vcvtq_f32_s32(acc), factor);
    return vsubq_s32(vreinterpretq_s32_f32(scaled), vreinterpretq_s32_f32(magic));
  }
};
template <bool Even>
struct shifted_scaler {
  int32x4_t factor;
  int64x2_t right;
  explicit shifted_scaler(multiplier m = {}) : factor(vdupq_n_s32(m.mantissa)), right(vdupq_n_s64(m.exponent)) {}
  QNNX_INLINE int32x4_t operator()(int32x4_t acc) const {
    int64x2_t low = vmull_s32(vget_low_s32(acc), vget_low_s32(factor)), high = vmull_high_s32(acc, factor);
    if constexpr (Even) low = before_even_shift(low, right), high = before_even_shift(high, right);
    return vqmovn_high_s64(vqmovn_s64(vrshlq_s64(low, right)), vrshlq_s64(high, right));
  }
};

/// Calls f(std::array of scalers) for multipliers of one policy and sums of at most `most`, which the reference has in
/// Sum; false where the reference has to do it.
template <class Sum = std::int32_t, std::size_t N, class Rounding, class F>
QNNX_INLINE bool with_scalers(const std::array<multiplier, N>& m, std::int64_t most, Rounding r, F&& f) {
  const auto make = [&]<class Scaler>(Scaler) {
    std::array<Scaler, N> all;
    for (std::size_t i = 0; i < N; ++i) all[i] = Scaler(m[i]);
    f(all);
  };
  if (r.mode() == rounding_mode::tflite) {
    if constexpr (sizeof(Sum) == 4) {
      make(doubled_scaler{});
      return true;
    } else {
      std::array<shifted_scaler<false>, N> all;
      for (std::size_t i = 0; i < N; ++i) {
        const std::int32_t reduced = m[i].mantissa < 0x7fff0000 ? (m[i].mantissa + (1 << 15)) >> 16 : 0x7fff;
        if (m[i].exponent > 14) return false;  // a shift of 1 to 46
        all[i] = shifted_scaler<false>(multiplier{reduced, m[i].exponent - 15});
      }
      f(all);
      return true;
    }
  }
  bool fused = r.mode() == rounding_mode::rne && most <= 1 << 24;
  for (const multiplier& one : m) {
    if (one.exponent > -1 || one.exponent < -62) return false;
    const float value = dsp::as_float(one);
    fused &= value >= 0x1p-100f && static_cast<double>(most) * static_cast<double>(value) < 4194304.0;
  }
  if (fused) make(fused_scaler{});
  else if (r.mode() == rounding_mode::rne) make(shifted_scaler<true>{});
  else make(shifted_scaler<false>{});
  return true;
}

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
