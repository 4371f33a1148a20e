// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernel of TransposeConv2d. Each output pixel gathers the input pixels that reach it, in the order kh, kw,
// input channel, so that no buffer of sums is needed. Layer 5a.

#include "qnnx/kernel/convolution/accumulate.hpp"
#include "qnnx/op/transpose_conv2d.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::transpose_conv2d, isa::reference> {
  using params = op::transpose_conv2d::params;

  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return finish_constants::words(f, 1);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params&, Rounding r, std::int32_t* out) {
    finish_constants::make(f, 1, 1.0, r, out);
  }
  /// Output row r reads input rows from ceil((r + top - (kh - 1)) / stride) on.
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    if (input != 0 || f.c.dims(0)[0] != 1) return -1;
    const shape& x = f.c.dims(0);
    const shape& y = f.c.out(0).dims;
    const std::int64_t in_row = byte_size(f.c.in(0)) / x[1];
    const std::int64_t out_row = byte_size(f.c.out(0)) / y[1];
    std::int64_t worst = 0;
    for (std::int32_t r = 0; r < y[1]; ++r) {
      const std::int64_t reach = static_cast<std::int64_t>(r) + p.pad_amount[0] - (f.c.dims(1)[0] - 1);
      const std::int64_t low = reach <= 0 ? 0 : (reach + p.stride[0] - 1) / p.stride[0];
      const std::int64_t ahead = (r + 1) * out_row - (low < x[1] ? low : x[1]) * in_row;
      if (ahead > worst) worst = ahead;
    }
    return worst;
  }

  static constexpr int parts(const node_facts& f, const params&) { return output_lines(f.c); }

  template <class Call>
  static void run(const Call& c) {
    using P = product_of<typename Call::template in_type<0>, typename Call::template in_type<1>>;
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto b = c.template in<2>();
    const auto y = c.out();
    const params& p = c.params();
    const auto stride_h = static_cast<std::int32_t>(p.stride[0]), stride_w = static_cast<std::int32_t>(p.stride[1]);
    const auto top = static_cast<std::int32_t>(p.pad_amount[0]), left = static_cast<std::int32_t>(p.pad_amount[2]);
    const auto groups = static_cast<std::int32_t>(p.group);
    const std::int32_t height = x.extent(nhwc::h), width = x.extent(nhwc::w), depth = x.extent(nhwc::c);
    const std::int32_t group_in = depth / groups, group_out = w.extent(hwio::o);
    const std::int32_t offset = P::fixed ? x.offset() : 0;
    const weight_matrix m(w, group_out);
    const finish<Call> done(c, w.q->scales != nullptr);
    const slice lines = slice_of(c.piece, std::int64_t{y.extent(0)} * y.extent(1));
    for (std::int32_t n = 0; n < y.extent(0); ++n)
      for (std::int32_t oh = 0; oh < y.extent(1); ++oh) {
        const std::int64_t line = std::int64_t{n} * y.extent(1) + oh;
        if (!lines.holds(line)) continue;
        std::int64_t index = line * y.extent(2) * groups * group_out;
        for (std::int32_t ow = 0; ow < y.extent(2); ++ow)
          for (std::int32_t g = 0; g < groups; ++g)
            for (std::int32_t o = 0; o < group_out;) {
              const std::int32_t count = group_out - o < channel_block ? group_out - o : channel_block;
              const std::int32_t base = g * group_out;
              channel_sums<P> acc(b, base + o, count);
              // kh = (oh + top) mod stride first, then in steps of stride: the taps that land on whole input rows.
              for (std::int32_t kh = (oh + top) % stride_h; kh < w.extent(hwio::h) && kh <= oh + top; kh += stride_h) {
                const std::int32_t ih = (oh + top - kh) / stride_h;
                if (ih >= height) continue;
                for (std::int32_t kw = (ow + left) % stride_w; kw < w.extent(hwio::w) && kw <= ow + left;
                     kw += stride_w) {
                  const std::int32_t iw = (ow + left - kw) / stride_w;
                  if (iw >= width) continue;
                  acc.add(x, ((static_cast<std::int64_t>(n) * height + ih) * width + iw) * depth + g * group_in, offset,
                          m, (static_cast<std::int64_t>(kh) * w.extent(hwio::w) + kw) * depth + g * group_in, o, count,
                          group_in);
                }
              }
              for (std::int32_t j = 0; j < count; ++j, ++o, ++index)
                done.store(index, o, acc.total(j, base + o, o, w, b));
            }
      }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
