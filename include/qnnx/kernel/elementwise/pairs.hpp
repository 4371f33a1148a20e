// SPDX-License-Identifier: Apache-2.0
#pragma once
// Two element-wise operands as two nested loops: both of the output's shape, or one of them whole and the other a single
// element, a row that is repeated ([C] or [N,1,1,C] of [N,H,W,C]), or one element for each row ([N,H,W,1]). Other
// broadcasts are the reference's. For instruction sets whose kernels go along rows. Layer 5a.

#include "qnnx/kernel/code_parts.hpp"
#include "qnnx/tensor/shape.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// How an operand is walked: `step` after an element, `jump` after `inner` of them.
struct pair_operand {
  std::int32_t inner = 0;  // 0: in no such way
  std::int32_t step = 1;
  std::int32_t jump = 0;

  constexpr pair_operand() = default;
  constexpr pair_operand(const shape& x, const shape& y) {
    const auto n = static_cast<std::int32_t>(y.size()), size = static_cast<std::int32_t>(x.size());
    const int lead = y.rank() - x.rank();
    const auto of_x = [&](int d) { return d < lead ? 1 : x[d - lead]; };
    if (size == n || size == 1) {
      inner = n;
      step = size == n ? 1 : 0;
      return;
    }
    int from = 0, to = y.rank();
    while (of_x(from) == 1) ++from;    // of_x is not 1 everywhere: size is not 1
    while (of_x(to - 1) == 1) --to;
    for (int d = from; d < to; ++d)
      if (of_x(d) != y[d]) return;
    const auto before = static_cast<std::int32_t>(y.product(0, from)), after = static_cast<std::int32_t>(y.product(to, y.rank()));
    if (after == 1) {
      inner = size;
      jump = -size;
    } else if (before == 1) {
      inner = after;
      step = 0;
      jump = 1;
    }
  }
};

struct pair_walk {
  std::int32_t inner = 0, outer = 0;
  pair_operand a, b;

  constexpr pair_walk(const shape& sa, const shape& sb, const shape& sy) {
    const auto n = static_cast<std::int32_t>(sy.size());
    if (config::embedded_packed && !needs<code_part::repeated>) {  // takes() knows that both have the output's shape
      inner = n;
      outer = 1;
      return;
    }
    a = pair_operand(sa, sy);
    b = pair_operand(sb, sy);
    const bool whole_a = sa.size() == n, whole_b = sb.size() == n;
    if (n == 0 || a.inner == 0 || b.inner == 0 || !(whole_a || whole_b)) return;
    inner = whole_a ? b.inner : a.inner;
    outer = n / inner;
  }
  constexpr bool fits() const { return inner > 0; }
  constexpr bool one_shape() const { return inner > 0 && outer == 1 && a.step == 1 && b.step == 1; }
  constexpr unsigned code_parts() const { return bit(one_shape() ? code_part::one_shape : code_part::repeated); }
};

/// to[i] = f(a[i], b[i]) as storage, element by element, in the forms that the model needs.
template <class T, class F>
QNNX_INLINE void each_pair(const pair_walk& w, const T* a, const T* b, T* to, F&& f) {
  if (needs<code_part::one_shape> && (!needs<code_part::repeated> || w.one_shape())) {
    for (std::int32_t n = w.inner; n > 0; --n) *to++ = static_cast<T>(f(std::int32_t{*a++}, std::int32_t{*b++}));
  } else if constexpr (needs<code_part::repeated>) {
    for (std::int32_t k = w.outer; k > 0; --k, a += w.a.jump, b += w.b.jump)
      for (std::int32_t n = w.inner; n > 0; --n, a += w.a.step, b += w.b.step)
        *to++ = static_cast<T>(f(std::int32_t{*a}, std::int32_t{*b}));
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel
