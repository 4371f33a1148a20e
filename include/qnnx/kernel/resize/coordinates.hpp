// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where an output index of one axis lies in the input, and which input elements it is made of. A coordinate is an exact
// fraction, so that ties and whole numbers are what they are; weights are rounded once from it, to float, or to
// fixed point with 15 bits that sum to 1 exactly. Layer 5a.

#include "qnnx/numeric/rounding.hpp"
#include "qnnx/numeric/saturate.hpp"
#include "qnnx/op/resize.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

inline constexpr int resize_weight_bits = 15;

/// numerator / denominator, denominator > 0.
struct coordinate {
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;

  constexpr std::int64_t floor() const {
    return numerator >= 0 ? numerator / denominator : -((-numerator + denominator - 1) / denominator);
  }
  constexpr std::int64_t ceil() const { return -coordinate{-numerator, denominator}.floor(); }
  /// The part behind the floor, in [0, 1), as a double: one rounding.
  constexpr double fraction() const {
    return static_cast<double>(numerator - floor() * denominator) / static_cast<double>(denominator);
  }
};

constexpr coordinate resize_coordinate(std::int64_t i, std::int64_t in, std::int64_t out, op::resize_transformation t) {
  switch (t) {
    case op::resize_transformation::half_pixel:
      return {(2 * i + 1) * in - out, 2 * out};
    case op::resize_transformation::pytorch_half_pixel:
      return out > 1 ? coordinate{(2 * i + 1) * in - out, 2 * out} : coordinate{};
    case op::resize_transformation::align_corners:
      return out > 1 ? coordinate{i * (in - 1), out - 1} : coordinate{};
    case op::resize_transformation::asymmetric:
      return {i * in, out};
  }
  return {};
}

constexpr std::int32_t resize_nearest_index(const coordinate& x, std::int64_t in, op::resize_nearest mode) {
  std::int64_t i = 0;
  switch (mode) {
    case op::resize_nearest::round_prefer_floor:
      i = coordinate{2 * x.numerator - x.denominator, 2 * x.denominator}.ceil();
      break;
    case op::resize_nearest::round_prefer_ceil:
      i = coordinate{2 * x.numerator + x.denominator, 2 * x.denominator}.floor();
      break;
    case op::resize_nearest::floor:
      i = x.floor();
      break;
    case op::resize_nearest::ceil:
      i = x.ceil();
      break;
  }
  return static_cast<std::int32_t>(clamp<std::int64_t>(i, 0, in - 1));
}

/// Up to four input elements of one axis.
struct resize_taps {
  std::int32_t index[4] = {};
  float weight[4] = {1.0f};
  std::int32_t fixed[4] = {1 << resize_weight_bits};
  std::int32_t count = 1;
};

constexpr resize_taps linear_taps(const coordinate& x, std::int64_t in) {
  resize_taps t;
  t.count = 2;
  const std::int64_t low = x.floor();
  t.index[0] = static_cast<std::int32_t>(clamp<std::int64_t>(low, 0, in - 1));
  t.index[1] = static_cast<std::int32_t>(clamp<std::int64_t>(low + 1, 0, in - 1));
  const double f = x.fraction();
  t.weight[1] = static_cast<float>(f);
  t.weight[0] = 1.0f - t.weight[1];
  t.fixed[1] = static_cast<std::int32_t>(round_rne(f * (1 << resize_weight_bits)));
  t.fixed[0] = (1 << resize_weight_bits) - t.fixed[1];
  return t;
}

/// Keys' cubic with coefficient a (IEEE Trans. ASSP 29, 1981): four taps around the coordinate.
constexpr resize_taps cubic_taps(const coordinate& x, std::int64_t in, double a, bool exclude_outside) {
  resize_taps t;
  t.count = 4;
  const std::int64_t low = x.floor();
  const double f = x.fraction();
  double w[4] = {};
  double sum = 0;
  for (int k = 0; k < 4; ++k) {
    const double d = k == 0 ? f + 1 : k == 1 ? f : k == 2 ? 1 - f : 2 - f;  // distance of tap low - 1 + k
    w[k] = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    const std::int64_t at = low - 1 + k;
    if (exclude_outside && (at < 0 || at >= in)) w[k] = 0;
    t.index[k] = static_cast<std::int32_t>(clamp<std::int64_t>(at, 0, in - 1));
    sum += w[k];
  }
  int largest = 0;
  std::int32_t total = 0;
  for (int k = 0; k < 4; ++k) {
    if (exclude_outside && sum != 0) w[k] /= sum;
    t.weight[k] = static_cast<float>(w[k]);
    t.fixed[k] =
        static_cast<std::int32_t>(clamp<std::int64_t>(round_rne(w[k] * (1 << resize_weight_bits)), -131072, 131072));
    total += t.fixed[k];
    if (t.fixed[k] > t.fixed[largest]) largest = k;
  }
  t.fixed[largest] += (1 << resize_weight_bits) - total;
  return t;
}

}  // namespace qnnx::inline QNNX_ABI::kernel
