// SPDX-License-Identifier: Apache-2.0
#pragma once
// A histogram with fixed edges: `Bins` equal bins over [lo, hi]; values outside go to the end bins. Calibration runs
// the data twice, first for the range and then for the bins, so that the edges are exact. Layer 2, no heap.

#include <array>
#include <cstddef>
#include <cstdint>

#include "qnnx/quant/range.hpp"

namespace qnnx::inline QNNX_ABI {

template <int Bins>
struct basic_histogram {
  static constexpr int bins = Bins;
  double lo = 0;
  double hi = 1;
  std::array<std::int64_t, static_cast<std::size_t>(Bins)> counts{};
  std::int64_t total = 0;

  constexpr basic_histogram() = default;
  constexpr explicit basic_histogram(real_range r) : lo(r.lo), hi(r.hi > r.lo ? r.hi : r.lo + least_range) {}

  constexpr double width() const { return (hi - lo) / Bins; }
  constexpr double left(int i) const { return lo + width() * i; }
  constexpr double right(int i) const { return lo + width() * (i + 1); }
  constexpr double centre(int i) const { return lo + width() * (i + 0.5); }
  constexpr double mass(int i) const {
    return total ? static_cast<double>(counts[static_cast<std::size_t>(i)]) / static_cast<double>(total) : 0.0;
  }
  constexpr void add(double x) {
    if (!(x - x == 0)) return;  // NaN and infinities say nothing about a range
    double at = (x - lo) / width();
    if (at < 0) at = 0;
    if (at > Bins - 1) at = Bins - 1;
    ++counts[static_cast<std::size_t>(at)];
    ++total;
  }
};

using histogram = basic_histogram<2048>;

}  // namespace qnnx::inline QNNX_ABI
