// SPDX-License-Identifier: Apache-2.0
#pragma once
// Concat of 8-bit data on vectors V, the reference's bits: an input with another encoding than the output goes through a
// table of the reference's 256 results, made once per call; others are copied, or already stand in their place. Layer 5a.

#include "qnnx/kernel/movement/join.hpp"
#include "qnnx/kernel/x86/elements.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class V>
struct concat_kernel : answers_as<op::concat> {
  template <class Sig>
  static constexpr bool supports = is_fixed_v<typename qnnx::detail::signature_types<Sig>::out> &&
                                   sizeof(typename qnnx::detail::signature_types<Sig>::out::storage) == 1 &&
                                   bits_of(qnnx::detail::signature_types<Sig>::out::code) == 8;

  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    constexpr auto lowest = static_cast<std::int32_t>(min_value(T::code));
    const auto y = c.out();
    const int axis = op::concat::axis_of(c.params(), y);
    const std::int64_t outer = y.ext.product(0, axis);
    const std::int64_t row = y.ext.product(axis, y.rank());
    std::int64_t at = 0;
    for (int i = 0; i < c.input_count(); ++i) {
      const auto x = c.in_at(i);
      const std::int64_t length = x.ext.product(axis, x.rank());
      const std::int32_t* k = c.constants() + rescale_words::count * i;
      if (k[0] == rescale_words::copy || x.size() < 512) {  // fewer than two tables' worth
        walk w;
        w.target = at;
        w.add(outer, length, row);
        w.add(length, 1, 1);
        if (!stands(x, y, w)) place(x, y, w, k, c.rounding());
      } else {
        alignas(64) std::uint8_t table[256];
        for (std::int32_t q = 0; q < 256; ++q)
          table[q] = static_cast<std::uint8_t>(rescale_words::apply<T>(q + lowest, *x.q, *y.q, k, c.rounding()));
        if (length == row || outer == 1) {
          look_up<V, T>(table, x.data, y.data + at, x.size());
        } else {
          for (std::int64_t r = 0; r < outer; ++r) look_up<V, T>(table, x.data + r * length, y.data + at + r * row, length);
        }
      }
      at += length;
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
