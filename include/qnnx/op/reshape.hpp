// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reshape, Squeeze, ExpandDims: the same data with other sizes. Sizes are parameters of ours where QNN reads them from
// the declared output, so that the rule needs no output. Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/movement.hpp"

namespace qnnx::inline QNNX_ABI::op {

struct reshape : moves_data {
  static constexpr std::string_view name = "Reshape";
  struct params {
    axes shape;  // the new sizes; one may be -1
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  template <class Params>
  static constexpr issue check(const context& c, const Params&) {
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    qnnx::shape s;
    std::int64_t known = 1;
    int free = -1;
    for (int i = 0; i < p.shape.size(); ++i) {
      s.push_back(p.shape[i]);
      if (p.shape[i] < 0)
        free = i;
      else
        known *= p.shape[i];
    }
    const std::int64_t total = c.dims(0).size();
    if (free >= 0 && known > 0) s[free] = static_cast<std::int32_t>(total / known);
    if (s.size() != total) return bad_parameter("shape", to_text(s), number(total) << " elements");
    out.set(s);
    return {};
  }
};

struct squeeze : moves_data {
  static constexpr std::string_view name = "Squeeze";
  struct params {
    qnnx::axes axes;  // dropped axes of size 1; empty: all of them
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr issue check(const context& c, const params& p) {
    for (int i = 0; i < p.axes.size(); ++i) {
      if (issue e = axis_inside("axes", p.axes[i], c.dims(0).rank())) return e;
      if (c.dims(0)[p.axes[i]] != 1)
        return bad_parameter("axes", number(p.axes[i]), text("an axis of size 1 of ") << to_text(c.dims(0)).view());
    }
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    shape s;
    for (int d = 0; d < c.dims(0).rank(); ++d)
      if (p.axes.size() ? !p.axes.contains(d) : c.dims(0)[d] != 1) s.push_back(c.dims(0)[d]);
    out.set(s);
    return {};
  }
};

struct expand_dims : moves_data {
  static constexpr std::string_view name = "ExpandDims";
  struct params {
    std::uint32_t axis = 0;  // place of the new axis of size 1
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr issue check(const context& c, const params& p) {
    if (c.dims(0).rank() >= max_rank) return bad_rank(0, "in", c.dims(0), "rank 5 or less");
    if (issue e = axis_inside("axis", p.axis, c.dims(0).rank() + 1)) return e;
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    shape s;
    for (int d = 0; d <= c.dims(0).rank(); ++d) {
      if (d == static_cast<int>(p.axis)) s.push_back(1);
      if (d < c.dims(0).rank()) s.push_back(c.dims(0)[d]);
    }
    out.set(s);
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
