// SPDX-License-Identifier: Apache-2.0
#pragma once
// Networks for kernel/x86/winograd4_windows.hpp.

#include "kernels_isa/nets.hpp"

namespace qnnx::isa_test {

/// 3x3 windows of stride 1 that kernel/x86/winograd4_windows.hpp takes: rows of tiles that a block holds many of and that
/// are longer than one, any paddings, results of one pixel. Half of the nets have the ends of the ranges in the weights,
/// a third in the data ("ends"); the first seeds both, of one sign, with sums that need more than one block of inputs.
inline net winograd_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int form = seed <= 8 ? 0 : d.roll(1, 9);
  const bool most = form == 0;  // the largest sums
  const int ci = 2 * (most ? d.roll(114, 128) : form == 1 ? d.roll(57, 120) : d.roll(8, 40));
  const int co = form < 3 ? d.roll(16, 36) : d.chance(30) ? 16 * d.roll(1, 9) : d.roll(16, 70);
  op::conv2d::params p;
  for (std::uint32_t& pad : p.pad_amount) pad = static_cast<std::uint32_t>(d.chance(60) ? 1 : d.roll(0, 4));
  const int h = form == 2 ? d.roll(3, 6) : !most && d.chance(20) ? d.roll(3, 7) : d.roll(8, 14);
  const int w = form == 2 ? d.roll(100, 300) : !most && d.chance(20) ? d.roll(3, 7) : d.roll(8, 14);
  const int x = m.input(most || d.chance(33) ? "ends" : "x", {d.chance(70) ? 1 : d.roll(2, 3), h, w, form == 2 ? 16 : ci});
  const int weights = m.weights({3, 3, form == 2 ? 16 : ci, co}, 3);
  std::vector<std::byte>& values = m.n.tensors[static_cast<std::size_t>(weights)].data;
  const int ends = most ? d.roll(0, 1) : d.roll(0, 5);
  const std::byte low{is_signed_fixed(types.in[1]) ? std::uint8_t{128} : std::uint8_t{0}};
  const std::byte high{is_signed_fixed(types.in[1]) ? std::uint8_t{127} : std::uint8_t{255}};
  if (ends < 3 && bits_of(types.in[1]) == 8)
    for (std::byte& v : values) v = ends == 0 ? low : ends == 1 ? high : d.chance(50) ? low : high;
  const int bias = m.bias(co);
  m.n.add_node<op::conv2d>("node", {x, weights, bias}, {}, p);
  return m.finish(true, 0.05f, 6.0f);
}

}  // namespace qnnx::isa_test
