// SPDX-License-Identifier: Apache-2.0
#pragma once
// Ranges from what calibration saw. Each method is a pure function of a histogram (min-max needs only its ends):
//   min-max     the observed range
//   percentile  cuts 1 - p/100 of the mass from each end
//   sqnr        the scale and offset with the least squared error, clipped error counted three times (AIMET's
//               TF-Enhanced analyzer: 17 x 21 asymmetric candidates, 101 symmetric ones)
//   mse         the pair of ends with the least squared error, over 48 x 48 thinned edges
// Sources: aimet ModelOptimizations/DlQuantization (BSD-3). Layer 2, no heap.

#include <string_view>

#include "qnnx/quant/histogram.hpp"

namespace qnnx::inline QNNX_ABI {

enum class calibration : unsigned char { min_max, percentile, sqnr, mse };

constexpr std::string_view to_string(calibration c) {
  switch (c) {
    case calibration::min_max: return "min-max";
    case calibration::percentile: return "percentile";
    case calibration::sqnr: return "sqnr";
    case calibration::mse: return "mse";
  }
  return "?";
}

namespace detail {

/// Squared error of the whole histogram under a grid; values that are clipped weigh `clip_weight` times.
template <int Bins>
constexpr double grid_error(const basic_histogram<Bins>& h, const grid& g, double clip_weight) {
  const double lo = g.lo() - static_cast<double>(g.scale) / 2;
  const double hi = g.hi() + static_cast<double>(g.scale) / 2;
  double cost = 0;
  for (int i = 0; i < Bins; ++i) {
    if (h.counts[static_cast<std::size_t>(i)] == 0) continue;
    const double x = h.centre(i);
    const double e = x - round_trip(x, g);
    cost += h.mass(i) * e * e * (x < lo || x > hi ? clip_weight : 1.0);
  }
  return cost;
}

/// Ends of the bins that hold anything, with 0.
template <int Bins>
constexpr real_range occupied(const basic_histogram<Bins>& h) {
  real_range r{};
  for (int i = 0; i < Bins; ++i)
    if (h.counts[static_cast<std::size_t>(i)] != 0) r = hull(r, {h.left(i), h.right(i)});
  return r;
}

/// Keeps the candidate range if it costs less.
struct cheapest {
  real_range best{};
  double cost = -1;
  constexpr void offer(real_range r, double c) {
    if (cost < 0 || c < cost) {
      best = r;
      cost = c;
    }
  }
};

}  // namespace detail

template <int Bins>
constexpr real_range percentile_range(const basic_histogram<Bins>& h, double percent) {
  const double tail = 1.0 - percent / 100.0;
  if (h.total == 0 || percent >= 100.0) return detail::occupied(h);
  real_range r{h.lo, h.hi};
  double mass = 0;
  for (int i = 0; i < Bins; ++i) {
    mass += h.mass(i);
    if (mass >= tail && h.counts[static_cast<std::size_t>(i)] != 0) {
      r.lo = h.left(i);
      break;
    }
  }
  mass = 0;
  for (int i = Bins; i-- > 0;) {
    mass += h.mass(i);
    if (mass > tail && h.counts[static_cast<std::size_t>(i)] != 0) {
      r.hi = h.right(i);
      break;
    }
  }
  return hull(r, {0, 0});
}

template <int Bins>
constexpr real_range sqnr_range(const basic_histogram<Bins>& h, schema s, int bits) {
  constexpr double clip_weight = 3.0;
  const real_range seen = detail::occupied(h);
  if (seen.hi - seen.lo <= 0) return {-1, 1};
  detail::cheapest pick;
  pick.offer(seen, detail::grid_error(h, encode_range(seen, s, bits), clip_weight));
  const auto steps = static_cast<double>((std::int64_t{1} << bits) - 1);
  if (is_symmetric(s)) {
    const double most = -seen.lo > seen.hi ? -seen.lo : seen.hi;
    for (int k = 1; k <= 101; ++k) {
      const real_range r{-most * k / 100, most * k / 100};
      pick.offer(r, detail::grid_error(h, encode_range(r, s, bits), clip_weight));
    }
    return pick.best;
  }
  for (int f = 1; f <= 17; ++f)
    for (int i = 0; i <= 20; ++i) {
      const double step = (seen.hi - seen.lo) / steps * f / 16;
      const double offset = -steps + steps / 20 * i;
      real_range r{step * offset, step * (offset + steps)};
      if (r.lo < seen.lo) r.lo = seen.lo;
      if (r.hi > seen.hi) r.hi = seen.hi;
      pick.offer(r, detail::grid_error(h, encode_range(r, s, bits), clip_weight));
    }
  return pick.best;
}

template <int Bins>
constexpr real_range mse_range(const basic_histogram<Bins>& h, schema s, int bits) {
  constexpr int candidates = 48;
  const real_range seen = detail::occupied(h);
  detail::cheapest pick;
  if (is_symmetric(s)) {
    const double most = -seen.lo > seen.hi ? -seen.lo : seen.hi;
    for (int k = 1; k <= 2 * candidates; ++k) {
      const real_range r{-most * k / (2 * candidates), most * k / (2 * candidates)};
      pick.offer(r, detail::grid_error(h, encode_range(r, s, bits), 1.0));
    }
    return pick.best;
  }
  const int lows = seen.lo < 0 ? candidates : 0;
  const int highs = seen.hi > 0 ? candidates : 0;
  for (int a = lows ? 1 : 0; a <= lows; ++a)
    for (int b = highs ? 1 : 0; b <= highs; ++b) {
      const real_range r{lows ? seen.lo * a / candidates : 0, highs ? seen.hi * b / candidates : 0};
      pick.offer(r, detail::grid_error(h, encode_range(r, s, bits), 1.0));
    }
  return pick.best;
}

/// A range by method; `percent` is read by percentile only.
template <int Bins>
constexpr real_range calibrated_range(const basic_histogram<Bins>& h, calibration how, schema s, int bits,
                                      double percent) {
  switch (how) {
    case calibration::percentile: return percentile_range(h, percent);
    case calibration::sqnr: return sqnr_range(h, s, bits);
    case calibration::mse: return mse_range(h, s, bits);
    case calibration::min_max: break;
  }
  return detail::occupied(h);
}

}  // namespace qnnx::inline QNNX_ABI
