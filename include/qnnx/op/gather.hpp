// SPDX-License-Identifier: Apache-2.0
#pragma once
// Gather (numpy take on an axis), GatherElements (take_along_axis), GatherNd (ONNX GatherND with batch_dims).
// Negative indices count from the end; an index outside gives real 0. Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/movement.hpp"

namespace qnnx::inline QNNX_ABI::op {

/// Base of ops that read data by a tensor of indices.
struct reads_by_index {
  static constexpr std::array inputs{port{"in"}, port{"indices"}};
  static constexpr std::array outputs{port{"out"}};
  using types = indexed_types;
  static constexpr bool data_movement = true;
};

struct gather : reads_by_index {
  static constexpr std::string_view name = "Gather";
  struct params {
    std::int32_t axis = 0;  // negative counts from the end
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  template <class Shape>
  static constexpr int axis_of(const params& p, const Shape& s) {
    return p.axis < 0 ? p.axis + s.rank() : p.axis;
  }

  static constexpr issue check(const context& c, const params& p) {
    if (issue e = axis_inside("axis", axis_of(p, c.dims(0)), c.dims(0).rank())) return e;
    if (c.dims(0).rank() + c.dims(1).rank() - 1 > max_rank)
      return bad_rank(1, "indices", c.dims(1), "an output of rank 6 or less");
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const int axis = axis_of(p, c.dims(0));
    shape s;
    for (int d = 0; d < axis; ++d) s.push_back(c.dims(0)[d]);
    for (int d = 0; d < c.dims(1).rank(); ++d) s.push_back(c.dims(1)[d]);
    for (int d = axis + 1; d < c.dims(0).rank(); ++d) s.push_back(c.dims(0)[d]);
    out.set(s);
    return {};
  }
};

struct gather_elements : reads_by_index {
  static constexpr std::string_view name = "GatherElements";
  struct params {
    std::uint32_t axis = 0;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr issue check(const context& c, const params& p) {
    const shape& x = c.dims(0);
    const shape& i = c.dims(1);
    if (issue e = axis_inside("axis", p.axis, x.rank())) return e;
    if (i.rank() != x.rank()) return bad_shape(1, "indices", i, x);
    for (int d = 0; d < x.rank(); ++d)
      if (d != static_cast<int>(p.axis) && i[d] > x[d]) return bad_shape(1, "indices", i, x);
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params&, shapes& out) {
    out.set(c.dims(1));
    return {};
  }
};

struct gather_nd : reads_by_index {
  static constexpr std::string_view name = "GatherNd";
  struct params {
    std::uint32_t batch_dims = 0;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr issue check(const context& c, const params& p) {
    const shape& x = c.dims(0);
    const shape& i = c.dims(1);
    const int batch = static_cast<int>(p.batch_dims);
    if (i.rank() < 1) return bad_rank(1, "indices", i, "rank 1 or more");
    if (batch < 0 || batch >= i.rank() || batch > x.rank())
      return bad_parameter("batch_dims", number(batch), text("less than ") << i.rank());
    for (int d = 0; d < batch; ++d)
      if (x[d] != i[d]) return bad_shape(1, "indices", i, x);
    const int depth = i[i.rank() - 1];
    if (depth > x.rank() - batch) return bad_shape(1, "indices", i, x);
    if (i.rank() - 1 + x.rank() - batch - depth > max_rank)
      return bad_rank(1, "indices", i, "an output of rank 6 or less");
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const shape& x = c.dims(0);
    const shape& i = c.dims(1);
    shape s;
    for (int d = 0; d + 1 < i.rank(); ++d) s.push_back(i[d]);
    for (int d = static_cast<int>(p.batch_dims) + i[i.rank() - 1]; d < x.rank(); ++d) s.push_back(x[d]);
    out.set(s);
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
