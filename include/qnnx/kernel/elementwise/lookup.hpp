// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernel of Lookup. Layer 5a.

#include "qnnx/kernel/contract.hpp"
#include "qnnx/op/lookup.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::lookup, isa::reference> {
  static constexpr std::int64_t overlap(const node_facts& f, const no_params&, int input) {
    return input == 0 ? elementwise_overlap(f.c, 0) : -1;
  }
  /// All but the last: broadcasts are aligned there, and the table is none.
  static constexpr int independent_dims(const node_facts& f, const no_params&) { return every_dim(f) - 1; }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto table = c.template in<1>();
    const auto y = c.out();
    constexpr auto lowest = static_cast<std::int32_t>(min_value(Call::template in_type<0>::code));
    for (std::int64_t i = 0, n = y.size(); i < n; ++i) y.data[i] = table.data[x.load(i) - lowest];
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
