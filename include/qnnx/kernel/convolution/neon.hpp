// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d, FullyConnected and MatMul on aarch64: floats; 8- and 16-bit data with 8- or 4-bit weights. Rows of data (the
// windows of up to eight pixels, of every group, or rows of a matrix) are copied to scratch, filled up to whole panels, then
// multiplied with all channels (neon/products.hpp). Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/neon/products.hpp"

#if QNNX_HAS_NEON_PACKING
#include "qnnx/kernel/convolution/neon_packing.hpp"
#endif

#if QNNX_HAS_NEON
#include "qnnx/kernel/neon/late_panels.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace neon {
/// The window of every group, `apart` bytes from each other; a call, so that one group pays nothing.
template <class T>
QNNX_NOINLINE void copy_groups(const windows& g, const typename T::storage* image, std::int32_t oh, std::int32_t ow,
                               data_row<T> to, std::int32_t groups, std::int64_t apart) {
  for (std::int32_t k = 0; k < groups; ++k, to.row += apart) g.copy(image + std::int64_t{k} * g.depth, oh, ow, to);
}
}  // namespace neon

template <class Call>
void impl<op::conv2d, isa::neon>::run(const Call& c) {
  const neon::panel_sizes s = sizes(c);
  if constexpr (!config::embedded_packed)
    if (c.packed_missing() || !neon::takes_operands(c) || !s.fits()) return reference::run(c);
  const neon::windows g(c);
  const auto x = c.template in<0>();
  const std::int64_t group_rows = rows_of(c.s.outputs[0].dims) * s.row_bytes();  // of a group
  neon::data_row<typename Call::out_type> row{c.scratch(), s.pitch(), x.data + x.size()};
  // What fills panels meets zero weights.
  std::memset(row.row, 0, static_cast<std::size_t>(s.groups * group_rows));
  const auto* image = x.data;
  const std::int32_t count = g.out_height * g.out_width;
  std::int64_t done = 0;
  for (std::int32_t n = 0; n < c.s.outputs[0].dims[0]; ++n, image += std::int64_t{g.height} * g.width * g.pitch) {
    std::int32_t oh = 0, ow = 0;
    for (std::int32_t first = 0; first < count; first += neon::most_rows) {
      const std::int32_t have = count - first < neon::most_rows ? count - first : neon::most_rows;
      row.row = c.scratch();
      for (std::int32_t i = 0; i < have; ++i, row.row += s.row_bytes()) {
        if (s.groups == 1) g.copy(image, oh, ow, row);
        else neon::copy_groups(g, image, oh, ow, row, s.groups, group_rows);
        if (++ow == g.out_width) ow = 0, ++oh;
      }
      for (std::int32_t k = 0; k < s.groups; ++k)
        neon::multiply_rows<false>(c, s, c.packed(), c.scratch() + k * group_rows, done, have, k);
      done += have;
    }
  }
}

namespace neon {

/// `count` rows of the data from element `from` on times packed panels, to output rows from `first` on. Rows are copied
/// before they are written, in order.
template <bool Once, class Call>
void multiply_matrix(const Call& c, const panel_sizes& s, const std::byte* packed, std::int64_t from, std::int64_t first,
                     std::int64_t count) {
  const auto x = c.template in<0>();
  data_row<typename Call::out_type> row{c.scratch(), s.pitch(), x.data + x.size()};
  const auto* data = x.data + from;
  for (std::int64_t r = 0; r < count; r += most_rows) {
    const auto have = static_cast<std::int32_t>(count - r < most_rows ? count - r : most_rows);
    row.row = c.scratch();
    for (std::int32_t i = 0; i < have; ++i, data += s.elements, row.row += s.row_bytes()) row.copy(0, data, s.elements);
    multiply_rows<Once>(c, s, packed, c.scratch(), first + r, have);
  }
}
/// All rows times the node's packed panels.
template <bool Once, class Call>
void multiply_matrix(const Call& c, const panel_sizes& s) {
  const std::int64_t count = c.s.inputs[0].dims.size() / s.elements;
  std::memset(c.scratch(), 0, static_cast<std::size_t>(tile_rows(count) * s.row_bytes()));
  multiply_matrix<Once>(c, s, c.packed(), 0, 0, count);
}
/// Every batch times a matrix that is packed before it.
template <class Call>
void multiply_late(const Call& c, const panel_sizes& s, std::byte* panels) {
  using kernel = impl<op::matmul, isa::reference>;
  const auto x = c.template in<0>();
  const auto w = c.template in<1>();
  const auto y = c.out();
  const std::int32_t rows = c.s.outputs[0].dims[c.s.outputs[0].dims.rank() - 2];
  const bool turned = c.params().transpose_in1;
  const late_heads<Call> heads(c, s);
  std::memset(c.scratch(), 0, static_cast<std::size_t>(most_rows * s.row_bytes()));
  std::int64_t packed = -1;
  for (std::int64_t n = 0, batches = y.size() / (std::int64_t{rows} * s.channels); n < batches; ++n) {
    if (const std::int64_t matrix = kernel::matrix_of(w, y, n); matrix != packed) {
      pack_late(c, s, heads, w.data + matrix * s.elements * s.channels, turned, panels);
      packed = matrix;
    }
    multiply_matrix<false>(c, s, panels, kernel::matrix_of(x, y, n) * rows * s.elements, n * rows, rows);
  }
}

}  // namespace neon

template <class Call>
void impl<op::fully_connected, isa::neon>::run(const Call& c) {
  const neon::panel_sizes s = sizes(c);
  if constexpr (!config::embedded_packed)
    if (c.packed_missing() || !neon::takes_operands(c) || !s.fits()) return reference::run(c);
  neon::multiply_matrix<true>(c, s);
}

template <class Call>
void impl<op::matmul, isa::neon>::run(const Call& c) {
  const neon::panel_sizes s = sizes(c);
  constexpr bool bytes = is_fixed_v<typename Call::out_type> && bits_of(Call::out_type::code) == 8 &&
                         bits_of(Call::template in_type<1>::code) == 8;
  const bool ahead = !c.params().transpose_in0 && one_matrix(c.s.inputs[1].dims) && neon::takes_operands(c) && s.fits();
  if constexpr (!config::embedded_packed)
    if (ahead ? c.packed_missing() : !packs_late(c)) return reference::run(c);
  if (ahead) return neon::multiply_matrix<false>(c, s);
  if constexpr (bytes && (config::packed_forms & 7u) == 7u && neon::needs_weight_offsets)
    neon::multiply_late(c, s, c.scratch() + rows_bytes(s));
}

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
