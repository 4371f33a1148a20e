// SPDX-License-Identifier: Apache-2.0
#pragma once
// Concat: inputs one behind the other on an axis; an input with another encoding than the output is requantized.
// Pack: inputs of one shape stacked on a new axis. Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/movement.hpp"

namespace qnnx::inline QNNX_ABI::op {

struct concat {
  static constexpr std::string_view name = "Concat";
  struct params {
    std::uint32_t axis = last_axis;
    static constexpr std::uint32_t last_axis = 0xffffffffu;  // QNN's default, N-1
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in", port_kind::variadic}};
  static constexpr std::array outputs{port{"out"}};
  using types = movement_types;
  static constexpr bool data_movement = false;  // encodings may differ: inputs are brought to the output's

  template <class Shape>
  static constexpr int axis_of(const params& p, const Shape& s) {
    return p.axis == params::last_axis ? s.rank() - 1 : static_cast<int>(p.axis);
  }
  static constexpr issue check(const context& c, const params& p) {
    const shape& first = c.dims(0);
    const int axis = axis_of(p, first);
    if (issue e = axis_inside("axis", axis, first.rank())) return e;
    for (int i = 0; i < c.input_count; ++i) {
      if (!c.has(i)) return {errc::input_count, operand("input", i, "in"), "nothing", "a tensor"};
      if (c.dims(i).rank() != first.rank()) return bad_shape(i, "in", c.dims(i), first);
      for (int d = 0; d < first.rank(); ++d)
        if (d != axis && c.dims(i)[d] != first[d]) return bad_shape(i, "in", c.dims(i), first);
      const bool rescalable = bits_of(c.in(i).type) <= 16 && !c.in(i).enc.per_axis();
      if (c.output_count > 0 && !rescalable && !same_encoding(c.in(i), c.out(0)))
        return {errc::bad_encoding, operand("input", i, "in"),
                "scales per axis, or 32 bits, with an encoding of its own", "the encoding of the output"};
    }
    return {};
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    shape s = c.dims(0);
    const int axis = axis_of(p, s);
    for (int i = 1; i < c.input_count; ++i) s[axis] += c.dims(i)[axis];
    out.set(s);
    return {};
  }
};

struct pack {
  static constexpr std::string_view name = "Pack";
  struct params {
    std::uint32_t axis = 0;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in", port_kind::variadic}};
  static constexpr std::array outputs{port{"out"}};
  using types = movement_types;
  static constexpr bool data_movement = true;

  static constexpr issue check(const context& c, const params& p) {
    if (c.dims(0).rank() >= max_rank) return bad_rank(0, "in", c.dims(0), "rank 5 or less");
    if (issue e = axis_inside("axis", p.axis, c.dims(0).rank() + 1)) return e;
    for (int i = 1; i < c.input_count; ++i) {
      if (!c.has(i)) return {errc::input_count, operand("input", i, "in"), "nothing", "a tensor"};
      if (!(c.dims(i) == c.dims(0))) return bad_shape(i, "in", c.dims(i), c.dims(0));
      if (!same_encoding(c.in(i), c.in(0)))
        return {errc::bad_encoding, operand("input", i, "in"), "an encoding of its own", "the encoding of input 0"};
    }
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    shape s;
    for (int d = 0; d <= c.dims(0).rank(); ++d) {
      if (d == static_cast<int>(p.axis)) s.push_back(c.input_count);
      if (d < c.dims(0).rank()) s.push_back(c.dims(0)[d]);
    }
    out.set(s);
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
