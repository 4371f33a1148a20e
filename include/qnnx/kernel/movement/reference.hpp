// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of ops that only move data. Layer 5a.

#include "qnnx/kernel/contract.hpp"
#include "qnnx/op/reshape.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::reshape, isa::reference> {
  static constexpr std::int64_t overlap(const node_facts& f, const op::reshape::params&, int input) {
    return elementwise_overlap(f.c, input);
  }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    if (static_cast<const void*>(x.data) == static_cast<const void*>(y.data)) return;
    for (std::int64_t i = 0, n = y.size(); i < n; ++i) y.data[i] = x.data[i];
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
