// SPDX-License-Identifier: Apache-2.0
#pragma once
// Nets of DepthWiseConv2d with 3x3 windows, for test_kernels_isa: what kernel/x86/depthwise_columns.hpp and depthwise_quads.hpp take, and what it
// just do not.

#include "kernels_isa/nets.hpp"

namespace qnnx::isa_test {

/// 3x3 windows in steps of one or two columns; channels that are narrow, whole units of 32 and in between.
inline net columns_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int narrow[] = {7, 8, 15, 16, 17, 32};
  const int channels = d.chance(50) ? narrow[d.roll(0, 5)] : d.chance(50) ? 32 * d.roll(1, 4) : d.roll(18, 150);
  op::depthwise_conv2d::params p;
  p.stride = {static_cast<std::uint32_t>(d.roll(1, 2)), static_cast<std::uint32_t>(d.roll(1, 2))};
  if (d.chance(50)) p.stride[1] = p.stride[0];
  if (d.chance(15)) p.dilation = {2, 1};
  for (std::uint32_t& pad : p.pad_amount) pad = static_cast<std::uint32_t>(d.roll(0, 2));
  // wider than a stretch of one channel block now and then; a window may be all of the data
  const int height = d.roll(p.dilation[0] == 2 ? 5 : 3, 9);
  const int width = d.chance(20) ? d.roll(60, 90) : d.roll(3, 20);
  const int x = m.input("x", {d.chance(80) ? 1 : 2, height, width, channels});
  const int w = m.weights({3, 3, 1, channels}, 3);
  std::vector<int> inputs{x, w};
  if (d.chance(80)) inputs.push_back(m.bias(channels));
  m.n.add_node<op::depthwise_conv2d>("node", inputs, {}, p);
  if (d.chance(15)) return m.finish(false, 1.5e-6f, 5e-6f);  // results of more than 22 bits before their clamp
  return m.finish(inputs.size() == 3);
}

/// Three of them one after the other, whose results the planner places over their data.
inline net columns_chain(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int channels = d.chance(30) ? 8 : d.chance(40) ? 16 : d.chance(40) ? 32 : d.roll(17, 100);
  int x = m.input("x", {1, d.roll(4, 12), d.roll(4, 50), channels});
  for (int k = 0; k < 3; ++k) {
    const std::string number = std::to_string(k);
    op::depthwise_conv2d::params p;
    p.pad_amount = {1, 1, 1, 1};
    if (k == 2 && d.chance(30)) p.stride = {2, 2};
    const int w = m.weights({3, 3, 1, channels}, 3);
    m.n.tensors[static_cast<std::size_t>(w)].name += number;
    m.n.add_node<op::depthwise_conv2d>("node" + number, {x, w}, {}, p);
    if (k == 2) break;
    net_tensor y{.name = "y" + number, .kind = tensor_kind::native, .type = types.out, .enc = m.data_encoding(types.out, 0.02f, 0.3f)};
    y.dims = m.n.infer(m.n.nodes.back())[0];
    x = m.n.add_tensor(y);
    m.n.nodes.back().outputs = {x};
  }
  return m.finish(false);
}

}  // namespace qnnx::isa_test
