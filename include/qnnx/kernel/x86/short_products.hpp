// SPDX-License-Identifier: Apache-2.0
#pragma once
// Products of 16-bit floats (short_floats.hpp): Conv2d, DepthWiseConv2d, TransposeConv2d, FullyConnected (MatMul:
// short_matmul.hpp). Weights become floats when they are packed, but those of one or two rows (short_rows.hpp); data and
// results are floats in bands of lines or rows that stay in the second cache. The bits are those of the float kernel of the
// whole node, rounded: bands are cut between pairs of lines, which tiles of
// Winograd's form need. Results may begin the reference's distance before their dying data: a band is read before its
// results are written, and these do not reach what later lines read. Layer 5a.

#include "qnnx/kernel/x86/depthwise_shape.hpp"
#include "qnnx/kernel/x86/short_matmul.hpp"
#include "qnnx/kernel/x86/short_rows.hpp"
#include "qnnx/op/transpose_conv2d.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// Bands of lines of one image: pairs of lines, at least two in a band where there are several.
struct line_bands {
  std::int64_t lines, pairs, bands;
  std::int64_t stride, reach, before, height;
  std::int64_t in_line, out_line;  // elements

  constexpr line_bands(const shape& x, const shape& y, std::int64_t kernel, std::int64_t step, std::int64_t dilation, std::int64_t top, bool residual,
                       int pieces)
      : lines(y[1]), pairs((y[1] + 1) / 2), bands(1), stride(step), reach((kernel - 1) * dilation + 1), before(top), height(x[1]),
        in_line(std::int64_t{x[2]} * x[3]), out_line(std::int64_t{y[2]} * y[3]) {
    const std::int64_t pair_bytes = 8 * (in_line * stride + out_line * (residual ? 2 : 1)) + 1;
    const std::int64_t fit = short_budget / pair_bytes < 2 ? 2 : short_budget / pair_bytes;
    bands = pairs / fit;
    const std::int64_t wanted = (pieces + x[0] - 1) / x[0];
    if (bands < wanted) bands = wanted;
    if (bands > pairs / 2) bands = pairs / 2;
    if (bands < 1) bands = 1;
  }
  /// Most lines of results, and of data, that a band has.
  constexpr std::int64_t most_lines() const {
    const std::int64_t n = (pairs + bands - 1) / bands * 2;
    return n < lines ? n : lines;
  }
  constexpr std::int64_t most_in_lines() const {
    const std::int64_t n = (most_lines() - 1) * stride + reach;
    return n < height ? n : height;
  }
  /// Most bands worth making.
  constexpr std::int64_t most() const { return pairs < 4 ? 1 : pairs / 2; }
  struct band {
    std::int64_t from, to;              // lines of results
    std::int64_t in_from, in_to;        // of data
    std::int64_t above, below;          // lines of padding
  };
  constexpr band at(std::int64_t k) const {
    band b{pairs * k / bands * 2, pairs * (k + 1) / bands * 2, 0, 0, 0, 0};
    if (b.to > lines) b.to = lines;
    const std::int64_t first = b.from * stride - before, end = first + (b.to - b.from - 1) * stride + reach;
    b.in_from = first < 0 ? 0 : first;
    b.in_to = end < height ? end : height;
    if (b.in_to <= b.in_from) {  // nothing but padding
      b.in_from = 0, b.in_to = 1;
      b.above = end - first;
      return b;
    }
    b.above = b.in_from - first;
    b.below = end - b.in_to;
    return b;
  }
};

/// Conv2d and DepthWiseConv2d.
template <class Op, class K, class V>
struct short_windows {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;

  static constexpr line_bands bands_of(const shape& x, const shape& w, const shape& y, const params& p, bool residual, int pieces = 1) {
    return {x, y, w[0], p.stride[0], p.dilation[0], p.pad_amount[0], residual, pieces};
  }
  /// Whether K itself runs a node.
  static constexpr bool takes(const shape& x, const shape& w, const shape& y, const params& p, bool constant) {
    if constexpr (std::is_same_v<Op, op::depthwise_conv2d>) {
      depthwise_shape s = depthwise_of(x, w, y, p);
      s.channels = w[3];  // data of fewer is repeated
      return K::takes(s, w[3], constant);
    } else {
      return K::takes(window_of(x, w, y, p), constant);
    }
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return takes(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p, f.c.in(1).kind == tensor_kind::constant);
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    if (!takes(f, p)) return 0;
    const bool residual = f.epi.residual >= 0;
    const line_bands b = bands_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p, residual);
    std::int64_t repeated = 0;  // data of a channel multiplier (channel_multiplier.hpp), as floats
    if constexpr (std::is_same_v<Op, op::depthwise_conv2d>)
      if (const std::int64_t times = f.c.dims(1)[3] / f.c.dims(0)[3]; times > 1) repeated = float_area(b.most_in_lines() * b.in_line * times) + 64;
    return K::scratch_bytes(f, p) + repeated + float_area(b.most_in_lines() * b.in_line) + float_area(b.most_lines() * b.out_line) * (residual ? 2 : 1);
  }
  static constexpr int parts(const node_facts& f, const params& p) {
    if (!takes(f, p)) return kernel::parts<reference>(f, p);
    const std::int64_t n = f.c.dims(0)[0] * bands_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p, f.epi.residual >= 0).most();
    return static_cast<int>(n < 256 ? n : 256);
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const shape xs = dims_of(x), ws = dims_of(c.template in<1>()), ys = dims_of(y);
    if (c.packed_missing() || !takes(xs, ws, ys, c.params(), c.s.inputs[1].where == bank::weights)) return reference::run(c);
    const int residual = c.epi().residual;
    const line_bands bands = bands_of(xs, ws, ys, c.params(), residual >= 0, c.piece.count);
    const slice mine = slice_of(c.piece, xs[0] * bands.bands);
    for (std::int64_t k = mine.from; k < mine.to; ++k) {
      const std::int64_t image = k / bands.bands;
      const line_bands::band b = bands.at(k % bands.bands);
      const std::int64_t count = (b.to - b.from) * bands.out_line, first = (image * bands.lines + b.from) * bands.out_line;
      widened_step<Call> s(c);
      const shape out{1, static_cast<std::int32_t>(b.to - b.from), ys[2], ys[3]};
      widen<V>(x.data + (image * bands.height + b.in_from) * bands.in_line, s.area(bands.most_in_lines() * bands.in_line), (b.in_to - b.in_from) * bands.in_line);
      s.input(0, {1, static_cast<std::int32_t>(b.in_to - b.in_from), xs[2], xs[3]});
      if (residual >= 0) {
        widen<V>(c.residual().data + first, s.area(bands.most_lines() * bands.out_line), count);
        s.input(residual, out);
      }
      const float* made = s.area(bands.most_lines() * bands.out_line);
      s.output(out);
      s.own_params().pad_amount[0] = static_cast<std::uint32_t>(b.above);
      s.own_params().pad_amount[1] = static_cast<std::uint32_t>(b.below);
      s.template run<K>();
      narrow<V>(made, y.data + first, count);
    }
  }
};

/// TransposeConv2d, image by image.
template <class K, class V>
struct short_transposed {
  using params = op::transpose_conv2d::params;
  using reference = impl<op::transpose_conv2d, isa::reference>;

  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    if (K::packed_bytes(f, p) == 0) return 0;
    const shape& x = f.c.dims(0);
    return K::scratch_bytes(f, p) + float_area(x.size() / x[0]) + float_area(f.c.out(0).dims.size() / x[0]);
  }
  static constexpr int parts(const node_facts& f, const params& p) {
    return K::packed_bytes(f, p) == 0 ? kernel::parts<reference>(f, p) : f.c.dims(0)[0] < 256 ? f.c.dims(0)[0] : 256;
  }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    shape xs = dims_of(x), ys = dims_of(y);
    if (c.packed_missing() || c.s.inputs[1].where != bank::weights || !K::plain(c.epi()) ||
        !K::plan_of(xs, dims_of(c.template in<1>()), ys, c.params(), dtype::float_16).taken)
      return reference::run(c);
    const slice mine = slice_of(c.piece, xs[0]);
    xs[0] = ys[0] = 1;
    for (std::int64_t image = mine.from; image < mine.to; ++image) {
      widened_step<Call> s(c);
      widen<V>(x.data + image * xs.size(), s.area(xs.size()), xs.size());
      s.input(0, xs);
      const float* made = s.area(ys.size());
      s.output(ys);
      s.template run<K>();
      narrow<V>(made, y.data + image * ys.size(), ys.size());
    }
  }
};

/// FullyConnected; few rows: short_rows.hpp.
template <class K, class V>
struct short_connected {
  using params = op::fully_connected::params;
  using reference = impl<op::fully_connected, isa::reference>;
  using few = short_rows<V>;

  static constexpr few few_of(const shape& x, const shape& w) { return {x.size() / w[1], w[1], w[0]}; }
  static constexpr few few_of(const node_facts& f) { return few_of(f.c.dims(0), f.c.dims(1)); }
  static constexpr bool is_few(const few& s) { return s.rows <= few::most_rows; }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) && is_few(few_of(f)) ? few_of(f).bytes() : K::packed_bytes(f, p);
  }
  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const few s = few_of(dims_of(c.template in<0>()), dims_of(c.template in<1>()));
    if (is_few(s)) s.pack(c.template in<1>(), c.template in<2>(), out);
    else K::pack(c, out);
  }

  static constexpr bool takes(const shape& x, const shape& w, const params& p, bool constant) { return K::takes(window_of(x, w, x, p), constant); }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return takes(f.c.dims(0), f.c.dims(1), p, f.c.in(1).kind == tensor_kind::constant);
  }
  static constexpr row_bands bands_of(const shape& x, const shape& w, bool residual, int pieces = 1) {
    return {x.size() / w[1], w[1] + std::int64_t{w[0]} * (residual ? 2 : 1), pieces};
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    if (!takes(f, p)) return 0;
    if (is_few(few_of(f))) return few_of(f).scratch();
    const bool residual = f.epi.residual >= 0;
    const std::int64_t rows = bands_of(f.c.dims(0), f.c.dims(1), residual).most_rows();
    return K::scratch_bytes(f, p) + float_area(rows * f.c.dims(1)[1]) + float_area(rows * f.c.dims(1)[0]) * (residual ? 2 : 1);
  }
  static constexpr int parts(const node_facts& f, const params& p) {
    if (!takes(f, p)) return kernel::parts<reference>(f, p);
    const std::int64_t n = is_few(few_of(f)) ? few_of(f).groups() : bands_of(f.c.dims(0), f.c.dims(1), f.epi.residual >= 0).most();
    return static_cast<int>(n < 256 ? n : 256);
  }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const shape xs = dims_of(x), ws = dims_of(c.template in<1>());
    if (c.packed_missing() || !takes(xs, ws, c.params(), c.s.inputs[1].where == bank::weights)) return reference::run(c);
    const int residual = c.epi().residual;
    if (const few s = few_of(xs, ws); is_few(s))
      return s.run(x.data, c.packed(), reinterpret_cast<float*>(c.scratch()), y.data, residual >= 0 ? c.residual().data : nullptr, c.epi(),
                   slice_of(c.piece, s.groups()));
    const row_bands bands = bands_of(xs, ws, residual >= 0, c.piece.count);
    const slice mine = slice_of(c.piece, bands.bands);
    for (std::int64_t k = mine.from; k < mine.to; ++k) {
      const std::int64_t first = bands.from(k), rows = bands.from(k + 1) - first, most = bands.most_rows();
      const shape in{static_cast<std::int32_t>(rows), ws[1]}, out{static_cast<std::int32_t>(rows), ws[0]};
      widened_step<Call> s(c);
      widen<V>(x.data + first * ws[1], s.area(most * ws[1]), in.size());
      s.input(0, in);
      if (residual >= 0) {
        widen<V>(c.residual().data + first * ws[0], s.area(most * ws[0]), out.size());
        s.input(residual, out);
      }
      const float* made = s.area(most * ws[0]);
      s.output(out);
      s.template run<K>();
      narrow<V>(made, y.data + first * ws[0], out.size());
    }
  }
};

template <class Op, class K, class V>
struct short_products : short_windows<Op, K, V> {};
template <class K, class V>
struct short_products<op::transpose_conv2d, K, V> : short_transposed<K, V> {};
template <class K, class V>
struct short_products<op::fully_connected, K, V> : short_connected<K, V> {};
template <class K, class V>
struct short_products<op::matmul, K, V> : short_matmul<K, V> {};

/// Kernel K of an op of this family, for 16-bit floats too.
template <class Op, class V, class K>
using with_short_products = with_short_floats<Op, K, short_products<Op, K, V>>;

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
