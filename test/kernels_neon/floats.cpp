// SPDX-License-Identifier: Apache-2.0
// The float kernels of aarch64 against the reference on random nets: fused multiply-adds in its order, so
// |fast - reference| <= 2 g (|bias| + sum |x w|), g = n u / (1 - n u), n products, u = 2^-24. The sum of magnitudes is
// the reference's result on the magnitudes of all operands.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;

#define SET(NAME) extern "C" const void* qnnx_test_kernels_##NAME(std::size_t*);
QNNX_TEST_SETS
#undef SET

namespace {

struct dice {
  std::mt19937 g;
  int roll(int lo, int hi) { return lo + static_cast<int>(g() % static_cast<unsigned>(hi - lo + 1)); }
  float real() { return static_cast<float>(roll(-1000, 1000)) * 0.00137f; }
};

/// A net of one node, with the number of its products a result.
struct sample {
  net n;
  std::int64_t products = 0;
};
using values = std::vector<float>;

values roll_values(dice& d, std::int64_t count, bool magnitudes) {
  values v(static_cast<std::size_t>(count));
  for (float& f : v) f = d.real();
  if (magnitudes)
    for (float& f : v) f = std::fabs(f);
  return v;
}
template <class Op>
sample make(unsigned seed, bool magnitudes) {
  dice d{std::mt19937(seed)};
  sample s;
  net& n = s.n;
  typename Op::params p;
  shape xs, ws;
  std::int64_t channels = 0;
  if constexpr (std::is_same_v<Op, op::fully_connected>) {
    xs = {d.roll(1, 11), d.roll(1, 70)};
    ws = {d.roll(1, 20), xs[1]};
    channels = ws[0], s.products = xs[1];
  } else if constexpr (std::is_same_v<Op, op::matmul>) {
    xs = {d.roll(1, 3), d.roll(1, 11), d.roll(1, 70)};
    p.transpose_in1 = d.roll(0, 1) == 0;
    const int columns = d.roll(1, 20);
    ws = p.transpose_in1 ? shape{columns, xs[2]} : shape{xs[2], columns};
    channels = columns, s.products = xs[2];
  } else {
    constexpr bool depthwise = std::is_same_v<Op, op::depthwise_conv2d>;
    const int kh = d.roll(1, 4), kw = d.roll(1, 4), ci = d.roll(1, 20), co = depthwise ? ci : d.roll(1, 20);
    for (std::size_t i = 0; i < 2; ++i) p.stride[i] = static_cast<std::uint32_t>(d.roll(1, 3));
    if (d.roll(1, 5) == 1) p.dilation = {2, 2};
    for (std::size_t i = 0; i < 4; ++i) p.pad_amount[i] = static_cast<std::uint32_t>(d.roll(0, (i < 2 ? kh : kw) - 1));
    xs = {d.roll(1, 2), d.roll(7, 12), d.roll(7, 12), ci};
    ws = depthwise ? shape{kh, kw, 1, co} : shape{kh, kw, ci, co};
    channels = co, s.products = std::int64_t{kh} * kw * (depthwise ? 1 : ci);
  }
  const int x = n.add_tensor({.name = "x", .kind = tensor_kind::app_write, .type = dtype::float_32, .dims = xs});
  std::vector<int> in{x, n.add_constant<float>("w", dtype::float_32, ws, roll_values(d, ws.size(), magnitudes))};
  if (d.roll(1, 4) != 1)
    in.push_back(n.add_constant<float>("b", dtype::float_32, {static_cast<std::int32_t>(channels)},
                                       roll_values(d, channels, magnitudes)));
  net_node& node = n.add_node<Op>("node", {in.begin(), in.end()}, {}, p);
  if (d.roll(1, 3) == 1 && !magnitudes) node.epi.act = activation::relu;
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = dtype::float_32};
  out.dims = n.infer(node)[0];
  const int y = n.add_tensor(out);
  n.nodes.back().outputs = {y};
  return s;
}

values result(const net& n, const std::vector<kernel_entry>& kernels, unsigned seed, bool magnitudes,
              std::string& isa) {
  interpreter_options options{.backend = "reference"};
  options.extra_kernels = kernels;
  interpreter run(std::shared_ptr<const frozen_net>(n.freeze()), options);
  isa = run.kernel_isa(0);
  dice d{std::mt19937(seed + 7)};
  const auto x = run.bytes(n.find("x"));
  const values v = roll_values(d, static_cast<std::int64_t>(x.size() / 4), magnitudes);
  std::memcpy(x.data(), v.data(), x.size());
  run.run();
  const auto y = run.bytes(n.find("y"));
  values made(y.size() / 4);
  std::memcpy(made.data(), y.data(), y.size());
  return made;
}

struct instruction_set {
  const char* name;
  const void* (*unit)(std::size_t*);
};

template <class Op>
void compare() {
  for (const instruction_set& set : {
#define SET(NAME) instruction_set{#NAME, qnnx_test_kernels_##NAME},
           QNNX_TEST_SETS
#undef SET
       }) {
    std::size_t count = 0;
    const auto* bytes = static_cast<const unsigned char*>(set.unit(&count));
    std::vector<kernel_entry> kernels(count);
    for (std::size_t i = 0; i < count; ++i)
      std::memcpy(static_cast<void*>(&kernels[i]), bytes + i * sizeof(kernel_entry), sizeof(kernel_entry));
    for (unsigned seed = 1; seed <= 200; ++seed) {
      CAPTURE(set.name);
      CAPTURE(seed);
      std::string plain, own, unused;
      const sample s = make<Op>(seed, false);
      const values expected = result(s.n, {}, seed, false, plain), got = result(s.n, kernels, seed, false, own);
      const values most = result(make<Op>(seed, true).n, {}, seed, true, unused);
      CHECK(plain == "reference");
      CHECK(own == set.name);
      const double n = static_cast<double>(s.products + 1) * 0x1p-24, g = 2 * n / (1 - n);
      REQUIRE(got.size() == expected.size());
      REQUIRE(got.size() == most.size());
      bool within = true;
      for (std::size_t i = 0; i < got.size(); ++i)
        within &= std::fabs(double{got[i]} - double{expected[i]}) <= g * double{most[i]};
      CHECK(within);
    }
  }
}

}  // namespace

TEST_CASE("aarch64: Conv2d on floats is within its bound") {
  compare<op::conv2d>();
}
TEST_CASE("aarch64: DepthWiseConv2d on floats is within its bound") {
  compare<op::depthwise_conv2d>();
}
TEST_CASE("aarch64: FullyConnected on floats is within its bound") {
  compare<op::fully_connected>();
}
TEST_CASE("aarch64: MatMul on floats is within its bound") {
  compare<op::matmul>();
}
