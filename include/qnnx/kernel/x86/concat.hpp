// SPDX-License-Identifier: Apache-2.0
#pragma once
// Concat of 8- and 16-bit data on vectors V, the reference's bits: bytes with another encoding than the output go through a
// table of the reference's 256 results, made once per call, 16-bit values through doubles (halves.hpp); others are copied,
// or already stand in their place. Layer 5a.

#include "qnnx/kernel/movement/join.hpp"
#include "qnnx/kernel/x86/elements.hpp"
#include "qnnx/kernel/x86/halves.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class V>
struct concat_kernel : answers_as<op::concat> {
  template <class Sig>
  static constexpr bool supports = is_fixed_v<typename qnnx::detail::signature_types<Sig>::out> &&
                                   (bits_of(qnnx::detail::signature_types<Sig>::out::code) == 8 || is_half_data<typename qnnx::detail::signature_types<Sig>::out>);

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
      const bool small = x.size() < (is_half_data<T> ? V::half_lanes : 512);  // fewer than two tables' worth
      bool made = false;
      if constexpr (is_half_data<T>)
        if (k[0] != rescale_words::copy && !small) made = rescaled<T>(c, x, y, at, outer, length, row, k);
      if (made) {
        at += length;
        continue;
      }
      if (is_half_data<T> || k[0] == rescale_words::copy || small) {
        walk w;
        w.target = at;
        w.add(outer, length, row);
        w.add(length, 1, 1);
        if (!stands(x, y, w)) place(x, y, w, k, c.rounding());
      } else if constexpr (!is_half_data<T>) {
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

 private:
  /// 16-bit values brought to the output's encoding. False: the reference's way.
  template <class T, class Call, class X, class Y>
  static bool rescaled(const Call& c, const X& x, const Y& y, std::int64_t at, std::int64_t outer, std::int64_t length, std::int64_t row, const std::int32_t* k) {
    constexpr bool is_signed = is_signed_fixed(T::code);
    if (k[0] != rescale_words::integer || !has_real_zero(x) || !has_real_zero(y)) return false;
    const number_writer<V, is_signed> write(y.zero(), static_cast<std::int32_t>(min_value(T::code)), static_cast<std::int32_t>(max_value(T::code)));
    const auto offset = V::all(x.offset());
    return with_scale<V>({k[1], k[2]}, c.rounding().mode(), 0x1p16, [&](const auto& scale) {
      for (std::int64_t r = 0; r < outer; ++r)
        V::each_halves(length, [&](std::int64_t i, auto part) {
          const two_words<V> q = load_numbers<V, is_signed>(part, x.data + r * length + i);
          write(part, y.data + at + r * row + i, scale(V::add(q.even, offset)), scale(V::add(q.odd, offset)));
        });
    });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
