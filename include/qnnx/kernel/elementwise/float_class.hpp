// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of IsNan (x != x) and IsInf (beyond the largest finite number). Layer 5a.

#include <limits>

#include "qnnx/kernel/contract.hpp"
#include "qnnx/op/float_class.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::is_nan, isa::reference> {
  static constexpr std::int64_t overlap(const node_facts& f, const op::is_nan::params&, int input) {
    return elementwise_overlap(f.c, input);
  }
  static constexpr int independent_dims(const node_facts& f, const op::is_nan::params&) { return every_dim(f); }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    for (std::int64_t i = 0, n = y.size(); i < n; ++i) y.store(i, x.load(i) != x.load(i));
  }
};
template <>
struct impl<op::is_inf, isa::reference> {
  static constexpr std::int64_t overlap(const node_facts& f, const op::is_inf::params&, int input) {
    return elementwise_overlap(f.c, input);
  }
  static constexpr int independent_dims(const node_facts& f, const op::is_inf::params&) { return every_dim(f); }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    constexpr float largest = std::numeric_limits<float>::max();
    for (std::int64_t i = 0, n = y.size(); i < n; ++i)
      y.store(i, (c.params().detect_positive && x.load(i) > largest) ||
                     (c.params().detect_negative && x.load(i) < -largest));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
