// SPDX-License-Identifier: Apache-2.0
#pragma once
// FullyConnected: out[b,o] = bias[o] + sum_k in[b,k] * w[o,k], weights [out, in]. The input is read as [batch, in],
// whatever its rank; keep_dims keeps its leading dimensions in the output. Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/conv2d.hpp"

namespace qnnx::inline QNNX_ABI::op {

struct fully_connected {
  static constexpr std::string_view name = "FullyConnected";
  struct params {
    bool keep_dims = false;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in"}, port{"weight"}, port{"bias", port_kind::optional}};
  static constexpr std::array outputs{port{"out"}};
  using types = convolution_types;

  static constexpr issue check(const context& c, const params& p) {
    const shape& x = c.dims(0);
    const shape& w = c.dims(1);
    if (x.rank() < 1) return bad_rank(0, "in", x, "rank 1 or more");
    if (w.rank() != 2 || w[0] < 1 || w[1] < 1) return bad_rank(1, "weight", w, "[out,in]");
    if (p.keep_dims ? x[x.rank() - 1] != w[1] : x.size() % w[1] != 0)
      return {errc::wrong_shape, operand("input", 0, "in"), to_text(x),
              p.keep_dims ? text("a last dimension of ") << w[1] : text("a multiple of ") << w[1] << " elements"};
    if (c.has(2) && c.dims(2).size() != w[0]) return bad_shape(2, "bias", c.dims(2), {w[0]});
    return check_weight_encoding(c, 1, 0);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const shape& x = c.dims(0);
    const shape& w = c.dims(1);
    shape y{static_cast<std::int32_t>(x.size() / w[1]), w[0]};
    if (p.keep_dims) {
      y = x;
      y[x.rank() - 1] = w[0];
    }
    out.set(y);
    return {};
  }
  static constexpr qnnx::cost cost(const context& c, const params&) {
    return {c.out(0).dims.size() * c.dims(1)[1], c.out(0).dims.size()};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
