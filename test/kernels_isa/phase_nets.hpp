// SPDX-License-Identifier: Apache-2.0
#pragma once
// Random nets that never leave their kernel for the reference: transposed convolutions of 16-bit data (no residual, no kernel
// smaller than the stride), MatMul with a transposed left side. Data at the ends of its range, weights at theirs, sums that
// 32 bits do not hold, groups, several images.

#include <algorithm>

#include "kernels_isa/product_nets.hpp"

namespace qnnx::isa_test {

/// Nearly all weights at one end of their range make the largest sums with data at one end of its own.
inline void widest_weights(net_maker& m, int w) {
  for (std::byte& v : m.n.tensors[static_cast<std::size_t>(w)].data) v = m.d.chance(95) ? std::byte{127} : std::byte{128};
}

inline net phase_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const bool many = d.chance(20);  // sums of more pairs than 32 bits hold
  const int group = many ? d.roll(1, 2) : d.chance(30) ? d.roll(2, 5) : 1;
  const int ci = many ? group * d.roll(300, 700) : group * d.roll(1, 24), co = d.chance(30) ? 16 * d.roll(1, 4) : d.roll(1, many ? 20 : 70);
  op::transpose_conv2d::params p;
  p.group = static_cast<std::uint32_t>(group);
  int kernel[2] = {}, size[2] = {};
  for (std::size_t k = 0; k < 2; ++k) {
    const int stride = d.roll(1, 3);
    kernel[k] = stride + d.roll(0, many ? 1 : 3);
    size[k] = d.roll(1, many ? 3 : 8);
    p.stride[k] = static_cast<std::uint32_t>(stride);
    // A phase of n taps begins at most n - 1 rows before the data: paddings below the kernel of the last phase.
    const int whole = stride * (size[k] - 1) + kernel[k], most = std::min(kernel[k] - stride, whole - 1);
    const int before = d.roll(0, most);
    p.pad_amount[2 * k] = static_cast<std::uint32_t>(before);
    p.pad_amount[2 * k + 1] = static_cast<std::uint32_t>(d.roll(0, std::min(kernel[k] - 1, whole - 1 - before)));
    if (d.chance(30)) p.output_padding[k] = static_cast<std::uint32_t>(d.roll(0, stride - 1));
  }
  const int x = m.input(many || d.chance(30) ? "ends" : "x", {d.roll(1, 3), size[0], size[1], ci});
  const int w = m.weights({kernel[0], kernel[1], ci, co}, 3);
  if (many || d.chance(20)) widest_weights(m, w);
  if (many && group == 2) {  // the first group's sums alone are long
    net_tensor& t = m.n.tensors[static_cast<std::size_t>(w)];
    for (std::size_t i = 0; i < t.data.size(); ++i)
      if (i / static_cast<std::size_t>(co) % static_cast<std::size_t>(ci) >= static_cast<std::size_t>(ci / 2)) t.data[i] = std::byte{1};
  }
  std::vector<int> inputs{x, w};
  if (d.chance(80)) inputs.push_back(m.bias(co * group));
  if (inputs.size() == 3 && d.chance(20))
    for (int i = 0; i < co * group; i += d.roll(1, 9)) m.n.tensors[static_cast<std::size_t>(inputs[2])].as<std::int32_t>()[i] = d.chance(50) ? INT32_MAX : INT32_MIN;
  m.n.add_node<op::transpose_conv2d>("node", inputs, {}, p);
  return m.finish(false);
}

inline net turned_matmul_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int depth = d.chance(30) ? 16 * d.roll(1, 5) : d.roll(1, 90), rows = d.chance(30) ? 16 * d.roll(1, 4) : d.roll(1, 50), columns = d.roll(1, 70);
  op::matmul::params p;
  p.transpose_in0 = true;
  p.transpose_in1 = d.chance(50);
  const int batch = d.roll(1, 4), other = d.chance(30) ? d.roll(1, 3) : 1;
  const bool shared = d.chance(20);  // one left side for all right ones
  const shape one = p.transpose_in1 ? shape{columns, depth} : shape{depth, columns};
  const shape a{shared ? 1 : other, shared ? 1 : batch, depth, rows};
  const shape b = shared || d.chance(50) ? shape{other, batch, one[0], one[1]} : one;
  const int x = m.input(d.chance(20) ? "ends" : "x", a);
  return finish_matmul(m, p, x, b, columns);
}

}  // namespace qnnx::isa_test
