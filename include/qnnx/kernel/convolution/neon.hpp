// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d, FullyConnected and MatMul on aarch64: floats; 8- and 16-bit data with symmetric 8- or 4-bit weights. Rows of
// data (the windows of up to eight pixels, or rows of a matrix) are copied to scratch, filled up to whole panels, then
// multiplied with all channels (neon/products.hpp). Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/neon/products.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel {

/// The distance of shared memory is the reference's: windows are copied before their pixels are written, rows in order.
template <>
struct impl<op::conv2d, isa::neon> : answers_as<op::conv2d> {
  template <class Sig>
  static constexpr bool supports = neon::is_product<Sig>;

  static constexpr neon::panel_sizes sizes(const node_facts& f) {
    const shape& w = f.c.dims(1);
    return neon::sizes_of(f, w[0] * w[1] * w[2], w[3]);
  }
  template <class Call>
  static constexpr neon::panel_sizes sizes(const Call& c) {
    const shape& w = c.s.inputs[1].dims;
    return neon::sizes_of<Call>(w[0] * w[1] * w[2], w[3]);
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return p.group == 1 && neon::takes_operands(f) && sizes(f).fits();
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f).bytes() : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? neon::most_rows * sizes(f).row_bytes() : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const neon::panel_sizes s = sizes(c);
    neon::pack_panels<false>(
        c, s, scale_product::exact,
        [&](std::int32_t k, std::int32_t o) { return w.load(std::int64_t{k} * s.channels + o); }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    const neon::panel_sizes s = sizes(c);
    if (c.packed_missing() || c.params().group != 1 || !neon::takes_operands(c) || !s.fits()) return reference::run(c);
    const neon::windows g(c);
    const auto x = c.template in<0>();
    neon::data_row<typename Call::out_type> row{c.scratch(), s.pitch(), x.data + x.size()};
    // What fills panels meets zero weights.
    std::memset(row.row, 0, static_cast<std::size_t>(neon::most_rows * s.row_bytes()));
    const auto* image = x.data;
    const std::int32_t count = g.out_height * g.out_width;
    std::int64_t done = 0;
    for (std::int32_t n = 0; n < c.s.outputs[0].dims[0]; ++n, image += std::int64_t{g.height} * g.width * g.depth) {
      std::int32_t oh = 0, ow = 0;
      for (std::int32_t first = 0; first < count; first += neon::most_rows) {
        const std::int32_t have = count - first < neon::most_rows ? count - first : neon::most_rows;
        row.row = c.scratch();
        for (std::int32_t i = 0; i < have; ++i, row.row += s.row_bytes()) {
          g.copy(image, oh, ow, row);
          if (++ow == g.out_width) ow = 0, ++oh;
        }
        neon::multiply_rows<false>(c, s, c.packed(), c.scratch(), done, have);
        done += have;
      }
    }
  }
};

namespace neon {

/// All rows of the data times packed panels. Rows are copied before they are written, in order.
template <bool Once, class Call>
void multiply_matrix(const Call& c, const panel_sizes& s) {
  const auto x = c.template in<0>();
  data_row<typename Call::out_type> row{c.scratch(), s.pitch(), x.data + x.size()};
  std::memset(row.row, 0, static_cast<std::size_t>(most_rows * s.row_bytes()));
  const auto* from = x.data;
  const std::int64_t count = x.size() / s.elements;
  for (std::int64_t r = 0; r < count; r += most_rows) {
    const auto have = static_cast<std::int32_t>(count - r < most_rows ? count - r : most_rows);
    row.row = c.scratch();
    for (std::int32_t i = 0; i < have; ++i, from += s.elements, row.row += s.row_bytes()) row.copy(0, from, s.elements);
    multiply_rows<Once>(c, s, c.packed(), c.scratch(), r, have);
  }
}

}  // namespace neon

/// The distance of shared memory is the reference's: rows are copied before they are written, in order.
template <>
struct impl<op::fully_connected, isa::neon> : answers_as<op::fully_connected> {
  template <class Sig>
  static constexpr bool supports = neon::is_product<Sig>;

  static constexpr neon::panel_sizes sizes(const node_facts& f) {
    return neon::sizes_of(f, f.c.dims(1)[1], f.c.dims(1)[0]);
  }
  template <class Call>
  static constexpr neon::panel_sizes sizes(const Call& c) {
    return neon::sizes_of<Call>(c.s.inputs[1].dims[1], c.s.inputs[1].dims[0]);
  }
  static constexpr bool takes(const node_facts& f, const params&) {
    return neon::takes_operands(f) && sizes(f).fits();
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f).bytes() : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? neon::most_rows * sizes(f).row_bytes() : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const neon::panel_sizes s = sizes(c);
    neon::pack_panels<true>(
        c, s, scale_product::always_exact,
        [&](std::int32_t k, std::int32_t o) { return w.load(std::int64_t{o} * s.elements + k); }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    const neon::panel_sizes s = sizes(c);
    if (c.packed_missing() || !neon::takes_operands(c) || !s.fits()) return reference::run(c);
    neon::multiply_matrix<true>(c, s);
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
  static constexpr neon::panel_sizes sizes(const node_facts& f, const params& p) {
    const shape& w = f.c.dims(1);
    const std::int32_t a = w[w.rank() - 2], b = w[w.rank() - 1];
    return p.transpose_in1 ? neon::sizes_of(f, b, a) : neon::sizes_of(f, a, b);
  }
  template <class Call>
  static constexpr neon::panel_sizes sizes(const Call& c) {
    const shape& w = c.s.inputs[1].dims;
    const std::int32_t a = w[w.rank() - 2], b = w[w.rank() - 1];
    return c.params().transpose_in1 ? neon::sizes_of<Call>(b, a) : neon::sizes_of<Call>(a, b);
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return !p.transpose_in0 && one_matrix(f.c.dims(1)) && neon::takes_operands(f) && sizes(f, p).fits();
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
    const neon::panel_sizes s = sizes(c);
    const std::int64_t row = c.params().transpose_in1 ? 1 : s.channels,
                       column = c.params().transpose_in1 ? s.elements : 1;
    neon::pack_panels<false>(
        c, s, scale_product::rounded, [&](std::int32_t k, std::int32_t o) { return w.load(k * row + o * column); },
        out);
  }

  template <class Call>
  static void run(const Call& c) {
    const neon::panel_sizes s = sizes(c);
    if (c.packed_missing() || c.params().transpose_in0 || !one_matrix(c.s.inputs[1].dims) ||
        !neon::takes_operands(c) || !s.fits())
      return reference::run(c);
    neon::multiply_matrix<false>(c, s);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
