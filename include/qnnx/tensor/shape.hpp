// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sizes of a tensor. `shape` is a value (rank and dims known at run time or in constant evaluation); `extents`
// is the same as a type, where each size may be a constant or `dynamic`. Both answer rank(), extent(i), size();
// kernels are written once against that interface. Row-major: the last dimension varies fastest. Layer 3.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "qnnx/base/text.hpp"

namespace qnnx::inline QNNX_ABI {

struct shape {
  std::array<std::int32_t, max_rank> dims{};
  std::int32_t count = 0;  // rank

  constexpr shape() = default;
  constexpr shape(std::initializer_list<std::int32_t> list) {
    for (std::int32_t d : list)
      if (count < max_rank) dims[static_cast<std::size_t>(count++)] = d;
  }
  constexpr int rank() const { return count; }
  constexpr std::int32_t extent(int i) const { return dims[static_cast<std::size_t>(i)]; }
  constexpr std::int32_t operator[](int i) const { return dims[static_cast<std::size_t>(i)]; }
  constexpr std::int32_t& operator[](int i) { return dims[static_cast<std::size_t>(i)]; }
  constexpr void push_back(std::int32_t d) { dims[static_cast<std::size_t>(count++)] = d; }
  /// Number of elements; 1 for rank 0.
  constexpr std::int64_t size() const {
    std::int64_t n = 1;
    for (int i = 0; i < count; ++i) n *= (*this)[i];
    return n;
  }
  /// Product of the dims in [first, last).
  constexpr std::int64_t product(int first, int last) const {
    std::int64_t n = 1;
    for (int i = first; i < last; ++i) n *= (*this)[i];
    return n;
  }
  friend constexpr bool operator==(const shape& a, const shape& b) {
    if (a.count != b.count) return false;
    for (int i = 0; i < a.count; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }
};

constexpr text& operator<<(text& t, const shape& s) {
  t << "[";
  for (int i = 0; i < s.rank(); ++i) {
    if (i) t << ",";
    t << s[i];
  }
  return t << "]";
}
constexpr text to_text(const shape& s) {
  text t;
  t << s;
  return t;
}

inline constexpr std::int32_t dynamic = -1;

namespace detail {
template <std::int32_t... Ds>
inline constexpr bool all_static = ((Ds != dynamic) && ...);
}

/// Compile-time rank; each extent a constant or `dynamic` (then kept as a value). All-static extents are empty.
template <std::int32_t... Ds>
struct extents {
  static constexpr bool is_static = detail::all_static<Ds...>;
  static constexpr std::array<std::int32_t, sizeof...(Ds) + 1> fixed{Ds..., 0};
  struct nothing {};
  [[no_unique_address]] std::conditional_t<is_static, nothing, shape> value{};

  constexpr extents() = default;
  constexpr explicit extents(const shape& s) {
    if constexpr (!is_static) value = s;
  }
  static constexpr int rank() { return static_cast<int>(sizeof...(Ds)); }
  constexpr std::int32_t extent(int i) const {
    if constexpr (is_static) return fixed[static_cast<std::size_t>(i)];
    else return fixed[static_cast<std::size_t>(i)] != dynamic ? fixed[static_cast<std::size_t>(i)] : value[i];
  }
  constexpr std::int32_t operator[](int i) const { return extent(i); }
  constexpr std::int64_t product(int first, int last) const {
    std::int64_t n = 1;
    for (int i = first; i < last; ++i) n *= extent(i);
    return n;
  }
  constexpr std::int64_t size() const { return product(0, rank()); }
};

/// Names of the channel-last dimensions: `x.extent(nhwc::c)`.
struct nhwc { enum : int { n = 0, h = 1, w = 2, c = 3 }; };
/// Convolution weights [kh, kw, Ci/group, Co].
struct hwio { enum : int { h = 0, w = 1, i = 2, o = 3 }; };

}  // namespace qnnx::inline QNNX_ABI
