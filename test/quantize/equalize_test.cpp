// SPDX-License-Identifier: Apache-2.0
// Cross-layer equalization and bias absorption: worked numbers, and nets that must compute what they did before.
#include <doctest/doctest.h>

#include "passes/float_net.hpp"
#include "qnnx/runtime/equalize.hpp"
#include "qnnx/runtime/passes/optimize.hpp"

using namespace testing;

namespace {

/// Conv - depthwise - conv - conv, with an activation after each but the last, channels of very different size.
template <class Act>
net chain(bool pad = true) {
  layers l;
  const std::uint32_t p = pad ? 1 : 0;
  const int x = l.input("x", {1, 9, 9, 3});
  int t = l.add<Act>({l.conv(x, 3, 8, {.pad_amount = {p, p, p, p}})});
  t = l.add<Act>({l.depthwise(t, 3, {.pad_amount = {p, p, p, p}})});
  t = l.add<Act>({l.conv(t, 1, 12)});
  l.output(l.conv(t, 1, 5));
  for (const net_node& k : l.n.nodes)
    if (k.inputs.size() > 1) {
      net_tensor& w = l.n.tensors[static_cast<std::size_t>(k.inputs[1])];
      const auto channels = static_cast<std::size_t>(w.dims[3]);
      for (std::size_t i = 0; i < static_cast<std::size_t>(w.dims.size()); ++i)
        w.as<float>()[i] *= std::pow(2.0f, static_cast<float>(i % channels % 5) - 2.0f);
    }
  net n = l.n;
  passes::optimize(n);
  return n;
}

const net_tensor& weight(const net& n, std::size_t layer) { return n.tensors[static_cast<std::size_t>(n.nodes[layer].inputs[1])]; }

std::vector<double> largest(const net_tensor& w, bool by_input) {
  const auto o = static_cast<std::size_t>(w.dims[3]);
  const auto in = static_cast<std::size_t>(w.dims[2]);
  std::vector<double> r(by_input ? in : o, 0.0);
  for (std::size_t i = 0; i < static_cast<std::size_t>(w.dims.size()); ++i) {
    double& m = r[by_input ? i / o % in : i % o];
    m = std::max(m, std::abs(static_cast<double>(w.as<float>()[i])));
  }
  return r;
}

sample_source uniform(const net& n, std::size_t count, float lo = -1, float hi = 1) {
  return [&n, count, lo, hi](std::size_t k, std::span<const std::span<std::byte>> inputs) {
    if (k >= count) return false;
    const auto v = random_inputs(n, 1 + static_cast<unsigned>(k), lo, hi);
    for (std::size_t i = 0; i < inputs.size(); ++i) std::memcpy(inputs[i].data(), v[i].data(), inputs[i].size());
    return true;
  };
}

}  // namespace

TEST_CASE("worked numbers") {
  CHECK(pair_divisor(8, 2) == doctest::Approx(2));  // ranges 8 / 2 and 2 * 2: both 4
  CHECK(pair_divisor(0, 2) == 1);
  const triple_divisors t = divisors_of_three(8, 2, 1);
  CHECK(t.first == doctest::Approx(3.1748).epsilon(1e-4));
  CHECK(t.second == doctest::Approx(2.5198).epsilon(1e-4));
  CHECK(8 / t.first == doctest::Approx(2.5198).epsilon(1e-4));
  CHECK(2 * t.first / t.second == doctest::Approx(2.5198).epsilon(1e-4));
  CHECK(1 * t.second == doctest::Approx(2.5198).epsilon(1e-4));
  CHECK(absorbed(5, 1, true) == 2);
  CHECK(absorbed(2, 1, true) == 0);
  CHECK(absorbed(0.5, 2, true) == 0);
  CHECK(absorbed(0.5, -2, false) == 0.5);
}

TEST_CASE("the ranges of a chain meet and its output stays") {
  const net before = chain<op::relu>();
  net n = before;
  const equalize_report r = equalize_layers(n);
  CHECK(r.triples == 1);
  CHECK(r.pairs == 1);
  CHECK(r.relu6 == 0);
  CHECK(r.sweeps < 100);
  const auto out = largest(weight(n, 0), false);
  const auto middle = largest(weight(n, 1), false);
  const auto in = largest(weight(n, 2), true);
  for (std::size_t i = 0; i < out.size(); ++i) {
    CHECK(out[i] == doctest::Approx(middle[i]).epsilon(1e-3));
    CHECK(out[i] == doctest::Approx(in[i]).epsilon(1e-3));
  }
  const auto out3 = largest(weight(n, 2), false);
  const auto in4 = largest(weight(n, 3), true);
  for (std::size_t i = 0; i < out3.size(); ++i) CHECK(out3[i] == doctest::Approx(in4[i]).epsilon(1e-3));
  for (unsigned seed = 1; seed <= 5; ++seed) {
    const auto x = random_inputs(before, seed);
    CHECK(difference(run(before, x), run(n, x)) < 1e-5);
  }
}

TEST_CASE("one scale per tensor gains from it") {
  const net real = chain<op::relu>();
  net equal = real;
  equalize_layers(equal);
  const auto stored = [&](net n) {
    calibrate(n, uniform(real, 16));
    quantize(n);
    return n;
  };
  const net plain = stored(real);
  const net better = stored(equal);
  std::vector<float> a, b, c;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    const auto x = random_inputs(real, seed);
    for (const auto& [n, v] : {std::pair(&real, &a), std::pair(&plain, &b), std::pair(&better, &c)}) {
      const auto y = run(*n, x);
      v->insert(v->end(), y.begin(), y.end());
    }
  }
  MESSAGE("SQNR per tensor " << sqnr_db(a, b) << " dB, equalized " << sqnr_db(a, c) << " dB");
  CHECK(sqnr_db(a, c) > sqnr_db(a, b) + 3);
}

TEST_CASE("Relu6 becomes Relu inside a chain; other clamps and shared tensors end it") {
  net n = chain<op::relu6>();
  CHECK(equalize_layers(n).relu6 == 3);
  CHECK(n.nodes[0].epi.act == activation::relu);
  net clamped = chain<op::relu1>();
  const equalize_report none = equalize_layers(clamped);
  CHECK(none.pairs + none.triples == 0);

  layers l;
  const int t = l.add<op::relu>({l.conv(l.input("x", {1, 4, 4, 3}), 1, 4)});
  l.output(l.conv(t, 1, 4));
  l.output(l.conv(t, 1, 2));
  net shared = l.n;
  passes::optimize(shared);
  CHECK(equalize_layers(shared).pairs == 0);
}

TEST_CASE("a dead channel stays as it is") {
  net n = chain<op::relu>();
  net_tensor& w = n.tensors[static_cast<std::size_t>(n.nodes[3].inputs[1])];
  for (std::size_t o = 0; o < 5; ++o) w.as<float>()[4 * 5 + o] = 0;  // input channel 4 of the last layer
  const net before = n;
  equalize_layers(n);
  for (std::size_t i = 0; i < n.tensors.size(); ++i)
    for (std::size_t e = 0; e < n.tensors[i].data.size() / 4; ++e) REQUIRE(std::isfinite(n.tensors[i].as<float>()[e]));
  const auto x = random_inputs(before, 3);
  CHECK(difference(run(before, x), run(n, x)) < 1e-5);
}

TEST_CASE("high biases move on and nothing changes above the bend") {
  layers l;
  const int x = l.input("x", {1, 6, 6, 2});
  const int w = l.constant({1, 1, 2, 3}, {0.1f, 0.2f, 1.0f, -0.1f, 0.1f, -1.0f});
  const int b = l.constant({3}, std::vector<float>{5.0f, 3.0f, 0.1f});
  const int t = l.add<op::relu>({l.add<op::conv2d>({x, w, b})});
  l.output(l.conv(t, 1, 4));
  net before = l.n;
  passes::optimize(before);
  net n = before;
  CHECK(absorb_biases(n, uniform(before, 8)) == 1);
  const float* moved = n.tensors[static_cast<std::size_t>(n.nodes[0].inputs[2])].as<float>();
  CHECK(moved[0] < 1.0f);  // deviation of 0.1 * uniform - 0.1 * uniform: 0.082
  CHECK(moved[1] < 1.0f);
  CHECK(moved[2] == 0.1f);
  for (unsigned seed = 1; seed <= 5; ++seed) {
    const auto in = random_inputs(before, seed);
    CHECK(difference(run(before, in), run(n, in)) < 1e-3);
  }
  net padded = chain<op::relu>(true);
  for (float& v : std::span(padded.tensors[static_cast<std::size_t>(padded.nodes[0].inputs[2])].as<float>(), 8)) v = 50;
  const net kept = padded;
  absorb_biases(padded, uniform(kept, 4));
  CHECK(padded.tensors[static_cast<std::size_t>(padded.nodes[0].inputs[2])].data ==
        kept.tensors[static_cast<std::size_t>(kept.nodes[0].inputs[2])].data);  // its reader pads
}
