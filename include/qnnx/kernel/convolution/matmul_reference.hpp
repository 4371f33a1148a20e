// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernel of MatMul: batches broadcast, either side transposed, the right side constant or computed. Layer 5a.

#include "qnnx/kernel/convolution/dense.hpp"
#include "qnnx/op/matmul.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::matmul, isa::reference> {
  using params = op::matmul::params;

  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return finish_constants::words(f, 1);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params&, Rounding r, std::int32_t* out) {
    finish_constants::make(f, 1, 1.0, r, out, scale_product::rounded);
  }

  /// Index of the matrix of an operand that output batch `batch` reads.
  template <class A, class Y>
  static std::int64_t matrix_of(const A& a, const Y& y, std::int64_t batch) {
    std::int64_t index = 0;
    std::int64_t step = 1;
    for (int d = y.rank() - 3; d >= 0; --d) {
      const std::int64_t at = batch % y.extent(d);
      batch /= y.extent(d);
      const int da = d - (y.rank() - a.rank());
      if (da < 0) continue;
      if (a.extent(da) != 1) index += at * step;
      step *= a.extent(da);
    }
    return index;
  }

  /// Rows of the result, which pieces share.
  static constexpr int parts(const node_facts& f, const params&) {
    const shape& y = f.c.out(0).dims;
    return static_cast<int>(y.size() / y[y.rank() - 1]);
  }

  template <class Call>
  static void run(const Call& c) {
    using P = product_of<typename Call::template in_type<0>, typename Call::template in_type<1>>;
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto b = c.template in<2>();
    const auto y = c.out();
    const params& p = c.params();
    const std::int32_t rows = y.extent(y.rank() - 2);
    const std::int32_t columns = y.extent(y.rank() - 1);
    const std::int32_t depth = x.extent(x.rank() - (p.transpose_in0 ? 2 : 1));
    const std::int64_t batches = y.size() / (static_cast<std::int64_t>(rows) * columns);
    const std::int64_t data_row = p.transpose_in0 ? 1 : depth;
    const std::int64_t data_step = p.transpose_in0 ? rows : 1;
    const matrix_steps step = p.transpose_in1 ? matrix_steps{1, depth} : matrix_steps{columns, 1};
    const finish<Call> done(c, w.q->scales != nullptr);
    const slice mine = slice_of(c.piece, batches * rows);
    for (std::int64_t n = 0; n < batches; ++n) {
      const std::int64_t data = matrix_of(x, y, n) * rows * depth;
      const std::int64_t weights = matrix_of(w, y, n) * depth * columns;
      for (std::int32_t r = 0; r < rows; ++r) {
        if (!mine.holds(n * rows + r)) continue;
        dense_row<P>(done, x, data + r * data_row, data_step, w, weights, step, b, columns, depth,
                     (n * rows + r) * columns, P::fixed ? x.offset() : 0);
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
