// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d with Helium on 16-bit data with 8-bit weights and on 8-bit data with 4-bit weights, channel multiplier
// 1, multiples of eight channels, by the plan of the 8-bit kernel (convolution/mve_depthwise.hpp): eight channels of a
// tap at a time, taps outside the data read a row of zero points. Packed form: a node head, per eight channels a quad
// head of the even and one of the odd channels, then weights [tap][channel], 4-bit ones two taps to a byte. Layer 5a.

#include "qnnx/kernel/convolution/mve_mixed.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel {

namespace mve {

/// All channels of one pixel. Taps: bytes of weights along the window.
template <class Kind, bool Fast, class Ending>
QNNX_NOINLINE void depthwise_mixed(const quad_head* h, const std::int8_t* w, const std::int8_t* const* rows,
                                   std::int32_t taps, std::int32_t channels, typename Kind::storage* y,
                                   const Ending& e) {
  for (std::int32_t c = 0; c < channels; c += 8, h += 2) {
    eight s;
    if constexpr (Kind::wide)
      s = taps_of_eight_16(rows, 2 * c, w + c, channels, taps, static_cast<std::int32_t>(Kind::turn & 0xffffu));
    else
      s = taps_of_eight_nibbles<Kind::is_signed>(rows, c, w + c, channels, taps);
    if constexpr (Fast) {
      store_eight(y + c, Kind::template finish<false>(s.even, h[0], e.l, e.r),
                  Kind::template finish<false>(s.odd, h[1], e.l, e.r));
    } else {
      std::int32_t sums[2][4];
      std::memcpy(sums, &s, sizeof sums);
      for (int half = 0; half < 2; ++half) {
        if constexpr (Kind::wide) {
          const std::int64_t wide[4] = {sums[half][0], sums[half][1], sums[half][2], sums[half][3]};
          finish_general_16<false>(wide, h[half], e.zero, e.l, e.r, y + c + half, 2, 4);
        } else {
          finish_general<false>(sums[half], h[half], e.l, e.r, y + c + half, 2, 4);
        }
      }
    }
  }
}

}  // namespace mve

/// Memory is shared by pixels, as by the 8-bit kernel: a pixel's channels are written eight by eight while the window of
/// the next eight is still read.
template <>
struct impl<op::depthwise_conv2d, isa::mve_mixed>
    : dsp::packed_kernel<impl<op::depthwise_conv2d, isa::mve_mixed>, op::depthwise_conv2d> {
  template <class Sig>
  static constexpr bool supports = mve::is_mixed<Sig> && !mve::is_halves_with_nibbles<Sig>;

  /// 16 taps: 16-bit sums of products with 4-bit weights fit, and so do 32-bit ones of 16-bit data.
  static constexpr std::int32_t most_taps = 16;
  static constexpr bool takes_shape(const shape& x, const shape& w) {
    return w[0] * w[1] <= most_taps && w[3] == x[3] && x[3] % 8 == 0;
  }
  static constexpr bool takes(const node_facts& f, const params&) {
    return takes_shape(f.c.dims(0), f.c.dims(1)) && dsp::takes_operands(f);
  }
  static constexpr std::int64_t weights_at(std::int32_t channels) {
    return static_cast<std::int64_t>(sizeof(dsp::node_head)) +
           channels / 4 * static_cast<std::int64_t>(sizeof(mve::quad_head));
  }
  static constexpr std::int32_t tap_rows(const shape& w, mve::mixed_step step) {
    return step.nibbles ? (w[0] * w[1] + 1) / 2 : w[0] * w[1];
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    const shape& w = f.c.dims(1);
    return takes(f, p) ? weights_at(w[3]) + std::int64_t{tap_rows(w, mve::mixed_step(f))} * w[3] : 0;
  }
  /// A row of zero points.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? std::int64_t{f.c.dims(1)[3]} * (bits_of(f.c.in(0).type) / 8) : 0;
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    if (!config::own_plan || !takes(f, p)) return kernel::overlap<reference>(f, p, input);
    return input == 0 ? pixel_overlap(f.c, p, 1, false) : no_overlap;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    using kind = mve::mixed_kind<typename Call::out_type, typename Call::template in_type<1>>;
    const auto w = c.template in<1>();
    const shape& ws = c.s.inputs[1].dims;
    const std::int32_t channels = ws[3], taps = ws[0] * ws[1];
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{k} * channels + o)};
    };
    const std::int64_t rows = weights_at(channels);
    std::memset(out, 0, static_cast<std::size_t>(rows + std::int64_t{tap_rows(ws, kind::step)} * channels));
    const bool fast = mve::all_fast<folded<kind>, false>(c, channels, taps, scale_product::exact, weight);
    for (std::int32_t o = 0; o < channels; ++o) {
      std::byte* at =
          out + sizeof(dsp::node_head) + static_cast<std::size_t>(o / 8 * 2 + o % 2) * sizeof(mve::quad_head);
      mve::quad_head h;
      std::memcpy(&h, at, sizeof h);
      mve::set_channel<folded<kind>, false>(c, o, taps, scale_product::exact, weight, &h, o % 8 / 2, fast);
      std::memcpy(at, &h, sizeof h);
      for (std::int32_t k = 0; k < taps; ++k) {
        if constexpr (!kind::step.nibbles)
          out[rows + k * channels + o] = static_cast<std::byte>(weight(k, o));
        else
          out[rows + k / 2 * channels + o] |=
              static_cast<std::byte>((static_cast<unsigned>(weight(k, o)) & 0xfu) << (k % 2 * 4));
      }
    }
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
  /// 8-bit data is widened here, not turned.
  template <class Kind>
  struct folded : Kind {
    static constexpr std::int32_t turned_zero = Kind::wide ? Kind::turned_zero : 0;
  };

  template <bool Fast, class Call>
  static QNNX_NOINLINE void pixels(const Call& c) {
    using kind = mve::mixed_kind<typename Call::out_type, typename Call::template in_type<1>>;
    const dsp::window_steps g(c);
    const std::int32_t channels = g.channels, pixel = channels * kind::bytes, taps = g.rows * g.columns;
    const auto e = mve::ending_of(c);
    auto* const zeros = reinterpret_cast<std::int8_t*>(c.scratch());
    const auto zero = static_cast<std::uint32_t>(g.zero);
    mve::fill_words(zeros, kind::wide ? (zero & 0xffffu) * 0x00010001u : (zero & 0xffu) * 0x01010101u, pixel);
    const std::int8_t* rows[most_taps] = {};
    std::int32_t steps[most_taps] = {};
    rows[taps % 2 ? taps : 0] = zeros;  // of the weight behind an odd number
    const auto* image = reinterpret_cast<const std::int8_t*>(c.template in<0>().data);
    auto* out = reinterpret_cast<typename kind::storage*>(c.out().data);
    const auto* heads = reinterpret_cast<const mve::quad_head*>(c.packed() + sizeof(dsp::node_head));
    const auto* weights = reinterpret_cast<const std::int8_t*>(c.packed() + weights_at(channels));
    const std::int32_t lines = tap_rows(c.s.inputs[1].dims, kind::step);
    for (std::int32_t n = c.s.outputs[0].dims[0]; n > 0; --n, image += g.height * g.width * pixel)
      for (std::int32_t oh = 0; oh < g.out_height; ++oh) {
        bool inside = false;  // the last window lay in the data's columns
        for (std::int32_t ow = 0, first = -g.left; ow < g.out_width; ++ow, first += g.stride_w, out += channels) {
          const bool still = first >= 0 && first + (g.columns - 1) * g.step_w < g.width;
          if (inside && still) {
            mve::advance(rows, steps, taps);
          } else {
            std::int32_t t = 0;
            for (std::int32_t kh = 0, row = oh * g.stride_h - g.top; kh < g.rows; ++kh, row += g.step_h) {
              const std::int8_t* at = image + (row * g.width + first) * pixel;
              const bool valid = row >= 0 && row < g.height;
              for (std::int32_t kw = 0, column = first; kw < g.columns;
                   ++kw, ++t, column += g.step_w, at += g.step_w * pixel) {
                rows[t] = valid && column >= 0 && column < g.width ? at : zeros;
                steps[t] = valid ? g.stride_w * pixel : 0;
              }
            }
          }
          inside = still;
          mve::depthwise_mixed<kind, Fast>(heads, weights, rows, lines, channels, out, e);
        }
      }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
