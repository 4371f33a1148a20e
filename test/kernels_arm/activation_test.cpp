// SPDX-License-Identifier: Apache-2.0
// Functions of one operand give the reference's bits; those of 16 bits for every input.
#include <doctest/doctest.h>

#include "kernels_arm/instruction_sets.hpp"

using namespace kernels_arm;

namespace {

/// An op of one operand, or of one and a table of 256.
template <class Op>
net one_operand(dice& d, const typename Op::params& p = {}) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const shape dims{d.roll(1, 3), d.roll(1, 300)};
  const bool same = d.maybe(2);
  const auto enc = net_encoding::tensor(d.scale(0.04f) * e.unit(), roll_offset(d, e));
  std::vector<int> in{n.add_tensor({.name = "x", .kind = tensor_kind::app_write, .type = e.type, .dims = dims, .enc = enc})};
  if constexpr (std::is_same_v<Op, op::lookup>) {
    std::vector<std::int8_t> table(256);
    for (std::int8_t& v : table) v = static_cast<std::int8_t>(d.roll(-128, 127));
    in.push_back(n.add_constant<std::int8_t>("table", e.type, {256}, table, net_encoding::tensor(0.02f, -3)));
  }
  net_node& node = n.add_node<Op>("node", in, {}, p);
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = e.type,
                 .enc = same ? enc : net_encoding::tensor(0.02f * e.unit(), roll_offset(d, e))};
  out.dims = n.infer(node)[0];
  n.nodes.back().outputs = {n.add_tensor(out)};
  return n;
}

void every_half(std::span<std::byte> x) {
  for (std::size_t i = 0; i < 65536; ++i) x[2 * i] = static_cast<std::byte>(i & 255), x[2 * i + 1] = static_cast<std::byte>(i >> 8);
}
/// All 65536 inputs of a function of 16 bits.
template <class Op>
void compare_every_input(dtype type, rounding_mode rounding, const net_encoding& from, const net_encoding& to,
                         sets who = sets::with_activations, const typename Op::params& p = {}) {
  net n;
  n.rounding = rounding;
  const int x = n.add_tensor({.name = "x", .kind = tensor_kind::app_write, .type = type, .dims = {65536}, .enc = from});
  net_node& node = n.add_node<Op>("node", {x}, {}, p);
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = type, .enc = to};
  out.dims = n.infer(node)[0];
  n.nodes.back().outputs = {n.add_tensor(out)};
  compare_one(n, every_half, who);
}
/// In steps and ranges of all sizes.
template <class Op>
void compare_curves(dtype type, sets who = sets::with_activations, const typename Op::params& p = {}) {
  for (unsigned seed = 1; seed <= 12 && any_of(who); ++seed) {
    CAPTURE(seed);
    dice d(seed, widths::mixed);
    const encoded e{type, static_cast<int>(min_value(type))};
    const int centre = -e.low - 32768;
    const auto offset = [&] { return d.maybe(2) ? centre : roll_offset(d, e); };
    const auto scale = [&](float odd, int lo, int hi) { return std::ldexp(d.maybe(3) ? 1.0f : odd, -d.roll(lo, hi)); };
    const auto rounding = seed % 3 == 0 ? rounding_mode::tflite : seed % 3 == 1 ? rounding_mode::rne : rounding_mode::half_up;
    const float from = scale(0.7f, 6, 16), to = scale(0.9f, 8, 16);
    const int zero = offset();
    compare_every_input<Op>(type, rounding, net_encoding::tensor(from, zero), net_encoding::tensor(to, offset()), who, p);
  }
}

}  // namespace

TEST_CASE("Cortex-M, Hexagon, without vectors: functions of one operand and Lookup have the reference's bits") {
  compare([](dice& d) { return one_operand<op::relu>(d); }, widths::bytes, sets::with_every_op);
  compare([](dice& d) { return one_operand<op::sigmoid>(d); }, widths::bytes, sets::with_every_op);
  compare([](dice& d) { return one_operand<op::elementwise_unary>(d, {.operation = op::unary::exp}); }, widths::bytes, sets::with_every_op);
  compare([](dice& d) { return one_operand<op::lookup>(d); }, widths::bytes, sets::with_every_op);
}
TEST_CASE("Cortex-M, Hexagon, aarch64, without vectors: activations of 16 bits have the reference's bits for every input") {
  for (const dtype type : {dtype::sfixed_16, dtype::ufixed_16}) {
    compare_curves<op::relu>(type);
    compare_curves<op::relu6>(type);
    compare_curves<op::sigmoid>(type);
    compare_curves<op::tanh>(type);
    compare_curves<op::gelu>(type);
    compare_curves<op::elu>(type);
    compare_curves<op::hard_swish>(type);
    compare_curves<op::elementwise_softplus>(type);
  }
}
TEST_CASE("Cortex-M, Hexagon, aarch64, without vectors: activations of 16 bits in coarse steps have the reference's bits for every input") {
  int turn = 0;
  for (const float from : {0.7f, 0.25f, 0.11f, 1.0f / 16, 0.07f, 0.041f, 1.0f / 32})
    for (const float to : {1.0f / 4, 0.013f, 1.0f / 4096}) {
      if (!any_of(sets::with_activations)) return;
      CAPTURE(from);
      CAPTURE(to);
      const auto rounding = ++turn % 2 ? rounding_mode::rne : rounding_mode::half_up;
      const auto x = net_encoding::tensor(from, turn % 3 ? 0 : 1234), y = net_encoding::tensor(to, turn % 5 ? 0 : -77);
      compare_every_input<op::gelu>(dtype::sfixed_16, rounding, x, y);
      compare_every_input<op::hard_swish>(dtype::sfixed_16, rounding, x, y);
      compare_every_input<op::elu>(dtype::sfixed_16, rounding, x, y);
      compare_every_input<op::sigmoid>(dtype::sfixed_16, rounding, x, y);
      compare_every_input<op::elementwise_softplus>(dtype::sfixed_16, rounding, x, y);
    }
}
TEST_CASE("Cortex-M, Hexagon, aarch64, without vectors: TFLite's logistic and tanh of 16 bits have the reference's bits for every input") {
  for (const float scale : {1.0f / 32768, 1.0f / 8192, 1.0f / 4096, 1.0f / 2048, 1.0f / 1024, 0.9f / 4096, 1.0004f / 4096, 1.001f / 2048,
                            1e-9f, 3e-6f, 0.00123f, 0.05f, 1.0f, 3.99f, 4.5f}) {
    CAPTURE(scale);
    const auto from = net_encoding::tensor(scale, 0), to = net_encoding::tensor(1.0f / 32768, 0);
    if (!any_of(sets::with_activations)) return;
    compare_every_input<op::sigmoid>(dtype::sfixed_16, rounding_mode::tflite, from, to);
    compare_every_input<op::tanh>(dtype::sfixed_16, rounding_mode::tflite, from, to);
    compare_every_input<op::elementwise_neuron>(dtype::sfixed_16, rounding_mode::tflite, from, to, sets::with_activations, {.operation = op::neuron::tanh});
  }
}
TEST_CASE("Cortex-M, Hexagon, without vectors: ElementWiseUnary of 16 bits has the reference's bits for every input") {
  using op::unary;
  for (const unary what : {unary::abs, unary::asin, unary::atan, unary::ceil, unary::cos, unary::exp, unary::floor, unary::log, unary::neg,
                           unary::reciprocal, unary::round, unary::rsqrt, unary::sign, unary::sin, unary::sqrt})
    for (const dtype type : {dtype::sfixed_16, dtype::ufixed_16}) {
      CAPTURE(static_cast<int>(what));
      compare_curves<op::elementwise_unary>(type, sets::with_curves, {.operation = what});
    }
  for (const dtype type : {dtype::sfixed_16, dtype::ufixed_16}) compare_curves<op::erf>(type, sets::with_curves);
}
TEST_CASE("Hexagon: tables have the reference's bits") {
  compare_hexagon([](dice& d) { return one_operand<op::relu>(d); });
  compare_hexagon([](dice& d) { return one_operand<op::sigmoid>(d); });
  compare_hexagon([](dice& d) { return one_operand<op::elementwise_unary>(d, {.operation = op::unary::exp}); });
  compare_hexagon([](dice& d) { return one_operand<op::lookup>(d); });
  compare_hexagon([](dice& d) { return one_operand<op::sigmoid>(d); }, widths::mixed);
}

