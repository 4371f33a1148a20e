// SPDX-License-Identifier: Apache-2.0
#pragma once
// Random nets for kernels on tiles of 16 rows of 64 bytes: more than one block of 32 pixels and of 64 channels and parts of
// one, depths with any remainder, every kind of window; data and weights at the ends of their ranges now and then.

#include "kernels_isa/net_maker.hpp"

namespace qnnx::isa_test {

/// All weights the least or the most that their type has.
inline void extreme_weights(net_maker& m, int w) {
  net_tensor& t = m.n.tensors[static_cast<std::size_t>(w)];
  const int low = bits_of(t.type) == 4 ? 0x88 : is_signed_fixed(t.type) ? 0x80 : 0;
  const int high = bits_of(t.type) == 4 ? 0x77 : is_signed_fixed(t.type) ? 0x7f : 0xff;
  const bool one = m.d.chance(50);
  for (std::byte& v : t.data) v = static_cast<std::byte>(one || m.d.chance(50) ? low : high);
}

/// What a convolution is: `seed` chooses, so that each kind comes as often.
inline net tile_window_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const unsigned kind = seed % 8;
  int ci = d.chance(40) ? 16 * d.roll(1, 8) : d.roll(5, 150), group = 1, kernel[2] = {d.roll(1, 4), d.roll(1, 4)};
  int size[2] = {d.roll(4, 24), d.roll(4, 24)};
  op::conv2d::params p;
  const auto pad = [&](int k) { p.pad_amount[static_cast<std::size_t>(k)] = static_cast<std::uint32_t>(d.roll(0, kernel[k / 2] - 1)); };
  if (kind == 0) ci = d.roll(1, 4), p.stride = {static_cast<std::uint32_t>(d.roll(1, 2)), static_cast<std::uint32_t>(d.roll(1, 2))};  // first layers
  if (kind == 1) kernel[0] = kernel[1] = 1, size[0] = d.roll(1, 12), size[1] = d.roll(1, 12), ci = d.roll(1, 500);
  if (kind == 2 || kind == 7) kernel[0] = kernel[1] = 3;
  if (kind == 3) p.stride = {static_cast<std::uint32_t>(d.roll(1, 3)), static_cast<std::uint32_t>(d.roll(2, 3))};
  if (kind == 4) p.dilation = {static_cast<std::uint32_t>(d.roll(1, 2)), 2};
  if (kind == 5) group = d.roll(2, 4), ci = group * d.roll(1, 40);
  if (kind == 6) kernel[0] = d.roll(1, 4) == 1 ? 10 : 1, kernel[1] = d.roll(1, 5), size[0] += 10;
  if (kind == 7 && seed % 64 == 7) size[0] = d.roll(70, 74), size[1] = d.roll(70, 74), ci = 53;  // padded data that is not copied whole
  if (kind != 1) for (int k = 0; k < 4; ++k) pad(k);
  p.group = static_cast<std::uint32_t>(group);
  const int co = seed % 64 == 7 ? d.roll(1, 20) : group > 1 ? group * d.roll(1, 40) : d.chance(30) ? 16 * d.roll(1, 16) : d.roll(1, 260);
  const int x = m.input(d.chance(15) ? "ends" : "x", {d.chance(60) ? 1 : d.roll(2, 3), size[0], size[1], ci});
  const int w = m.weights({kernel[0], kernel[1], ci / group, co}, 3);
  if (d.chance(15)) extreme_weights(m, w);
  std::vector<int> inputs{x, w};
  if (d.chance(80)) inputs.push_back(m.bias(co));
  m.n.add_node<op::conv2d>("node", inputs, {}, p);
  return m.finish(inputs.size() == 3);
}

inline net tile_rows_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const bool large = seed % 40 == 1;  // more weights than one pass over the rows takes
  const int depth = large ? d.roll(1900, 2100) : d.chance(30) ? 64 * d.roll(1, 8) : d.roll(1, 600);
  const int out = large ? d.roll(530, 600) : d.chance(30) ? 16 * d.roll(1, 16) : d.roll(1, 260);
  const int x = m.input(d.chance(15) ? "ends" : "x", {large ? d.roll(33, 40) : d.roll(1, 70), depth});
  const int w = m.weights({out, depth}, 0);
  if (d.chance(15)) extreme_weights(m, w);
  std::vector<int> inputs{x, w};
  if (d.chance(80)) inputs.push_back(m.bias(out));
  m.n.add_node<op::fully_connected>("node", inputs, {}, {});
  return m.finish(inputs.size() == 3);
}

/// The right side constant or computed, for every batch or one for all.
inline net tile_matrix_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int depth = d.chance(30) ? 64 * d.roll(1, 4) : d.roll(1, 300), columns = d.roll(1, 200), rows = d.roll(1, 70), batch = d.roll(1, 3);
  op::matmul::params p;
  p.transpose_in1 = d.chance(50);
  shape b = p.transpose_in1 ? shape{columns, depth} : shape{depth, columns};
  if (d.chance(60)) b = p.transpose_in1 ? shape{batch, columns, depth} : shape{batch, depth, columns};
  const int x = m.input(d.chance(15) ? "ends" : "x", {batch, rows, depth});
  const bool constant = d.chance(40);
  const int w = constant ? m.weights(b, b.rank() - (p.transpose_in1 ? 2 : 1)) : m.input(d.chance(15) ? "ends of w" : "w", b, 0.001f, 0.02f, 1);
  std::vector<int> inputs{x, w};
  if (d.chance(80)) inputs.push_back(m.bias(columns));
  m.n.add_node<op::matmul>("node", inputs, {}, p);
  return m.finish(inputs.size() == 3);
}

}  // namespace qnnx::isa_test
