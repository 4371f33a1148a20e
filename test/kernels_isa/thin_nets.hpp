// SPDX-License-Identifier: Apache-2.0
#pragma once
// Nets of Conv2d on data of few channels, for test_kernels_isa: what kernel/x86/thin_windows.hpp takes, and what it just does
// not.

#include "kernels_isa/nets.hpp"

namespace qnnx::isa_test {

inline net thin_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int depth = d.chance(50) ? 3 : d.roll(1, 5);
  const int kh = d.chance(40) ? 3 : d.roll(1, 10);
  const int kw = d.chance(50) ? 3 : d.roll(1, 7);
  const int channels = d.chance(50) ? 8 * d.roll(1, 9) : d.roll(1, 90);
  op::conv2d::params p;
  p.stride = {static_cast<std::uint32_t>(d.roll(1, 3)), static_cast<std::uint32_t>(d.roll(1, 3))};
  if (d.chance(10)) p.dilation = {1, 2};
  for (std::size_t i = 0; i < 4; ++i) p.pad_amount[i] = static_cast<std::uint32_t>(d.roll(0, (i < 2 ? kh : kw) - 1));
  const int x = m.input("x", {d.chance(80) ? 1 : 2, d.roll(kh, kh + 7), d.chance(20) ? d.roll(60, 90) : d.roll(14, 30), depth});
  const int w = m.weights({kh, kw, depth, channels}, 3);
  std::vector<int> inputs{x, w};
  if (d.chance(80)) inputs.push_back(m.bias(channels));
  m.n.add_node<op::conv2d>("node", inputs, {}, p);
  return m.finish(inputs.size() == 3);
}

}  // namespace qnnx::isa_test
