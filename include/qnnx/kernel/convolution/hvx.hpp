// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d on 8-bit data with HVX: eight pixels at a time (hexagon/panels.hpp). Their windows are gathered in scratch out
// of padded rows (hexagon/rows.hpp); 1x1 convolutions read the data as it is. The data's offset is in the bias. Layer
// 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/hexagon/panels.hpp"
#include "qnnx/kernel/hexagon/rows.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

/// The distance of shared memory is the reference's: rows are copied before the first output row that needs them is
/// written; pixels of a 1x1 convolution are read before any of their block is written, or copied.
template <>
struct impl<op::conv2d, isa::hvx> : dsp::packed_kernel<impl<op::conv2d, isa::hvx>, op::conv2d> {
  template <class Sig>
  static constexpr bool supports = dsp::is_8_bit<Sig>;

  static constexpr bool takes_shape(const shape& w, const params& p) {
    return p.group == 1 && (w[0] - 1) * static_cast<std::int32_t>(p.dilation[0]) < hvx::most_rows;
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return takes_shape(f.c.dims(1), p) && dsp::takes_operands(f);
  }
  static constexpr hvx::panel_sizes sizes(const shape& w) { return {w[0], w[1] * w[2], w[3], true}; }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f.c.dims(1)).bytes() : 0;
  }
  static constexpr std::int64_t window_bytes(const hvx::panel_sizes& size) {
    return hvx::block_pixels * std::int64_t{size.padded()} + hvx::vector_bytes;
  }
  /// Windows of a block of pixels, then rows.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    if (!takes(f, p)) return 0;
    const shape& x = f.c.dims(0);
    const shape& w = f.c.dims(1);
    const shape& y = f.c.out(0).dims;
    if (pointwise(x, w, y, p)) return sizes(w).one_pass() ? 0 : window_bytes(sizes(w));
    return window_bytes(sizes(w)) + hvx::window_geometry(x, w, y, p, false).bytes();
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const hvx::panel_sizes size = sizes(c.s.inputs[1].dims);
    hvx::pack_panels<false>(
        c, size, scale_product::exact,
        [&](std::int32_t k, std::int32_t o) { return std::int32_t{w.load(std::int64_t{k} * size.channels + o)}; }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || !takes_shape(c.s.inputs[1].dims, c.params()) || !dsp::takes_operands(c))
        return reference::run(c);
    if ((config::packed_forms & 4u) == 0 || reinterpret_cast<const hvx::node_head*>(c.packed())->fast)
      pixels<true>(c);
    else
      pixels<false>(c);
  }

 private:
  /// Every window is one pixel, 8-byte aligned.
  static constexpr bool pointwise(const shape& x, const shape& w, const shape& y, const params& p) {
    return w[0] * w[1] == 1 && p.stride[0] == 1 && p.stride[1] == 1 && x[1] == y[1] && x[2] == y[2] && x[3] % 8 == 0;
  }
  template <bool Fast, class Call>
  static QNNX_NOINLINE void pixels(const Call& c) {
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const shape& xs = c.s.inputs[0].dims;
    const shape& ws = c.s.inputs[1].dims;
    const shape& ys = c.s.outputs[0].dims;
    const hvx::finisher<is_signed, false, std::decay_t<decltype(c.rounding())>> done(c);
    const hvx::panel_sizes size = sizes(ws);
    const auto* image = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    hvx::destination to{reinterpret_cast<std::byte*>(c.out().data), 0, size.channels};
    std::byte* const windows = c.scratch();
    const std::byte* x[hvx::block_pixels];
    const auto multiply = [&](const std::byte* from, std::int32_t step, std::int32_t count) {
      for (std::int32_t i = 0; i < hvx::block_pixels; ++i) x[i] = from + (i < count ? i : count - 1) * step;
      to.count = count;
      hvx::multiply_block<Fast, hvx::block_pixels>(done, size, c.packed(), x, to);
      to.y += count * size.channels;
    };
    const auto block = [](std::int32_t left) { return left < hvx::block_pixels ? left : hvx::block_pixels; };

    if (pointwise(xs, ws, ys, c.params())) {
      const std::int32_t depth = size.line, total = ys[0] * ys[1] * ys[2];
      const std::byte* const end = image + total * depth;
      for (std::int32_t first = 0; first < total; first += hvx::block_pixels, image += hvx::block_pixels * depth) {
        const std::int32_t count = block(total - first);
        if (!size.one_pass()) hvx::copy(windows, image, count * depth, end);
        multiply(size.one_pass() ? image : windows, depth, count);
      }
      return;
    }
    const hvx::window_geometry g(xs, ws, ys, c.params(), false);
    hvx::padded_rows rows(g, static_cast<std::byte>(c.s.inputs[0].q.zero()), windows + window_bytes(size));
    for (std::int32_t n = 0; n < ys[0]; ++n, image += g.height * g.width * g.depth) {
      rows.begin(image);
      for (std::int32_t oh = 0; oh < g.out_height; ++oh) {
        if (oh > 0) rows.advance();
        for (std::int32_t ow = 0; ow < g.out_width; ow += hvx::block_pixels) {
          const std::int32_t count = block(g.out_width - ow);
          gather(g, rows, size, ow, count, windows);
          multiply(windows, size.padded(), count);
        }
      }
    }
  }
  /// Windows one after the other; what a vector writes behind a line is written again by the next.
  static QNNX_NOINLINE void gather(const hvx::window_geometry& g, const hvx::padded_rows& rows,
                                   const hvx::panel_sizes& size, std::int32_t ow, std::int32_t count, std::byte* to) {
    const std::byte* line[hvx::most_rows];
    for (std::int32_t kh = 0; kh < g.rows; ++kh) line[kh] = rows.line(kh) + ow * g.between;
    for (std::int32_t p = 0; p < count; ++p, to += size.padded())
      for (std::int32_t kh = 0; kh < g.rows; ++kh) {
        const std::byte* from = line[kh] + p * g.between;
        std::byte* at = to + kh * size.padded_line();
        if (g.step_w == 1)
          take(at, from, size.line);
        else
          for (std::int32_t kw = 0; kw < g.columns; ++kw)
            take(at + kw * g.depth, from + kw * g.step_w * g.depth, g.depth);
      }
  }
  static QNNX_INLINE void take(std::byte* to, const std::byte* from, std::int32_t n) {
    for (; n > 0; n -= hvx::vector_bytes, to += hvx::vector_bytes, from += hvx::vector_bytes)
      hvx::store(to, hvx::load(from));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
