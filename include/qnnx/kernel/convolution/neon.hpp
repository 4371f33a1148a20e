// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d, FullyConnected and MatMul on aarch64: floats; 8- and 16-bit data with symmetric 8- or 4-bit weights. Rows of
// data (the windows of up to eight pixels, or rows of a matrix) are copied to scratch, filled up to whole panels, then
// multiplied with all channels (neon/products.hpp). Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/neon/products.hpp"

#if QNNX_HAS_NEON_PACKING
#include "qnnx/kernel/convolution/neon_packing.hpp"
#endif

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel {

template <class Call>
void impl<op::conv2d, isa::neon>::run(const Call& c) {
  const neon::panel_sizes s = sizes(c);
  if constexpr (!config::embedded_packed)
    if (c.packed_missing() || c.params().group != 1 || !neon::takes_operands(c) || !s.fits())
      return reference::run(c);
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

template <class Call>
void impl<op::fully_connected, isa::neon>::run(const Call& c) {
  const neon::panel_sizes s = sizes(c);
  if constexpr (!config::embedded_packed)
    if (c.packed_missing() || !neon::takes_operands(c) || !s.fits())
      return reference::run(c);
  neon::multiply_matrix<true>(c, s);
}

template <class Call>
void impl<op::matmul, isa::neon>::run(const Call& c) {
  const neon::panel_sizes s = sizes(c);
  if constexpr (!config::embedded_packed)
    if (c.packed_missing() || c.params().transpose_in0 || !one_matrix(c.s.inputs[1].dims) ||
        !neon::takes_operands(c) || !s.fits())
      return reference::run(c);
  neon::multiply_matrix<false>(c, s);
}

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
