// SPDX-License-Identifier: Apache-2.0
#pragma once
// arm/finish.hpp in vectors of four channels: the same bits. SQRDMULH is TFLite's doubling high multiply. Layer 5a.

#include "qnnx/kernel/arm/packing.hpp"
#include "qnnx/kernel/neon/tiles.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel::neon {

/// Four heads, field by field.
struct quad_head {
  std::int32_t bias[4] = {};
  std::int32_t factor[4] = {};
  std::int32_t add[4] = {};
  std::int32_t shift[4] = {};
};
struct limits {
  std::int32_t lo, hi;
};

/// Outputs of four sums without bias, within the limits.
template <bool Once, class Rounding>
QNNX_INLINE int32x4_t finish_four(int32x4_t sum, const quad_head& h, limits l, Rounding r) {
  const int32x4_t acc = vaddq_s32(sum, vld1q_s32(h.bias)), add = vld1q_s32(h.add);
  int32x4_t q;
  if (r.mode() == rounding_mode::tflite) {
    const int32x4_t factor = vld1q_s32(h.factor), right = vnegq_s32(vld1q_s32(h.shift));
    if constexpr (Once) {
      const int64x2_t low = vmull_s32(vget_low_s32(acc), vget_low_s32(factor)), high = vmull_high_s32(acc, factor);
      const int32x4_t product = vuzp2q_s32(vreinterpretq_s32_s64(low), vreinterpretq_s32_s64(high));
      q = vshlq_s32(vaddq_s32(product, add), right);
    } else {
      q = vshlq_s32(vaddq_s32(vqrdmulhq_s32(acc, factor), vaddq_s32(add, vshrq_n_s32(acc, 31))), right);
    }
  } else {
    const float32x4_t magic = vdupq_n_f32(12582912.0f);
    const float32x4_t scaled = vfmaq_f32(magic, vcvtq_f32_s32(acc), vreinterpretq_f32_s32(vld1q_s32(h.factor)));
    q = vaddq_s32(vreinterpretq_s32_f32(scaled), add);  // `add` takes the bits of the magic constant away
  }
  return vmaxq_s32(vminq_s32(q, vdupq_n_s32(l.hi)), vdupq_n_s32(l.lo));
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
QNNX_INLINE void finish_eight(const std::int32_t* sums, const quad_head* h, bool fast, limits l, std::int32_t zero,
                              Rounding r, std::byte* y, std::int32_t count) {
  if (fast) {
    store_eight(y, finish_four<Once>(vld1q_s32(sums), h[0], l, r), finish_four<Once>(vld1q_s32(sums + 4), h[1], l, r),
                count);
    return;
  }
  for (std::int32_t i = 0; i < count && i < 8; ++i) {
    const quad_head& q = h[i / 4];
    const auto acc =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[i]) + static_cast<std::uint32_t>(q.bias[i % 4]));
    y[i] = static_cast<std::byte>(
        dsp::finish_general<Once>(acc, multiplier{q.factor[i % 4], q.add[i % 4]}, zero, l.lo, l.hi, r));
  }
}

/// Heads of all channels, `at(o / 8)` the two quad heads of eight channels. Data is seen as x - base.
template <bool Once, class Call, class Weight, class At>
bool pack_heads(const Call& c, std::int32_t channels, std::int32_t depth, std::int32_t base, scale_product product,
                Weight&& weight, At&& at) {
  constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
  const std::int32_t fold = c.s.inputs[0].q.offset + base;
  bool fast = true;
  for (std::int32_t o = 0; o < channels && fast; ++o)
    fast = dsp::facts_of(c, o, depth, fold, product, weight).template fits_fast<Once, is_signed>(c.rounding());
  for (std::int32_t o = 0; o < channels; ++o) {
    const dsp::channel_head h =
        dsp::facts_of(c, o, depth, fold, product, weight).template head<Once, is_signed>(c.rounding(), fast);
    quad_head pair[2];
    std::memcpy(pair, at(o / 8), sizeof pair);
    quad_head& q = pair[o % 8 / 4];
    q.bias[o % 4] = h.bias, q.factor[o % 4] = h.factor, q.add[o % 4] = h.add, q.shift[o % 4] = h.shift;
    std::memcpy(at(o / 8), pair, sizeof pair);
  }
  return fast;
}

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
