// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d on 8-bit data with Helium, channel multiplier 1, multiples of eight channels: eight channels
// of a tap in five instructions. Taps outside the data read a row of zero points. Packed form: a node head, then per
// eight channels a quad head of the even and one of the odd channels, then the weights as they are. Layer 5a.

#include "qnnx/kernel/convolution/mve.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel {

namespace mve {

inline constexpr std::int32_t most_taps = 32;

/// All channels of one pixel.
template <bool Fast, bool Unsigned, class Rounding>
QNNX_NOINLINE void depthwise_pixel(const quad_head* h, const std::int8_t* w, const std::int8_t* const* rows,
                                   std::int32_t taps, std::int32_t channels, std::int8_t* y, limits l, Rounding r) {
  for (std::int32_t c = 0; c < channels; c += 8, h += 2) {
    const eight s = taps_of_eight<Unsigned>(rows, c, w + c, channels, taps);
    if constexpr (Fast) {
      store_eight(y + c, finish_four<false>(s.even, h[0], l, r), finish_four<false>(s.odd, h[1], l, r));
    } else {
      std::int32_t sums[8];
      std::memcpy(sums, &s, sizeof sums);
      finish_general<false>(sums, h[0], l, r, y + c, 2, 4);
      finish_general<false>(sums + 4, h[1], l, r, y + c + 1, 2, 4);
    }
  }
}

}  // namespace mve

/// Memory is shared by pixels: one's channels are written eight by eight while the window of the next eight is read.
template <>
struct impl<op::depthwise_conv2d, isa::mve>
    : dsp::packed_kernel<impl<op::depthwise_conv2d, isa::mve>, op::depthwise_conv2d> {
  template <class Sig>
  static constexpr bool supports = mve::is_bytes<Sig>;

  static constexpr bool takes_shape(const shape& x, const shape& w) {
    return w[0] * w[1] <= mve::most_taps && w[3] == x[3] && x[3] % 8 == 0;
  }
  static constexpr bool takes(const node_facts& f, const params&) {
    return takes_shape(f.c.dims(0), f.c.dims(1)) && dsp::takes_operands(f);
  }
  static constexpr std::int64_t weights_at(std::int32_t channels) {
    return static_cast<std::int64_t>(sizeof(dsp::node_head)) +
           channels / 4 * static_cast<std::int64_t>(sizeof(mve::quad_head));
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? weights_at(f.c.dims(1)[3]) + f.c.dims(1).size() : 0;
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    if (!config::own_plan || !takes(f, p)) return kernel::overlap<reference>(f, p, input);
    return input == 0 ? pixel_overlap(f.c, p, 1, false) : -1;
  }
  /// A row of zero points.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? f.c.dims(1)[3] : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const shape& ws = c.s.inputs[1].dims;
    const std::int32_t channels = ws[3], taps = ws[0] * ws[1];
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{k} * channels + o)};
    };
    std::memset(out, 0, static_cast<std::size_t>(weights_at(channels)));
    const bool fast = dsp::each_channel<false>(
        c, channels, taps, scale_product::exact, weight, [&](std::int32_t o, const dsp::channel_facts& f, bool quick) {
          std::byte* at =
              out + sizeof(dsp::node_head) + static_cast<std::size_t>(o / 8 * 2 + o % 2) * sizeof(mve::quad_head);
          mve::quad_head h;
          std::memcpy(&h, at, sizeof h);
          h.template set<false, !mve::is_unsigned<Call>>(o % 8 / 2, f, c.rounding(), quick);
          std::memcpy(at, &h, sizeof h);
          for (std::int32_t k = 0; k < taps; ++k)
            out[weights_at(channels) + k * channels + o] = static_cast<std::byte>(weight(k, o));
        });
    const dsp::node_head head{fast ? 1 : 0, 0, {}};
    std::memcpy(out, &head, sizeof head);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || !takes_shape(c.s.inputs[0].dims, c.s.inputs[1].dims) || !dsp::takes_operands(c))
        return reference::run(c);
    if ((config::packed_forms & 4u) == 0 || reinterpret_cast<const dsp::node_head*>(c.packed())->fast)
      pixels<true>(c);
    else
      pixels<false>(c);
  }

 private:
  template <bool Fast, class Call>
  static QNNX_NOINLINE void pixels(const Call& c) {
    const shape& x = c.s.inputs[0].dims;
    const shape& w = c.s.inputs[1].dims;
    const shape& y = c.s.outputs[0].dims;
    const params& p = c.params();
    const auto stride_h = static_cast<std::int32_t>(p.stride[0]), stride_w = static_cast<std::int32_t>(p.stride[1]);
    const auto step_h = static_cast<std::int32_t>(p.dilation[0]), step_w = static_cast<std::int32_t>(p.dilation[1]);
    const auto top = static_cast<std::int32_t>(p.pad_amount[0]), left = static_cast<std::int32_t>(p.pad_amount[2]);
    const std::int32_t height = x[1], width = x[2], channels = x[3];
    const mve::limits l{c.constants()[0], c.constants()[1]};
    auto* zeros = reinterpret_cast<std::int8_t*>(c.scratch());
    mve::fill(zeros, static_cast<std::int8_t>(c.s.inputs[0].q.zero()), channels);
    const std::int8_t* rows[mve::most_taps] = {};
    std::int32_t steps[mve::most_taps] = {};
    const std::int32_t taps = w[0] * w[1];
    const auto* image = reinterpret_cast<const std::int8_t*>(c.template in<0>().data);
    auto* out = reinterpret_cast<std::int8_t*>(c.out().data);
    const auto* heads = reinterpret_cast<const mve::quad_head*>(c.packed() + sizeof(dsp::node_head));
    const auto* weights = reinterpret_cast<const std::int8_t*>(c.packed() + weights_at(channels));
    for (std::int32_t n = 0; n < y[0]; ++n, image += height * width * channels)
      for (std::int32_t oh = 0; oh < y[1]; ++oh) {
        bool inside = false;  // the last window lay in the data's columns
        for (std::int32_t ow = 0, first = -left; ow < y[2]; ++ow, first += stride_w, out += channels) {
          const bool still = first >= 0 && first + (w[1] - 1) * step_w < width;
          if (inside && still) {
            mve::advance(rows, steps, taps);
          } else {
            std::int32_t t = 0;
            for (std::int32_t kh = 0, row = oh * stride_h - top; kh < w[0]; ++kh, row += step_h) {
              const std::int8_t* at = image + (row * width + first) * channels;
              const bool valid = row >= 0 && row < height;
              for (std::int32_t kw = 0, column = first; kw < w[1];
                   ++kw, ++t, column += step_w, at += step_w * channels) {
                rows[t] = valid && column >= 0 && column < width ? at : zeros;
                steps[t] = valid ? stride_w * channels : 0;
              }
            }
          }
          inside = still;
          mve::depthwise_pixel<Fast, mve::is_unsigned<Call>>(heads, weights, rows, taps, channels, out, l, c.rounding());
        }
      }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
