// SPDX-License-Identifier: Apache-2.0
// Changes of encoding and type give the reference's bits.
#include <doctest/doctest.h>

#include "kernels_arm/instruction_sets.hpp"

using namespace kernels_arm;

namespace {

shape roll_sizes(dice& d) { return {d.roll(1, 3), d.maybe(4) ? 128 * d.roll(1, 2) : d.roll(1, 300)}; }
void add_output(net& n, net_node& node, dtype type, const net_encoding& enc) {
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = type, .enc = enc};
  out.dims = n.infer(node)[0];
  n.nodes.back().outputs = {n.add_tensor(out)};
}
/// From any type of 8 or 16 bits to any; now and then in the same encoding, or to all of a range.
net convert_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded from = roll_type(d), to = roll_type(d);
  const float scale = 0.02f * from.unit();
  const int offset = roll_offset(d, from);
  const int x = add_input(n, "x", from, roll_sizes(d), d.scale(scale), offset);
  net_node& node = n.add_node<op::convert>("node", {x}, {}, {});
  const bool same = from.type == to.type && d.maybe(3);
  add_output(n, node, to.type,
             same ? net_encoding::tensor(d.scale(scale), offset)
                  : net_encoding::tensor(d.scale(0.0002f * static_cast<float>(d.roll(1, 500)) * (d.maybe(3) ? from.unit() : to.unit())), roll_offset(d, to)));
  return n;
}
net dequantize_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded from = roll_type(d);
  const int x = add_input(n, "x", from, roll_sizes(d), d.scale(0.0003f * static_cast<float>(d.roll(1, 500))), roll_offset(d, from));
  add_output(n, n.add_node<op::dequantize>("node", {x}, {}, {}), dtype::float_32, {});
  return n;
}

}  // namespace

TEST_CASE("Hexagon: Convert has the reference's bits") {
  compare_hexagon(convert_net);
  compare_hexagon(convert_net, widths::mixed);
}
TEST_CASE("Hexagon: Dequantize of 8 bits has the reference's bits") {
  compare_hexagon(dequantize_net);
}
