// SPDX-License-Identifier: Apache-2.0
#pragma once
// TensorFlow Lite's 16-bit softmax: exp(x) over [-10, 0] and 1 / (1 + x) over [0, 1] as tables of 512 intervals in Q15
// with linear interpolation, each entry moved by half the error at the middle of its interval.
// Source: reference_ops::SoftmaxInt16, LUTPopulate in tensorflow/lite/kernels/internal (written from the definition).
// Layer 5a.

#include <array>

#include "qnnx/numeric/math.hpp"
#include "qnnx/numeric/requantize.hpp"

namespace qnnx::inline QNNX_ABI::kernel::tflite {

using interval_table = std::array<std::int16_t, 513>;

/// f over [lo, hi]; `unit` is what 1 / 32768 counts.
template <class F>
constexpr interval_table make_intervals(F f, double lo, double hi, double unit) {
  const double step = (hi - lo) / 512;
  const auto round = [](double x) { return static_cast<double>(round_half_away(x)); };
  interval_table t{};
  double value = f(lo);
  for (int i = 0; i < 512; ++i) {
    const double next = f(lo + (i + 1) * step);
    const double sample = round(value * unit);
    const double middle = round((next * unit + sample) / 2);
    const double error = middle - round(f(lo + i * step + step / 2) * unit);
    t[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(clamp(sample - round(error / 2), -32768.0, 32767.0));
    value = next;
  }
  t[512] = static_cast<std::int16_t>(clamp(round(f(hi) * unit), -32768.0, 32767.0));
  return t;
}
/// Templates, so that they are made only where they are used.
template <class = void>
struct softmax_tables {
  static constexpr double range = 65535.0;
  static constexpr double unit = 65536.0 / (2.0 / range * 32767.0 - 2.0 / range * -32768.0);
  static constexpr interval_table exponential =
      make_intervals([](double x) { return math::exp(x); }, 10.0 / range * -65535.0, 0.0, unit);
  static constexpr interval_table reciprocal =
      make_intervals([](double x) { return 1.0 / (1.0 + x); }, 0.0, 1.0 / range * 65535.0, unit);
};
/// Value of a table at x in [-32768, 32767], which spans its range.
constexpr std::int32_t look_up(const interval_table& t, std::int32_t x) {
  const auto at = static_cast<std::size_t>(256 + (x >> 7));
  const std::int32_t slope = t[at + 1] - t[at];
  return t[at] + ((slope * (x & 0x7f) + 64) >> 7);
}

/// exp of a difference to the row's largest, Q15. m brings [-65535, 0] to [-10, 0].
constexpr std::int32_t softmax_exp_16(std::int32_t difference, multiplier m) {
  const std::int64_t scaled = scale_accumulator(difference, m, rounding::tflite{}) + 32767;
  return look_up(softmax_tables<>::exponential, static_cast<std::int32_t>(clamp<std::int64_t>(scaled, -32768, 32767)));
}
/// exp(x) / sum in Q15 from the sum of a row in Q16.15.
struct softmax_scale_16 {
  std::int32_t reciprocal = 0;
  int shift = 0;

  constexpr explicit softmax_scale_16(std::int32_t sum) {
    int zeros = 0;
    while (zeros < 31 && !((static_cast<std::uint32_t>(sum) << zeros) & 0x80000000u)) ++zeros;
    const auto shifted = static_cast<std::int32_t>(((static_cast<std::int64_t>(sum) << (zeros - 1)) + (1 << 13)) >> 14);
    reciprocal = look_up(softmax_tables<>::reciprocal, clamp<std::int32_t>(shifted - ((1 << 15) + (1 << 16)), -32768, 32767));
    shift = 31 - zeros;
  }
  constexpr std::int32_t apply(std::int32_t e) const {
    const std::int64_t product = static_cast<std::int64_t>(e) * reciprocal + (std::int64_t{1} << (shift - 1));
    return static_cast<std::int32_t>(clamp<std::int64_t>(product >> shift, 0, 32767));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::tflite
