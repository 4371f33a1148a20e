// SPDX-License-Identifier: Apache-2.0
#pragma once
// Random operands that know their stored integers and real values, and expected results computed from those alone.
#include "kernels_accumulate/exact.hpp"
#include "kernels_movement/one_node.hpp"

namespace accumulate_test {

using namespace one_node;

/// A tensor as bytes and, element by element, as integers with their offset added (fixed point) or reals (float).
struct tensor_values {
  value v;
  std::vector<std::int64_t> q{};
  std::vector<double> r{};
  std::vector<float> scales{};  // one, or one per index of `axis`
  int axis = -1;

  float scale(std::int64_t channel) const { return scales[axis >= 0 ? static_cast<std::size_t>(channel) : 0]; }
  std::int64_t at(const place& p) const { return q[static_cast<std::size_t>(flat(v.dims, p))]; }
  double real(const place& p) const { return r[static_cast<std::size_t>(flat(v.dims, p))]; }
};

inline void put_element(dtype t, bytes& data, std::size_t i, std::int64_t q) {
  switch (bits_of(t)) {
    case 4: {
      auto& b = reinterpret_cast<std::uint8_t&>(data[i / 2]);
      b = static_cast<std::uint8_t>(i % 2 ? (b & 0x0f) | ((q & 15) << 4) : (b & 0xf0) | (q & 15));
      return;
    }
    case 8:
      data[i] = static_cast<std::byte>(q & 255);
      return;
    case 16: {
      const auto x = static_cast<std::uint16_t>(q & 65535);
      std::memcpy(data.data() + 2 * i, &x, 2);
      return;
    }
    default: {
      const auto x = static_cast<std::int32_t>(q);
      std::memcpy(data.data() + 4 * i, &x, 4);
    }
  }
}
inline std::int64_t get_element(dtype t, const bytes& data, std::size_t i) {
  std::int64_t q = 0;
  if (t == dtype::ufixed_8) q = static_cast<std::uint8_t>(data[i]);
  if (t == dtype::sfixed_8) q = static_cast<std::int8_t>(data[i]);
  std::int16_t s = 0;
  if (bits_of(t) == 16) std::memcpy(&s, data.data() + 2 * i, 2);
  if (t == dtype::sfixed_16) q = s;
  if (t == dtype::ufixed_16) q = static_cast<std::uint16_t>(s);
  return q;
}

/// Numbers of the type's whole range; axis >= 0: symmetric with a scale per index of that axis.
inline tensor_values random_tensor(std::mt19937& g, dtype t, const shape& dims, int axis = -1, double magnitude = 1.0) {
  tensor_values x;
  x.v.type = t;
  x.v.dims = dims;
  x.axis = axis;
  const auto n = static_cast<std::size_t>(dims.size());
  std::uniform_real_distribution<float> unit(-1.0f, 1.0f);
  if (is_float(t)) {
    x.v.data.resize(n * (t == dtype::float_16 ? 2 : 4));
    for (std::size_t i = 0; i < n; ++i) {
      const float f = t == dtype::float_16 ? static_cast<float>(half(unit(g))) : unit(g);
      x.r.push_back(static_cast<double>(f));
      if (t == dtype::float_16) {
        const half h(f);
        std::memcpy(x.v.data.data() + 2 * i, &h, 2);
      } else {
        std::memcpy(x.v.data.data() + 4 * i, &f, 4);
      }
    }
    return x;
  }
  const auto lo = static_cast<int>(min_value(t)), hi = static_cast<int>(max_value(t));
  std::int32_t offset = 0;
  if (axis < 0 && bits_of(t) <= 16) offset = between(g, 0, 2) == 0 ? -(lo + hi + 1) / 2 : -between(g, lo, hi);
  const int scale_count = axis >= 0 ? dims[axis] : 1;
  for (int k = 0; k < scale_count; ++k) x.scales.push_back(0.001f * static_cast<float>(between(g, 100, 900)) / 256.0f);
  const int row = axis >= 0 && bits_of(t) == 4 ? static_cast<int>((dims.size() / dims[axis] + 1) / 2 * 2) : 0;
  x.v.data.resize(bits_of(t) == 4 ? (row ? static_cast<std::size_t>(row / 2 * dims[axis]) : (n + 1) / 2)
                                  : n * static_cast<std::size_t>(bits_of(t) / 8));
  std::vector<int> filled(static_cast<std::size_t>(scale_count));  // of each channel's row
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t q =
        bits_of(t) == 32 ? static_cast<std::int64_t>(static_cast<double>(unit(g)) * magnitude) : between(g, lo, hi);
    x.q.push_back(q + offset);
    std::size_t to = i;
    if (row) {
      const auto channel =
          static_cast<std::size_t>(coordinates(dims, static_cast<std::int64_t>(i))[static_cast<std::size_t>(axis)]);
      to = channel * static_cast<std::size_t>(row) + static_cast<std::size_t>(filled[channel]++);
    }
    put_element(t, x.v.data, to, q);
  }
  if (axis >= 0)
    x.v.enc = net_encoding::per_axis(axis, x.scales);
  else
    x.v.enc = net_encoding::tensor(x.scales[0], offset);
  return x;
}

/// Output encoding in which sums of `taps` random products use most of the range.
inline element_type output_type(std::mt19937& g, dtype t, const tensor_values& x, const tensor_values& w,
                                std::int64_t taps) {
  if (is_float(t)) return {t, {}};
  const double step_x = std::exp2(bits_of(x.v.type)) / 3, step_w = std::exp2(bits_of(w.v.type)) / 3;
  const double typical = std::sqrt(static_cast<double>(taps)) * step_x * step_w * static_cast<double>(x.scales[0]) *
                         static_cast<double>(w.scales[0]);
  const auto scale = static_cast<float>(typical * 4 / std::exp2(bits_of(t)) * (1 + between(g, 0, 100) / 100.0));
  const auto lo = static_cast<int>(min_value(t)), hi = static_cast<int>(max_value(t));
  return {t, net_encoding::tensor(scale, -between(g, lo, hi))};
}

/// One output: products of data and weights, the channel whose scale and bias it has.
struct sum_of_products {
  exact::wide q = 0;
  double r = 0;
  double magnitude = 0;  // sum of |products|, bounds a float sum's error
  void add(const tensor_values& x, const place& px, const tensor_values& w, const place& pw) {
    if (is_float(x.v.type)) {
      r += x.real(px) * w.real(pw);
      magnitude += std::abs(x.real(px) * w.real(pw));
    } else {
      q += exact::wide(x.at(px)) * w.at(pw);
    }
  }
};

/// The real multiplier: products of the scales in double, or as float32 where TFLite has it so.
inline double effective_scale(float x, float w, float y, bool rounded_product) {
  const double product = rounded_product ? static_cast<double>(x * w) : static_cast<double>(x) * static_cast<double>(w);
  return product / static_cast<double>(y);
}

enum class layer { convolution, product, fully_connected };

/// Checks outputs element by element: sum(place of the output) gives the products, channels the index of bias and
/// scale.
template <class Sum>
void check_output(const value& y, const tensor_values& x, const tensor_values& w, const tensor_values* bias,
                  rounding_mode mode, layer kind, int scale_channels, Sum&& sum) {
  int wrong = 0;
  const dtype t = y.type;
  for (std::int64_t i = 0; i < y.dims.size() && wrong == 0; ++i) {
    const place p = coordinates(y.dims, i);
    const std::int64_t channel = p[static_cast<std::size_t>(y.dims.rank() - 1)];
    sum_of_products s = sum(p);
    if (is_float(t)) {
      if (bias) s.r += bias->r[static_cast<std::size_t>(channel)], s.magnitude += 1;
      const double got = t == dtype::float_16
                             ? static_cast<double>(static_cast<float>(y.as<half>()[static_cast<std::size_t>(i)]))
                             : static_cast<double>(y.as<float>()[static_cast<std::size_t>(i)]);
      const double tolerance = s.magnitude * 1e-5 + (t == dtype::float_16 ? std::abs(s.r) / 2000 + 1e-7 : 0);
      if (!(std::abs(got - s.r) <= tolerance)) {
        ++wrong;
        CHECK(got == doctest::Approx(s.r));
      }
      continue;
    }
    if (bias) s.q += bias->q[static_cast<std::size_t>(channel)];
    const bool rounded = mode == rounding_mode::tflite && w.axis < 0 &&
                         (kind == layer::product || (kind == layer::convolution && t == dtype::ufixed_8));
    const double real = effective_scale(x.scales[0], w.scale(channel % scale_channels), y.enc.scale(), rounded);
    const auto acc = static_cast<std::int64_t>(s.q);
    const exact::wide q = (kind == layer::fully_connected ? exact::scaled_once(acc, real, mode)
                                                          : exact::scaled(acc, real, mode, bits_of(t) > 8)) -
                          y.enc.offset();
    const std::int64_t expected = exact::clamped(q, min_value(t), max_value(t));
    const std::int64_t got = get_element(t, y.data, static_cast<std::size_t>(i));
    if (got != expected) {
      ++wrong;
      CHECK(got == expected);
    }
  }
}

inline std::string spelled(const signature& s, rounding_mode m) {
  std::string r(to_string(s.out));
  for (int i = 0; i < s.count; ++i) r += " " + std::string(to_string(s.in[static_cast<std::size_t>(i)]));
  return r + " rounding " + std::to_string(static_cast<int>(m));
}
inline constexpr rounding_mode modes[] = {rounding_mode::rne, rounding_mode::tflite, rounding_mode::half_up};

/// f(signature, rounding) for every line of the op's type table.
template <class Op, class F>
void each_signature(F&& f) {
  for (int s = 0; s < info<Op>.type_count; ++s)
    for (const rounding_mode m : modes) {
      INFO(std::string(Op::name) << " " << spelled(info<Op>.types[s], m));
      f(info<Op>.types[s], m);
    }
}

}  // namespace accumulate_test
