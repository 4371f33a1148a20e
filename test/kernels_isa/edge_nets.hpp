// SPDX-License-Identifier: Apache-2.0
#pragma once
// Networks for kernel/x86/edge_windows.hpp.

#include "kernels_isa/nets.hpp"

namespace qnnx::isa_test {

/// 3x3 windows with a line of padding around images of 7, 14, 21 or 28 columns, too few lines and too many weights for tiles of
/// Winograd's form; one in six misses a condition.
inline net edge_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int wide = d.roll(0, 9);
  const int width = wide < 6 ? 7 : 7 * d.roll(2, 4);
  const int height = width == 7 ? d.roll(1, 9) : d.roll(1, 3);
  const int depth = 4 * d.roll(37, 45), channels = 64 * d.roll(1, 3);
  op::conv2d::params p;
  p.pad_amount = {1, 1, 1, 1};
  const int missed = d.roll(0, 17);
  if (missed == 0 && height > 1) p.pad_amount[1] = 0;
  if (missed == 1) p.pad_amount[2] = 0;
  if (missed == 2) p.stride = {1, 2};
  const int x = m.input("x", {d.chance(80) || height > 2 ? 1 : 2, height, width, depth});
  std::vector<int> inputs{x, m.weights({3, 3, depth, channels}, 3)};
  if (d.chance(80)) inputs.push_back(m.bias(channels));
  m.n.add_node<op::conv2d>("node", inputs, {}, p);
  return m.finish(inputs.size() == 3, 0.05f, 3.0f);
}

}  // namespace qnnx::isa_test
