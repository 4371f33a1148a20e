// SPDX-License-Identifier: Apache-2.0
#pragma once
// Transpose of 8-, 16- and 32-bit elements on vectors V: where another axis becomes the innermost one, blocks go through
// registers; else rows are copied as the reference does. Layer 5a.

#include "qnnx/kernel/movement/rearrange.hpp"
#include "qnnx/kernel/x86/transpose.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// Runs a walk whose source is contiguous along another axis than its target. False: there is no such pair of axes.
template <class V, int Size>
bool transposing_walk(std::byte* target, const std::byte* source, const walk& w) {
  int a = -1;  // contiguous in the source
  int b = -1;  // contiguous in the target
  for (int i = 0; i < w.rank; ++i) {
    const walk::axis& x = w.axes[static_cast<std::size_t>(i)];
    if (x.from == 1) a = i;
    if (x.to == 1) b = i;
  }
  if (a < 0 || b < 0 || a == b) return false;
  const walk::axis row = w.axes[static_cast<std::size_t>(b)];
  const walk::axis column = w.axes[static_cast<std::size_t>(a)];
  walk rest;
  for (int i = 0; i < w.rank; ++i)
    if (i != a && i != b) rest.axes[static_cast<std::size_t>(rest.rank++)] = w.axes[static_cast<std::size_t>(i)];
  std::array<std::int64_t, 2 * max_rank> at{};
  std::int64_t from = w.source;
  std::int64_t to = w.target;
  for (;;) {
    for (std::int64_t c = 0; c < column.extent; c += 16)
      for (std::int64_t r = 0; r < row.extent; r += 16) {
        const int rows = static_cast<int>(row.extent - r < 16 ? row.extent - r : 16);
        const int columns = static_cast<int>(column.extent - c < 16 ? column.extent - c : 16);
        const std::byte* first = source + (from + r * row.from + c) * Size;
        std::byte* put = target + (to + c * column.to + r) * Size;
        if constexpr (Size == 1)
          transpose_bytes(V{}, first, row.from, rows, columns, put, column.to);
        else if constexpr (Size == 2)
          transpose_halves(first, row.from * 2, rows, columns, put, column.to * 2);
        else
          transpose_words(V{}, first, row.from * 4, rows, columns, put, column.to * 4);
      }
    int d = rest.rank - 1;
    for (; d >= 0; --d) {
      const walk::axis& x = rest.axes[static_cast<std::size_t>(d)];
      from += x.from;
      to += x.to;
      if (++at[static_cast<std::size_t>(d)] < x.extent) break;
      from -= x.from * x.extent;
      to -= x.to * x.extent;
      at[static_cast<std::size_t>(d)] = 0;
    }
    if (d < 0) return true;
  }
}

template <class V>
struct transpose_kernel : answers_as<op::transpose> {
  using reference = impl<op::transpose, isa::reference>;
  template <class Sig>
  static constexpr bool supports = sizeof(typename qnnx::detail::signature_types<Sig>::out::storage) <= 4;
  static constexpr int parts(const node_facts& f, const op::transpose::params& p) { return reference::parts(f, p); }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    bool nothing = false;
    const walk w = reference::walk_of(c, nothing);
    if (nothing) return;
    if (!transposing_walk<V, element_size<decltype(y)>>(bytes_out(y), bytes_in(x), w)) move_along(x, y, w);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
