// SPDX-License-Identifier: Apache-2.0
// The functions that x86 kernels compute in floats: how far from the exact value, over every exponent with some hundred
// mantissas each and a dense row around 0, with the signs of zeros, infinities and NaN as the reference has them. The
// bounds are what kernel/x86/float_functions.hpp states, in units in the last place.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <functional>

#include "kernels_isa/nets.hpp"
#include "qnnx/kernel/activation/reference.hpp"
#include "qnnx/kernel/elementwise/unary.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;
using namespace qnnx::isa_test;

namespace {

constexpr int columns = 1031;  // odd: the last vector is not whole

std::vector<float> samples() {
  std::vector<float> all;
  std::mt19937 g(5);
  for (std::uint32_t top = 0; top < 0x10000; ++top) all.push_back(std::bit_cast<float>(top << 16 | static_cast<std::uint32_t>(g() & 0xffff)));
  for (int i = -80000; i <= 80000; ++i) all.push_back(static_cast<float>(i) * 0x1.01p-12f);
  for (const float v : {0.0f, -0.0f, 1.0f, -1.0f, 3.0f, -3.0f, 6.0f, -6.0f, 1e-45f, -1e-45f, INFINITY, -INFINITY, NAN}) all.push_back(v);
  while (all.size() % columns != 0) all.push_back(1.0f);
  return all;
}

/// Units in the last place between a result and a value; very many where their kinds differ.
double units(float got, double exact) {
  const auto rounded = static_cast<float>(exact);
  if (std::isnan(rounded)) return std::isnan(got) ? 0 : 1e9;
  if (std::isinf(rounded) || std::isinf(got)) return got == rounded ? 0 : 1e9;
  if (rounded == 0 && got == 0) return std::signbit(rounded) == std::signbit(got) ? 0 : 1e9;
  const double unit = rounded == 0 ? 0x1p-149 : std::max(std::ldexp(1.0, std::ilogb(rounded) - 23), 0x1p-149);
  return std::fabs(static_cast<double>(got) - exact) / unit;
}

template <class Op>
void check(const typename Op::params& p, double bound, const std::function<double(double)>& exact) {
  const std::vector<float> x = samples();
  for (const std::string isa : {"avx2", "avx512vnni"}) {
    if (!processor_has(isa)) {
      std::printf("skipped: this processor does not have %s\n", isa.c_str());
      continue;
    }
    CAPTURE(isa);
    CAPTURE(Op::name);
    const signature types = signature_of<types::f32(types::f32)>;
    net_maker m(1, types);
    m.n.template add_node<Op>("node", {m.input("x", {static_cast<int>(x.size()) / columns, columns})}, {}, p);
    net made = m.finish(false);
    made.nodes[0].epi = {};
    const auto n = std::shared_ptr<const frozen_net>(made.freeze());
    interpreter run(n, {.backend = isa});
    REQUIRE(run.kernel_isa(0) == isa);
    std::memcpy(run.bytes(n->g.nodes[0].inputs[0]).data(), x.data(), 4 * x.size());
    run.run();
    std::vector<float> y(x.size());
    std::memcpy(y.data(), run.bytes(n->g.nodes[0].outputs[0]).data(), 4 * y.size());
    double worst = 0;
    float at = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (const double far = units(y[i], exact(static_cast<double>(x[i]))); far > worst) worst = far, at = x[i];
    CAPTURE(at);
    CAPTURE(worst);
    CHECK(worst <= bound);
  }
}
template <class Op>
void check_neuron(double bound, const typename Op::params& p = {}) {
  check<Op>(p, bound, [&](double x) { return kernel::neuron_value(Op::as_neuron(p), x); });
}
template <class Op>
void check_unary(double bound) {
  check<Op>({}, bound, [](double x) { return kernel::unary_value(Op::unary_operation, x); });
}

/// The largest or smallest along some axes, of data with a few NaN, infinities and equal values.
template <class Op>
void check_picks(const axes& over, const shape& dims) {
  const signature types = signature_of<types::f32(types::f32)>;
  for (const std::string isa : {"avx2", "avx512vnni"}) {
    if (!processor_has(isa)) continue;
    CAPTURE(isa);
    net_maker m(1, types);
    typename Op::params p;
    p.axes = over;
    m.n.template add_node<Op>("node", {m.input("x", dims)}, {}, p);
    net made = m.finish(false);
    made.nodes[0].epi = {};
    const auto n = std::shared_ptr<const frozen_net>(made.freeze());
    std::vector<float> y[2];
    for (const bool fast : {false, true}) {
      interpreter run(n, {.backend = fast ? isa : "reference"});
      CHECK(run.kernel_isa(0) == (fast ? isa : "reference"));
      std::mt19937 g(3);
      auto* x = reinterpret_cast<float*>(run.bytes(n->g.nodes[0].inputs[0]).data());
      for (std::int64_t i = 0; i < dims.size(); ++i) {
        const auto r = static_cast<std::uint32_t>(g());
        x[i] = r % 97 == 0 ? NAN : r % 89 == 0 ? -INFINITY : r % 83 == 0 ? INFINITY : static_cast<float>(r % 1000) - 500.0f;
      }
      run.run();
      const auto bytes = run.bytes(n->g.nodes[0].outputs[0]);
      y[fast].resize(bytes.size() / 4);
      std::memcpy(y[fast].data(), bytes.data(), bytes.size());
    }
    std::size_t strange = 0;
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < y[0].size(); ++i) {
      strange += std::isnan(y[0][i]);
      wrong += std::isnan(y[0][i]) != std::isnan(y[1][i]) || (!std::isnan(y[0][i]) && y[0][i] != y[1][i]);
    }
    CHECK((strange > 0 || dims.size() < 500));
    CHECK(strange < y[0].size());
    CHECK(wrong == 0);
  }
}

}  // namespace

TEST_CASE("x86: float activations within their bounds") {
  check_neuron<op::sigmoid>(5);
  check_neuron<op::tanh>(3);
  check_neuron<op::gelu>(7.5);
  check_neuron<op::elu>(1.5, {.alpha = 1.0f});
  check_neuron<op::hard_swish>(2.5);
  check_neuron<op::elementwise_softplus>(3);
  check_neuron<op::elementwise_softplus>(3, {.beta = 1.0f, .threshold = 12.0f});
}
TEST_CASE("x86: float functions within their bounds") {
  check_unary<op::elementwise_exp>(1.5);
  check_unary<op::elementwise_rsqrt>(1.5);
  check_unary<op::erf>(6.5);
  check_unary<op::elementwise_log>(2);
  check_unary<op::elementwise_atan>(4);
  check_unary<op::elementwise_asin>(3);
  check_unary<op::elementwise_sin>(1);
  check_unary<op::elementwise_cos>(1);
}
TEST_CASE("x86: the largest and the smallest, with NaN") {
  for (const int channels : {1, 7, 16, 63, 64, 65, 150}) {
    CAPTURE(channels);
    check_picks<op::reduce_max>(axes{1, 2}, {4, 3, 5, channels});
    check_picks<op::reduce_min>(axes{1, 2}, {4, 3, 5, channels});
    check_picks<op::reduce_max>(axes{1}, {60, channels});
    check_picks<op::reduce_min>(axes{1}, {60, channels});
  }
}
