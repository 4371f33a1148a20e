// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernel of ElementWiseSelect: the chosen element as it is, or, where encodings differ, brought to the
// output's as Concat does it. Layer 5a.

#include "qnnx/kernel/movement/join.hpp"
#include "qnnx/op/select.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::elementwise_select, isa::reference> {
  static constexpr std::int64_t constant_words(const node_facts& f, const no_params&) {
    return is_fixed(f.c.out(0).type) ? 2 * rescale_words::count : 0;
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const no_params&, Rounding r, std::int32_t* out) {
    if (!is_fixed(f.c.out(0).type)) return;
    for (int i = 0; i < 2; ++i) rescale_words::make(f.in[i + 1], f.out[0], false, r, out + rescale_words::count * i);
  }
  static constexpr std::int64_t overlap(const node_facts& f, const no_params&, int input) {
    return elementwise_overlap(f.c, input);
  }
  static constexpr int independent_dims(const node_facts& f, const no_params&) { return every_dim(f); }

  /// Steps of an operand along the output's axes; 0 where it broadcasts.
  template <class X, class Y>
  static std::array<std::int64_t, max_rank> steps(const X& x, const Y& y) {
    std::array<std::int64_t, max_rank> s{};
    std::int64_t step = 1;
    for (int d = x.rank() - 1; d >= 0; --d) {
      if (x.extent(d) != 1) s[static_cast<std::size_t>(d + y.rank() - x.rank())] = step;
      step *= x.extent(d);
    }
    return s;
  }

  template <class Call>
  static void run(const Call& c) {
    const auto which = c.template in<0>();
    const auto a = c.template in<1>();
    const auto b = c.template in<2>();
    const auto y = c.out();
    using T = typename Call::out_type;
    const auto sw = steps(which, y);
    const auto sa = steps(a, y);
    const auto sb = steps(b, y);
    std::array<std::int32_t, max_rank> at{};
    for (std::int64_t i = 0, n = y.size(); i < n; ++i) {
      std::int64_t iw = 0;
      std::int64_t ia = 0;
      std::int64_t ib = 0;
      for (int d = 0; d < y.rank(); ++d) {
        const auto k = static_cast<std::size_t>(d);
        iw += at[k] * sw[k];
        ia += at[k] * sa[k];
        ib += at[k] * sb[k];
      }
      const bool first = which.load(iw) != 0;
      if constexpr (is_fixed_v<T>) {
        const std::int32_t* k = c.constants() + (first ? 0 : rescale_words::count);
        const auto q = static_cast<std::int32_t>(first ? a.load(ia) : b.load(ib));
        y.store(i, k[0] == rescale_words::copy
                       ? q
                       : rescale_words::apply<T>(q, first ? *a.q : *b.q, *y.q, k, c.rounding()));
      } else {
        y.data[i] = first ? a.data[ia] : b.data[ib];
      }
      for (int d = y.rank() - 1; d >= 0; --d) {
        if (++at[static_cast<std::size_t>(d)] < y.extent(d)) break;
        at[static_cast<std::size_t>(d)] = 0;
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
