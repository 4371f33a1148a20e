// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernel of DepthWiseConv2d: blocks of neighbouring channels, tap by tap. Layer 5a.

#include "qnnx/kernel/convolution/accumulate.hpp"
#include "qnnx/op/depthwise_conv2d.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::depthwise_conv2d, isa::reference> {
  using params = op::depthwise_conv2d::params;

  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return finish_constants::words(f, 1);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params&, Rounding r, std::int32_t* out) {
    finish_constants::make(f, 1, 1.0, r, out);
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    return input == 0 ? window_overlap(f.c, p.stride[0], p.pad_amount[0]) : -1;
  }

  /// Adds one tap to `count` channels; with a channel multiplier of 1 the data is contiguous like the weights.
  template <class P, class X, class M>
  static QNNX_INLINE void tap(typename P::sum* sum, typename P::sum* data_sum, const X& x, std::int64_t at,
                              std::int32_t offset, std::int32_t multiplier, const M& m, std::int64_t row,
                              std::int32_t first, std::int32_t count) {
    using factor = typename P::factor;
    for (std::int32_t j = 0; j < count; ++j) {
      const std::int32_t channel = multiplier == 1 ? first + j : (first + j) / multiplier;
      const factor v = data_factor<P>(x, at + channel, offset);
      P::add(sum[j], v, m.template load<factor>(row, first + j));
      if constexpr (P::fixed) data_sum[j] += static_cast<typename P::sum>(v);
    }
  }

  static constexpr int parts(const node_facts& f, const params&) { return output_lines(f.c); }

  template <class Call>
  static void run(const Call& c) {
    using P = product_of<typename Call::template in_type<0>, typename Call::template in_type<1>>;
    using sum_t = typename P::sum;
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto b = c.template in<2>();
    const auto y = c.out();
    const params& p = c.params();
    const auto stride_h = static_cast<std::int32_t>(p.stride[0]), stride_w = static_cast<std::int32_t>(p.stride[1]);
    const auto step_h = static_cast<std::int32_t>(p.dilation[0]), step_w = static_cast<std::int32_t>(p.dilation[1]);
    const auto top = static_cast<std::int32_t>(p.pad_amount[0]), left = static_cast<std::int32_t>(p.pad_amount[2]);
    const std::int32_t height = x.extent(nhwc::h), width = x.extent(nhwc::w), depth = x.extent(nhwc::c);
    const std::int32_t channels = w.extent(hwio::o);
    const std::int32_t multiplier = channels / depth;
    const std::int32_t offset = P::fixed ? x.offset() : 0;
    const weight_matrix m(w, channels);
    const finish<Call> done(c, w.q->scales != nullptr);
    const slice lines = slice_of(c.piece, std::int64_t{y.extent(0)} * y.extent(1));
    for (std::int32_t n = 0; n < y.extent(0); ++n)
      for (std::int32_t oh = 0; oh < y.extent(1); ++oh) {
        const std::int64_t line = std::int64_t{n} * y.extent(1) + oh;
        if (!lines.holds(line)) continue;
        std::int64_t index = line * y.extent(2) * channels;
        const std::int32_t ih = oh * stride_h - top;
        const tap_range rows = taps_inside(ih, w.extent(hwio::h), step_h, height);
        for (std::int32_t ow = 0; ow < y.extent(2); ++ow) {
          const std::int32_t iw = ow * stride_w - left;
          const tap_range columns = taps_inside(iw, w.extent(hwio::w), step_w, width);
          for (std::int32_t o = 0; o < channels;) {
            const std::int32_t count = channels - o < channel_block ? channels - o : channel_block;
            sum_t sum[channel_block] = {};
            sum_t data_sum[channel_block] = {};
            if constexpr (!P::fixed) {
              if (b.present())
                for (std::int32_t j = 0; j < count; ++j) sum[j] = b.load(o + j);
            }
            for (std::int32_t kh = rows.from; kh < rows.to; ++kh)
              for (std::int32_t kw = columns.from; kw < columns.to; ++kw) {
                const std::int64_t at =
                    ((static_cast<std::int64_t>(n) * height + ih + kh * step_h) * width + iw + kw * step_w) * depth;
                const std::int64_t row = static_cast<std::int64_t>(kh) * w.extent(hwio::w) + kw;
                if (count == channel_block && multiplier == 1)
                  tap<P>(sum, data_sum, x, at, offset, 1, m, row, o, channel_block);
                else
                  tap<P>(sum, data_sum, x, at, offset, multiplier, m, row, o, count);
              }
            for (std::int32_t j = 0; j < count; ++j, ++o, ++index)
              done.store(index, o, finished<P>(sum[j], data_sum[j], o, o, w, b));
          }
        }
      }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
