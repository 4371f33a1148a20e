// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d on aarch64, channel multiplier 1: eight channels of a tap at once. Taps outside the data read a row
// of zero points. Weights, floats and heads are filled up to multiples of eight channels; data is not, so the last
// channels of a tap are read through a copy. Packed form: integers a node head, two quad heads per eight channels,
// then [taps][channels]; floats biases, then [taps][channels]. Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/neon/products.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel {

namespace neon {

inline constexpr std::int32_t most_taps = 64;

struct depthwise_sizes {
  std::int32_t taps, channels;
  bool floats;
  constexpr std::int32_t padded() const { return (channels + 7) / 8 * 8; }
  constexpr std::int64_t weights_at() const {
    return floats ? std::int64_t{4} * padded()
                  : static_cast<std::int64_t>(sizeof(dsp::node_head)) +
                        padded() / 4 * static_cast<std::int64_t>(sizeof(quad_head));
  }
  constexpr std::int64_t bytes() const { return weights_at() + std::int64_t{padded()} * taps * (floats ? 4 : 1); }
};

/// Eight channels' data of a tap, `count` of which are there.
template <class Element>
QNNX_INLINE const Element* eight_of(const Element* from, std::int32_t count, Element* copy) {
  if (count >= 8) return from;
  for (std::int32_t i = 0; i < count; ++i) copy[i] = from[i];
  return copy;
}

}  // namespace neon

/// The distance of shared memory is the reference's: rows stay until the output rows that read them are written.
template <>
struct impl<op::depthwise_conv2d, isa::neon> : answers_as<op::depthwise_conv2d> {
  template <class Sig>
  static constexpr bool supports = neon::is_product<Sig>;

  static constexpr bool takes_shape(const shape& x, const shape& w) {
    return w[0] * w[1] <= neon::most_taps && w[3] == x[3];
  }
  static constexpr bool takes(const node_facts& f, const params&) {
    return takes_shape(f.c.dims(0), f.c.dims(1)) && neon::takes_operands(f);
  }
  static constexpr neon::depthwise_sizes sizes(const shape& w, bool floats) { return {w[0] * w[1], w[3], floats}; }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f.c.dims(1), is_float(f.c.out(0).type)).bytes() : 0;
  }
  /// A row of zero points.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? f.c.dims(1)[3] * (is_float(f.c.out(0).type) ? 4 : 1) : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    constexpr bool floats = is_float_v<typename Call::out_type>;
    const neon::depthwise_sizes s = sizes(c.s.inputs[1].dims, floats);
    std::memset(out, 0, static_cast<std::size_t>(s.bytes()));
    const auto weight = [&](std::int32_t k, std::int32_t o) { return w.load(std::int64_t{k} * s.channels + o); };
    if constexpr (floats) {
      const auto b = c.template in<2>();
      auto* to = reinterpret_cast<float*>(out);
      for (std::int32_t o = 0; o < s.channels; ++o) {
        if (b.present()) to[o] = b.load(o);
        for (std::int32_t k = 0; k < s.taps; ++k) to[(k + 1) * s.padded() + o] = weight(k, o);
      }
    } else {
      const bool fast =
          neon::pack_heads<false>(c, s.channels, s.taps, 0, scale_product::exact, weight, [&](std::int32_t g) {
            return out + sizeof(dsp::node_head) + static_cast<std::size_t>(2 * g) * sizeof(neon::quad_head);
          });
      for (std::int32_t o = 0; o < s.channels; ++o)
        for (std::int32_t k = 0; k < s.taps; ++k)
          out[s.weights_at() + k * s.padded() + o] = static_cast<std::byte>(weight(k, o));
      const dsp::node_head head{fast ? 1 : 0, 0, {}};
      std::memcpy(out, &head, sizeof head);
    }
  }

  template <class Call>
  static void run(const Call& c) {
    if (c.packed_missing() || !takes_shape(c.s.inputs[0].dims, c.s.inputs[1].dims) || !neon::takes_operands(c))
      return reference::run(c);
    using element = std::conditional_t<is_float_v<typename Call::out_type>, float, std::uint8_t>;
    const shape& x = c.s.inputs[0].dims;
    const shape& w = c.s.inputs[1].dims;
    const shape& y = c.s.outputs[0].dims;
    const params& p = c.params();
    const auto stride_h = static_cast<std::int32_t>(p.stride[0]), stride_w = static_cast<std::int32_t>(p.stride[1]);
    const auto step_h = static_cast<std::int32_t>(p.dilation[0]), step_w = static_cast<std::int32_t>(p.dilation[1]);
    const auto top = static_cast<std::int32_t>(p.pad_amount[0]), left = static_cast<std::int32_t>(p.pad_amount[2]);
    const std::int32_t height = x[1], width = x[2], channels = x[3];
    auto* zeros = reinterpret_cast<element*>(c.scratch());
    for (std::int32_t k = 0; k < channels; ++k) zeros[k] = static_cast<element>(c.s.inputs[0].q.zero());
    const auto* image = reinterpret_cast<const element*>(c.template in<0>().data);
    const element* taps[neon::most_taps];
    std::int64_t pixel = 0;
    for (std::int32_t n = 0; n < y[0]; ++n, image += height * width * channels)
      for (std::int32_t oh = 0; oh < y[1]; ++oh)
        for (std::int32_t ow = 0; ow < y[2]; ++ow, ++pixel) {
          std::int32_t t = 0;
          for (std::int32_t kh = 0; kh < w[0]; ++kh)
            for (std::int32_t kw = 0; kw < w[1]; ++kw, ++t) {
              const std::int32_t row = oh * stride_h - top + kh * step_h, column = ow * stride_w - left + kw * step_w;
              const bool there = row >= 0 && row < height && column >= 0 && column < width;
              taps[t] = there ? image + (row * width + column) * channels : zeros;
            }
          one_pixel(c, taps, pixel);
        }
  }

 private:
  /// All channels of an output pixel.
  template <class Call, class Element>
  static QNNX_NOINLINE void one_pixel(const Call& c, const Element* const* taps, std::int64_t pixel) {
    constexpr bool floats = is_float_v<typename Call::out_type>;
    const neon::depthwise_sizes s = sizes(c.s.inputs[1].dims, floats);
    const std::byte* weights = c.packed() + s.weights_at();
    for (std::int32_t o = 0; o < s.channels; o += 8) {
      const std::int32_t have = s.channels - o < 8 ? s.channels - o : 8;
      Element copy[8] = {};
      if constexpr (floats) {
        const auto* bias = reinterpret_cast<const float*>(c.packed()) + o;
        const auto* w = reinterpret_cast<const float*>(weights) + o;
        float32x4_t a = vld1q_f32(bias), b = vld1q_f32(bias + 4);
        for (std::int32_t t = 0; t < s.taps; ++t, w += s.padded()) {
          const float* x = neon::eight_of(taps[t] + o, have, copy);
          a = vfmaq_f32(a, vld1q_f32(x), vld1q_f32(w));
          b = vfmaq_f32(b, vld1q_f32(x + 4), vld1q_f32(w + 4));
        }
        float sums[8];
        vst1q_f32(sums, a), vst1q_f32(sums + 4, b);
        const finish<Call> done(c, false);
        for (std::int32_t j = 0; j < have; ++j) done.store(pixel * s.channels + o + j, o + j, sums[j]);
      } else {
        constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
        const auto* w = reinterpret_cast<const std::int8_t*>(weights) + o;
        int32x4_t a = vdupq_n_s32(0), b = a;
        for (std::int32_t t = 0; t < s.taps; ++t, w += s.padded()) {
          const uint8x8_t x = vld1_u8(neon::eight_of(taps[t] + o, have, copy));
          const int16x8_t v = is_signed ? vmovl_s8(vreinterpret_s8_u8(x)) : vreinterpretq_s16_u16(vmovl_u8(x));
          const int16x8_t k = vmovl_s8(vld1_s8(w));
          a = vmlal_s16(a, vget_low_s16(v), vget_low_s16(k));
          b = vmlal_high_s16(b, v, k);
        }
        std::int32_t sums[8];
        vst1q_s32(sums, a), vst1q_s32(sums + 4, b);
        const auto* h = reinterpret_cast<const neon::quad_head*>(c.packed() + sizeof(dsp::node_head)) + o / 4;
        neon::finish_eight<false>(sums, h, reinterpret_cast<const dsp::node_head*>(c.packed())->fast != 0,
                                  {c.constants()[0], c.constants()[1]}, c.s.outputs[0].q.zero(), c.rounding(),
                                  reinterpret_cast<std::byte*>(c.out().data) + pixel * s.channels + o, have);
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
