// SPDX-License-Identifier: Apache-2.0
#pragma once
// Batchnorm: x * weight + bias per channel of the last axis. LayerNorm: (x - mean) / sqrt(variance + epsilon) * gamma +
// beta over `axes`, population variance. RmsNorm: x / sqrt(mean(x^2) + epsilon) * gamma + beta. gamma and beta have the
// sizes of the normalised axes. Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/contract.hpp"

namespace qnnx::inline QNNX_ABI::op {

// clang-format off
using norm_types = signatures<
    types::f32(types::f32, types::f32, types::f32), types::f16(types::f16, types::f16, types::f16),
    types::u8(types::u8, types::u8, types::s32), types::u8(types::u8, types::s8, types::s32),
    types::s8(types::s8, types::s8, types::s32), types::u16(types::u16, types::u8, types::s32),
    types::u16(types::u16, types::s8, types::s32), types::u16(types::u16, types::s16, types::s32),
    types::s16(types::s16, types::s8, types::s32), types::s16(types::s16, types::s16, types::s32)>;
// clang-format on

struct batchnorm {
  static constexpr std::string_view name = "Batchnorm";
  using params = no_params;
  static constexpr std::array inputs{port{"in"}, port{"weight"}, port{"bias", port_kind::optional}};
  static constexpr std::array outputs{port{"out"}};
  using types = norm_types;
  static constexpr issue check(const context& c, const params&) {
    if (c.dims(0).rank() < 1) return bad_rank(0, "in", c.dims(0), "rank 1 or more");
    const std::int32_t channels = c.dims(0)[c.dims(0).rank() - 1];
    if (c.dims(1).size() != channels) return bad_shape(1, "weight", c.dims(1), {channels});
    if (c.has(2) && c.dims(2).size() != channels) return bad_shape(2, "bias", c.dims(2), {channels});
    return {};
  }
  static constexpr issue infer(const context& c, const params&, shapes& out) {
    out.set(c.dims(0));
    return {};
  }
  static constexpr qnnx::cost cost(const context& c, const params&) { return {c.dims(0).size(), 0}; }
};

struct norm_params {
  axes over{-1};  // the normalised axes; negative ones count from the end
  float epsilon = 1e-6f;
  friend constexpr bool operator==(const norm_params&, const norm_params&) = default;
};
struct norm_over_axes {
  using params = norm_params;
  static constexpr std::array inputs{port{"in"}, port{"gamma", port_kind::optional}, port{"beta", port_kind::optional}};
  static constexpr std::array outputs{port{"out"}};
  using types = norm_types;
  static constexpr bool normalised(const params& p, int rank, int axis) {
    return p.over.contains(axis) || p.over.contains(axis - rank);
  }
  static constexpr issue check(const context& c, const params& p) {
    const int rank = c.dims(0).rank();
    std::int64_t count = 1;
    for (int i = 0; i < p.over.size(); ++i)
      if (p.over[i] < -rank || p.over[i] >= rank) return bad_parameter("over", number(p.over[i]), text("axes of ") << to_text(c.dims(0)).view());
    for (int i = 0; i < rank; ++i)
      if (normalised(p, rank, i)) count *= c.dims(0)[i];
    for (int i = 1; i < 3; ++i)
      if (c.has(i) && c.dims(i).size() != count) return bad_shape(i, inputs[static_cast<std::size_t>(i)].name, c.dims(i), {static_cast<std::int32_t>(count)});
    return {};
  }
  static constexpr issue infer(const context& c, const params&, shapes& out) {
    out.set(c.dims(0));
    return {};
  }
  static constexpr qnnx::cost cost(const context& c, const params&) { return {0, 6 * c.dims(0).size()}; }
};
struct layer_norm : norm_over_axes { static constexpr std::string_view name = "LayerNorm"; };
struct rms_norm : norm_over_axes { static constexpr std::string_view name = "RmsNorm"; };

}  // namespace qnnx::inline QNNX_ABI::op
