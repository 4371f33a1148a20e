// SPDX-License-Identifier: Apache-2.0
// ElementWiseAdd, Subtract, Multiply, Maximum, Minimum give the reference's bits.
#include <doctest/doctest.h>

#include "kernels_arm/instruction_sets.hpp"

using namespace kernels_arm;

namespace {

/// Operands of one shape, or one of them repeated along rows, for each row, everywhere, or (seldom) in another way.
template <class Op>
net pair_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const shape dims{1, d.roll(1, 5), d.roll(1, 5), d.channels(40)};
  const shape others[] = {dims, dims, {dims[3]}, {1, 1, 1, dims[3]}, {1}, {1, dims[1], dims[2], 1}, {1, dims[1], 1, dims[3]}};
  const auto scale = [&] {
    return e.unit() * d.scale(d.maybe(3) ? 0.01f : 0.0003f * static_cast<float>(d.roll(1, 1000)));
  };
  const bool turned = d.maybe(3), same = d.maybe(3);
  const shape other = others[d.roll(0, 6)];
  const float first = scale();
  const bool centred = bits_of(e.type) == 16 && !d.maybe(4);  // mostly, as products of other ones may not fit 32 bits
  const int middle = e.low ? 0 : -32768, offset = centred ? middle : roll_offset(d, e);
  const int x = add_input(n, "x", e, turned ? other : dims, first, offset);
  const int z = add_input(n, "z", e, turned ? dims : other, same ? first : scale(), same ? offset : centred ? middle : roll_offset(d, e));
  constexpr bool product = std::is_same_v<Op, op::elementwise_multiply>;
  net_node& node = n.add_node<Op>("node", {x, z}, {}, {});
  if (!same || product) {
    finish_net(d, n, e, node, product ? 0.02f * static_cast<float>(d.roll(1, 300)) * scale() : scale());
    return n;
  }
  roll_activation(d, node);
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = e.type, .enc = net_encoding::tensor(first, offset)};
  out.dims = n.infer(node)[0];
  n.nodes.back().outputs = {n.add_tensor(out)};
  return n;
}

}  // namespace

TEST_CASE("Cortex-M, Hexagon, without vectors: ElementWiseAdd has the reference's bits") {
  compare(pair_net<op::elementwise_add>);
}
TEST_CASE("Cortex-M, Hexagon, without vectors: ElementWiseSubtract, Multiply, Maximum, Minimum have the reference's bits") {
  for (const widths kind : {widths::bytes, widths::mixed}) {
    compare(pair_net<op::elementwise_subtract>, kind, sets::with_every_op);
    compare(pair_net<op::elementwise_multiply>, kind, sets::with_every_op);
    compare(pair_net<op::elementwise_maximum>, kind, sets::with_every_op);
    compare(pair_net<op::elementwise_minimum>, kind, sets::with_every_op);
  }
}
TEST_CASE("Cortex-M, Hexagon, without vectors: ElementWiseAdd of 16 bits has the reference's bits") {
  compare(pair_net<op::elementwise_add>, widths::mixed);
}
TEST_CASE("Hexagon: ties of pairs have the reference's bits") {
  for (const widths kind : {widths::bytes, widths::mixed}) {
    compare_hexagon(pair_net<op::elementwise_add>, kind);
    compare_hexagon(pair_net<op::elementwise_multiply>, kind);
    compare_hexagon(pair_net<op::elementwise_maximum>, kind);
  }
}
