// SPDX-License-Identifier: Apache-2.0
#pragma once
// Random nets of height and width: transposed convolutions, pools, resizes.

#include <algorithm>

#include "kernels_isa/net_maker.hpp"

namespace qnnx::isa_test {

/// Kernels larger and smaller than the stride, paddings that cut results off, groups, some of one channel on both sides.
inline net transposed_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const bool deep = d.chance(20);
  const int group = deep ? d.roll(2, 70) : d.chance(25) ? d.roll(2, 4) : 1;
  const int ci = group * (deep ? 1 : d.chance(30) ? 16 : d.roll(1, 40));
  const int co = deep ? 1 : d.chance(20) ? 16 * d.roll(1, 5) : d.roll(1, 70);
  const int kernel[2] = {d.roll(1, 5), d.roll(1, 5)}, size[2] = {d.roll(1, 7), d.roll(1, 7)};
  op::transpose_conv2d::params p;
  p.group = static_cast<std::uint32_t>(group);
  for (std::size_t k = 0; k < 2; ++k) {
    const int stride = d.roll(1, 3);
    p.stride[k] = static_cast<std::uint32_t>(stride);
    const int whole = stride * (size[k] - 1) + kernel[k];
    const int before = d.roll(0, std::min(kernel[k] - 1, whole - 1));
    p.pad_amount[2 * k] = static_cast<std::uint32_t>(before);
    p.pad_amount[2 * k + 1] = static_cast<std::uint32_t>(d.roll(0, std::min(kernel[k] - 1, whole - 1 - before)));
    if (d.chance(30)) p.output_padding[k] = static_cast<std::uint32_t>(d.roll(0, stride - 1));
  }
  const int x = m.input("x", {d.roll(1, 2), size[0], size[1], ci});
  const int w = m.weights({kernel[0], kernel[1], ci, co}, 3);
  m.n.add_node<op::transpose_conv2d>("node", {x, w, m.bias(co * group)}, {}, p);
  return m.finish(true);
}

/// Two in a row: the planner may lay the second one's result over its data.
inline net transposed_chain(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  int depth = d.roll(1, 40);
  int x = m.input("x", {1, d.roll(1, 6), d.roll(1, 6), depth});
  for (int k = 0; k < 2; ++k) {
    const std::string number = std::to_string(k);
    const int channels = d.roll(1, 40), kernel = d.roll(2, 4);
    op::transpose_conv2d::params p;
    p.stride = {static_cast<std::uint32_t>(d.roll(1, 2)), static_cast<std::uint32_t>(d.roll(1, 2))};
    if (kernel > 2) p.pad_amount = {1, 0, 0, 1};
    const int w = m.weights({kernel, kernel, depth, channels}, 3);
    m.n.add_node<op::transpose_conv2d>("node" + number, {x, w, m.bias(channels)}, {}, p);
    net_tensor y{.name = "y" + number, .kind = k == 1 ? tensor_kind::app_read : tensor_kind::native, .type = types.out, .enc = m.data_encoding(types.out, 0.05f, 1.0f)};
    y.dims = m.n.infer(m.n.nodes.back())[0];
    x = m.n.add_tensor(y);
    m.n.nodes.back().outputs = {x};
    depth = channels;
  }
  return std::move(m.n);
}

template <class Op>
net pool_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  typename Op::params p;
  const int kh = d.roll(1, 5);
  const int kw = d.roll(1, 5);
  p.filter_size = {static_cast<std::uint32_t>(kh), static_cast<std::uint32_t>(kw)};
  p.stride = {static_cast<std::uint32_t>(d.roll(1, 3)), static_cast<std::uint32_t>(d.roll(1, 3))};
  for (std::size_t i = 0; i < 4; ++i) p.pad_amount[i] = static_cast<std::uint32_t>(d.roll(0, (i < 2 ? kh : kw) - 1));
  if constexpr (requires { p.count_pad_for_edges; }) p.count_pad_for_edges = d.chance(50);
  const int x = m.input("x", {d.roll(1, 2), d.roll(5, 12), d.roll(5, 12), m.channels()});
  m.n.template add_node<Op>("node", {x}, {}, p);
  net n = m.finish(false, 0.02f, 0.2f);
  if (d.chance(60)) n.tensors[static_cast<std::size_t>(n.find("y"))].enc = n.tensors[static_cast<std::size_t>(x)].enc;  // as most pools have it
  return n;
}

/// Larger and smaller, one axis or both, every mode.
template <class Op>
net resize_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const shape from{d.roll(1, 2), d.roll(1, 7), d.roll(1, 7), d.chance(50) ? d.roll(1, 8) : d.roll(1, 80)};
  const int to[2] = {d.chance(20) ? from[1] : d.roll(1, 14), d.chance(20) ? from[2] : d.roll(1, 14)};
  typename Op::params p;
  if constexpr (std::is_same_v<Op, op::resize>) {
    p.transformation_mode = static_cast<op::resize_transformation>(d.roll(0, 3));
    p.interpolation_mode = static_cast<op::resize_interpolation>(d.roll(0, 2));
    p.nearest_mode = static_cast<op::resize_nearest>(d.roll(0, 3));
    p.exclude_outside = d.chance(30);
    for (const int extent : {from[0], to[0], to[1], from[3]}) p.output_size.push_back(extent);
  } else {
    p.output_size = {static_cast<std::uint32_t>(to[0]), static_cast<std::uint32_t>(to[1])};
    const int mode = d.roll(0, 2);
    p.align_corners = mode == 1;
    p.half_pixel_centers = mode == 2;
  }
  const int x = m.input("x", from);
  m.n.template add_node<Op>("node", {x}, {}, p);
  net n = m.finish(false, 0.01f, 0.2f);
  if (d.chance(60)) n.nodes[0].epi = {};
  net_tensor& y = n.tensors[static_cast<std::size_t>(n.find("y"))];
  if (d.chance(70)) y.enc = n.tensors[static_cast<std::size_t>(x)].enc;
  if (is_fixed(y.type) && d.chance(10)) y.enc = net_encoding::tensor(n.tensors[static_cast<std::size_t>(x)].enc.scales[0], m.offset_for(y.type));
  return n;
}

}  // namespace qnnx::isa_test
