// SPDX-License-Identifier: Apache-2.0
#pragma once
// What random nets of one node are made with: dice, bytes, encodings, weights, the result with its epilogue.

#include <cmath>
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

}  // namespace qnnx::isa_test
