// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d, FullyConnected and MatMul on aarch64, floats and 8-bit data with symmetric 8-bit weights. Rows of data (the
// windows of up to eight pixels, or rows of a matrix) are copied to scratch, filled up to whole panels, then multiplied
// with all channels (neon/products.hpp). Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/neon/products.hpp"
#include "qnnx/kernel/scalar/lines.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel {

/// The distance of shared memory is the reference's: windows are copied before their pixels are written, rows in order.
template <>
struct impl<op::conv2d, isa::neon> : answers_as<op::conv2d> {
  template <class Sig>
  static constexpr bool supports = neon::is_product<Sig>;

  static constexpr neon::panel_sizes sizes(const shape& w, bool floats) { return {w[0] * w[1] * w[2], w[3], floats}; }
  static constexpr neon::panel_sizes sizes(const node_facts& f) {
    return sizes(f.c.dims(1), is_float(f.c.out(0).type));
  }
  static constexpr bool takes(const node_facts& f, const params& p) { return p.group == 1 && neon::takes_operands(f); }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f).bytes() : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const neon::panel_sizes s = sizes(f);
    const scalar::window_lines lines(f.c.dims(1), s.element_bytes());
    return takes(f, p) ? neon::most_rows * s.row_bytes() + lines.patch_bytes(1) : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const neon::panel_sizes s = sizes(c.s.inputs[1].dims, is_float_v<typename Call::out_type>);
    neon::pack_panels<false>(
        c, s, scale_product::exact,
        [&](std::int32_t k, std::int32_t o) { return w.load(std::int64_t{k} * s.channels + o); }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    if (c.packed_missing() || c.params().group != 1 || !neon::takes_operands(c)) return reference::run(c);
    const neon::panel_sizes s = sizes(c.s.inputs[1].dims, is_float_v<typename Call::out_type>);
    std::byte* const rows = c.scratch();
    const scalar::window_lines g(c, rows + neon::most_rows * s.row_bytes());
    std::memset(rows, 0,
                static_cast<std::size_t>(neon::most_rows * s.row_bytes()));  // what fills panels meets zero weights
    const auto* image = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    const std::int32_t count = g.pixels();
    std::int64_t done = 0;
    for (std::int32_t n = 0; n < c.s.outputs[0].dims[0]; ++n, image += g.image_bytes()) {
      std::int32_t oh = 0, ow = 0;
      for (std::int32_t first = 0; first < count; first += neon::most_rows) {
        const std::int32_t have = count - first < neon::most_rows ? count - first : neon::most_rows;
        for (std::int32_t i = 0; i < have; ++i) {
          std::byte* to = rows + i * s.row_bytes();
          for (std::int32_t kh = 0; kh < g.rows; ++kh, to += g.line())
            neon::copy_row<typename Call::out_type>(to, g.at(image, oh, ow, kh, 0), g.line());
          if (++ow == g.out_width) ow = 0, ++oh;
        }
        neon::multiply_rows<false>(c, s, c.packed(), rows, done, have);
        done += have;
      }
    }
  }
};

namespace neon {

/// Rows of data [count][elements] times packed panels; output rows from `first` on. Data and output share no memory.
template <bool Once, class Call>
void multiply_matrix(const Call& c, const panel_sizes& s, const std::byte* packed, const std::byte* x,
                     std::int64_t first, std::int64_t count, std::byte* rows) {
  std::memset(rows, 0, static_cast<std::size_t>(most_rows * s.row_bytes()));
  const std::int64_t bytes = std::int64_t{s.elements} * s.element_bytes();
  for (std::int64_t r = 0; r < count; r += most_rows) {
    const auto have = static_cast<std::int32_t>(count - r < most_rows ? count - r : most_rows);
    for (std::int32_t i = 0; i < have; ++i, x += bytes)
      copy_row<typename Call::out_type>(rows + i * s.row_bytes(), x, bytes);
    multiply_rows<Once>(c, s, packed, rows, first + r, have);
  }
}

}  // namespace neon

/// The distance of shared memory is the reference's: rows are copied before they are written, in order.
template <>
struct impl<op::fully_connected, isa::neon> : answers_as<op::fully_connected> {
  template <class Sig>
  static constexpr bool supports = neon::is_product<Sig>;

  static constexpr neon::panel_sizes sizes(const shape& w, bool floats) { return {w[1], w[0], floats}; }
  static constexpr neon::panel_sizes sizes(const node_facts& f) {
    return sizes(f.c.dims(1), is_float(f.c.out(0).type));
  }
  static constexpr bool takes(const node_facts& f, const params&) { return neon::takes_operands(f); }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f).bytes() : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? neon::most_rows * sizes(f).row_bytes() : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const neon::panel_sizes s = sizes(c.s.inputs[1].dims, is_float_v<typename Call::out_type>);
    neon::pack_panels<true>(
        c, s, scale_product::always_exact,
        [&](std::int32_t k, std::int32_t o) { return w.load(std::int64_t{o} * s.elements + k); }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    if (c.packed_missing() || !neon::takes_operands(c)) return reference::run(c);
    const neon::panel_sizes s = sizes(c.s.inputs[1].dims, is_float_v<typename Call::out_type>);
    neon::multiply_matrix<true>(c, s, c.packed(), reinterpret_cast<const std::byte*>(c.template in<0>().data), 0,
                                c.s.inputs[0].dims.size() / s.elements, c.scratch());
  }
};

/// Where the right side is one constant matrix and the left side is not transposed.
template <>
struct impl<op::matmul, isa::neon> : answers_as<op::matmul> {
  template <class Sig>
  static constexpr bool supports = neon::is_product<Sig>;

  static constexpr bool one_matrix(const shape& w) {
    return w.size() == std::int64_t{w[w.rank() - 1]} * w[w.rank() - 2];
  }
  static constexpr neon::panel_sizes sizes(const shape& w, const params& p, bool floats) {
    const std::int32_t a = w[w.rank() - 2], b = w[w.rank() - 1];
    return p.transpose_in1 ? neon::panel_sizes{b, a, floats} : neon::panel_sizes{a, b, floats};
  }
  static constexpr neon::panel_sizes sizes(const node_facts& f, const params& p) {
    return sizes(f.c.dims(1), p, is_float(f.c.out(0).type));
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return !p.transpose_in0 && one_matrix(f.c.dims(1)) && neon::takes_operands(f);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f, p).bytes() : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? neon::most_rows * sizes(f, p).row_bytes() : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const neon::panel_sizes s = sizes(c.s.inputs[1].dims, c.params(), is_float_v<typename Call::out_type>);
    const std::int64_t row = c.params().transpose_in1 ? 1 : s.channels,
                       column = c.params().transpose_in1 ? s.elements : 1;
    neon::pack_panels<false>(
        c, s, scale_product::rounded, [&](std::int32_t k, std::int32_t o) { return w.load(k * row + o * column); },
        out);
  }

  template <class Call>
  static void run(const Call& c) {
    if (c.packed_missing() || c.params().transpose_in0 || !one_matrix(c.s.inputs[1].dims) || !neon::takes_operands(c))
      return reference::run(c);
    const neon::panel_sizes s = sizes(c.s.inputs[1].dims, c.params(), is_float_v<typename Call::out_type>);
    neon::multiply_matrix<false>(c, s, c.packed(), reinterpret_cast<const std::byte*>(c.template in<0>().data), 0,
                                 c.s.inputs[0].dims.size() / s.elements, c.scratch());
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
