// SPDX-License-Identifier: Apache-2.0
#pragma once
// One-node graphs with random extents, encodings, parameters and constants for the operand types of a kernel: what
// the instruction-set tests run on both tables. A generator per op; kernels.inc names the ops that need one.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>

#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/net.hpp"

namespace qnnx::isa_test {

struct dice {
  std::mt19937 g;
  explicit dice(unsigned seed) : g(seed) {}
  int roll(int lo, int hi) { return lo + static_cast<int>(g() % static_cast<unsigned>(hi - lo + 1)); }
  bool chance(int percent) { return roll(0, 99) < percent; }
  float real(float lo, float hi) { return lo + (hi - lo) * static_cast<float>(g() % 65536) / 65536.0f; }
};

/// Random bytes of a tensor; floats in [-spread, spread).
inline std::vector<std::byte> random_bytes(dice& d, const net_tensor& t, float spread = 2) {
  tensor_desc shape_only;
  shape_only.type = t.type;
  shape_only.dims = t.dims;
  shape_only.enc.kind = t.enc.kind;
  shape_only.enc.axis = static_cast<std::int8_t>(t.enc.axis);
  std::vector<std::byte> b(static_cast<std::size_t>(byte_size(shape_only)));
  if (t.type == dtype::float_32) {
    for (std::size_t i = 0; i + 4 <= b.size(); i += 4) {
      const float v = d.real(-spread, spread);
      std::memcpy(&b[i], &v, 4);
    }
  } else if (t.type == dtype::float_16) {  // no NaN
    constexpr std::uint16_t ends[] = {0, 0x8000, 1, 0x83ff, 0x7bff, 0xfbff, 0x7c00, 0xfc00};
    for (std::size_t i = 0; i + 2 <= b.size(); i += 2) {
      const std::uint16_t v = d.chance(5) ? ends[d.roll(0, 7)] : half(d.real(-spread, spread)).bits;
      std::memcpy(&b[i], &v, 2);
    }
  } else {
    for (std::byte& v : b) v = static_cast<std::byte>(d.g());
    if (is_fixed(t.type) && bits_of(t.type) == 16) {  // with the ends of the range in it
      constexpr std::uint16_t ends[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
      for (std::size_t i = 0; i + 2 <= b.size(); i += 2)
        if (d.chance(10)) std::memcpy(&b[i], &ends[d.roll(0, 5)], 2);
    }
  }
  return b;
}

struct net_maker {
  dice d;
  const signature& types;
  bool powers = false;  // scales are powers of two: many ties
  net n{};

  net_maker(unsigned seed, const signature& s) : d(seed), types(s) {
    powers = bits_of(s.out) == 16 && d.chance(30);
    const int kind = d.roll(0, 2);
    n.rounding = kind == 0 ? rounding_mode::rne : (kind == 1 ? rounding_mode::tflite : rounding_mode::half_up);
  }
  int offset_for(dtype t) {
    if (!is_fixed(t)) return 0;
    const int widest = bits_of(t) == 16 && d.chance(50) ? 32767 : bits_of(t) >= 8 ? 127 : 7;
    if (is_signed_fixed(t)) return d.chance(30) ? 0 : d.roll(-widest, widest);
    return -d.roll(0, 2 * widest + 1);
  }
  net_encoding data_encoding(dtype t, float lo, float hi) {
    if (!is_fixed(t)) return {};
    float scale = d.real(lo, hi);
    if (powers) scale = std::exp2(std::floor(std::log2(scale)));
    return net_encoding::tensor(scale, offset_for(t));
  }
  int input(const char* name, const shape& dims, float lo = 0.02f, float hi = 0.06f, int type_index = 0) {
    const dtype t = types.in[static_cast<std::size_t>(type_index)];
    return n.add_tensor({.name = name, .kind = tensor_kind::app_write, .type = t, .dims = dims, .enc = data_encoding(t, lo, hi)});
  }
  /// Static weights: per axis or per tensor, signed ones mostly symmetric.
  int weights(const shape& dims, int axis) {
    const dtype t = types.in[1];
    net_tensor w{.name = "w", .kind = tensor_kind::constant, .type = t, .dims = dims};
    if (is_fixed(t)) {
      const bool symmetric = is_signed_fixed(t) && d.chance(80);
      if (d.chance(50)) {
        std::vector<float> scales(static_cast<std::size_t>(dims[axis]));
        std::vector<std::int32_t> offsets(scales.size());
        for (float& s : scales) s = 0.001f * static_cast<float>(d.roll(1, 20));
        for (std::int32_t& o : offsets) o = symmetric ? 0 : offset_for(t);
        w.enc = net_encoding::per_axis(axis, scales, symmetric ? std::vector<std::int32_t>{} : offsets);
      } else {
        w.enc = net_encoding::tensor(0.001f * static_cast<float>(d.roll(1, 20)), symmetric ? 0 : offset_for(t));
      }
    }
    w.data = random_bytes(d, w);
    return n.add_tensor(w);
  }
  int bias(int channels) {
    net_tensor b{.name = "b", .kind = tensor_kind::constant, .type = types.in[2], .dims = {channels}};
    b.data = random_bytes(d, b);
    if (is_fixed(types.in[2]))
      for (int i = 0; i < channels; ++i) b.as<std::int32_t>()[i] = d.roll(-30000, 30000);
    return n.add_tensor(b);
  }
  /// The result of the last node, with a random activation and, where asked, a residual.
  net finish(bool residual_allowed, float lo = 0.001f, float hi = 3.0f) {
    net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = types.out, .enc = data_encoding(types.out, lo, hi)};
    out.dims = n.infer(n.nodes.back())[0];
    epilogue& e = n.nodes.back().epi;
    const int act = d.roll(0, 3);
    if (act == 0) e.act = activation::relu;
    if (act == 1) e.act = activation::clamp, e.lo = -1.0f, e.hi = 6.0f;
    if (residual_allowed && d.chance(25)) {
      const net_encoding enc = data_encoding(types.out, 0.02f, 0.3f);
      const int r = n.add_tensor({.name = "r", .kind = tensor_kind::app_write, .type = types.out, .dims = out.dims, .enc = enc});
      n.nodes.back().inputs.push_back(r);
      epilogue& f = n.nodes.back().epi;
      f.residual = static_cast<std::int8_t>(n.nodes.back().inputs.size() - 1);
      if (is_fixed(types.out)) {
        f.mid_scale = d.real(0.01f, 0.4f);
        f.mid_offset = offset_for(types.out);
        out.enc = data_encoding(types.out, 0.02f, 0.3f);
      }
      if (d.chance(50)) f.mid_act = activation::relu;
    }
    const int y = n.add_tensor(out);
    n.nodes.back().outputs = {y};
    return std::move(n);
  }
  /// Extents that meet every tile: full ones, remainders, one pixel.
  int channels() { return d.chance(30) ? 16 * d.roll(1, 9) : d.roll(1, 150); }
};

template <class Op>
net window_net(unsigned seed, const signature& types, bool depthwise) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int group = !depthwise && d.chance(20) ? d.roll(2, 4) : 1;
  const int power = 1 << d.roll(0, 5);
  const bool square = !depthwise && group == 1 && d.chance(20);  // 3x3, whole vectors of channels: Winograd's form
  const int ci = square ? 16 * d.roll(2, 3) : group * (depthwise ? (d.chance(40) ? power : d.roll(1, 150)) : d.roll(1, 40));
  const int co = square ? 16 * d.roll(1, 5) : depthwise ? ci * (d.chance(10) ? 2 : 1) : group > 1 ? group * d.roll(1, 40) : m.channels();
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
  const bool constant = d.chance(50);
  const int w = constant ? m.weights(b, b.rank() - (p.transpose_in1 ? 2 : 1)) : m.input("w", b, 0.001f, 0.02f, 1);
  std::vector<int> inputs{x, w};
  if (d.chance(80)) inputs.push_back(m.bias(columns));
  m.n.add_node<op::matmul>("node", inputs, {}, p);
  return m.finish(inputs.size() == 3);
}

/// Kernels larger and smaller than the stride, paddings that cut results off, groups now and then.
inline net transposed_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int group = d.chance(10) ? 2 : 1;
  const int ci = group * (d.chance(30) ? 16 : d.roll(1, 40));
  const int co = d.chance(20) ? 16 * d.roll(1, 5) : d.roll(1, 70);
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

/// Shapes that broadcast in every way a row walk can meet.
template <class Op>
net binary_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const bool large = d.chance(25);  // forms of sums that long rows only have
  const shape whole{d.roll(1, 3), large ? d.roll(6, 9) : d.roll(1, 6), large ? 12 : d.roll(1, 6), d.roll(large ? 60 : 1, large ? 100 : 70)};
  shape a = whole;
  shape b = whole;
  switch (d.roll(0, 5)) {
    case 0: b = {whole[3]}; break;                   // a row of channels
    case 1: b = {1}; break;                          // one value
    case 2: a = {whole[0], 1, 1, whole[3]}; break;   // channel-wise scale
    case 3: b = {whole[0], whole[1], whole[2], 1}; break;
    default: break;
  }
  const int x = m.input("x", a);
  const int z = m.input("z", b, 0.02f, 0.06f, 1);
  typename Op::params p;
  if constexpr (requires { p.operation; }) {
    constexpr op::binary all[] = {op::binary::add, op::binary::subtract, op::binary::multiply, op::binary::divide,
                                  op::binary::maximum, op::binary::minimum, op::binary::squared_difference};
    p.operation = all[d.roll(0, 6)];
  }
  m.n.template add_node<Op>("node", {x, z}, {}, p);
  const bool wide = bits_of(types.out) == 16;
  op::binary what = op::binary::add;
  if constexpr (requires { p.operation; }) what = p.operation;
  else if constexpr (requires { Op::operation; }) what = Op::operation;
  float unit = 1.0f;  // results in range
  if (wide && (what == op::binary::multiply || what == op::binary::squared_difference)) unit = 1000.0f;
  if (wide && what == op::binary::divide) unit = 0.01f;
  if (!wide && what == op::binary::multiply && d.chance(15)) unit = 0.002f;  // multipliers from 16 on
  net n = m.finish(false, 0.01f * unit, 0.2f * unit);
  if ((what == op::binary::maximum || what == op::binary::minimum) && d.chance(40))
    for (net_tensor& t : n.tensors) t.enc = n.tensors[0].enc;
  return n;
}

/// Elements one by one: conversions (data with ties on purpose) and activations.
template <class Op>
net one_input_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const bool wide = is_fixed(types.in[0]) && bits_of(types.in[0]) == 16 && is_fixed(types.out) && bits_of(types.out) == 16;
  const bool fine = wide && (std::is_same_v<Op, op::softmax> || d.chance(60));  // else curves are steps
  const bool many = wide && d.chance(10);
  const bool halves = wide && std::is_same_v<Op, op::softmax> && d.chance(15);  // short rows, results that are ties
  const int x = m.input("x", {many ? 60 : d.roll(1, 4), halves ? d.roll(1, 4) : many ? 1024 : d.roll(1, 300)}, fine ? 1e-4f : 0.02f, fine ? 1e-3f : 0.06f);
  typename Op::params p;
  if constexpr (std::is_same_v<Op, op::elementwise_unary>) {
    p.operation = static_cast<op::unary>(d.roll(0, 15));
    if (p.operation == op::unary::logical_not) p.operation = op::unary::sqrt;
  } else if constexpr (requires { p.operation; }) {
    p.operation = d.chance(10) ? op::neuron::silu : static_cast<op::neuron>(d.roll(0, 8));
  }
  if constexpr (requires { p.min_value; }) p.min_value = -0.5f, p.max_value = 1.5f;
  m.n.template add_node<Op>("node", {x}, {}, p);
  net n = m.finish(false, fine ? 1.2e-5f : 0.004f, fine ? 1e-4f : 0.1f);
  n.nodes[0].epi = {};
  net_tensor& y = n.tensors[static_cast<std::size_t>(n.find("y"))];
  if (wide && d.chance(15)) y.enc.scales[0] = n.tensors[0].enc.scales[0];
  else if (is_fixed(y.type) && !fine && d.chance(40)) y.enc.scales[0] = 1.0f / 64;  // inputs are multiples of 2^-14: many ties
  if (y.type == dtype::sfixed_16 && d.chance(40)) {  // as TFLite's curves
    y.enc = net_encoding::tensor(1.0f / 32768, 0);
    if (wide && d.chance(60)) n.tensors[0].enc = net_encoding::tensor(d.real(3e-4f, 1e-3f), 0);
  }
  if (halves) {
    y.enc.scales[0] = std::exp2(static_cast<float>(d.roll(-2, 1)));
    n.tensors[0].enc.scales[0] = 0.5f;
  }
  return n;
}

/// Powers by a constant: mostly squares.
inline net power_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  const int x = m.input("x", {m.d.roll(1, 5), m.d.roll(1, 70)});
  net_tensor z{.name = "z", .kind = tensor_kind::constant, .type = types.in[1], .dims = {1}};
  const float exponent = m.d.chance(75) ? 2.0f : m.d.real(-3, 3);
  const half short_exponent(exponent);
  const bool is_short = z.type == dtype::float_16;
  z.data.resize(is_short ? 2 : 4);
  std::memcpy(z.data.data(), is_short ? static_cast<const void*>(&short_exponent) : &exponent, z.data.size());
  const int power = m.n.add_tensor(z);
  m.n.add_node<op::elementwise_power>("node", {x, power}, {}, {});
  return m.finish(false);
}

/// Any table.
inline net lookup_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  const int x = m.input("x", {m.d.roll(1, 5), m.d.roll(1, 300)});
  net_tensor t{.name = "t", .kind = tensor_kind::constant, .type = types.in[1], .dims = {256}, .enc = m.data_encoding(types.in[1], 0.01f, 0.1f)};
  t.data = random_bytes(m.d, t);
  m.n.add_node<op::lookup>("node", {x, m.n.add_tensor(t)}, {}, {});
  net n = m.finish(false);
  n.nodes[0].epi = {};
  return n;
}

/// Any axes of up to four.
template <class Op>
net reduce_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const shape dims{d.roll(1, 3), d.roll(1, 7), d.roll(1, 9), d.chance(50) ? d.roll(1, 8) : d.roll(1, 200)};
  typename Op::params p;
  p.keep_dims = d.chance(50);
  for (int axis = 0; axis < 4; ++axis)
    if (d.chance(40)) p.axes.push_back(axis);
  if (p.axes.size() == 0) p.axes.push_back(d.roll(0, 3));
  const int x = m.input("x", dims);
  m.n.template add_node<Op>("node", {x}, {}, p);
  net n = m.finish(false, 0.01f, 0.2f);
  n.nodes[0].epi = {};
  if (d.chance(50)) n.tensors[static_cast<std::size_t>(n.find("y"))].enc = n.tensors[static_cast<std::size_t>(x)].enc;
  return n;
}

/// Rows that are long, short, constant (ties on purpose), with and without gamma and beta.
template <class Op>
net norm_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const shape dims{d.roll(1, 3), d.roll(1, 6), d.roll(1, 150)};
  typename Op::params p;
  const int kind = d.roll(0, 9);
  p.over = kind == 0 ? axes{1} : kind == 1 ? axes{1, 2} : axes{-1};
  p.epsilon = d.chance(50) ? 1e-5f : 1e-12f;
  const int count = kind == 0 ? dims[1] : kind == 1 ? dims[1] * dims[2] : dims[2];
  std::vector<int> inputs{m.input("x", dims)};
  if (d.chance(80)) {
    inputs.push_back(m.weights({count}, 0));
    if (d.chance(80)) inputs.push_back(m.bias(count));
  }
  m.n.template add_node<Op>("node", inputs, {}, p);
  net n = m.finish(false, 0.01f, 0.1f);
  n.nodes[0].epi = {};
  return n;
}

/// Up to four axes in another order.
inline net transpose_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  shape dims;
  std::vector<int> order;
  const int rank = d.roll(2, 4);
  for (int i = 0; i < rank; ++i) {
    dims.push_back(d.chance(30) ? d.roll(1, 4) : d.roll(5, 40));
    order.push_back(i);
  }
  std::shuffle(order.begin(), order.end(), d.g);
  op::transpose::params p;
  for (const int axis : order) p.perm.push_back(axis);
  const int x = m.input("x", dims);
  m.n.add_node<op::transpose>("node", {x}, {}, p);
  net n = m.finish(false);
  n.nodes[0].epi = {};
  n.tensors[static_cast<std::size_t>(n.find("y"))].enc = n.tensors[static_cast<std::size_t>(x)].enc;
  return n;
}

/// Two to four parts on any axis; some have the output's encoding. Some are long enough for a table.
inline net concat_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int rank = d.roll(1, 4);
  shape dims;
  for (int i = 0; i < rank; ++i) dims.push_back(rank == 1 ? d.roll(1, 900) : d.roll(1, rank == 2 ? 60 : 14));
  const int axis = d.roll(0, rank - 1);
  std::vector<int> parts;
  for (int i = d.roll(2, 4); i > 0; --i) {
    shape part = dims;
    part[axis] = d.roll(1, rank == 1 ? 900 : 40);
    parts.push_back(m.input(("x" + std::to_string(i)).c_str(), part, 0.005f, 0.06f));
  }
  op::concat::params p;
  if (axis < rank - 1 || d.chance(50)) p.axis = static_cast<std::uint32_t>(axis);
  m.n.add_node<op::concat>("node", parts, {}, p);
  net n = m.finish(false, 0.005f, 0.06f);
  n.nodes[0].epi = {};
  if (d.chance(30)) n.tensors[static_cast<std::size_t>(n.find("y"))].enc = n.tensors[static_cast<std::size_t>(parts[0])].enc;
  return n;
}

using generator = std::function<net(unsigned seed, const signature& types)>;
/// The generator of an op that has a kernel of its own for some instruction set.
inline const std::map<std::string_view, generator>& generators() {
  static const std::map<std::string_view, generator> all{
      {op::conv2d::name, [](unsigned s, const signature& t) { return window_net<op::conv2d>(s, t, false); }},
      {op::depthwise_conv2d::name, [](unsigned s, const signature& t) { return window_net<op::depthwise_conv2d>(s, t, true); }},
      {op::transpose_conv2d::name, transposed_net},
      {op::concat::name, concat_net},
      {op::fully_connected::name, connected_net},
      {op::quantize::name, one_input_net<op::quantize>},
      {op::dequantize::name, one_input_net<op::dequantize>},
      {op::convert::name, one_input_net<op::convert>},
      {op::elementwise_neuron::name, one_input_net<op::elementwise_neuron>},
      {op::relu::name, one_input_net<op::relu>},
      {op::relu6::name, one_input_net<op::relu6>},
      {op::relu1::name, one_input_net<op::relu1>},
      {op::relu_min_max::name, one_input_net<op::relu_min_max>},
      {op::sigmoid::name, one_input_net<op::sigmoid>},
      {op::tanh::name, one_input_net<op::tanh>},
      {op::gelu::name, one_input_net<op::gelu>},
      {op::hard_swish::name, one_input_net<op::hard_swish>},
      {op::elu::name, one_input_net<op::elu>},
      {op::elementwise_softplus::name, one_input_net<op::elementwise_softplus>},
      {op::softmax::name, one_input_net<op::softmax>},
      {op::elementwise_unary::name, one_input_net<op::elementwise_unary>},
      {op::elementwise_abs::name, one_input_net<op::elementwise_abs>},
      {op::elementwise_asin::name, one_input_net<op::elementwise_asin>},
      {op::elementwise_atan::name, one_input_net<op::elementwise_atan>},
      {op::elementwise_ceil::name, one_input_net<op::elementwise_ceil>},
      {op::elementwise_cos::name, one_input_net<op::elementwise_cos>},
      {op::elementwise_exp::name, one_input_net<op::elementwise_exp>},
      {op::elementwise_floor::name, one_input_net<op::elementwise_floor>},
      {op::elementwise_log::name, one_input_net<op::elementwise_log>},
      {op::elementwise_neg::name, one_input_net<op::elementwise_neg>},
      {op::elementwise_round::name, one_input_net<op::elementwise_round>},
      {op::elementwise_rsqrt::name, one_input_net<op::elementwise_rsqrt>},
      {op::elementwise_sign::name, one_input_net<op::elementwise_sign>},
      {op::elementwise_sin::name, one_input_net<op::elementwise_sin>},
      {op::elementwise_square_root::name, one_input_net<op::elementwise_square_root>},
      {op::erf::name, one_input_net<op::erf>},
      {op::elementwise_power::name, power_net},
      {op::lookup::name, lookup_net},
      {op::reduce_sum::name, reduce_net<op::reduce_sum>},
      {op::reduce_mean::name, reduce_net<op::reduce_mean>},
      {op::reduce_max::name, reduce_net<op::reduce_max>},
      {op::reduce_min::name, reduce_net<op::reduce_min>},
      {op::layer_norm::name, norm_net<op::layer_norm>},
      {op::rms_norm::name, norm_net<op::rms_norm>},
      {op::transpose::name, transpose_net},
      {op::matmul::name, matmul_net},
      {op::pool_avg2d::name, pool_net<op::pool_avg2d>},
      {op::resize::name, resize_net<op::resize>},
      {op::resize_bilinear::name, resize_net<op::resize_bilinear>},
      {op::resize_nearest_neighbor::name, resize_net<op::resize_nearest_neighbor>},
      {op::pool_max2d::name, pool_net<op::pool_max2d>},
      {op::elementwise_add::name, binary_net<op::elementwise_add>},
      {op::elementwise_binary::name, binary_net<op::elementwise_binary>},
      {op::elementwise_subtract::name, binary_net<op::elementwise_subtract>},
      {op::elementwise_multiply::name, binary_net<op::elementwise_multiply>},
      {op::elementwise_divide::name, binary_net<op::elementwise_divide>},
      {op::elementwise_maximum::name, binary_net<op::elementwise_maximum>},
      {op::elementwise_minimum::name, binary_net<op::elementwise_minimum>},
  };
  return all;
}

}  // namespace qnnx::isa_test
