// SPDX-License-Identifier: Apache-2.0
#pragma once
// 16-bit and float data as pairs of doubles: the reference's formulas in the same operations, so the same bits; and
// numbers rounded to integers by a model's policy. Layer 5a.

#include "qnnx/kernel/neon/elements.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel::neon {

/// Four doubles.
struct reals {
  float64x2_t low, high;
};
template <class F>
QNNX_INLINE reals both(const reals& x, F&& f) {
  return {f(x.low), f(x.high)};
}
QNNX_INLINE reals real_numbers(int32x4_t q) {
  return {vcvtq_f64_s64(vmovl_s32(vget_low_s32(q))), vcvtq_f64_s64(vmovl_high_s32(q))};
}
QNNX_INLINE reals real_numbers(float32x4_t x) {
  return {vcvt_f64_f32(vget_low_f32(x)), vcvt_high_f64_f32(x)};
}
QNNX_INLINE float32x4_t floats_of(const reals& x) {
  return vcvt_high_f32_f64(vcvt_f32_f64(x.low), x.high);
}

/// round_real(), saturated to 32 bits; a NaN gives 0.
struct real_rounding {
  rounding_mode mode;
  template <class Rounding>
  explicit real_rounding(Rounding r) : mode(r.mode()) {}
  QNNX_INLINE int64x2_t operator()(float64x2_t x) const {
    if (mode == rounding_mode::rne) return vcvtnq_s64_f64(x);
    const int64x2_t away = vcvtaq_s64_f64(x);
    if (mode == rounding_mode::tflite) return away;
    const uint64x2_t tie = vceqq_f64(vsubq_f64(vcvtq_f64_s64(away), x), vdupq_n_f64(-0.5));  // a negative one went down
    return vsubq_s64(away, vreinterpretq_s64_u64(tie));
  }
  QNNX_INLINE int32x4_t operator()(const reals& x) const {
    return vqmovn_high_s64(vqmovn_s64((*this)(x.low)), (*this)(x.high));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
