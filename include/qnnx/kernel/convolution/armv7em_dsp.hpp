// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d on 8-bit data with dual multiply-adds. Four output pixels at a time: their windows are gathered and widened
// into scratch once, then every output channel is one pass over its weights (arm/dot.hpp).
//   sum (x + ox) * w = sum x * w + ox * sum w: the second part is in the bias; padding holds the zero point
// Packed form: a node head, then per channel a channel head and the window's weights in the order [kh][kw][ci], each
// row filled with zeros to a multiple of four bytes. Layer 5a.

#include "qnnx/kernel/arm/dot.hpp"
#include "qnnx/kernel/arm/packing.hpp"
#include "qnnx/kernel/convolution/reference.hpp"

#if QNNX_HAS_ARMV7EM_DSP
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

/// Sizes of a window and of the packed channels.
struct window_sizes {
  std::int32_t rows, columns, depth, channels;  // kh, kw, Ci, Co
  constexpr explicit window_sizes(const shape& w) : rows(w[0]), columns(w[1]), depth(w[2]), channels(w[3]) {}
  constexpr window_sizes(const node_head& h, const shape& x, const shape& y)
      : rows(h.window[0]), columns(h.window[1]), depth(x[3]), channels(y[3]) {}
  constexpr std::int32_t line() const { return columns * depth; }
  constexpr std::int32_t padded_line() const { return (line() + 3) / 4 * 4; }
  constexpr std::int32_t padded() const { return rows * padded_line(); }
  constexpr std::int32_t record() const { return static_cast<std::int32_t>(sizeof(channel_head)) + padded(); }
  constexpr std::int64_t packed() const {
    return static_cast<std::int64_t>(sizeof(node_head)) + std::int64_t{record()} * channels;
  }
  /// The interleaved block; where windows are not `single` pixels a line of zero points, and a line for each of four.
  constexpr std::int64_t scratch(bool single) const { return block_bytes(padded()) + (single ? 0 : 5 * padded_line()); }
};

/// Where the window of an output pixel begins in the data.
struct corner {
  std::int32_t row;
  std::int32_t column;
};

/// What gathering needs of a call.
struct gatherer {
  window_sizes size;
  const std::byte* data;
  std::int32_t height, width, out_height, out_width;
  std::int32_t stride_h, stride_w, step_h, step_w, top, left;
  std::byte zero;  // the zero point
  bool pointwise;  // windows are single pixels, one after the other

  template <class Call>
  gatherer(const Call& c, const window_sizes& window) : size(window) {
    const shape& x = c.s.inputs[0].dims;
    const shape& y = c.s.outputs[0].dims;
    const auto& p = c.params();
    data = c.input_bytes(0);
    height = x[1], width = x[2], out_height = y[1], out_width = y[2];
    stride_h = static_cast<std::int32_t>(p.stride[0]), stride_w = static_cast<std::int32_t>(p.stride[1]);
    step_h = static_cast<std::int32_t>(p.dilation[0]), step_w = static_cast<std::int32_t>(p.dilation[1]);
    top = static_cast<std::int32_t>(p.pad_amount[0]), left = static_cast<std::int32_t>(p.pad_amount[2]);
    zero = static_cast<std::byte>(c.s.inputs[0].q.zero());
    pointwise = size.rows == 1 && size.columns == 1 && stride_h == 1 && stride_w == 1 && size.depth % 4 == 0 &&
                height == out_height && width == out_width;  // impl::pointwise
  }
  std::byte* zero_line(std::byte* scratch) const { return scratch + block_bytes(size.padded()); }
  /// Once before the blocks of a call.
  void prepare(std::byte* scratch) const {
    if (needs<code_part::windows> && !pointwise)
      std::memset(zero_line(scratch), static_cast<int>(zero), static_cast<std::size_t>(size.padded_line()));
  }

  /// The windows of pixels at[0..4) of an image as an interleaved block. Lines of a window that lie in the data are
  /// taken from there (up to three bytes behind them meet zero weights), others are put together in scratch.
  template <bool Signed>
  QNNX_NOINLINE void block(const std::byte* image, const corner* at, std::byte* scratch) const {
    auto* to = reinterpret_cast<word*>(scratch);
    std::byte* const zeros = zero_line(scratch);
    const std::int32_t padded = size.padded_line(), quads = padded / 4, pitch = width * size.depth;
    const std::byte* const end = image + height * pitch;
    const std::int32_t last = step_w == 1 ? width - size.columns : -1;  // the last column where a window is whole
    for (std::int32_t kh = 0; kh < size.rows; ++kh) {
      const std::byte* from[4];
      for (int i = 0; i < 4; ++i) {
        const std::int32_t row = at[i].row + kh * step_h, column = at[i].column;
        from[i] = zeros;
        if (row < 0 || row >= height) continue;
        const std::byte* line = image + row * pitch;
        from[i] = line + column * size.depth;
        if (column < 0 || column > last || end - from[i] < padded)
          from[i] = put_together(line, column, zeros + (i + 1) * padded);
      }
      to = interleave<Signed>(from[0], from[1], from[2], from[3], to, quads);
    }
  }

 private:
  QNNX_NOINLINE const std::byte* put_together(const std::byte* line, std::int32_t column, std::byte* to) const {
    std::byte* at = to;
    for (std::int32_t kw = 0; kw < size.columns; ++kw, column += step_w) {
      const bool there = column >= 0 && column < width;
      const std::byte* from = line + column * size.depth;
      std::int32_t n = size.depth;
      for (; n >= 4; n -= 4, at += 4, from += 4) {
        const word w = there ? load_word(from) : static_cast<word>(zero) * 0x01010101u;
        std::memcpy(at, &w, 4);
      }
      for (; n > 0; --n) *at++ = there ? *from++ : zero;
    }
    return to;
  }
};

/// All channels of four pixels. Where there are fewer than four, the last one stands in for the rest: it is made
/// and stored again.
template <int Form, class Finisher>
QNNX_NOINLINE void multiply_block(const Finisher& done, const std::byte* packed, const word* block, std::int32_t quads,
                                  std::int32_t channels, std::byte* y, std::int32_t count) {
  const std::byte* w = packed + sizeof(node_head);
  const std::int32_t second = count > 1 ? channels : 0;
  const std::int32_t third = count > 2 ? 2 * channels : second;
  const std::int32_t fourth = count > 3 ? 3 * channels : third;
  for (const std::byte* const end = y + channels; y != end; ++y) {
    const channel_head h = *reinterpret_cast<const channel_head*>(w);
    const std::int32_t a = hidden(second), b = hidden(third),
                       d = hidden(fourth);  // else four pointers are kept on the stack
    std::int32_t acc[4] = {h.bias, h.bias, h.bias, h.bias};
    w = four_pixels(block, w + sizeof(channel_head), quads, acc);
    y[0] = static_cast<std::byte>(done.template operator()<Form>(acc[0], h));
    y[a] = static_cast<std::byte>(done.template operator()<Form>(acc[1], h));
    y[b] = static_cast<std::byte>(done.template operator()<Form>(acc[2], h));
    y[d] = static_cast<std::byte>(done.template operator()<Form>(acc[3], h));
  }
}

}  // namespace dsp

/// Memory is shared by pixels: the windows of four are gathered before any of these is written. The reference's
/// distance is longer, so it will do too.
template <>
struct impl<op::conv2d, isa::armv7em_dsp> : dsp::packed_kernel<impl<op::conv2d, isa::armv7em_dsp>, op::conv2d> {
  template <class Sig>
  static constexpr bool supports = dsp::is_8_bit<Sig>;
  static constexpr bool packed_is_enough = true;

  /// Nodes it does not take run the reference.
  static constexpr bool takes(const node_facts& f, const params& p) { return p.group == 1 && dsp::takes_operands(f); }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? dsp::window_sizes(f.c.dims(1)).packed() : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? dsp::window_sizes(f.c.dims(1)).scratch(pointwise(f.c.dims(0), f.c.out(0).dims, f.c.dims(1), p))
                       : 0;
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    if (!config::own_plan || !takes(f, p)) return kernel::overlap<reference>(f, p, input);
    return input == 0 ? pixel_overlap(f.c, p, 4, true) : -1;
  }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte*) {
    if (!takes(f, p)) return 0;
    return bit(pointwise(f.c.dims(0), f.c.out(0).dims, f.c.dims(1), p) ? code_part::single_pixels : code_part::windows);
  }
  /// Windows are single pixels, one after the other.
  static constexpr bool pointwise(const shape& x, const shape& y, const shape& w, const params& p) {
    return w[0] == 1 && w[1] == 1 && p.stride[0] == 1 && p.stride[1] == 1 && w[2] % 4 == 0 && x[1] == y[1] &&
           x[2] == y[2];
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const dsp::window_sizes size(c.s.inputs[1].dims);
    std::memset(out, 0, static_cast<std::size_t>(size.packed()));
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{k} * size.channels + o)};
    };
    const bool fast = dsp::make_heads<false>(
        c, size.channels, size.rows * size.line(), scale_product::exact, weight,
        [&](std::int32_t o, const dsp::channel_head& h) {
          std::byte* record = out + sizeof(dsp::node_head) + std::int64_t{o} * size.record();
          std::memcpy(record, &h, sizeof h);
          for (std::int32_t k = 0; k < size.rows * size.line(); ++k)
            record[static_cast<std::int32_t>(sizeof h) + k / size.line() * size.padded_line() + k % size.line()] =
                static_cast<std::byte>(weight(k, o));
        });
    const dsp::node_head head{fast ? 1 : 0, 0, {size.rows, size.columns}};
    std::memcpy(out, &head, sizeof head);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || c.params().group != 1 || !dsp::takes_operands(c)) return reference::run(c);
    const auto done = dsp::finisher_of<false>(c);
    dsp::with_form(done, c.packed(),
                   [&](auto form) { blocks(c, done, &dsp::multiply_block<form.value, std::decay_t<decltype(done)>>); });
  }

 private:
  template <class Call, class Finisher, class Multiply>
  static QNNX_NOINLINE void blocks(const Call& c, const Finisher& done, Multiply multiply) {
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const dsp::gatherer g(c, dsp::window_sizes(*reinterpret_cast<const dsp::node_head*>(c.packed()), c.s.inputs[0].dims,
                                               c.s.outputs[0].dims));
    std::byte* scratch = c.scratch();
    const auto* block = reinterpret_cast<const dsp::word*>(scratch);
    const std::int32_t quads = g.size.padded() / 4, channels = g.size.channels;
    std::byte* y = c.output_bytes();
    const std::int32_t batches = c.s.outputs[0].dims[0];
    g.prepare(scratch);
    const std::int32_t image = g.out_height * g.out_width;
    const std::byte* from = g.data;
    for (std::int32_t n = 0; n < batches; ++n, from += static_cast<std::ptrdiff_t>(g.height) * g.width * g.size.depth) {
      std::int32_t oh = 0, ow = 0;
      for (std::int32_t first = 0; first < image; first += 4) {
        const std::int32_t count = image - first < 4 ? image - first : 4;
        if (needs<code_part::single_pixels> && (!needs<code_part::windows> || g.pointwise)) {
          const std::int32_t d = g.size.depth, last = (count - 1) * d;
          const std::byte* pixel = from + first * d;
          dsp::interleave<is_signed>(pixel, pixel + (d < last ? d : last), pixel + (2 * d < last ? 2 * d : last),
                                     pixel + last, reinterpret_cast<dsp::word*>(scratch), quads);
        } else if constexpr (needs<code_part::windows>) {
          dsp::corner at[4];
          for (int i = 0; i < 4; ++i) {
            at[i] = {oh * g.stride_h - g.top, ow * g.stride_w - g.left};
            if (first + i + 1 < image && ++ow == g.out_width) ow = 0, ++oh;
          }
          g.template block<is_signed>(from, at, scratch);
        }
        multiply(done, c.packed(), block, quads, channels, y, count);
        y += count * channels;
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
