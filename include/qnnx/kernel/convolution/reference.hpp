// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of the convolution family: the formula, in row-major order of the output. Layer 5a.

#include "qnnx/kernel/epilogue.hpp"
#include "qnnx/op/conv2d.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// Accumulator of a data type: int32 for 8-bit fixed point (|sum| < 2^31 up to 2^15 taps of 255*255), int64 for
/// 16-bit, float for floats.
template <class T>
using accumulator = std::conditional_t<is_float_v<T>, float, std::conditional_t<(bits_of(T::code) > 8), std::int64_t, std::int32_t>>;

/// Bytes the output of a sliding window must begin before its dying input: rows are made in order, row r reads input
/// rows from r * stride - before on, and a pixel is stored channel by channel after it was read.
constexpr std::int64_t window_overlap(const context& c, std::uint32_t stride, std::uint32_t before) {
  const shape& x = c.dims(0);
  const shape& y = c.out(0).dims;
  const std::int64_t in_row = byte_size(c.in(0)) / (static_cast<std::int64_t>(x[0]) * x[1]);
  const std::int64_t out_row = byte_size(c.out(0)) / (static_cast<std::int64_t>(y[0]) * y[1]);
  if (x[0] != 1) return -1;
  std::int64_t worst = 0;
  for (std::int32_t r = 0; r < y[1]; ++r) {  // while row r is written, input rows from `low` on must be intact
    std::int64_t low = static_cast<std::int64_t>(r) * stride - before;
    low = clamp<std::int64_t>(low, 0, x[1]);
    const std::int64_t ahead = (r + 1) * out_row - low * in_row;
    if (ahead > worst) worst = ahead;
  }
  return worst;
}

template <>
struct impl<op::conv2d, isa::reference> {
  using params = op::conv2d::params;

  static constexpr std::int64_t constant_words(const node_facts& f, const params&) { return finish_constants::words(f, 1); }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params&, Rounding r, std::int32_t* out) {
    finish_constants::make(f, 1, 1.0, r, out);
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    return input == 0 ? window_overlap(f.c, p.stride[0], p.pad_amount[0]) : -1;
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto b = c.template in<2>();
    const auto y = c.out();
    const params& p = c.params();
    using acc_t = accumulator<typename Call::template in_type<0>>;
    const finish<Call> done(c, w.q->scales != nullptr);
    const std::int32_t group_in = w.extent(hwio::i);
    const std::int32_t channels = w.extent(hwio::o);
    const std::int32_t group_out = channels / static_cast<std::int32_t>(p.group);
    std::int64_t index = 0;
    for (std::int32_t n = 0; n < y.extent(0); ++n)
      for (std::int32_t oh = 0; oh < y.extent(1); ++oh)
        for (std::int32_t ow = 0; ow < y.extent(2); ++ow)
          for (std::int32_t o = 0; o < channels; ++o, ++index) {
            acc_t acc = b.present() ? static_cast<acc_t>(b.load(o)) : acc_t{0};
            const std::int32_t first = o / group_out * group_in;
            for (std::int32_t kh = 0; kh < w.extent(0); ++kh) {
              const std::int32_t ih = oh * static_cast<std::int32_t>(p.stride[0]) + kh * static_cast<std::int32_t>(p.dilation[0]) - static_cast<std::int32_t>(p.pad_amount[0]);
              if (ih < 0 || ih >= x.extent(1)) continue;
              for (std::int32_t kw = 0; kw < w.extent(1); ++kw) {
                const std::int32_t iw = ow * static_cast<std::int32_t>(p.stride[1]) + kw * static_cast<std::int32_t>(p.dilation[1]) - static_cast<std::int32_t>(p.pad_amount[2]);
                if (iw < 0 || iw >= x.extent(2)) continue;
                const std::int64_t at = ((static_cast<std::int64_t>(n) * x.extent(1) + ih) * x.extent(2) + iw) * x.extent(3) + first;
                const std::int64_t tap = (static_cast<std::int64_t>(kh) * w.extent(1) + kw) * group_in;
                for (std::int32_t i = 0; i < group_in; ++i) {
                  if constexpr (is_fixed_v<typename Call::out_type>) {
                    acc += static_cast<acc_t>(x.load(at + i) + x.offset()) * static_cast<acc_t>(w.load((tap + i) * channels + o) + w.q->offset_at(w.q->scales ? o : 0));
                  } else {
                    acc += x.load(at + i) * w.load((tap + i) * channels + o);
                  }
                }
              }
            }
            done.store(index, o, acc);
          }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
