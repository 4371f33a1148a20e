// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of OneHot, CumulativeSum and TopK. Running sums: floats in double, in order, rounded at each store;
// quantized exact in int64, q = clamp(zero + round(sum * s_in / s_out)). Layer 5a.

#include "qnnx/kernel/indexing/gather.hpp"
#include "qnnx/op/indexing.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::one_hot, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    const auto i = c.template in<0>();
    const auto y = c.out();
    const op::one_hot::params& p = c.params();
    const int axis = op::one_hot::axis_of(p, i);
    const std::int64_t inner = i.ext.product(axis, i.rank());
    constexpr int size = element_size<decltype(y)>;
    const stored_real off(y, static_cast<double>(p.off_value), c.rounding());
    const stored_real on(y, static_cast<double>(p.on_value), c.rounding());
    fill<size>(bytes_out(y), y.size(), off.bytes());
    const index_list list = indices_of(i);
    for (std::int64_t k = 0, n = i.size(); k < n; ++k) {
      const std::int64_t hot = list.place(k, p.depth);
      if (hot >= 0)
        copy_element<size>(bytes_out(y) + ((k / inner * p.depth + hot) * inner + k % inner) * size, on.bytes());
    }
  }
};

template <>
struct impl<op::cumulative_sum, isa::reference> {
  using params = op::cumulative_sum::params;
  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return is_fixed(f.c.out(0).type) ? 2 : 0;
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params&, Rounding r, std::int32_t* out) {
    if (!is_fixed(f.c.out(0).type)) return;
    const multiplier m = make_multiplier(static_cast<double>(f.in[0].scale) / static_cast<double>(f.out[0].scale), r);
    out[0] = m.mantissa;
    out[1] = m.exponent;
  }
  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const params& p = c.params();
    const int axis = static_cast<int>(p.axis);
    const std::int64_t n = x.extent(axis);
    const std::int64_t inner = step_of(x.ext, axis);
    const auto store = [&](std::int64_t i, auto sum) {
      if constexpr (is_fixed_v<T>) {
        y.store(i, requantize(sum, multiplier{c.constants()[0], c.constants()[1]}, y.zero(),
                              static_cast<std::int32_t>(min_value(T::code)),
                              static_cast<std::int32_t>(max_value(T::code)), c.rounding()));
      } else if constexpr (is_float_v<T>) {
        y.store(i, static_cast<float>(sum));
      } else {
        y.store(i, static_cast<typename T::storage>(sum));  // wraps
      }
    };
    for (std::int64_t line = 0, lines = x.size() / n; line < lines; ++line) {
      const std::int64_t first = line / inner * inner * n + line % inner;
      std::conditional_t<is_float_v<T>, double, std::conditional_t<is_fixed_v<T>, std::int64_t, std::uint64_t>> sum = 0;
      for (std::int64_t k = 0; k < n; ++k) {
        const std::int64_t i = first + (p.reverse ? n - 1 - k : k) * inner;
        if (p.exclusive) store(i, sum);
        if constexpr (is_fixed_v<T>)
          sum += static_cast<std::int64_t>(x.load(i)) + x.offset();
        else if constexpr (is_float_v<T>)
          sum += static_cast<double>(x.load(i));
        else
          sum += static_cast<std::uint64_t>(x.load(i));
        if (!p.exclusive) store(i, sum);
      }
    }
  }
};

template <>
struct impl<op::top_k, isa::reference> {
  using params = op::top_k::params;
  /// Repeated search for the next one in order: k * n comparisons, no scratch.
  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const params& p = c.params();
    const std::int64_t n = x.extent(x.rank() - 1);
    const auto k = static_cast<std::int64_t>(p.k);
    std::byte* indices = c.output_count() > 1 ? c.m.at(c.s.outputs[1].at) : nullptr;
    const auto before = [&](std::int64_t a, std::int64_t b) {  // a comes before b
      const auto va = x.load(a);
      const auto vb = x.load(b);
      if constexpr (is_float_v<T>) {
        const bool na = !(va == va);
        const bool nb = !(vb == vb);
        if (na != nb) return na == p.largest;  // NaN counts as the largest
        if (na && nb) return a < b;
      }
      return va == vb ? a < b : p.largest ? va > vb : va < vb;
    };
    for (std::int64_t row = 0, rows = x.size() / n; row < rows; ++row) {
      std::int64_t last = -1;
      for (std::int64_t j = 0; j < k; ++j) {
        std::int64_t best = -1;
        for (std::int64_t i = row * n; i < (row + 1) * n; ++i)
          if ((last < 0 || before(last, i)) && (best < 0 || before(i, best))) best = i;
        y.data[row * k + j] = x.data[best];
        const auto index = static_cast<std::int32_t>(best - row * n);
        if (indices) std::memcpy(indices + (row * k + j) * 4, &index, 4);
        last = best;
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
