// SPDX-License-Identifier: Apache-2.0
#pragma once
// The broadcast of two operands as rows for kernels with vectors: along a row each operand is contiguous or constant.
// Layer 5a.

#include "qnnx/kernel/contract.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// The longest stretch of the output along which each operand is contiguous or one element.
struct broadcast_rows {
  std::int64_t length = 1;
  int rank = 0;  // leading dimensions that are walked
  bool fixed_a = false, fixed_b = false;

  template <class A, class B, class Y>
  broadcast_rows(const A& a, const B& b, const Y& y) : rank(y.rank()) {
    const auto extent = [&](const auto& v, int d) {
      return d - (y.rank() - v.rank()) < 0 ? 1 : v.extent(d - (y.rank() - v.rank()));
    };
    bool first = true;
    for (int d = y.rank() - 1; d >= 0; --d) {
      if (y.extent(d) != 1) {
        const bool one_a = extent(a, d) == 1;
        const bool one_b = extent(b, d) == 1;
        if (!first && (one_a != fixed_a || one_b != fixed_b)) break;
        fixed_a = one_a;
        fixed_b = one_b;
        first = false;
      }
      length *= y.extent(d);
      rank = d;
    }
  }
  /// f(index, index in a, index in b) for every row.
  template <class A, class B, class Y, class F>
  void each(const A& a, const B& b, const Y& y, F&& f) const {
    std::array<std::int32_t, max_rank> at{};
    const std::int64_t n = y.size() / length;
    const std::int64_t step_a = fixed_a ? 1 : length;
    const std::int64_t step_b = fixed_b ? 1 : length;
    const bool one_row_a = a.size() == length;
    const bool one_row_b = b.size() == length;
    if (!fixed_a && !fixed_b && (one_row_a || a.size() == y.size()) && (one_row_b || b.size() == y.size())) {  // a row against all
      for (std::int64_t i = 0; i < y.size(); i += length) f(i, one_row_a ? 0 : i, one_row_b ? 0 : i);
      return;
    }
    for (std::int64_t row = 0; row < n; ++row) {
      std::int64_t ia = 0;
      std::int64_t ib = 0;
      for (int d = 0; d < rank; ++d) {
        const int da = d - (y.rank() - a.rank());
        const int db = d - (y.rank() - b.rank());
        const std::int32_t here = at[static_cast<std::size_t>(d)];
        if (da >= 0) ia = ia * a.extent(da) + (a.extent(da) == 1 ? 0 : here);
        if (db >= 0) ib = ib * b.extent(db) + (b.extent(db) == 1 ? 0 : here);
      }
      f(row * length, ia * step_a, ib * step_b);
      for (int d = rank - 1; d >= 0; --d) {
        if (++at[static_cast<std::size_t>(d)] < y.extent(d)) break;
        at[static_cast<std::size_t>(d)] = 0;
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
