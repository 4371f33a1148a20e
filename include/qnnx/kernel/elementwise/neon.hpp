// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd of one shape on 8-bit data with NEON: elementwise/armv7em_dsp.hpp in vectors of eight elements. Layer
// 5a.

#include "qnnx/kernel/elementwise/armv7em_dsp.hpp"

#if QNNX_HAS_NEON
#include <arm_neon.h>

namespace qnnx::inline QNNX_ABI::kernel {

namespace neon {

/// divide_by_power(doubling_high_mul(x << 20, m), right): four elements.
struct scaled_operand {
  int32x4_t factor, half, sign, right;
  explicit scaled_operand(const std::int32_t* k)
      : factor(vdupq_n_s32(k[0])),
        half(vdupq_n_s32(k[1] < 0 ? 1 << (-k[1] - 1) : 0)),
        sign(vdupq_n_s32(k[1] < 0 ? -1 : 0)),
        right(vdupq_n_s32(k[1])) {}
  QNNX_INLINE int32x4_t operator()(int32x4_t x) const {
    const int32x4_t high = vaddq_s32(vqrdmulhq_s32(vshlq_n_s32(x, 20), factor), half);
    return vshlq_s32(vaddq_s32(high, vandq_s32(vshrq_n_s32(x, 31), sign)), right);
  }
};

}  // namespace neon

template <>
struct impl<op::elementwise_add, isa::neon> : answers_as<op::elementwise_add> {
  template <class Sig>
  static constexpr bool supports = impl<op::elementwise_add, isa::armv7em_dsp>::template supports<Sig>;

  static constexpr bool takes(const node_facts& f, const params&) { return f.c.dims(0) == f.c.dims(1); }

  template <class Call>
  static void run(const Call& c) {
    const std::int32_t* k = c.constants() + 2;
    const bool tflite = c.rounding().mode() == rounding_mode::tflite && k[1] <= 0 && k[1] > -31 && k[3] <= 0 &&
                        k[3] > -31 && k[5] < 0 && k[5] >= -20;
    const bool rne = c.rounding().mode() == rounding_mode::rne && k[6] >= 1 && k[6] <= 24;
    if (!(c.s.inputs[0].dims == c.s.inputs[1].dims) || !(tflite || rne)) return reference::run(c);
    const std::int32_t zero = c.out().zero();
    if (tflite) {
      const neon::scaled_operand fa(k), fb(k + 2);
      const int32x4_t factor = vdupq_n_s32(k[4]), right = vdupq_n_s32(k[5]);
      const int32x4_t add = vdupq_n_s32((1 << (-k[5] - 1)) + zero * (1 << -k[5]));
      each_eight(c, [&](int32x4_t a, int32x4_t b) {
        const int32x4_t sum = vaddq_s32(fa(a), fb(b));
        return vshlq_s32(vaddq_s32(vaddq_s32(vqrdmulhq_s32(sum, factor), add), vshrq_n_s32(sum, 31)), right);
      });
    } else {
      const int32x4_t m0 = vdupq_n_s32(k[0]), m1 = vdupq_n_s32(k[2]), right = vdupq_n_s32(-k[6]);
      const int32x4_t half = vdupq_n_s32((1 << (k[6] - 1)) - 1), one = vdupq_n_s32(1), z = vdupq_n_s32(zero);
      each_eight(c, [&](int32x4_t a, int32x4_t b) {
        const int32x4_t sum = vmlaq_s32(vmulq_s32(a, m0), b, m1);
        const int32x4_t odd = vandq_s32(vshlq_s32(sum, right), one);
        return vaddq_s32(vshlq_s32(vaddq_s32(vaddq_s32(sum, half), odd), right), z);
      });
    }
  }

 private:
  /// add(four elements of each input, offsets added) gives the output before the bounds.
  template <class Call, class Add>
  static QNNX_INLINE void each_eight(const Call& c, Add&& add) {
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const auto* pa = reinterpret_cast<const std::uint8_t*>(c.template in<0>().data);
    const auto* pb = reinterpret_cast<const std::uint8_t*>(c.template in<1>().data);
    auto* y = reinterpret_cast<std::uint8_t*>(c.out().data);
    const std::int64_t n = c.out().size();
    const int16x8_t oa = vdupq_n_s16(static_cast<std::int16_t>(c.template in<0>().offset()));
    const int16x8_t ob = vdupq_n_s16(static_cast<std::int16_t>(c.template in<1>().offset()));
    const int32x4_t lo = vdupq_n_s32(c.constants()[0]), hi = vdupq_n_s32(c.constants()[1]);
    const auto wide = [](uint8x8_t v) {
      return is_signed ? vmovl_s8(vreinterpret_s8_u8(v)) : vreinterpretq_s16_u16(vmovl_u8(v));
    };
    const auto eight = [&](const std::uint8_t* from_a, const std::uint8_t* from_b, std::uint8_t* to) {
      const int16x8_t a = vaddq_s16(wide(vld1_u8(from_a)), oa), b = vaddq_s16(wide(vld1_u8(from_b)), ob);
      const int32x4_t low = add(vmovl_s16(vget_low_s16(a)), vmovl_s16(vget_low_s16(b)));
      const int32x4_t high = add(vmovl_high_s16(a), vmovl_high_s16(b));
      const auto bound = [&](int32x4_t v) { return vmovn_s32(vmaxq_s32(vminq_s32(v, hi), lo)); };
      vst1_u8(to, vreinterpret_u8_s8(vmovn_s16(vcombine_s16(bound(low), bound(high)))));
    };
    std::int64_t i = 0;
    for (; i + 8 <= n; i += 8) eight(pa + i, pb + i, y + i);
    if (i == n) return;
    std::uint8_t a[8] = {}, b[8] = {}, to[8];
    for (std::int64_t j = i; j < n; ++j) a[j - i] = pa[j], b[j - i] = pb[j];
    eight(a, b, to);
    for (std::int64_t j = i; j < n; ++j) y[j] = to[j - i];
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
