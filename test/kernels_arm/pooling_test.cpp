// SPDX-License-Identifier: Apache-2.0
// Pools, ReduceMean and ReduceSum give the reference's bits.
#include <doctest/doctest.h>

#include <algorithm>

#include "kernels_arm/instruction_sets.hpp"

using namespace kernels_arm;

namespace {

/// Some axes, mostly neighbours.
template <class Op>
net reduce_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const int x = add_input(n, "x", e, {d.maybe(3) ? 2 : 1, d.roll(1, 20), d.roll(1, 20), d.maybe(3) ? d.roll(1, 40) : 8 * d.roll(1, 4)}, 0.04f * e.unit(), roll_offset(d, e));
  op::reduce_params p;
  const int kind = d.roll(0, 4);
  p.axes = kind <= 1 ? axes{1, 2} : kind == 2 ? axes{3} : kind == 3 ? axes{0, 1} : axes{1, 3};
  p.keep_dims = d.maybe(2);
  net_node& node = n.add_node<Op>("node", {x}, {}, p);
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = e.type,
                 .enc = net_encoding::tensor(e.unit() * 0.002f * static_cast<float>(d.roll(1, 100)), roll_offset(d, e))};
  out.dims = n.infer(node)[0];
  n.nodes.back().outputs = {n.add_tensor(out)};
  return n;
}

template <class Op>
net pool_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const shape dims{d.maybe(4) ? 2 : 1, d.roll(4, 18), d.roll(4, 18),
                   d.maybe(3) ? 64 * d.roll(1, 2) : d.maybe(3) ? d.roll(1, 41) : 4 * d.roll(1, 5)};
  typename Op::params p;
  const bool global = d.maybe(3);
  p.filter_size = {static_cast<std::uint32_t>(global ? dims[1] : d.roll(1, 4)),
                   static_cast<std::uint32_t>(global ? dims[2] : d.roll(1, 4))};
  p.stride = {static_cast<std::uint32_t>(d.roll(1, 3)), static_cast<std::uint32_t>(d.roll(1, 3))};
  if (!global)
    for (std::size_t i = 0; i < 4; ++i)
      p.pad_amount[i] = static_cast<std::uint32_t>(d.roll(0, static_cast<int>(p.filter_size[i / 2]) - 1));
  if constexpr (requires { p.count_pad_for_edges; }) p.count_pad_for_edges = d.maybe(2);
  const bool same = d.maybe(2);
  const int offset = roll_offset(d, e);
  const int x = n.add_tensor({.name = "x",
                              .kind = tensor_kind::app_write,
                              .type = e.type,
                              .dims = dims,
                              .enc = net_encoding::tensor(0.04f * e.unit(), offset)});
  net_node& node = n.add_node<Op>("node", {x}, {}, p);
  roll_activation(d, node);
  net_tensor out{.name = "y",
                 .kind = tensor_kind::app_read,
                 .type = e.type,
                 .enc = net_encoding::tensor(same ? 0.04f : 0.03f, same ? offset : roll_offset(d, e))};
  out.dims = n.infer(node)[0];
  const int y = n.add_tensor(out);
  n.nodes.back().outputs = {y};
  return n;
}

}  // namespace

TEST_CASE("Cortex-M, Hexagon, without vectors: PoolAvg2d has the reference's bits") {
  compare(pool_net<op::pool_avg2d>);
}
TEST_CASE("Cortex-M, Hexagon, without vectors: PoolAvg2d of 16 bits has the reference's bits") {
  compare(pool_net<op::pool_avg2d>, widths::mixed, sets::with_every_op);
}
TEST_CASE("Cortex-M, Hexagon, without vectors: PoolMax2d has the reference's bits") {
  compare(pool_net<op::pool_max2d>, widths::bytes, sets::with_every_op);
  compare(pool_net<op::pool_max2d>, widths::mixed, sets::with_every_op);
}
TEST_CASE("Cortex-M, without vectors: ReduceMean, ReduceSum have the reference's bits") {
  for (const widths kind : {widths::bytes, widths::mixed}) {
    compare(reduce_net<op::reduce_mean>, kind, sets::with_reductions);
    compare(reduce_net<op::reduce_sum>, kind, sets::with_reductions);
  }
}
TEST_CASE("Cortex-M, aarch64, without vectors: sums of more bytes than 16 bits hold have the reference's bits") {
  for (const dtype type : {dtype::ufixed_8, dtype::sfixed_8})
    for (const int value : {0xff, 0x7f, 0x80}) {
      CAPTURE(value);
      net n;
      const encoded e{type, static_cast<int>(min_value(type))};
      const int x = add_input(n, "x", e, {2, 20, 20, 24}, 0.04f, -3);
      net_node& node = n.add_node<op::reduce_mean>("node", {x}, {}, {.axes = {1, 2}});
      net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = type, .enc = net_encoding::tensor(0.05f, -5)};
      out.dims = n.infer(node)[0];
      n.nodes.back().outputs = {n.add_tensor(out)};
      compare_one(n, [&](std::span<std::byte> bytes) { std::fill(bytes.begin(), bytes.end(), static_cast<std::byte>(value)); }, sets::with_reductions);
    }
}
TEST_CASE("Hexagon: ties of pools have the reference's bits") {
  for (const widths kind : {widths::bytes, widths::mixed}) {
    compare_hexagon(pool_net<op::pool_avg2d>, kind);
    compare_hexagon(pool_net<op::pool_max2d>, kind);
  }
}
