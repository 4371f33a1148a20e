// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax: exp(beta * (x - max)) / sum along `axis`; LogSoftmax: beta * (x - max) - log(sum). Shape in = shape out.
// axis -1 is the last one. Source: QNN MasterOpDef, Softmax, LogSoftmax. Layer 4.

#include "qnnx/op/activations.hpp"

namespace qnnx::inline QNNX_ABI::op {

struct softmax_params {
  std::int32_t axis = -1;
  float beta = 1.0f;
  friend constexpr bool operator==(const softmax_params&, const softmax_params&) = default;
};

/// What both have in common.
struct along_axis : same_shape {
  using params = softmax_params;
  using types = unary_types;
  static constexpr int resolved(const params& p, int rank) { return p.axis < 0 ? p.axis + rank : p.axis; }
  static constexpr issue check(const context& c, const params& p) {
    const int axis = resolved(p, c.dims(0).rank());
    if (axis < 0 || axis >= c.dims(0).rank())
      return bad_parameter("axis", number(p.axis), text("an axis of ") << to_text(c.dims(0)).view());
    return {};
  }
  static constexpr qnnx::cost cost(const context& c, const params&) { return {0, 5 * c.dims(0).size()}; }
};

struct softmax : along_axis { static constexpr std::string_view name = "Softmax"; };
struct log_softmax : along_axis { static constexpr std::string_view name = "LogSoftmax"; };

}  // namespace qnnx::inline QNNX_ABI::op
