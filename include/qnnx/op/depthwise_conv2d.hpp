// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d: every channel convolved by itself, NHWC data, weights [kh, kw, 1, Co], Co = Ci * multiplier.
//   out[n,oh,ow,o] = bias[o] + sum_{kh,kw} in[n, oh*sh + kh*dh - top, ow*sw + kw*dw - left, o / multiplier] *
//   w[kh,kw,0,o]
// Sizes as Conv2d; padding is real 0. Source: QNN MasterOpDef, DepthWiseConv2d. Layer 4.

#include "qnnx/op/conv2d.hpp"

namespace qnnx::inline QNNX_ABI::op {

struct depthwise_conv2d {
  static constexpr std::string_view name = "DepthWiseConv2d";
  struct params {
    std::array<std::uint32_t, 2> stride{1, 1};
    std::array<std::uint32_t, 4> pad_amount{};  // top, bottom, left, right
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
    if (w.rank() != 4) return bad_rank(1, "weight", w, "[kh,kw,1,Co]");
    if (issue e = check_steps("stride", p.stride)) return e;
    if (issue e = check_steps("dilation", p.dilation)) return e;
    if (issue e = check_pads(p.pad_amount)) return e;
    if (x[nhwc::c] < 1 || w[hwio::i] != 1 || w[hwio::o] % x[nhwc::c] != 0)
      return {errc::wrong_shape, operand("input", 1, "weight"), to_text(w),
              text("[kh,kw,1,Co] with Co a multiple of ") << x[nhwc::c]};
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
    return {c.out(0).dims.size() * w[0] * w[1], c.out(0).dims.size()};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
