// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one loop behind most data movement: copies elements along a nest of axes, each with a step in the source and a
// step in the target. Values are moved as bytes of an element size, so all datatypes of one size share the code.
// Layer 5a.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "qnnx/kernel/contract.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// A nest of axes, outermost first; steps and starts count elements.
struct walk {
  struct axis {
    std::int64_t extent = 1;
    std::int64_t from = 0;  // step in the source
    std::int64_t to = 0;    // step in the target
  };
  std::array<axis, 2 * max_rank> axes{};
  int rank = 0;
  std::int64_t source = 0;
  std::int64_t target = 0;

  /// Adds an inner axis; an axis that continues the one outside it is joined with it.
  constexpr void add(std::int64_t extent, std::int64_t from, std::int64_t to) {
    if (extent == 1) return;
    if (rank > 0) {
      axis& outer = axes[static_cast<std::size_t>(rank - 1)];
      if (outer.from == from * extent && outer.to == to * extent) {
        outer = {outer.extent * extent, from, to};
        return;
      }
    }
    axes[static_cast<std::size_t>(rank++)] = {extent, from, to};
  }
};

/// Elements between neighbours of axis d in row-major order.
template <class Extents>
constexpr std::int64_t step_of(const Extents& e, int d) {
  return e.product(d + 1, e.rank());
}

template <int Size>
QNNX_INLINE void copy_element(std::byte* to, const std::byte* from) {
  std::memcpy(to, from, static_cast<std::size_t>(Size));
}

/// Runs a walk over elements of Size bytes. Source and target may not overlap.
template <int Size>
QNNX_NOINLINE void copy_walk(std::byte* target, const std::byte* source, const walk& w) {
  walk::axis inner{1, 1, 1};
  int outer = w.rank;
  if (outer > 0) inner = w.axes[static_cast<std::size_t>(--outer)];
  std::array<std::int64_t, 2 * max_rank> at{};
  std::int64_t from = w.source;
  std::int64_t to = w.target;
  for (;;) {
    if (inner.from == 1 && inner.to == 1) {
      std::memcpy(target + to * Size, source + from * Size, static_cast<std::size_t>(inner.extent * Size));
    } else {
      for (std::int64_t i = 0; i < inner.extent; ++i)
        copy_element<Size>(target + (to + i * inner.to) * Size, source + (from + i * inner.from) * Size);
    }
    int d = outer - 1;
    for (; d >= 0; --d) {
      const walk::axis& a = w.axes[static_cast<std::size_t>(d)];
      from += a.from;
      to += a.to;
      if (++at[static_cast<std::size_t>(d)] < a.extent) break;
      from -= a.from * a.extent;
      to -= a.to * a.extent;
      at[static_cast<std::size_t>(d)] = 0;
    }
    if (d < 0) return;
  }
}

/// Fills n elements with the Size bytes at `value`.
template <int Size>
QNNX_NOINLINE void fill(std::byte* target, std::int64_t n, const std::byte* value) {
  for (std::int64_t i = 0; i < n; ++i) copy_element<Size>(target + i * Size, value);
}

template <class View>
QNNX_INLINE const std::byte* bytes_in(const View& v) {
  return reinterpret_cast<const std::byte*>(v.data);
}
template <class View>
QNNX_INLINE std::byte* bytes_out(const View& v) {
  return reinterpret_cast<std::byte*>(v.data);
}
template <class View>
inline constexpr int element_size = static_cast<int>(sizeof(typename View::type::storage));

/// Whether the first value of a walk from x stands where the walk takes it: the plan then put all of it there
/// (ir/views.hpp), and nothing is to be copied.
template <class X, class Y>
QNNX_INLINE bool stands(const X& x, const Y& y, const walk& w) {
  return bytes_in(x) + w.source * element_size<Y> == bytes_out(y) + w.target * element_size<Y>;
}

/// Copies view x to view y along w.
template <class X, class Y>
QNNX_INLINE void move_along(const X& x, const Y& y, const walk& w) {
  copy_walk<element_size<Y>>(bytes_out(y), bytes_in(x), w);
}

/// The stored form of a real number in a view's type and encoding (rounded by r, clamped), as bytes.
template <class View, class Rounding>
struct stored_real {
  typename View::type::storage value{};
  stored_real(const View& v, double real, Rounding r) {
    using T = typename View::type;
    if constexpr (is_fixed_v<T>) {
      const double scale = v.q->scale > 0 ? static_cast<double>(v.q->scale) : 1.0;
      const std::int64_t q = round_real(real / scale, r) - v.q->offset;
      value = static_cast<typename T::storage>(clamp<std::int64_t>(q, min_value(T::code), max_value(T::code)));
    } else if constexpr (is_float_v<T>) {
      value = static_cast<typename T::storage>(static_cast<float>(real));
    } else if constexpr (T::code == dtype::bool_8) {
      value = real != 0 ? 1 : 0;
    } else {
      const std::int64_t q = round_real(real, r);
      value = saturate<typename T::storage>(q);
    }
  }
  const std::byte* bytes() const { return reinterpret_cast<const std::byte*>(&value); }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
