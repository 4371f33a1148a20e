// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d with HVX on 8- and 16-bit data with 8- and 4-bit weights: eight pixels at a time (hexagon/panels.hpp). Their
// windows are read line by line in padded rows (hexagon/rows.hpp), or, where their lines are no whole number of aligned
// steps, gathered in scratch; 1x1 convolutions read the data as it is, but unsigned 16-bit data. The data's offset is in
// the bias. Layer 5a.

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
  static constexpr bool supports = hvx::is_packed<Sig>;

  static constexpr bool takes_shape(hvx::widths of, const shape& w, const params& p) {
    return p.group == 1 && (w[0] - 1) * static_cast<std::int32_t>(p.dilation[0]) < hvx::most_rows &&
           sizes(of, w).sums_fit();
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return takes_shape(hvx::widths_of(f), f.c.dims(1), p) && dsp::takes_operands(f);
  }
  static constexpr hvx::panel_sizes sizes(hvx::widths of, const shape& w) {
    return {of, w[0], w[1] * w[2], w[3], true};
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(hvx::widths_of(f), f.c.dims(1)).bytes() : 0;
  }
  static unsigned code_parts(const node_facts& f, const params& p, const std::byte* packed) {
    return takes(f, p) ? hvx::form_parts(packed) : 0u;
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
    const hvx::panel_sizes size = sizes(hvx::widths_of(f), w);
    if (pointwise(size, x, w, y, p)) return in_place(size, f.c.in(0).type) ? 0 : window_bytes(size);
    return (in_rows(size, x, p) ? 0 : window_bytes(size)) + hvx::window_geometry(x, size.of.data, w, y, p, false).bytes();
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const hvx::panel_sizes size = sizes(hvx::call_widths<Call>, c.s.inputs[1].dims);
    hvx::pack_panels<false>(
        c, size, scale_product::exact,
        [&](std::int32_t k, std::int32_t o) { return std::int32_t{w.load(std::int64_t{k} * size.channels + o)}; }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || !takes_shape(hvx::call_widths<Call>, c.s.inputs[1].dims, c.params()) ||
          !dsp::takes_operands(c))
        return reference::run(c);
    hvx::with_form(c.packed(), [&](auto form) { pixels<form.value>(c); });
  }

 private:
  /// Every window is one pixel, of whole steps.
  static constexpr bool pointwise(const hvx::panel_sizes& size, const shape& x, const shape& w, const shape& y,
                                  const params& p) {
    return w[0] * w[1] == 1 && p.stride[0] == 1 && p.stride[1] == 1 && x[1] == y[1] && x[2] == y[2] &&
           size.line_bytes() == size.padded();
  }
  static constexpr bool in_place(const hvx::panel_sizes& size, dtype t) {
    return size.one_pass() && t != dtype::ufixed_16;
  }
  /// Lines of windows are read where they are.
  static constexpr bool in_rows(const hvx::panel_sizes& size, const shape& x, const params& p) {
    return p.dilation[1] == 1 && x[3] * size.of.data % 8 == 0 && size.line_bytes() % size.of.step_bytes() == 0;
  }
  template <int Form, class Call>
  static QNNX_NOINLINE void pixels(const Call& c) {
    constexpr dtype type = Call::out_type::code;
    constexpr hvx::widths of = hvx::call_widths<Call>;
    using kind = hvx::panel_kind<type, of.weights>;
    using data_rows = hvx::padded_rows<type>;
    const shape& xs = c.s.inputs[0].dims;
    const shape& ws = c.s.inputs[1].dims;
    const shape& ys = c.s.outputs[0].dims;
    const hvx::finisher<type, false, std::decay_t<decltype(c.rounding())>> done(c);
    const hvx::panel_sizes size = sizes(of, ws);
    const auto* image = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    hvx::destination to{reinterpret_cast<std::byte*>(c.out().data), 0, size.channels};
    std::byte* const windows = c.scratch();
    hvx::window_block x;
    const auto multiply = [&](std::int32_t step, std::int32_t count) {
      for (std::int32_t i = 0; i < hvx::block_pixels; ++i) x.offset[i] = (i < count ? i : count - 1) * step;
      to.count = count;
      hvx::multiply_block<kind, Form, hvx::block_pixels>(done, size, c.packed(), x, to);
      to.y += count * size.channels * of.data;
    };
    const auto block = [](std::int32_t left) { return left < hvx::block_pixels ? left : hvx::block_pixels; };

    if (pointwise(size, xs, ws, ys, c.params())) {
      const std::int32_t depth = size.line_bytes(), total = ys[0] * ys[1] * ys[2];
      const std::byte* const end = image + total * depth;
      x.lines = 1, x.steps = size.steps;
      for (std::int32_t first = 0; first < total; first += hvx::block_pixels, image += hvx::block_pixels * depth) {
        const std::int32_t count = block(total - first);
        const bool there = in_place(size, type);
        if (!there) data_rows::take(windows, image, count * depth, end);
        x.line[0] = there ? image : windows;
        multiply(depth, count);
      }
      return;
    }
    const hvx::window_geometry g(xs, of.data, ws, ys, c.params(), false);
    const bool there = in_rows(size, xs, c.params());
    data_rows rows(g, c.s.inputs[0].q.zero(), there ? windows : windows + window_bytes(size));
    x.lines = there ? g.rows : 1;
    x.steps = there ? size.line_bytes() >> of.step_bits() : size.steps;
    for (std::int32_t n = 0; n < ys[0]; ++n, image += g.height * g.width * g.depth) {
      rows.begin(image);
      for (std::int32_t oh = 0; oh < g.out_height; ++oh) {
        if (oh > 0) rows.advance();
        const std::byte* line[hvx::most_rows];
        for (std::int32_t kh = 0; kh < g.rows; ++kh) line[kh] = rows.line(kh);
        for (std::int32_t ow = 0; ow < g.out_width; ow += hvx::block_pixels) {
          const std::int32_t count = block(g.out_width - ow);
          if (there) {
            for (std::int32_t kh = 0; kh < g.rows; ++kh) x.line[kh] = line[kh] + ow * g.between;
          } else {
            gather(g, line, size, ow, count, windows);
            x.line[0] = windows;
          }
          multiply(there ? g.between : size.padded(), count);
        }
      }
    }
  }
  /// Windows one after the other; what a vector writes behind a line is written again by the next. (What is asked of
  /// sizes is asked first: the compiler takes every store for one to them.)
  static QNNX_NOINLINE void gather(const hvx::window_geometry& g, const std::byte* const* line,
                                   const hvx::panel_sizes& size, std::int32_t ow, std::int32_t count, std::byte* to) {
    const std::int32_t between = g.between, window = size.padded(), pitch = size.padded_line, rows = g.rows;
    const std::int32_t bytes = size.line_bytes(), depth = g.depth, columns = g.columns, step = g.step_w * g.depth;
    for (std::int32_t at = ow * between; count > 0; --count, to += window, at += between) {
      std::byte* next = to;
      if (g.step_w == 1 && bytes <= hvx::vector_bytes) {
        for (std::int32_t kh = 0; kh < rows; ++kh, next += pitch) hvx::store(next, hvx::load(line[kh] + at));
      } else {
        for (std::int32_t kh = 0; kh < rows; ++kh, next += pitch) {
          const std::byte* from = line[kh] + at;
          if (step == depth)
            take(next, from, bytes);
          else
            for (std::int32_t kw = 0; kw < columns; ++kw) take(next + kw * depth, from + kw * step, depth);
        }
      }
    }
  }
  static QNNX_INLINE void take(std::byte* to, const std::byte* from, std::int32_t n) {
    for (; n > 0; n -= hvx::vector_bytes, to += hvx::vector_bytes, from += hvx::vector_bytes)
      hvx::store(to, hvx::load(from));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
