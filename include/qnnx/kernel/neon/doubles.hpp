// SPDX-License-Identifier: Apache-2.0
#pragma once
// 16-bit and float data as pairs of doubles: the formulas of numeric/math.hpp and of the reference in the same
// operations, so the same bits (no multiply-add is fused); and numbers rounded to integers by a model's policy.
// Layer 5a.

#include "qnnx/kernel/neon/elements.hpp"
#include "qnnx/numeric/math.hpp"

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

QNNX_INLINE float64x2_t all_of(double v) {
  return vdupq_n_f64(v);
}
/// math::detail::expm1_series.
QNNX_INLINE float64x2_t expm1_series(float64x2_t r) {
  constexpr double c[] = {1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880,
                          1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
  float64x2_t p = all_of(1.0 / 87178291200.0);
#pragma GCC unroll 12
  for (int i = 11; i >= 0; --i) p = vaddq_f64(vmulq_f64(p, r), all_of(c[i]));
  return vaddq_f64(r, vmulq_f64(vmulq_f64(r, r), p));
}
/// math::exp; beyond +-690 and for a NaN by that function.
QNNX_INLINE float64x2_t exp_of(float64x2_t x) {
  if (!(vmaxvq_f64(vabsq_f64(x)) <= 690.0)) {
    const double lanes[2] = {math::exp(vgetq_lane_f64(x, 0)), math::exp(vgetq_lane_f64(x, 1))};
    return vld1q_f64(lanes);
  }
  const float64x2_t k = vrndnq_f64(vmulq_f64(x, all_of(0x1.71547652b82fep+0)));
  const float64x2_t a = vsubq_f64(x, vmulq_f64(k, all_of(math::detail::ln2_hi)));
  const float64x2_t b = vsubq_f64(all_of(0.0), vmulq_f64(k, all_of(math::detail::ln2_lo)));
  const float64x2_t s = vaddq_f64(a, b), t = vsubq_f64(s, a);
  const float64x2_t rest = vaddq_f64(vsubq_f64(a, vsubq_f64(s, t)), vsubq_f64(b, t));
  const float64x2_t one = all_of(1.0), m = expm1_series(s);
  const float64x2_t value = vaddq_f64(one, vaddq_f64(m, vmulq_f64(rest, vaddq_f64(one, m))));
  const int64x2_t power = vshlq_n_s64(vaddq_s64(vcvtq_s64_f64(k), vdupq_n_s64(1023)), 52);
  return vmulq_f64(value, vreinterpretq_f64_s64(power));
}
/// math::expm1, within +-690.
QNNX_INLINE float64x2_t expm1_of(float64x2_t x) {
  const float64x2_t far = vbslq_f64(vcltq_f64(x, all_of(-40.0)), all_of(-1.0), vsubq_f64(exp_of(x), all_of(1.0)));
  const float64x2_t near = vbslq_f64(vceqzq_f64(x), x, expm1_series(x));  // -0 stays
  return vbslq_f64(vcltq_f64(vabsq_f64(x), all_of(0.35)), near, far);
}
QNNX_INLINE float64x2_t sigmoid_of(float64x2_t x) {
  const float64x2_t e = exp_of(vnegq_f64(vabsq_f64(x))), one = all_of(1.0);
  const uint64x2_t below = vreinterpretq_u64_s64(vshrq_n_s64(vreinterpretq_s64_f64(x), 63));
  return vdivq_f64(vbslq_f64(below, e, one), vaddq_f64(one, e));
}
QNNX_INLINE float64x2_t tanh_of(float64x2_t x) {
  const float64x2_t size = vabsq_f64(x), twice = vminq_f64(vaddq_f64(size, size), all_of(44.0));
  const float64x2_t m = expm1_of(twice), v = vdivq_f64(m, vaddq_f64(m, all_of(2.0)));
  const float64x2_t most = vbslq_f64(vcgtq_f64(size, all_of(22.0)), all_of(1.0), v);
  return vbslq_f64(vdupq_n_u64(std::uint64_t{1} << 63), x, most);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
