// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernel of FullyConnected. Layer 5a.

#include "qnnx/kernel/convolution/dense.hpp"
#include "qnnx/op/fully_connected.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::fully_connected, isa::reference> {
  using params = op::fully_connected::params;

  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return finish_constants::words(f, 1);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params&, Rounding r, std::int32_t* out) {
    finish_constants::make(f, 1, 1.0, r, out, scale_product::always_exact);
  }
  /// A row of outputs is written while its row of inputs is read again and again.
  static constexpr std::int64_t overlap(const node_facts& f, const params&, int input) {
    if (input != 0) return -1;
    const std::int64_t rows = f.c.dims(0).size() / f.c.dims(1)[1];
    const std::int64_t in_row = byte_size(f.c.in(0)) / rows;
    const std::int64_t out_row = byte_size(f.c.out(0)) / rows;
    const std::int64_t last = rows * out_row - (rows - 1) * in_row;
    return last > out_row ? last : out_row;
  }

  static constexpr int parts(const node_facts& f, const params&) {
    return static_cast<int>(f.c.dims(0).size() / f.c.dims(1)[1]);
  }

  template <class Call>
  static void run(const Call& c) {
    using P = product_of<typename Call::template in_type<0>, typename Call::template in_type<1>>;
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto b = c.template in<2>();
    const std::int32_t columns = w.extent(0);
    const std::int32_t depth = w.extent(1);
    const std::int64_t rows = x.size() / depth;
    const finish<Call, true> done(c, w.q->scales != nullptr);
    const slice mine = slice_of(c.piece, rows);
    for (std::int64_t r = mine.from; r < mine.to; ++r)
      dense_row<P>(done, x, r * depth, 1, w, 0, {1, depth}, b, columns, depth, r * columns, P::fixed ? x.offset() : 0);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
