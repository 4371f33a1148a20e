// SPDX-License-Identifier: Apache-2.0
// Sums of products give the reference's bits: random shapes, paddings, weights at the ends of their range, dead channels,
// biases of all sizes.
#include <doctest/doctest.h>

#include "kernels_arm/instruction_sets.hpp"

using namespace kernels_arm;

namespace {

/// Weights with some at the ends of the range; now and then a channel of zeros.
std::vector<std::int8_t> roll_weights(dice& d, std::int64_t n, int channels, bool channel_last) {
  const int dead = d.maybe(4) ? d.roll(0, channels - 1) : -1;
  std::vector<std::int8_t> w(static_cast<std::size_t>(n));
  const bool extreme = d.maybe(6);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t channel = channel_last ? i % channels : i / (n / channels);
    int v = extreme ? (d.maybe(2) ? -128 : 127) : d.roll(-128, 127);
    if (channel == dead) v = 0;
    w[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(v);
  }
  return w;
}

/// Bytes of 4-bit weights, those of a channel on bytes of their own where it has a scale of its own.
std::vector<std::int8_t> roll_nibbles(dice& d, std::int64_t n, int channels, bool per_axis) {
  std::vector<std::int8_t> w(static_cast<std::size_t>(per_axis ? (n / channels + 1) / 2 * channels : (n + 1) / 2));
  const int kind = d.roll(0, 5), all = d.roll(0, 15) * 0x11;  // all alike: sums grow without end
  for (std::int8_t& v : w) v = static_cast<std::int8_t>(kind == 0 ? (d.maybe(2) ? 0x88 : 0x77) : kind == 1 ? all : d.roll(0, 255));
  return w;
}

/// Scales per channel, or one; biases that fit, are huge, or are left out.
std::vector<int> roll_operands(dice& d, net& n, encoded e, const shape& ws, std::int64_t depth, bool channel_last) {
  const int channels = channel_last ? ws[ws.rank() - 1] : ws[0];
  std::vector<float> scales(static_cast<std::size_t>(channels));
  for (float& s : scales) s = d.maybe(30) ? 1e-10f : d.scale(0.0005f * static_cast<float>(d.roll(1, 20)));
  const auto enc =
      d.maybe(3) || !channel_last ? net_encoding::tensor(d.scale(0.004f), 0) : net_encoding::per_axis(ws.rank() - 1, scales);
  const bool per_axis = enc.kind == encoding_kind::axis_scale_offset;
  const int w = n.add_constant<std::int8_t>("w", e.weights, ws,
                                            e.weights == dtype::sfixed_4
                                                ? roll_nibbles(d, ws.size(), channels, per_axis)
                                                : roll_weights(d, ws.size(), channels, channel_last),
                                            enc);
  if (d.maybe(6)) return {w};
  const int most = d.maybe(8) ? 1 << 30 : 200 * static_cast<int>(depth) * (e.span() / 255);
  std::vector<std::int32_t> bias(static_cast<std::size_t>(channels));
  for (auto& b : bias) b = d.roll(-most, most - 1);
  return {w, n.add_constant<std::int32_t>("b", dtype::sfixed_32, {channels}, bias)};
}

template <class Op>
net window_net(dice& d) {
  constexpr bool depthwise = std::is_same_v<Op, op::depthwise_conv2d>;
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const int ci = depthwise    ? (d.maybe(3) ? d.channels(20) : 4 * d.roll(1, 6))
                 : d.maybe(2) ? 4 * d.roll(1, 5)
                              : d.roll(1, 9);
  const int co = depthwise ? ci * (d.maybe(6) ? d.roll(2, 3) : 1) : d.channels(9);
  const int kh = depthwise && !d.maybe(4) ? 3 : d.roll(1, 5);
  const int kw = depthwise && !d.maybe(4) ? 3 : d.roll(1, 5);
  typename Op::params p;
  p.stride = {static_cast<std::uint32_t>(d.roll(1, 3)), static_cast<std::uint32_t>(d.roll(1, depthwise && !d.maybe(8) ? 2 : 3))};
  if (d.maybe(6)) p.dilation = {static_cast<std::uint32_t>(d.roll(1, 2)), 2};
  for (std::size_t i = 0; i < 4; ++i) p.pad_amount[i] = static_cast<std::uint32_t>(d.roll(0, (i < 2 ? kh : kw) - 1));
  const shape xs{d.maybe(4) ? 2 : 1, d.roll(9, 14), d.roll(9, 14), ci};
  const int x = n.add_tensor({.name = "x",
                              .kind = tensor_kind::app_write,
                              .type = e.type,
                              .dims = xs,
                              .enc = net_encoding::tensor(d.scale(0.04f) * e.unit(), roll_offset(d, e))});
  const shape ws = depthwise ? shape{kh, kw, 1, co} : shape{kh, kw, ci, co};
  std::vector<int> in = roll_operands(d, n, e, ws, ws.size() / co, true);
  in.insert(in.begin(), x);
  finish_net(d, n, e, n.add_node<Op>("node", {in.begin(), in.end()}, {}, p),
             e.unit() * 0.003f * static_cast<float>(d.roll(1, 300)));
  return n;
}

net dense_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const int depth = d.maybe(4) ? d.roll(500, 1100) : d.roll(1, 80), channels = d.channels(11);
  const int x = n.add_tensor({.name = "x",
                              .kind = tensor_kind::app_write,
                              .type = e.type,
                              .dims = {d.roll(1, 3), depth},
                              .enc = net_encoding::tensor(d.scale(0.04f) * e.unit(), roll_offset(d, e))});
  std::vector<int> in = roll_operands(d, n, e, {channels, depth}, depth, false);
  in.insert(in.begin(), x);
  finish_net(d, n, e, n.add_node<op::fully_connected>("node", {in.begin(), in.end()}, {}, {}),
             e.unit() * 0.003f * static_cast<float>(d.roll(1, 300)));
  return n;
}

}  // namespace

TEST_CASE("Cortex-M, Hexagon, without vectors: Conv2d has the reference's bits") {
  compare(window_net<op::conv2d>);
}
TEST_CASE("Cortex-M, Hexagon, without vectors: Conv2d on 16-bit data and with 4-bit weights has the reference's bits") {
  compare(window_net<op::conv2d>, widths::mixed);
}
TEST_CASE("Cortex-M, Hexagon, without vectors: DepthWiseConv2d has the reference's bits") {
  compare(window_net<op::depthwise_conv2d>);
}
TEST_CASE("Cortex-M, Hexagon, without vectors: DepthWiseConv2d on 16-bit data and with 4-bit weights has the reference's bits") {
  compare(window_net<op::depthwise_conv2d>, widths::mixed);
}
TEST_CASE("Cortex-M, Hexagon, without vectors: FullyConnected has the reference's bits") {
  compare(dense_net);
}
TEST_CASE("Cortex-M, Hexagon, without vectors: FullyConnected on 16-bit data and with 4-bit weights has the reference's bits") {
  compare(dense_net, widths::mixed);
}
TEST_CASE("Hexagon: ties of sums of products have the reference's bits") {
  for (const widths kind : {widths::bytes, widths::mixed}) {
    compare_hexagon(window_net<op::conv2d>, kind);
    compare_hexagon(window_net<op::depthwise_conv2d>, kind);
    compare_hexagon(dense_net, kind);
  }
}
