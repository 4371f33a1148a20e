// SPDX-License-Identifier: Apache-2.0
// Element-wise, activation, softmax and normalization kernels against the real function by <cmath>: floats within a few
// ulp, integers within half a step of the exact value (one step where two roundings meet).
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;

namespace {

struct tried {
  std::vector<double> a, b, y;  // real values
  double step = 0;              // of the output; 0: float
};

net_tensor operand_of(const char* name, dtype t, const shape& s, float scale, std::int32_t offset) {
  net_tensor x{.name = name, .kind = tensor_kind::app_write, .type = t, .dims = s};
  if (is_fixed(t)) x.enc = net_encoding::tensor(scale, offset);
  return x;
}
double real_of(const net_tensor& t, std::span<const std::byte> bytes, std::size_t i) {
  const auto fixed = [&](double q) { return is_fixed(t.type) ? (q + t.enc.offset()) * static_cast<double>(t.enc.scale()) : q; };
  switch (t.type) {
    case dtype::float_32: return static_cast<double>(reinterpret_cast<const float*>(bytes.data())[i]);
    case dtype::ufixed_8: case dtype::bool_8: return fixed(reinterpret_cast<const std::uint8_t*>(bytes.data())[i]);
    case dtype::sfixed_8: return fixed(reinterpret_cast<const std::int8_t*>(bytes.data())[i]);
    case dtype::ufixed_16: return fixed(reinterpret_cast<const std::uint16_t*>(bytes.data())[i]);
    default: return fixed(reinterpret_cast<const std::int16_t*>(bytes.data())[i]);
  }
}
struct format {
  dtype type;
  float in_scale, out_scale;
  std::int32_t in_offset, out_offset;
};
const format formats[] = {{dtype::float_32, 0, 0, 0, 0},
                          {dtype::ufixed_8, 0.03f, 0.05f, -120, -128},
                          {dtype::sfixed_8, 0.03f, 0.05f, 5, -3},
                          {dtype::ufixed_16, 0.0001f, 0.0003f, -32768, -30000},
                          {dtype::sfixed_16, 0.0001f, 0.0003f, 0, 0}};

/// Runs one node on random data; inputs stay in [lo, hi].
template <class Op>
tried run(const format& f, const std::vector<shape>& shapes, const typename Op::params& p, double lo, double hi, dtype out = dtype::undefined) {
  net n;
  std::vector<int> in;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    in.push_back(n.add_tensor(operand_of(i ? "b" : "a", f.type, shapes[i], f.in_scale, f.in_offset)));
  net_node& node = n.add_node<Op>("node", in, {}, p);
  net_tensor y = operand_of("y", out == dtype::undefined ? f.type : out, n.infer(node)[0], f.out_scale, f.out_offset);
  y.kind = tensor_kind::app_read;
  const int o = n.add_tensor(y);
  n.nodes[0].outputs = {o};
  interpreter r(std::shared_ptr<const frozen_net>(n.freeze()), {.backend = "reference"});
  std::mt19937 g(7);
  std::uniform_real_distribution<double> d(lo, hi);
  tried t;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const net_tensor& x = n.tensors[static_cast<std::size_t>(in[i])];
    const auto bytes = r.bytes(in[i]);
    for (std::int64_t k = 0; k < x.dims.size(); ++k) {
      const double v = d(g);
      if (f.type == dtype::float_32) {
        reinterpret_cast<float*>(bytes.data())[k] = static_cast<float>(v);
      } else {
        const auto q = clamp<std::int64_t>(std::llround(v / static_cast<double>(f.in_scale)) - f.in_offset, min_value(f.type), max_value(f.type));
        if (bits_of(f.type) == 8) bytes[static_cast<std::size_t>(k)] = static_cast<std::byte>(q);
        else reinterpret_cast<std::uint16_t*>(bytes.data())[k] = static_cast<std::uint16_t>(q);
      }
    }
    for (std::int64_t k = 0; k < x.dims.size(); ++k) (i ? t.b : t.a).push_back(real_of(x, bytes, static_cast<std::size_t>(k)));
  }
  r.run();
  for (std::int64_t k = 0; k < n.tensors[static_cast<std::size_t>(o)].dims.size(); ++k)
    t.y.push_back(real_of(n.tensors[static_cast<std::size_t>(o)], r.bytes(o), static_cast<std::size_t>(k)));
  t.step = is_fixed(y.type) ? static_cast<double>(f.out_scale) : 0;
  return t;
}

/// The exact value, or the end of the output's range.
double limited(double v, const format& f) {
  if (!is_fixed(f.type)) return v;
  const auto s = static_cast<double>(f.out_scale);
  return std::min(std::max(v, static_cast<double>(min_value(f.type) + f.out_offset) * s), static_cast<double>(max_value(f.type) + f.out_offset) * s);
}
void close(double got, double exact, const format& f, double steps = 0.501) {
  const double expected = limited(exact, f);
  const double bound = is_fixed(f.type) ? steps * static_cast<double>(f.out_scale) : 2.5e-7 * std::abs(expected) + 1e-12;
  CHECK(std::abs(got - expected) <= bound);
}

template <class Op, class F>
void two(F exact, double lo = -2, double hi = 2, double steps = 0.51) {
  for (const format& f : formats) {
    CAPTURE(static_cast<int>(f.type));
    const tried t = run<Op>(f, {{3, 4, 5}, {4, 1}}, {}, lo, hi);
    for (std::size_t i = 0; i < t.y.size(); ++i) close(t.y[i], exact(t.a[i], t.b[i / 5 % 4]), f, steps);
  }
}
template <class Op, class F>
void one(F exact, double lo = -3, double hi = 3, const typename Op::params& p = {}) {
  for (const format& f : formats) {
    CAPTURE(static_cast<int>(f.type));
    const tried t = run<Op>(f, {{2, 150}}, p, lo, hi);
    for (std::size_t i = 0; i < t.y.size(); ++i) close(t.y[i], exact(t.a[i]), f);
  }
}

}  // namespace

TEST_CASE("two-operand arithmetic with broadcast") {
  two<op::elementwise_add>([](double a, double b) { return a + b; });
  two<op::elementwise_subtract>([](double a, double b) { return a - b; });
  two<op::elementwise_multiply>([](double a, double b) { return a * b; });
  two<op::elementwise_divide>([](double a, double b) { return a / b; }, 0.5, 3);
  two<op::elementwise_maximum>([](double a, double b) { return std::max(a, b); });
  two<op::elementwise_minimum>([](double a, double b) { return std::min(a, b); });
  two<op::elementwise_power>([](double a, double b) { return std::pow(a, b); }, 0.5, 2);
  two<op::elementwise_squared_difference>([](double a, double b) { return (a - b) * (a - b); });
}

TEST_CASE("comparisons are exact on real values") {
  for (const format& f : formats) {
    const tried t = run<op::elementwise_less>(f, {{3, 4, 5}, {4, 1}}, {}, -2, 2, dtype::bool_8);
    for (std::size_t i = 0; i < t.y.size(); ++i) CHECK((t.y[i] != 0) == (t.a[i] < t.b[i / 5 % 4]));
    const tried e = run<op::elementwise_binary>(f, {{3, 4, 5}, {4, 1}}, {.operation = op::binary::greater_equal}, -2, 2, dtype::bool_8);
    for (std::size_t i = 0; i < e.y.size(); ++i) CHECK((e.y[i] != 0) == (e.a[i] >= e.b[i / 5 % 4]));
  }
}

TEST_CASE("functions of one operand") {
  one<op::elementwise_abs>([](double x) { return std::abs(x); });
  one<op::elementwise_neg>([](double x) { return -x; });
  one<op::elementwise_exp>([](double x) { return std::exp(x); });
  one<op::elementwise_log>([](double x) { return std::log(x); }, 0.1, 3);
  one<op::elementwise_square_root>([](double x) { return std::sqrt(x); }, 0.1, 3);
  one<op::elementwise_rsqrt>([](double x) { return 1 / std::sqrt(x); }, 0.2, 3);
  one<op::elementwise_sin>([](double x) { return std::sin(x); });
  one<op::elementwise_cos>([](double x) { return std::cos(x); });
  one<op::elementwise_atan>([](double x) { return std::atan(x); });
  one<op::elementwise_round>([](double x) { return std::nearbyint(x); });
  one<op::erf>([](double x) { return std::erf(x); });
  one<op::elementwise_unary>([](double x) { return 1 / x; }, 0.3, 3, {.operation = op::unary::reciprocal});
}

TEST_CASE("activations") {
  one<op::relu>([](double x) { return std::max(x, 0.0); });
  one<op::relu6>([](double x) { return std::min(std::max(x, 0.0), 6.0); });
  one<op::sigmoid>([](double x) { return 1 / (1 + std::exp(-x)); });
  one<op::tanh>([](double x) { return std::tanh(x); });
  one<op::gelu>([](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); });
  one<op::hard_swish>([](double x) { return x * std::min(std::max(x + 3, 0.0), 6.0) / 6; });
  one<op::elementwise_softplus>([](double x) { return std::log1p(std::exp(x)); });
  one<op::elementwise_neuron>([](double x) { return x > 0 ? x : 0.5 * std::expm1(x); }, -3, 3, {.operation = op::neuron::elu, .alpha = 0.5f});
  for (const format& f : formats) {
    if (f.type == dtype::ufixed_16) continue;  // slope and data share a type here; its scale cannot hold 0.25 and -2 alike
    const tried t = run<op::prelu>(f, {{3, 4, 5}, {1, 5}}, {}, -2, 2);
    for (std::size_t i = 0; i < t.y.size(); ++i) close(t.y[i], t.a[i] < 0 ? t.a[i] * t.b[i % 5] : t.a[i], f);
  }
}

TEST_CASE("softmax rows sum to one and follow the formula") {
  for (format f : formats) {
    if (is_fixed(f.type)) {
      f.out_scale = bits_of(f.type) == 8 ? 1.0f / 256 : 1.0f / 65536;
      f.out_offset = is_signed_fixed(f.type) ? static_cast<std::int32_t>(max_value(f.type)) + 1 : 0;
    }
    const tried t = run<op::softmax>(f, {{4, 10}}, {}, -2, 2);
    for (std::size_t row = 0; row < 4; ++row) {
      double sum = 0;
      for (std::size_t k = 0; k < 10; ++k) sum += std::exp(t.a[row * 10 + k]);
      for (std::size_t k = 0; k < 10; ++k) close(t.y[row * 10 + k], std::exp(t.a[row * 10 + k]) / sum, f, 0.52);
    }
  }
}

TEST_CASE("LayerNorm and Batchnorm in float") {
  net n;
  const int x = n.add_tensor({.name = "x", .kind = tensor_kind::app_write, .dims = {2, 6}});
  const int g = n.add_constant<float>("g", dtype::float_32, {6}, {1, 2, 3, 4, 5, 6});
  const int b = n.add_constant<float>("b", dtype::float_32, {6}, {6, 5, 4, 3, 2, 1});
  const int m = n.add_tensor({.name = "m", .dims = {2, 6}});
  const int y = n.add_tensor({.name = "y", .kind = tensor_kind::app_read, .dims = {2, 6}});
  n.add_node<op::batchnorm>("bn", {x, g, b}, {m});
  n.add_node<op::layer_norm>("ln", {m, g, b}, {y}, {.over = {-1}, .epsilon = 1e-5f});
  interpreter r(std::shared_ptr<const frozen_net>(n.freeze()));
  auto* in = reinterpret_cast<float*>(r.bytes(x).data());
  std::vector<double> v(12);
  for (std::size_t i = 0; i < 12; ++i) {
    in[i] = 0.3f * static_cast<float>(i * i % 7) - 1.0f;
    v[i] = static_cast<double>(static_cast<float>(static_cast<double>(in[i]) * static_cast<double>(i % 6 + 1) + static_cast<double>(6 - i % 6)));
  }
  r.run();
  const auto* out = reinterpret_cast<const float*>(r.bytes(y).data());
  for (std::size_t row = 0; row < 2; ++row) {
    double mean = 0;
    double variance = 0;
    for (std::size_t k = 0; k < 6; ++k) mean += v[row * 6 + k] / 6;
    for (std::size_t k = 0; k < 6; ++k) variance += (v[row * 6 + k] - mean) * (v[row * 6 + k] - mean) / 6;
    for (std::size_t k = 0; k < 6; ++k)
      CHECK(static_cast<double>(out[row * 6 + k]) ==
            doctest::Approx((v[row * 6 + k] - mean) / std::sqrt(variance + 1e-5) * static_cast<double>(k + 1) + static_cast<double>(6 - k)).epsilon(1e-5));
  }
}
