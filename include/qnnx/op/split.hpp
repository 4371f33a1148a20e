// SPDX-License-Identifier: Apache-2.0
#pragma once
// Split: cuts an axis at start positions; M positions give M+1 outputs. UnPack: one output per index of an axis, which
// disappears. Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/movement.hpp"

namespace qnnx::inline QNNX_ABI::op {

namespace detail {
constexpr issue output_count_is(const context& c, int expected) {
  if (expected > max_outputs) return {errc::input_count, "outputs", number(expected), text("at most ") << max_outputs};
  if (c.output_count > 0 && c.output_count != expected)
    return {errc::input_count, "outputs", number(c.output_count), number(expected)};
  return {};
}
}  // namespace detail

struct split {
  static constexpr std::string_view name = "Split";
  struct params {
    std::uint32_t axis = 0;
    split_points split_index;  // where the second and later outputs begin
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"out", port_kind::variadic}};
  using types = movement_types;
  static constexpr bool data_movement = true;

  static constexpr issue check(const context& c, const params& p) {
    if (issue e = axis_inside("axis", p.axis, c.dims(0).rank())) return e;
    const std::int32_t size = c.dims(0)[static_cast<int>(p.axis)];
    std::int32_t before = 0;
    for (int i = 0; i < p.split_index.size(); ++i) {
      if (p.split_index[i] <= before || p.split_index[i] >= size)
        return bad_parameter("split_index", number(p.split_index[i]),
                             text("rising positions inside 1 to ") << size - 1);
      before = p.split_index[i];
    }
    if (issue e = detail::output_count_is(c, p.split_index.size() + 1)) return e;
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const int axis = static_cast<int>(p.axis);
    std::int32_t from = 0;
    out.count = p.split_index.size() + 1;
    for (int i = 0; i < out.count; ++i) {
      const std::int32_t to = i < p.split_index.size() ? p.split_index[i] : c.dims(0)[axis];
      out[i] = c.dims(0);
      out[i][axis] = to - from;
      from = to;
    }
    return {};
  }
};

struct unpack {
  static constexpr std::string_view name = "UnPack";
  struct params {
    std::uint32_t axis = 0;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"out", port_kind::variadic}};
  using types = movement_types;
  static constexpr bool data_movement = true;

  static constexpr issue check(const context& c, const params& p) {
    if (issue e = axis_inside("axis", p.axis, c.dims(0).rank())) return e;
    if (issue e = detail::output_count_is(c, c.dims(0)[static_cast<int>(p.axis)])) return e;
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    shape s;
    for (int d = 0; d < c.dims(0).rank(); ++d)
      if (d != static_cast<int>(p.axis)) s.push_back(c.dims(0)[d]);
    out.count = c.dims(0)[static_cast<int>(p.axis)];
    for (int i = 0; i < out.count; ++i) out[i] = s;
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
