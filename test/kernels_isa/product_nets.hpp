// SPDX-License-Identifier: Apache-2.0
#pragma once
// Random nets of products with weights: windows, one pixel, FullyConnected, MatMul, chains of them.

#include "kernels_isa/net_maker.hpp"

namespace qnnx::isa_test {

template <class Op>
net window_net(unsigned seed, const signature& types, bool depthwise) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int group = !depthwise && d.chance(20) ? d.roll(2, 4) : 1;
  const int power = 1 << d.roll(0, 5);
  const bool square = !depthwise && group == 1 && d.chance(20);  // 3x3, whole vectors of channels: Winograd's form
  const int ci = square ? 16 * d.roll(2, 3) : group * (depthwise ? (d.chance(40) ? power : d.roll(1, 150)) : d.roll(1, 40));
  const int co = square ? 16 * d.roll(1, 5) : depthwise ? ci * (d.chance(20) ? d.roll(2, 9) : 1) : group > 1 ? group * d.roll(1, 40) : m.channels();
  const bool pointwise = !square && d.chance(30);
  const int kh = square ? 3 : pointwise ? 1 : d.roll(1, 4);
  const int kw = square ? 3 : pointwise ? 1 : d.roll(1, 4);
  typename Op::params p;
  if (square) {
    for (std::uint32_t& pad : p.pad_amount) pad = static_cast<std::uint32_t>(d.roll(0, 2));
  } else if (!pointwise) {
    const bool dilated = d.chance(25);
    p.stride = {static_cast<std::uint32_t>(d.roll(1, 3)), static_cast<std::uint32_t>(d.roll(1, 3))};
    if (dilated) p.dilation = {static_cast<std::uint32_t>(d.roll(1, 2)), static_cast<std::uint32_t>(d.roll(1, 2))};
    for (std::size_t i = 0; i < 4; ++i) p.pad_amount[i] = static_cast<std::uint32_t>(d.roll(0, (i < 2 ? kh : kw) - 1));
  }
  if constexpr (requires { p.group; }) p.group = static_cast<std::uint32_t>(group);
  const int x = m.input("x", {d.chance(80) ? 1 : 2, d.roll(7, 14), d.roll(7, 20), ci});
  const int w = m.weights(depthwise ? shape{kh, kw, 1, co} : shape{kh, kw, ci / group, co}, 3);
  std::vector<int> inputs{x, w};
  if (d.chance(80)) inputs.push_back(m.bias(co));
  m.n.template add_node<Op>("node", inputs, {}, p);
  return m.finish(inputs.size() == 3);
}

/// 1x1 windows that need no row tables: whole words of depth, any number of pixels, channels of one to a few vectors.
/// Under one rounding most of the time, with ties (scales that are powers of two), sums far outside of the result's type
/// and biases near the ends of 32 bits.
inline net pointwise_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  if (d.chance(80)) m.n.rounding = rounding_mode::rne;
  m.powers = d.chance(40);
  const int ci = 4 * (d.chance(80) ? d.roll(1, 16) : d.roll(17, 300));
  const int co = d.chance(50) ? 16 * d.roll(1, 9) : d.roll(1, 150);
  const int x = m.input("x", {1, d.roll(1, 9), d.roll(1, 9), ci});
  const int w = m.weights({1, 1, ci, co}, 3);
  const int b = m.bias(co);
  if (d.chance(30))
    for (std::byte& v : m.n.tensors[static_cast<std::size_t>(w)].data) v = static_cast<std::byte>(d.chance(50) ? 127 : 128);
  if (d.chance(20))
    for (int i = 0; i < co; i += d.roll(1, 9)) m.n.tensors[static_cast<std::size_t>(b)].as<std::int32_t>()[i] = d.chance(50) ? 1 << 30 : -(1 << 30);
  if (m.powers && is_fixed(types.out)) {
    net_encoding& e = m.n.tensors[static_cast<std::size_t>(w)].enc;
    for (float& s : e.scales) s = std::exp2(std::floor(std::log2(s)));
  }
  m.n.add_node<op::conv2d>("node", {x, w, b}, {}, {});
  return m.finish(d.chance(30), 0.001f, d.chance(40) ? 0.01f : 3.0f);  // the small scales: sums beyond what a float's integers hold
}

inline net connected_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  const bool long_sums = bits_of(types.in[0]) == 16 && m.d.chance(25);  // more than 32 bits hold
  const int depth = long_sums ? m.d.roll(1000, 3000) : m.d.roll(1, 300);
  const int out = m.channels();
  const int x = m.input("x", {m.d.chance(50) ? 1 : m.d.roll(2, 20), depth});
  const int w = m.weights({out, depth}, 0);
  if (long_sums && types.in[1] == dtype::sfixed_8) {  // the signs of the first row of the data, which the test makes of the seed
    dice same(seed);
    const std::vector<std::byte> data = random_bytes(same, {.type = types.in[0], .dims = m.n.tensors[static_cast<std::size_t>(x)].dims});
    for (int k = 0; k < depth; ++k) {
      const bool high = (data[2 * static_cast<std::size_t>(k) + 1] & std::byte{0x80}) != std::byte{0};
      for (int o = 0; o < out; o += 2)
        m.n.tensors[static_cast<std::size_t>(w)].data[static_cast<std::size_t>(o * depth + k)] = static_cast<std::byte>(high == is_signed_fixed(types.in[0]) ? -127 : 127);
    }
  }
  std::vector<int> inputs{x, w};
  if (m.d.chance(80)) inputs.push_back(m.bias(out));
  m.n.add_node<op::fully_connected>("node", inputs, {}, {});
  return m.finish(inputs.size() == 3);
}

/// Three layers one after the other, whose results the planner places over their data where the kernels allow it.
inline net chain_net(unsigned seed, const signature& types, bool connected) {
  net_maker m(seed, types);
  dice& d = m.d;
  int x = m.input("x", connected ? shape{d.roll(2, 40), d.roll(8, 80)} : shape{1, d.roll(5, 10), d.roll(5, 10), 2 * d.roll(1, 20)});
  for (int k = 0; k < 3; ++k) {
    const std::string number = std::to_string(k);
    const shape in = m.n.tensors[static_cast<std::size_t>(x)].dims;
    const int out = 2 * d.roll(2, 50);
    const bool wide = !connected && k > 0 && in[1] > 2 && in[2] > 2 && d.chance(40);
    const int group = !connected && d.chance(30) ? 2 : 1;
    const int w = connected ? m.weights({out, in[1]}, 0) : m.weights({wide ? 3 : 1, wide ? 3 : 1, in[3] / group, out}, 3);
    const int b = m.bias(out);
    m.n.tensors[static_cast<std::size_t>(w)].name = "w" + number;
    m.n.tensors[static_cast<std::size_t>(b)].name = "b" + number;
    if (connected) {
      m.n.add_node<op::fully_connected>("node" + number, {x, w, b}, {}, {});
    } else {
      op::conv2d::params p;
      p.group = static_cast<std::uint32_t>(group);
      if (wide && d.chance(50)) p.pad_amount = {1, 1, 1, 1};
      m.n.add_node<op::conv2d>("node" + number, {x, w, b}, {}, p);
    }
    net_tensor y{.name = "y" + number, .kind = k == 2 ? tensor_kind::app_read : tensor_kind::native, .type = types.out, .enc = m.data_encoding(types.out, 0.05f, 1.0f)};
    y.dims = m.n.infer(m.n.nodes.back())[0];
    x = m.n.add_tensor(y);
    m.n.nodes.back().outputs = {x};
  }
  return std::move(m.n);
}

/// MatMul of x and weights or a computed side of shape b, most of the time with a bias.
inline net finish_matmul(net_maker& m, const op::matmul::params& p, int x, const shape& b, int columns) {
  const bool constant = m.d.chance(50);
  const int w = constant ? m.weights(b, b.rank() - (p.transpose_in1 ? 2 : 1)) : m.input("w", b, 0.001f, 0.02f, 1);
  std::vector<int> inputs{x, w};
  if (m.d.chance(80)) inputs.push_back(m.bias(columns));
  m.n.add_node<op::matmul>("node", inputs, {}, p);
  return m.finish(inputs.size() == 3);
}

/// Matrices with broadcast batches; the right side is constant or computed.
inline net matmul_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int depth = d.roll(1, 100);
  const int columns = m.channels();
  const int rows = d.roll(1, 20);
  op::matmul::params p;
  p.transpose_in0 = d.chance(15);
  p.transpose_in1 = d.chance(50);
  const int batch = d.roll(1, 3);
  const shape a = p.transpose_in0 ? shape{batch, depth, rows} : shape{batch, rows, depth};
  shape b = p.transpose_in1 ? shape{columns, depth} : shape{depth, columns};
  if (d.chance(50)) b = p.transpose_in1 ? shape{batch, columns, depth} : shape{batch, depth, columns};
  const int x = m.input("x", a);
  return finish_matmul(m, p, x, b, columns);
}

}  // namespace qnnx::isa_test
