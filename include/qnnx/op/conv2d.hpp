// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d: cross-correlation, NHWC data, HWIO weights [kh, kw, Ci/group, Co].
//   out[n,oh,ow,o] = bias[o] + sum_{kh,kw,i} in[n, oh*sh + kh*dh - top, ow*sw + kw*dw - left, g*Ci/group + i] * w[kh,kw,i,o]
//   Ho = floor((H + top + bottom - ((kh-1)*dh + 1)) / sh) + 1; padding is real 0.
// Source: QNN MasterOpDef, Conv2d.

#include "qnnx/op/contract.hpp"

namespace qnnx::inline QNNX_ABI::op {

/// floor((size + before + after - ((kernel-1)*dilation + 1)) / stride) + 1; 0 or less where the window does not fit.
constexpr std::int32_t window_count(std::int32_t size, std::uint32_t before, std::uint32_t after, std::int32_t kernel,
                                    std::uint32_t stride, std::uint32_t dilation) {
  const std::int64_t room = static_cast<std::int64_t>(size) + before + after -
                            (static_cast<std::int64_t>(kernel - 1) * dilation + 1);
  return room < 0 ? 0 : static_cast<std::int32_t>(room / stride + 1);
}

// clang-format off
/// Data, weight, bias types of the convolution family. 16-bit data has int64 accumulators.
using convolution_types = signatures<
    types::f32(types::f32, types::f32, types::f32), types::f16(types::f16, types::f16, types::f16),
    types::u8(types::u8, types::u8, types::s32), types::u8(types::u8, types::s8, types::s32),
    types::s8(types::s8, types::s8, types::s32), types::u16(types::u16, types::s8, types::s32),
    types::u16(types::u16, types::u8, types::s32), types::s16(types::s16, types::s8, types::s32),
    types::u8(types::u8, types::s4, types::s32), types::s8(types::s8, types::s4, types::s32),
    types::u16(types::u16, types::s4, types::s32), types::s16(types::s16, types::s4, types::s32),
    types::u16(types::u16, types::s16, types::s32), types::s16(types::s16, types::s16, types::s32)>;
// clang-format on

/// Scales of a weight tensor: one for all, or one per index of `axis`.
constexpr issue check_weight_encoding(const context& c, int input, int axis) {
  const encoding& e = c.in(input).enc;
  if (e.kind == encoding_kind::block || e.kind == encoding_kind::blockwise_expansion)
    return {errc::unsupported, operand("input", input, "weight"), "block scales", "one scale, or one per output channel"};
  if (e.per_axis() && e.axis != axis)
    return {errc::bad_encoding, operand("input", input, "weight"), text("scales along axis ") << static_cast<int>(e.axis),
            text("axis ") << axis};
  return {};
}
/// Stride and dilation of a window are 1 or more and fit the 32-bit position of a tap.
template <std::size_t N>
constexpr issue check_steps(const char* name, const std::array<std::uint32_t, N>& steps) {
  for (const std::uint32_t s : steps)
    if (s == 0 || s > 65536) return bad_parameter(name, number(s), "1 to 65536");
  return {};
}
template <std::size_t N>
constexpr issue check_pads(const std::array<std::uint32_t, N>& pads) {
  for (const std::uint32_t p : pads)
    if (p > 65536) return bad_parameter("pad_amount", number(p), "0 to 65536");
  return {};
}

struct conv2d {
  static constexpr std::string_view name = "Conv2d";
  struct params {
    std::array<std::uint32_t, 2> stride{1, 1};
    std::array<std::uint32_t, 4> pad_amount{};  // top, bottom, left, right
    std::uint32_t group = 1;
    std::array<std::uint32_t, 2> dilation{1, 1};
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in"}, port{"weight"}, port{"bias", port_kind::optional}};
  static constexpr std::array outputs{port{"out"}};
  using types = convolution_types;

  static constexpr issue check(const context& c, const params& p) {
    const shape& x = c.dims(0);
    const shape& w = c.dims(1);
    if (x.rank() != 4) return bad_rank(0, "in", x, "[N,H,W,Ci]");
    if (w.rank() != 4) return bad_rank(1, "weight", w, "[kh,kw,Ci/group,Co]");
    if (issue e = check_steps("stride", p.stride)) return e;
    if (issue e = check_steps("dilation", p.dilation)) return e;
    if (issue e = check_pads(p.pad_amount)) return e;
    const auto group = static_cast<std::int32_t>(p.group);
    if (group < 1 || x[nhwc::c] % group != 0 || w[hwio::o] % group != 0)
      return bad_parameter("group", number(group), "a divisor of the channel counts");
    const std::int32_t wanted = x[nhwc::c] / group;
    if (w[hwio::i] != wanted) return bad_shape(1, "weight", w, {w[0], w[1], wanted, w[3]});
    if (c.has(2) && c.dims(2).size() != w[hwio::o]) return bad_shape(2, "bias", c.dims(2), {w[hwio::o]});
    return check_weight_encoding(c, 1, hwio::o);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const shape& x = c.dims(0);
    const shape& w = c.dims(1);
    const std::int32_t h = window_count(x[1], p.pad_amount[0], p.pad_amount[1], w[0], p.stride[0], p.dilation[0]);
    const std::int32_t v = window_count(x[2], p.pad_amount[2], p.pad_amount[3], w[1], p.stride[1], p.dilation[1]);
    if (h < 1 || v < 1) return bad_shape(0, "in", x, {x[0], w[0], w[1], x[3]});
    out.set({x[0], h, v, w[hwio::o]});
    return {};
  }
  static constexpr qnnx::cost cost(const context& c, const params&) {
    const shape& w = c.dims(1);
    return {c.out(0).dims.size() * w[0] * w[1] * w[2], c.out(0).dims.size()};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
