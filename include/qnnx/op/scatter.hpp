// SPDX-License-Identifier: Apache-2.0
#pragma once
// ScatterNd and ScatterElements: a copy of the data with updates written, added, multiplied or maximised in at indices
// (ONNX ScatterND, ScatterElements). Updates are applied in row-major order of the indices; an index outside is left
// out. Quantized data and updates share one encoding with the output. Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/movement.hpp"

namespace qnnx::inline QNNX_ABI::op {

enum class scatter_reduction : std::uint32_t { none = 0, add = 1, mul = 2, max = 3 };

struct writes_by_index {
  static constexpr std::array inputs{port{"in"}, port{"indices"}, port{"updates"}};
  static constexpr std::array outputs{port{"out"}};
  using types = scattered_types;
  static constexpr bool data_movement = true;

  static constexpr issue check_updates(const context& c, scatter_reduction r) {
    if (static_cast<std::uint32_t>(r) > 3)
      return bad_parameter("reduction", number(static_cast<std::uint32_t>(r)), "0 to 3");
    if (!same_encoding(c.in(0), c.in(2)))
      return {errc::bad_encoding, operand("input", 2, "updates"), "an encoding of its own", "the encoding of input 0"};
    return keeps_encoding(c);
  }
};

struct scatter_nd : writes_by_index {
  static constexpr std::string_view name = "ScatterNd";
  struct params {
    scatter_reduction reduction = scatter_reduction::none;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr issue check(const context& c, const params& p) {
    const shape& x = c.dims(0);
    const shape& i = c.dims(1);
    if (i.rank() < 1 || i[i.rank() - 1] > x.rank()) return bad_shape(1, "indices", i, x);
    shape wanted;
    for (int d = 0; d + 1 < i.rank(); ++d) wanted.push_back(i[d]);
    if (wanted.rank() + x.rank() - i[i.rank() - 1] > max_rank)
      return bad_rank(1, "indices", i, "updates of rank 6 or less");
    for (int d = i[i.rank() - 1]; d < x.rank(); ++d) wanted.push_back(x[d]);
    if (!(c.dims(2) == wanted)) return bad_shape(2, "updates", c.dims(2), wanted);
    return check_updates(c, p.reduction);
  }
  static constexpr issue infer(const context& c, const params&, shapes& out) {
    out.set(c.dims(0));
    return {};
  }
};

struct scatter_elements : writes_by_index {
  static constexpr std::string_view name = "ScatterElements";
  struct params {
    std::uint32_t axis = 0;
    scatter_reduction reduction = scatter_reduction::none;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr issue check(const context& c, const params& p) {
    const shape& x = c.dims(0);
    const shape& i = c.dims(1);
    if (issue e = axis_inside("axis", p.axis, x.rank())) return e;
    if (i.rank() != x.rank()) return bad_shape(1, "indices", i, x);
    for (int d = 0; d < x.rank(); ++d)
      if (d != static_cast<int>(p.axis) && i[d] > x[d]) return bad_shape(1, "indices", i, x);
    if (!(c.dims(2) == i)) return bad_shape(2, "updates", c.dims(2), i);
    return check_updates(c, p.reduction);
  }
  static constexpr issue infer(const context& c, const params&, shapes& out) {
    out.set(c.dims(0));
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
