// SPDX-License-Identifier: Apache-2.0
#pragma once
// How TensorFlow Lite's reference kernels compute quantized activations, integer by integer.
//   8 bit, by table   q = round(float(f(s_in * (x - z_in))) * (1 / s_out)) + z_out, every step a float
//   hard-swish 8 bit  16-bit fixed point: x on a scale of s_in / 128 times relu6(x + 3) / 6, both rounded doubling products
//   logistic, tanh 16 bit  linear interpolation in a table of sigmoid(i / 24); x is brought to 1 / (3 * 4096)
// Source: tensorflow/lite/kernels/activations.cc, internal/reference/hard_swish.h, integer_ops/{logistic,tanh}.h
// (written from the definitions). Layer 5a.

#include <array>

#include "qnnx/numeric/math.hpp"
#include "qnnx/numeric/requantize.hpp"
#include "qnnx/quant/encoding.hpp"
#include "qnnx/tensor/dtype.hpp"

namespace qnnx::inline QNNX_ABI::kernel::tflite {

/// The table entry of a transformed value.
constexpr std::int32_t table_entry(float transformed, dtype t, const quant& out) {
  const auto q = static_cast<double>(round_half_away(static_cast<double>(transformed * (1.0f / out.scale)))) - out.offset;
  return static_cast<std::int32_t>(clamp(q, static_cast<double>(min_value(t)), static_cast<double>(max_value(t))));
}
constexpr float logistic(float x) { return 1.0f / (1.0f + static_cast<float>(math::exp(static_cast<double>(-x)))); }

/// round(a * b / 2^15) of 16-bit numbers, saturating.
constexpr std::int32_t doubling_high_mul_16(std::int32_t a, std::int32_t b) {
  if (a == -32768 && b == -32768) return 32767;
  const std::int32_t ab = a * b;
  return (ab + (ab >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15);
}
/// A Q31 multiplier cut to 16 bits.
constexpr std::int32_t narrow_multiplier(std::int32_t m) { return m >= INT32_MAX - (1 << 15) ? 32767 : (m + (1 << 15)) >> 16; }

/// Multipliers of hard-swish: to the output before its shift, and to the scale where 3.0 is 32768.
struct hard_swish_multipliers {
  std::int32_t output = 0, output_exponent = 0, relu = 0, relu_exponent = 0;

  constexpr hard_swish_multipliers(float scale_in, float scale_out) {
    const float fine = (1.0f / 128.0f) * scale_in;
    const multiplier o = split_q31(static_cast<double>(fine / scale_out));
    const multiplier r = split_q31(static_cast<double>(fine / (3.0f / 32768.0f)));
    output = narrow_multiplier(o.mantissa);
    output_exponent = o.exponent;
    relu = narrow_multiplier(r.mantissa);
    relu_exponent = r.exponent;
  }
  /// TFLite refuses an output scale below 1/128 of the input's.
  constexpr bool defined() const { return output_exponent <= 0; }
};
/// The output of x (zero point subtracted), before the output's zero point is added.
constexpr std::int32_t hard_swish(std::int32_t x, const hard_swish_multipliers& m) {
  const std::int32_t fine = x * 128;
  const std::int32_t value = doubling_high_mul_16(fine, m.output);
  std::int32_t gate = fine;  // relu6(x + 3) / 6 as a fraction of 32768, first in [-1, 1]
  if (m.relu_exponent > 0) gate = saturate<std::int16_t>(static_cast<std::int64_t>(gate) * (std::int64_t{1} << (m.relu_exponent - 1)));
  gate = doubling_high_mul_16(gate, m.relu);
  if (m.relu_exponent > 0) gate = saturate<std::int16_t>(std::int64_t{gate} * 2);
  if (m.relu_exponent < 0) gate = qnnx::detail::divide_by_power(gate, -m.relu_exponent);
  gate = (gate + (1 << 15)) >> 1;
  return qnnx::detail::divide_by_power(gate * value / (1 << 15), -m.output_exponent);
}

/// sigmoid(i / 24) * 2^16, each entry moved by half the error of the interpolation at the middle of its interval; the
/// last stands for all beyond. (The 256 values are TFLite's.) A template, so that it is made only where it is used.
template <class = void>
struct sigmoid_table {
  static constexpr std::array<std::uint16_t, 256> values = [] {
    std::array<std::uint16_t, 256> t{};
    const auto curve = [](double i) { return math::sigmoid(i / 24.0) * 65536.0; };
    for (int i = 0; i < 255; ++i) {
      const double error = (curve(i) + curve(i + 1)) / 2 - curve(i + 0.5);
      t[static_cast<std::size_t>(i)] = static_cast<std::uint16_t>(round_half_away(curve(i) - error / 2));
    }
    t[255] = 65535;
    return t;
  }();
};

/// (x * factor + half) >> shift is x in units of 1 / (3 * 4096).
struct curve_scale {
  std::int32_t factor = 3;
  std::int32_t shift = 0;

  /// tanh also takes 1/2048 as it is.
  constexpr curve_scale(float scale, bool is_tanh) {
    const double units = static_cast<double>(scale) * 4096.0;
    const auto near = [](double x, double to) { return x > to * 0.99930709 && x < to * 1.00069339; };  // 1/1000 of an octave
    if (near(units, 1.0)) return;
    if (is_tanh && near(units, 2.0)) {
      factor = 6;
      return;
    }
    double real = units * 3.0;
    while (real <= 32767.0 / 2.0 && shift <= 30) {
      ++shift;
      real *= 2.0;
    }
    factor = static_cast<std::int32_t>(real);
  }
  constexpr std::int32_t apply(std::int32_t x) const {
    const std::uint32_t product = static_cast<std::uint32_t>(x) * static_cast<std::uint32_t>(factor);  // wraps
    return static_cast<std::int32_t>(product + (shift > 0 ? 1u << (shift - 1) : 0u)) >> shift;
  }
};
/// The table's value at a / (24 * 2^bits), times 2^bits; `most` where the table ends.
constexpr std::uint32_t interpolate(std::uint32_t a, int bits, std::uint32_t most) {
  const std::uint32_t at = a >> bits;
  if (at >= 255) return most;
  const std::uint32_t low = sigmoid_table<>::values[at];
  const std::uint32_t high = sigmoid_table<>::values[at + 1];
  return (low << bits) + (a & ((1u << bits) - 1)) * (high - low);
}
/// Results count 1/32768.
constexpr std::int32_t logistic_16(std::int32_t x, const curve_scale& s) {
  const std::int32_t v = s.apply(x);
  const std::uint32_t r = interpolate(static_cast<std::uint32_t>(v < 0 ? -v : v), 9, 0x7fffu << 10);
  return static_cast<std::int32_t>((v >= 0 ? r + (1u << 9) : (1u << 25) - r + (1u << 9) - 1) >> 10);
}
constexpr std::int32_t tanh_16(std::int32_t x, const curve_scale& s) {
  const std::int32_t v = s.apply(x);
  const auto r = static_cast<std::int32_t>(interpolate(static_cast<std::uint32_t>(v < 0 ? -v : v), 8, 0xffffu << 8));
  return (v >= 0 ? r - (1 << 23) + (1 << 7) : -r + (1 << 23) + (1 << 7) - 1) >> 8;
}

}  // namespace qnnx::inline QNNX_ABI::kernel::tflite
