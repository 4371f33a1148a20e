// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseDivide and ElementWiseSquaredDifference of bytes, and the latter of floats, on vectors V in the reference's
// operations on doubles, its bits. Layer 5a.

#include "qnnx/kernel/elementwise/broadcast_rows.hpp"
#include "qnnx/kernel/x86/halves.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// What combines the numbers of two vectors of bytes into those of the results.
template <class V>
struct real_combination {
  using words = typename V::words;
  using doubles = typename V::doubles;
  doubles unit_a, unit_b, unit_y;
  real_rounding<V> round;
  bool divides;

  template <class A, class B, class Y>
  real_combination(const A& a, const B& b, const Y& y, rounding_mode mode, bool divide)
      : unit_a(V::all(static_cast<double>(a.scale()))), unit_b(V::all(static_cast<double>(b.scale()))), unit_y(V::all(static_cast<double>(y.scale()))), round(mode), divides(divide) {}
  QNNX_INLINE words operator()(words p, words q) const {
    return by_doubles<V>(p, q, [&](doubles a, doubles b) {
      const doubles x = V::mul(a, unit_a), z = V::mul(b, unit_b), apart = V::sub(x, z);
      return round(V::div(divides ? V::div(x, z) : V::mul(apart, apart), unit_y));
    });
  }
};

/// (a - b)^2 in double, rounded to float, and the activation.
template <class V>
QNNX_INLINE void squared_differences(const float* a, bool fixed_a, const float* b, bool fixed_b, float* y, std::int64_t n, const epilogue& e) {
  V::each_doubles(n, [&](std::int64_t i, auto part) {
    const auto p = fixed_a ? V::all(static_cast<double>(*a)) : V::load_widened(part, a + i);
    const auto apart = V::sub(p, fixed_b ? V::all(static_cast<double>(*b)) : V::load_widened(part, b + i));
    V::store_narrowed(part, y + i, V::mul(apart, apart));
  });
  if (e.act != activation::none) V::each(n, [&](std::int64_t i, auto part) { V::store(part, y + i, V::activate(V::load(part, y + i), e.act, e.lo, e.hi)); });
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
