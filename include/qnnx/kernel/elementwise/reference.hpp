// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of the two-operand element-wise family. Layer 5a.

#include "qnnx/kernel/epilogue.hpp"
#include "qnnx/op/elementwise_binary.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// Walks the output of a broadcast of two operands in row-major order: f(index, index in a, index in b).
template <class A, class B, class Y, class F>
void each_broadcast(const A& a, const B& b, const Y& y, F&& f) {
  const int rank = y.rank();
  std::array<std::int32_t, max_rank> at{};
  const std::int64_t n = y.size();
  for (std::int64_t index = 0; index < n; ++index) {
    std::int64_t ia = 0;
    std::int64_t ib = 0;
    for (int d = 0; d < rank; ++d) {
      const int da = d - (rank - a.rank());
      const int db = d - (rank - b.rank());
      const std::int32_t here = at[static_cast<std::size_t>(d)];
      if (da >= 0) ia = ia * a.extent(da) + (a.extent(da) == 1 ? 0 : here);
      if (db >= 0) ib = ib * b.extent(db) + (b.extent(db) == 1 ? 0 : here);
    }
    f(index, ia, ib);
    for (int d = rank - 1; d >= 0; --d) {
      if (++at[static_cast<std::size_t>(d)] < y.extent(d)) break;
      at[static_cast<std::size_t>(d)] = 0;
    }
  }
}

template <>
struct impl<op::elementwise_add, isa::reference> {
  using params = op::elementwise_add::params;

  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return is_fixed(f.c.out(0).type) ? 2 + add_constants_words : 0;
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params&, Rounding r, std::int32_t* out) {
    const dtype t = f.c.out(0).type;
    if (!is_fixed(t)) return;
    const bounds b = activation_bounds(t, f.epi.act, f.epi.lo, f.epi.hi, f.out[0].scale, f.out[0].offset);
    out[0] = b.lo;
    out[1] = b.hi;
    make_add_constants(f.in[0].scale, f.in[1].scale, f.out[0].scale, bits_of(t), r, out + 2);
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params&, int input) {
    return elementwise_overlap(f.c, input);
  }
  static constexpr int independent_dims(const node_facts& f, const params&) { return every_dim(f); }
  template <class Call>
  static void run(const Call& c) {
    const auto a = c.template in<0>();
    const auto b = c.template in<1>();
    const auto y = c.out();
    using T = typename Call::out_type;
    each_broadcast(a, b, y, [&](std::int64_t i, std::int64_t ia, std::int64_t ib) {
      if constexpr (is_fixed_v<T>) {
        const std::int32_t* k = c.constants();
        y.store(i, add_quantized(a.load(ia) + a.offset(), b.load(ib) + b.offset(), k + 2, y.zero(), k[0], k[1],
                                 bits_of(T::code), c.rounding()));
      } else if constexpr (is_float_v<T>) {
        y.store(i, activate(a.load(ia) + b.load(ib), c.epi().act, c.epi().lo, c.epi().hi));
      } else {
        y.store(i, a.load(ia) + b.load(ib));
      }
    });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
