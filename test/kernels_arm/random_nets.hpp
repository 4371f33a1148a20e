// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the random nets of this directory's tests are rolled with: types, offsets, rounding policies, activations.
#include <cmath>
#include <random>

#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/net.hpp"

namespace kernels_arm {

using namespace qnnx;

/// Types of data and weights: 8 bits both; 16-bit data, 4-bit weights, or both.
enum class widths { bytes, mixed };

struct dice {
  std::mt19937 g;
  widths kind;
  bool tidy;  // scales are powers of two, so that products make ties
  dice(unsigned seed, widths k, bool ties = false) : g(seed), kind(k), tidy(ties) {}
  float scale(float s) const { return tidy ? std::exp2(std::round(std::log2(s))) : s; }
  int roll(int lo, int hi) {  // the range may be half of all ints
    const unsigned count = static_cast<unsigned>(hi) - static_cast<unsigned>(lo) + 1u;
    return static_cast<int>(static_cast<unsigned>(lo) + static_cast<unsigned>(g()) % count);
  }
  bool maybe(int one_in) { return roll(1, one_in) == 1; }
  /// Mostly few; now and then what fills one or several vectors of Hexagon's, or half of one.
  int channels(int most) {
    static constexpr int wide[] = {8, 16, 24, 32, 33, 48, 64, 96, 128, 130, 160};
    return maybe(3) ? wide[roll(0, 10)] : roll(1, most);
  }
};

struct encoded {
  dtype type;
  int low;  // of the stored values
  dtype weights = dtype::sfixed_8;
  int span() const { return bits_of(type) == 16 ? 65535 : 255; }
  float unit() const { return bits_of(type) == 16 ? 1.0f / 256 : 1.0f; }  // scales of 16-bit data are smaller
};
inline encoded roll_type(dice& d) {
  const bool is_signed = d.maybe(2), wide = d.kind == widths::mixed && !d.maybe(3);
  const bool nibbles = d.kind == widths::mixed && (!wide || d.maybe(3));
  const dtype weights = nibbles ? dtype::sfixed_4 : dtype::sfixed_8;
  if (wide) return is_signed ? encoded{dtype::sfixed_16, -32768, weights} : encoded{dtype::ufixed_16, 0, weights};
  return is_signed ? encoded{dtype::sfixed_8, -128, weights} : encoded{dtype::ufixed_8, 0, weights};
}
inline int roll_offset(dice& d, encoded e) {
  return d.maybe(4) ? 0 - e.low - (e.low ? e.span() / 2 + 1 : 0) : -d.roll(e.low, e.low + e.span());
}
inline void roll_rounding(dice& d, net& n) {
  const int kind = d.roll(0, 4);
  n.rounding = kind <= 2 ? rounding_mode::tflite : kind == 3 ? rounding_mode::rne : rounding_mode::half_up;
}
inline void roll_activation(dice& d, net_node& node) {
  const int kind = d.roll(0, 3);
  if (kind == 0) node.epi.act = activation::relu;
  if (kind == 1) {
    node.epi.act = activation::clamp;
    node.epi.lo = -0.5f;
    node.epi.hi = 6.0f;
  }
}

inline void finish_net(dice& d, net& n, encoded e, net_node& node, float scale) {
  net_tensor out{.name = "y",
                 .kind = tensor_kind::app_read,
                 .type = e.type,
                 .enc = net_encoding::tensor(d.scale(scale), roll_offset(d, e))};
  roll_activation(d, node);
  out.dims = n.infer(node)[0];
  const int y = n.add_tensor(out);
  n.nodes.back().outputs = {y};
}

inline int add_input(net& n, const char* name, encoded e, const shape& dims, float scale, int offset) {
  return n.add_tensor({.name = name, .kind = tensor_kind::app_write, .type = e.type, .dims = dims, .enc = net_encoding::tensor(scale, offset)});
}

}  // namespace kernels_arm
