// SPDX-License-Identifier: Apache-2.0
#pragma once
// MatMul of 16-bit floats (short_floats.hpp): a constant right side is packed as floats, a computed one is widened for its
// matrix; data and results are floats in bands of rows. Layer 5a.

#include "qnnx/kernel/convolution/matmul_reference.hpp"
#include "qnnx/kernel/x86/accumulate_kernel.hpp"
#include "qnnx/kernel/x86/short_floats.hpp"
#include "qnnx/op/matmul.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

inline constexpr std::int64_t short_budget = 512 * 1024;  // bytes of widened data and results

/// Rows of products in bands.
struct row_bands {
  std::int64_t rows, bands;
  constexpr row_bands(std::int64_t all, std::int64_t elements, int pieces) : rows(all), bands(1) {
    const std::int64_t fit = short_budget / (elements * 4) / 8 * 8;
    bands = rows / (fit < 8 ? 8 : fit);
    if (bands < pieces) bands = pieces;
    if (bands > rows / 8) bands = rows / 8;
    if (bands < 1) bands = 1;
  }
  constexpr std::int64_t most_rows() const { return (rows + bands - 1) / bands; }
  constexpr std::int64_t most() const { return rows < 16 ? 1 : rows / 8; }
  constexpr std::int64_t from(std::int64_t k) const { return rows * k / bands; }
};

/// MatMul, matrix by matrix; one constant matrix for all rows as FullyConnected, in bands of rows.
template <class K, class V>
struct short_matmul {
  using params = op::matmul::params;
  using reference = impl<op::matmul, isa::reference>;

  struct plan {
    std::int64_t depth, columns, matrices;  // matrices of the result; one of all rows where these meet one constant matrix
    row_bands bands;                        // of a matrix
    std::int64_t right, bias;               // floats of them that are widened
  };
  static constexpr plan plan_of(const shape& x, const shape& w, const shape& y, bool constant, bool bias, bool residual, int pieces = 1) {
    const std::int64_t depth = x[x.rank() - 1], columns = y[y.rank() - 1];
    std::int64_t rows = y[y.rank() - 2], matrices = y.size() / (rows * columns);
    if (w.size() == depth * columns && x.size() == matrices * rows * depth) rows *= matrices, matrices = 1;
    plan made{depth, columns, matrices, row_bands(rows, depth + columns * (residual ? 2 : 1), static_cast<int>((pieces + matrices - 1) / matrices)),
              constant ? 0 : depth * columns, constant || !bias ? 0 : columns};
    if (!constant) made.bands.bands = 1;  // which is packed for every band
    return made;
  }
  static constexpr plan plan_of(const node_facts& f) {
    return plan_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, f.c.in(1).kind == tensor_kind::constant, f.c.has(2), f.epi.residual >= 0);
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    if (p.transpose_in0) return 0;
    const plan l = plan_of(f);
    const std::int64_t rows = l.bands.most_rows();
    return K::scratch_bytes(f, p) + float_area(rows * l.depth) + float_area(rows * l.columns) * (f.epi.residual >= 0 ? 2 : 1) + float_area(l.right) + float_area(l.bias);
  }
  static constexpr int parts(const node_facts& f, const params& p) {
    if (p.transpose_in0) return kernel::parts<reference>(f, p);
    const plan l = plan_of(f);
    const std::int64_t n = l.matrices * (l.right > 0 ? 1 : l.bands.most());
    return static_cast<int>(n < 256 ? n : 256);
  }
  template <class Call>
  static void run(const Call& c) {
    const bool constant = c.s.inputs[1].where == bank::weights;
    if (c.params().transpose_in0 || (constant && c.packed_missing())) return reference::run(c);
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto y = c.out();
    const int residual = c.epi().residual;
    const plan l = plan_of(dims_of(x), dims_of(w), dims_of(y), constant, c.has(2), residual >= 0, c.piece.count);
    const std::int64_t matrix_bytes = K::matrix_bytes(K::window(1, l.depth, l.columns), dtype::float_32);
    const auto depth = static_cast<std::int32_t>(l.depth), columns = static_cast<std::int32_t>(l.columns);
    const slice mine = slice_of(c.piece, l.matrices * l.bands.bands);
    for (std::int64_t k = mine.from; k < mine.to; ++k) {
      const std::int64_t n = k / l.bands.bands, from = l.bands.from(k % l.bands.bands), rows = l.bands.from(k % l.bands.bands + 1) - from;
      const std::int64_t left = (l.matrices == 1 ? 0 : reference::matrix_of(x, y, n) * l.bands.rows) + from, right = l.matrices == 1 ? 0 : reference::matrix_of(w, y, n);
      const std::int64_t first = (n * l.bands.rows + from) * columns, most = l.bands.most_rows();
      const shape in{static_cast<std::int32_t>(rows), depth}, out{static_cast<std::int32_t>(rows), columns};
      const shape of_right = c.params().transpose_in1 ? shape{columns, depth} : shape{depth, columns};
      widened_step<Call> s(c);
      widen<V>(x.data + left * depth, s.area(most * depth), in.size());
      s.input(0, in);
      if (constant) {
        s.input_dims(1, of_right);
      } else {
        widen<V>(w.data + right * l.right, s.area(l.right), l.right);
        s.input(1, of_right);
        if (c.has(2)) {
          widen<V>(c.template in<2>().data, s.area(l.bias), l.bias);
          s.input(2, {columns});
        }
      }
      if (residual >= 0) {
        widen<V>(c.residual().data + first, s.area(most * columns), out.size());
        s.input(residual, out);
      }
      const float* made = s.area(most * columns);
      s.output(out);
      s.template run<K>(constant ? right * matrix_bytes : 0);
      narrow<V>(made, y.data + first, out.size());
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
