// SPDX-License-Identifier: Apache-2.0
#pragma once
// arm/finish.hpp and arm/finish_16.hpp in vectors of four channels: the same bits. SQRDMULH is TFLite's doubling high
// multiply. Layer 5a.

#include "qnnx/kernel/arm/mixed.hpp"
#include "qnnx/kernel/neon/tiles.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel::neon {

struct limits {
  std::int32_t lo, hi;
};
/// Eight heads and the limits in registers.
struct eight_heads {
  int32x4_t bias[2], factor[2], add[2], shift[2], lo, hi;
  QNNX_INLINE eight_heads(const quad_head* h, limits l) : lo(vdupq_n_s32(l.lo)), hi(vdupq_n_s32(l.hi)) {
    for (int i = 0; i < 2; ++i) {
      bias[i] = vld1q_s32(h[i].bias), factor[i] = vld1q_s32(h[i].factor);
      add[i] = vld1q_s32(h[i].add), shift[i] = vld1q_s32(h[i].shift);
    }
  }
  QNNX_INLINE int32x4_t within(int32x4_t q) const { return vmaxq_s32(vminq_s32(q, hi), lo); }
};

/// Outputs of four sums without bias, channels 4 half to 4 half + 3 of eight, within the limits.
template <bool Once, class Rounding>
QNNX_INLINE int32x4_t finish_four(int32x4_t sum, const eight_heads& h, int half, Rounding r) {
  const int32x4_t acc = vaddq_s32(sum, h.bias[half]), add = h.add[half], factor = h.factor[half];
  int32x4_t q;
  if (r.mode() == rounding_mode::tflite) {
    const int32x4_t right = vnegq_s32(h.shift[half]);
    if constexpr (Once) {
      const int64x2_t low = vmull_s32(vget_low_s32(acc), vget_low_s32(factor)), high = vmull_high_s32(acc, factor);
      const int32x4_t product = vuzp2q_s32(vreinterpretq_s32_s64(low), vreinterpretq_s32_s64(high));
      q = vshlq_s32(vaddq_s32(product, add), right);
    } else {
      q = vshlq_s32(vaddq_s32(vqrdmulhq_s32(acc, factor), vsraq_n_s32(add, acc, 31)), right);
    }
  } else {
    const float32x4_t magic = vdupq_n_f32(12582912.0f);
    const float32x4_t scaled = vfmaq_f32(magic, vcvtq_f32_s32(acc), vreinterpretq_f32_s32(factor));
    q = vaddq_s32(vreinterpretq_s32_f32(scaled), add);  // `add` takes the bits of the magic constant away
  }
  return h.within(q);
}

/// Eight outputs to memory, or the first `count`: within the limits of their type, whatever its sign.
QNNX_INLINE void store_eight(std::byte* y, int32x4_t a, int32x4_t b, std::int32_t count) {
  const int8x8_t v = vmovn_s16(vcombine_s16(vmovn_s32(a), vmovn_s32(b)));
  if (count >= 8) {
    vst1_s8(reinterpret_cast<std::int8_t*>(y), v);
    return;
  }
  std::int8_t bytes[8];
  vst1_s8(bytes, v);
  for (std::int32_t i = 0; i < count; ++i) y[i] = static_cast<std::byte>(bytes[i]);
}

/// `count` outputs of up to eight channels from their sums.
template <bool Once, class Rounding>
QNNX_INLINE void finish_eight(int32x4_t a, int32x4_t b, const eight_heads& h, Rounding r, std::byte* y,
                              std::int32_t count) {
  store_eight(y, finish_four<Once>(a, h, 0, r), finish_four<Once>(b, h, 1, r), count);
}
/// The same of the general form.
template <bool Once, class Rounding>
QNNX_NOINLINE void finish_eight_general(const std::int32_t* sums, const quad_head* h, limits l, std::int32_t zero,
                                        Rounding r, std::byte* y, std::int32_t count) {
  for (std::int32_t i = 0; i < count && i < 8; ++i) {
    const quad_head& q = h[i / 4];
    const auto acc =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[i]) + static_cast<std::uint32_t>(q.bias[i % 4]));
    y[i] = static_cast<std::byte>(
        dsp::finish_general<Once>(acc, multiplier{q.factor[i % 4], q.add[i % 4]}, zero, l.lo, l.hi, r));
  }
}

/// Outputs of four sums of 16-bit data without bias, within the limits: arm/finish_16.hpp.
template <class Rounding>
QNNX_INLINE int32x4_t finish_four_16(int32x4_t sum, const eight_heads& h, int which, Rounding r) {
  const int32x4_t acc = vaddq_s32(sum, h.bias[which]), factor = h.factor[which], add = h.add[which];
  const int32x4_t shift = h.shift[which], right = vnegq_s32(shift);
  const int32x4_t low = vreinterpretq_s32_s64(vmull_s32(vget_low_s32(acc), vget_low_s32(factor)));
  const int32x4_t high = vreinterpretq_s32_s64(vmull_high_s32(acc, factor)), upper = vuzp2q_s32(low, high);
  int32x4_t q;
  if (r.mode() == rounding_mode::rne) {
    const int32x4_t one = vdupq_n_s32(1), odd = vandq_s32(vshlq_s32(upper, right), one);
    const int32x4_t rest = vorrq_s32(vuzp1q_s32(low, high), odd);
    const int32x4_t half = vsubq_s32(vshlq_s32(one, vsubq_s32(shift, one)), one);
    const int32x4_t more = vreinterpretq_s32_u32(vtstq_s32(rest, rest));  // -1 where anything is left
    q = vaddq_s32(vshlq_s32(vsubq_s32(vaddq_s32(upper, half), more), right), add);
  } else {
    q = vshlq_s32(vaddq_s32(upper, add), right);
  }
  return h.within(q);
}

/// As store_eight, of 16 bits.
QNNX_INLINE void store_eight_16(std::byte* y, int32x4_t a, int32x4_t b, std::int32_t count) {
  const int16x8_t v = vcombine_s16(vmovn_s32(a), vmovn_s32(b));
  if (count >= 8) {
    vst1q_s16(reinterpret_cast<std::int16_t*>(y), v);
    return;
  }
  std::int16_t words[8];
  vst1q_s16(words, v);
  std::memcpy(y, words, static_cast<std::size_t>(count) * sizeof words[0]);
}

/// `count` outputs of up to eight channels of 16-bit data from sums that fit 32 bits.
template <class Rounding>
QNNX_INLINE void finish_eight_16(int32x4_t a, int32x4_t b, const eight_heads& h, Rounding r, std::byte* y,
                                 std::int32_t count) {
  store_eight_16(y, finish_four_16(a, h, 0, r), finish_four_16(b, h, 1, r), count);
}
/// The same of the general form.
template <bool Once, class Rounding>
QNNX_NOINLINE void finish_eight_general_16(const std::int64_t* sums, const quad_head* h, limits l, std::int32_t zero,
                                           Rounding r, std::byte* y, std::int32_t count) {
  for (std::int32_t i = 0; i < count && i < 8; ++i) {
    const quad_head& q = h[i / 4];
    const dsp::channel_head one{q.bias[i % 4], q.factor[i % 4], q.add[i % 4], q.shift[i % 4]};
    const auto v = static_cast<std::int16_t>(dsp::finish_general_16<Once>(sums[i], one, zero, l.lo, l.hi, r));
    std::memcpy(y + 2 * i, &v, sizeof v);
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
