// SPDX-License-Identifier: Apache-2.0
// Every kernel that an instruction set has of its own gives the reference's bits: random shapes, encodings, paddings,
// activations and rounding policies, through the interpreter with both tables.
#include <doctest/doctest.h>

#include <cstdio>
#include <random>

#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;

namespace {

struct dice {
  std::mt19937 g;
  explicit dice(unsigned seed) : g(seed) {}
  int roll(int lo, int hi) { return lo + static_cast<int>(g() % static_cast<unsigned>(hi - lo + 1)); }
  template <class T>
  std::vector<T> data(std::int64_t n) {
    std::vector<T> v(static_cast<std::size_t>(n));
    for (T& e : v) e = static_cast<T>(g());
    return v;
  }
};

/// One window op on 8-bit data with per-channel weights.
template <class Op>
net window_net(dice& d, bool depthwise) {
  net n;
  const int kind = d.roll(0, 2);
  n.rounding = kind == 0 ? rounding_mode::rne : (kind == 1 ? rounding_mode::tflite : rounding_mode::half_up);
  const bool is_signed = d.roll(0, 1) != 0;
  const dtype t = is_signed ? dtype::sfixed_8 : dtype::ufixed_8;
  const int ci = d.roll(1, 70);
  const int co = depthwise ? ci : d.roll(1, 150);
  const int kh = d.roll(1, 4);
  const int kw = d.roll(1, 4);
  typename Op::params p;
  p.stride = {static_cast<std::uint32_t>(d.roll(1, 2)), static_cast<std::uint32_t>(d.roll(1, 2))};
  p.dilation = {static_cast<std::uint32_t>(d.roll(1, 2)), static_cast<std::uint32_t>(d.roll(1, 2))};
  for (std::size_t i = 0; i < 4; ++i) p.pad_amount[i] = static_cast<std::uint32_t>(d.roll(0, (i < 2 ? kh : kw) - 1));
  const shape xs{d.roll(1, 2), d.roll(7, 14), d.roll(7, 14), ci};
  const auto offset = [&] { return is_signed ? d.roll(-30, 30) : -d.roll(0, 255); };
  const int x = n.add_tensor({.name = "x", .kind = tensor_kind::app_write, .type = t, .dims = xs,
                              .enc = net_encoding::tensor(0.04f, offset())});
  std::vector<float> scales(static_cast<std::size_t>(co));
  for (float& s : scales) s = 0.001f * static_cast<float>(d.roll(1, 20));
  const shape ws = depthwise ? shape{kh, kw, 1, co} : shape{kh, kw, ci, co};
  const int w = n.add_constant<std::int8_t>("w", dtype::sfixed_8, ws, d.data<std::int8_t>(ws.size()), net_encoding::per_axis(3, scales));
  std::vector<std::int32_t> bias(static_cast<std::size_t>(co));
  for (auto& b : bias) b = d.roll(-30000, 30000);
  const int b = n.add_constant<std::int32_t>("b", dtype::sfixed_32, {co}, bias);
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = t,
                 .enc = net_encoding::tensor(0.001f * static_cast<float>(d.roll(1, 3000)), offset())};
  net_node& node = n.add_node<Op>("node", {x, w, b}, {}, p);
  if (d.roll(0, 2) == 0) node.epi.act = activation::relu;
  out.dims = n.infer(node)[0];
  const int y = n.add_tensor(out);
  n.nodes.back().outputs = {y};
  return n;
}

std::vector<std::byte> result(const net& n, const char* backend, unsigned seed, std::string& isa) {
  interpreter run(std::shared_ptr<const frozen_net>(n.freeze()), {.backend = backend});
  isa = run.kernel_isa(0);
  std::mt19937 g(seed);
  for (std::byte& b : run.bytes(n.find("x"))) b = static_cast<std::byte>(g());
  run.run();
  const auto y = run.bytes(n.find("y"));
  return {y.begin(), y.end()};
}

template <class Op>
void compare(bool depthwise) {
  int own = 0;
  for (unsigned seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    dice d(seed);
    const net n = window_net<Op>(d, depthwise);
    std::string plain;
    std::string best;
    const auto expected = result(n, "reference", seed, plain);
    CHECK(plain == "reference");
    CHECK(result(n, "cpu", seed, best) == expected);
    own += best != "reference";
  }
  if (own == 0) std::printf("skipped: this processor has no kernel of its own for %s\n", std::string(Op::name).c_str());
}

}  // namespace

TEST_CASE("Conv2d: every instruction set gives the reference's bits") { compare<op::conv2d>(false); }
TEST_CASE("DepthWiseConv2d: every instruction set gives the reference's bits") { compare<op::depthwise_conv2d>(true); }
