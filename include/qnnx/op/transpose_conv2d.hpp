// SPDX-License-Identifier: Apache-2.0
#pragma once
// TransposeConv2d: every input pixel adds a scaled kernel to the output. NHWC data, weights [kh, kw, Ci, Co/group].
//   out[n,oh,ow,o] = bias[o] + sum in[n,ih,iw,i] * w[kh,kw,i,o % (Co/group)]
//     over ih*sh + kh - top = oh, iw*sw + kw - left = ow, i in the group of o
//   Ho = sh*(H-1) + kh - top - bottom + output_padding. Source: QNN MasterOpDef, TransposeConv2d. Layer 4.

#include "qnnx/op/conv2d.hpp"

namespace qnnx::inline QNNX_ABI::op {

struct transpose_conv2d {
  static constexpr std::string_view name = "TransposeConv2d";
  struct params {
    std::array<std::uint32_t, 2> stride{1, 1};
    std::array<std::uint32_t, 4> pad_amount{};  // top, bottom, left, right
    std::uint32_t group = 1;
    std::array<std::uint32_t, 2> output_padding{};
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in"}, port{"weight"}, port{"bias", port_kind::optional}};
  static constexpr std::array outputs{port{"out"}};
  using types = convolution_types;

  static constexpr issue check(const context& c, const params& p) {
    const shape& x = c.dims(0);
    const shape& w = c.dims(1);
    if (x.rank() != 4) return bad_rank(0, "in", x, "[N,H,W,Ci]");
    if (w.rank() != 4) return bad_rank(1, "weight", w, "[kh,kw,Ci,Co/group]");
    if (issue e = check_steps("stride", p.stride)) return e;
    if (issue e = check_pads(p.pad_amount)) return e;
    for (std::size_t i = 0; i < 2; ++i)
      if (p.output_padding[i] >= p.stride[i] && p.output_padding[i] != 0)
        return bad_parameter("output_padding", number(p.output_padding[i]), text("less than stride ") << p.stride[i]);
    const auto group = static_cast<std::int32_t>(p.group);
    if (group < 1 || x[nhwc::c] % group != 0)
      return bad_parameter("group", number(group), "a divisor of the input channels");
    if (w[hwio::i] != x[nhwc::c]) return bad_shape(1, "weight", w, {w[0], w[1], x[nhwc::c], w[3]});
    if (c.has(2) && c.dims(2).size() != std::int64_t{w[hwio::o]} * group)
      return bad_shape(2, "bias", c.dims(2), {w[hwio::o] * group});
    return check_weight_encoding(c, 1, hwio::o);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const shape& x = c.dims(0);
    const shape& w = c.dims(1);
    const auto size = [&](int axis, std::size_t k) {
      return static_cast<std::int64_t>(p.stride[k]) * (x[axis] - 1) + w[static_cast<int>(k)] - p.pad_amount[2 * k] -
             p.pad_amount[2 * k + 1] + p.output_padding[k];
    };
    const std::int64_t h = size(1, 0);
    const std::int64_t v = size(2, 1);
    if (h < 1 || v < 1 || h > INT32_MAX || v > INT32_MAX)
      return bad_parameter("pad_amount", text{} << "output " << h << " x " << v, "an output of 1 x 1 or more");
    out.set({x[0], static_cast<std::int32_t>(h), static_cast<std::int32_t>(v),
             w[hwio::o] * static_cast<std::int32_t>(p.group)});
    return {};
  }
  static constexpr qnnx::cost cost(const context& c, const params&) {
    const shape& w = c.dims(1);
    return {c.dims(0).size() * w[0] * w[1] * w[3], c.out(0).dims.size()};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
