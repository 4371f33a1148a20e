// SPDX-License-Identifier: Apache-2.0
#pragma once
// Nets of 16-bit floats and the same ones in 32 bits: what a kernel of 16-bit floats makes is the float kernel's result of
// the same instruction set, rounded to 16 bits. Data: most of it in [-2, 2), in some nets with infinities, the ends of the
// range, subnormals, or so large that sums overflow.

#include <cmath>

#include "kernels_isa/nets.hpp"
#include "qnnx/numeric/half.hpp"

namespace qnnx::isa_test {

inline bool is_short(const signature& s) {
  bool any = s.out == dtype::float_16;
  for (int i = 0; i < s.count; ++i) any |= s.in[static_cast<std::size_t>(i)] == dtype::float_16;
  return any;
}

inline std::vector<std::byte> widened_bytes(const std::vector<std::byte>& b) {
  std::vector<std::byte> wide(b.size() * 2);
  for (std::size_t i = 0; i + 2 <= b.size(); i += 2) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, &b[i], 2);
    const float v = half_value(bits);
    std::memcpy(&wide[2 * i], &v, 4);
  }
  return wide;
}
inline std::vector<std::byte> narrowed_bytes(const std::vector<std::byte>& b) {
  std::vector<std::byte> narrow(b.size() / 2);
  for (std::size_t i = 0; i + 4 <= b.size(); i += 4) {
    float v = 0;
    std::memcpy(&v, &b[i], 4);
    const std::uint16_t bits = half_bits(v);
    std::memcpy(&narrow[i / 2], &bits, 2);
  }
  return narrow;
}

/// Where sums of products meet an infinity, nothing but infinities and NaN is left: most values become numbers. `far`: some
/// stay, `large`: the others are 2^13 times as large.
inline void tame(std::vector<std::byte>& b, bool far, bool large) {
  for (std::size_t i = 0; i + 2 <= b.size(); i += 2) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, &b[i], 2);
    const bool end = (bits & 0x7fff) >= 0x7bff;
    if (end && !(far && i / 2 % 61 == 0)) bits = static_cast<std::uint16_t>((bits & 0x8000) | 0x3555);
    else if (large) bits = half_bits(half_value(bits) * 8192);
    std::memcpy(&b[i], &bits, 2);
  }
}

/// Products whose widened data and results are more than a band holds, so that one thread makes several bands.
inline net tall_net(unsigned seed, const signature& types, std::string_view op) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int co = op == op::depthwise_conv2d::name ? 16 : d.roll(5, 12);
  const auto windows = [&]<class Op>(const shape& weights) {
    typename Op::params p;
    p.stride = {static_cast<std::uint32_t>(d.roll(1, 2)), 1};
    for (int i = 0; i < 4; ++i) p.pad_amount[static_cast<std::size_t>(i)] = static_cast<std::uint32_t>(d.roll(0, weights[i / 2] - 1));
    const int x = m.input("x", {d.roll(1, 2), d.roll(40, 61), 256, 16});
    m.n.template add_node<Op>("node", {x, m.weights(weights, 3), m.bias(co)}, {}, p);
  };
  const int rows = d.roll(250, 400), depth = 16 * d.roll(32, 40);
  const int k = d.roll(1, 3);
  if (op == op::conv2d::name) windows.template operator()<op::conv2d>({k, k, 16, co});
  else if (op == op::depthwise_conv2d::name) windows.template operator()<op::depthwise_conv2d>({k, k, 1, co});
  else if (op == op::matmul::name) m.n.add_node<op::matmul>("node", {m.input("x", {rows, depth}), m.weights({depth, co}, 1), m.bias(co)}, {}, {});
  else m.n.add_node<op::fully_connected>("node", {m.input("x", {rows, depth}), m.weights({co, depth}, 0), m.bias(co)}, {}, {});
  return m.finish(true);
}

/// The net with 32-bit floats for those of 16 bits.
inline net widened_net(const net& made) {
  net wide = made;
  for (net_tensor& t : wide.tensors)
    if (t.type == dtype::float_16) {
      t.type = dtype::float_32;
      t.data = widened_bytes(t.data);
    }
  return wide;
}

/// Equal bits, or both no numbers.
inline std::size_t different_shorts(const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
  std::size_t n = a.size() == b.size() ? 0 : a.size();
  for (std::size_t i = 0; i + 2 <= a.size() && a.size() == b.size(); i += 2) {
    std::uint16_t x = 0, y = 0;
    std::memcpy(&x, &a[i], 2);
    std::memcpy(&y, &b[i], 2);
    n += x != y && !((x & 0x7fff) > 0x7c00 && (y & 0x7fff) > 0x7c00);
  }
  return n;
}

}  // namespace qnnx::isa_test
