// SPDX-License-Identifier: Apache-2.0
// Error-feedback rounding: worked numbers, never worse than nearest, and layers that gain from it.
#include <doctest/doctest.h>

#include "passes/float_net.hpp"
#include "qnnx/runtime/passes/optimize.hpp"
#include "qnnx/runtime/quantize.hpp"
#include "quantize/error_feedback.hpp"
#include "quantize/input_windows.hpp"

using namespace testing;
using quantizing::error_feedback;
using quantizing::moments;

namespace {

const grid tenths{0.1f, 0, -8, 7};

sample_source samples(const net& n, std::size_t count) {
  return [&n, count](std::size_t k, std::span<const std::span<std::byte>> inputs) {
    if (k >= count) return false;
    const auto v = random_inputs(n, 1 + static_cast<unsigned>(k), 0, 1);
    for (std::size_t i = 0; i < inputs.size(); ++i) std::memcpy(inputs[i].data(), v[i].data(), inputs[i].size());
    return true;
  };
}

double noise(const net& real, const net& stored) {
  std::vector<float> a, b;
  for (unsigned seed = 100; seed < 120; ++seed) {  // not among the calibration samples
    const auto x = random_inputs(real, seed, 0, 1);
    const auto y = run(real, x);
    const auto z = run(stored, x);
    a.insert(a.end(), y.begin(), y.end());
    b.insert(b.end(), z.begin(), z.end());
  }
  return sqnr_db(a, b);
}

}  // namespace

TEST_CASE("inputs that always agree share the rounding error") {
  moments m(2);
  for (float v : {1.0f, 2.0f, 3.0f}) {
    const float row[2] = {v, v};
    m.add(row);
  }
  // nearest: 0.44 -> 0.4 twice, sum 0.8 for 0.88; with feedback the second weight takes over what the first lost: 0.5
  const error_feedback f(m, false);
  CHECK(f.round({0.44, 0.44}, tenths) == std::vector<std::int64_t>{4, 5});
  CHECK(error_feedback(moments(2), false).round({0.44, 0.44}, tenths) == std::vector<std::int64_t>{4, 4});  // nothing known
  CHECK(f.round({0.74, 0.74}, tenths) == std::vector<std::int64_t>{7, 7});  // 0.8 is outside the grid
}

TEST_CASE("a mean that the bias takes out does not count") {
  moments m(2);
  for (int i = 0; i < 8; ++i) {  // both inputs near 10; they vary against each other
    const float v = i % 2 ? 1.0f : -1.0f;
    const float row[2] = {10 + v, 10 - v};
    m.add(row);
  }
  CHECK(error_feedback(m, false).round({0.44, 0.44}, tenths) == std::vector<std::int64_t>{4, 5});  // sums matter
  CHECK(error_feedback(m, true).round({0.44, 0.44}, tenths) == std::vector<std::int64_t>{4, 4});   // differences matter
}

TEST_CASE("never worse than nearest, and stored in the grid") {
  std::mt19937 rng(7);
  std::normal_distribution<float> normal;
  for (int trial = 0; trial < 20; ++trial) {
    const int n = 1 + trial;
    moments m(n);
    std::vector<float> row(static_cast<std::size_t>(n));
    for (int i = 0; i < 50; ++i) {
      const float common = normal(rng);
      for (float& x : row) x = common + 0.5f * normal(rng);
      m.add(row.data());
    }
    const error_feedback f(m, trial % 2 == 0);
    std::vector<double> w(static_cast<std::size_t>(n));
    for (double& x : w) x = 0.3 * static_cast<double>(normal(rng));
    std::vector<std::int64_t> nearest;
    for (double x : w) nearest.push_back(quantize_value(x, tenths));
    const auto q = f.round(w, tenths);
    CHECK(f.error(w, q, tenths) <= f.error(w, nearest, tenths));
    for (std::int64_t v : q) CHECK((v >= tenths.q_min && v <= tenths.q_max));
  }
}

TEST_CASE("windows are what the kernels multiply") {
  layers l;
  const int x = l.input("x", {2, 7, 6, 4});
  l.output(l.conv(x, 3, 6, {.stride = {2, 1}, .pad_amount = {1, 0, 2, 1}, .group = 2, .dilation = {1, 2}}));
  l.output(l.depthwise(x, 3, {.stride = {1, 2}, .pad_amount = {0, 1, 1, 1}}));
  l.output(l.add<op::fully_connected>({l.add<op::reshape>({x}, {.shape = {2, 168}}), l.constant({5, 168}), l.constant({5})}));
  const auto in = random_inputs(l.n, 3);
  const auto y = run(l.n, in);
  std::size_t at = 0;
  int checked = 0;
  for (const net_node& k : l.n.nodes) {
    if (k.inputs.size() < 3) continue;
    const auto v = quantizing::input_windows::of(l.n, k);
    REQUIRE(v.has_value());
    const float* w = l.n.tensors[static_cast<std::size_t>(k.inputs[1])].as<float>();
    const float* b = l.n.tensors[static_cast<std::size_t>(k.inputs[2])].as<float>();
    const int channels = v->groups() * v->outputs();
    std::vector<float> row(static_cast<std::size_t>(v->taps()));
    for (std::int64_t p = 0; p < v->positions(); ++p)
      for (int g = 0; g < v->groups(); ++g) {
        v->read(in[0].data(), p, g, row.data());
        for (int o = 0; o < v->outputs(); ++o) {
          double sum = static_cast<double>(b[v->channel(g, o)]);
          for (int r = 0; r < v->taps(); ++r)
            sum += static_cast<double>(row[static_cast<std::size_t>(r)]) * static_cast<double>(w[v->weight(g, r, o)]);
          REQUIRE(static_cast<double>(y[at + static_cast<std::size_t>(p * channels + v->channel(g, o))]) == doctest::Approx(sum).epsilon(1e-5));
        }
      }
    at += static_cast<std::size_t>(v->positions() * channels);
    ++checked;
  }
  CHECK(checked == 3);
  CHECK(at == y.size());
}

TEST_CASE("rounding and bias on images the net was not calibrated on") {
  layers l;
  const int x = l.input("x", {1, 10, 10, 3});
  int t = l.add<op::relu>({l.conv(x, 3, 16)});
  t = l.add<op::relu>({l.depthwise(t, 3, {.pad_amount = {1, 1, 1, 1}})});
  t = l.add<op::relu>({l.conv(t, 1, 24)});
  t = l.add<op::pool_avg2d>({t}, {.filter_size = {8, 8}, .stride = {8, 8}});
  l.output(l.add<op::fully_connected>({l.add<op::reshape>({t}, {.shape = {1, 24}}), l.constant({10, 24}, -0.3f, 0.3f), l.constant({10})}));
  net real = l.n;
  passes::optimize(real);
  for (int bits : {4, 8}) {
    quantize_options o;
    o.weights_bitwidth = bits;
    o.act_bitwidth = 16;
    o.per_channel = o.per_row = true;
    net plain = real;
    calibrate(plain, samples(real, 32), o);
    quantize(plain, o);
    const auto refined = [&](bool rounding, bool bias) {
      net n = plain;
      CHECK(refine(n, real, samples(real, 32), {.rounding = rounding, .bias = bias}) == 4);
      return noise(real, n);
    };
    const double db[] = {noise(real, plain), refined(false, true), refined(true, false), refined(true, true)};
    MESSAGE(bits << "-bit weights: nearest " << db[0] << " dB, bias " << db[1] << ", rounding " << db[2] << ", both " << db[3]);
    CHECK(db[1] > db[0] + 3);
    CHECK(db[2] > db[0] + 3);
    CHECK(db[3] > db[0] + 3);
    net none = plain;
    CHECK(refine(none, real, samples(real, 1), {.rounding = false, .bias = false}) == 0);
  }
}

TEST_CASE("native inputs, and packed against unpacked weights: the same values") {
  layers l;
  const int x = l.input("x", {1, 6, 6, 4});
  l.output(l.conv(l.add<op::relu>({l.conv(x, 3, 7)}), 1, 5));
  net real = l.n;
  passes::optimize(real);
  quantize_options o;
  o.weights_bitwidth = 4;
  o.per_channel = true;
  std::vector<std::vector<float>> outputs;
  for (int form = 0; form < 3; ++form) {
    o.pack_4_bit_weights = form != 1;
    o.native_io = form == 2;
    net n = real;
    calibrate(n, samples(real, 8), o);
    quantize(n, o);
    CHECK(refine(n, real, samples(real, 8), {.rounding = true}) == 2);
    if (form < 2) outputs.push_back(run(n, random_inputs(real, 50, 0, 1)));
    if (form == 2) {  // the same stored weights: what the layers see is the same
      net inside = real;
      o.native_io = false;
      calibrate(inside, samples(real, 8), o);
      quantize(inside, o);
      refine(inside, real, samples(real, 8), {.rounding = true});
      for (const net_tensor& t : inside.tensors)
        if (t.kind == tensor_kind::constant) CHECK(n.tensors[static_cast<std::size_t>(n.find(t.name))].data == t.data);
    }
  }
  CHECK(outputs[0] == outputs[1]);
}

TEST_CASE("refining without samples is refused") {
  layers l;
  l.output(l.conv(l.input("x", {1, 4, 4, 2}), 1, 2));
  net n = l.n;
  calibrate(n, samples(l.n, 2));
  quantize(n);
  CHECK_THROWS_WITH_AS(refine(n, l.n, samples(l.n, 0)), doctest::Contains("got no samples"), error);
}
