// SPDX-License-Identifier: Apache-2.0
#pragma once
// OneHot (a new axis of `depth` with on_value at the index), CumulativeSum (running sums on an axis), TopK (the k
// largest or smallest of the last axis, sorted; ties: the smaller index first, as ONNX and TFLite have it; the QNN page
// says the larger). Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/movement.hpp"

namespace qnnx::inline QNNX_ABI::op {

// clang-format off
template <class Index>
using one_hot_types_of = signatures<types::f32(Index), types::f16(Index), types::u8(Index), types::s8(Index), types::i32(Index),
    types::n32(Index), types::i64(Index), types::b8(Index)>;
using ordered_types = signatures<types::f32(types::f32), types::f16(types::f16), types::u8(types::u8), types::s8(types::s8),
    types::u16(types::u16), types::s16(types::s16), types::i32(types::i32), types::i64(types::i64)>;
// clang-format on

struct one_hot {
  static constexpr std::string_view name = "OneHot";
  struct params {
    std::uint32_t depth = 1;
    std::uint32_t axis = last_axis;  // place of the new axis
    float on_value = 1;
    float off_value = 0;
    static constexpr std::uint32_t last_axis = 0xffffffffu;  // QNN's default, N
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"indices"}};
  static constexpr std::array outputs{port{"out"}};
  using types =
      all_types<one_hot_types_of<types::i32>, one_hot_types_of<types::n32>, one_hot_types_of<types::i64>>::type;

  template <class Shape>
  static constexpr int axis_of(const params& p, const Shape& s) {
    return p.axis == params::last_axis ? s.rank() : static_cast<int>(p.axis);
  }
  static constexpr issue check(const context& c, const params& p) {
    if (c.dims(0).rank() >= max_rank) return bad_rank(0, "indices", c.dims(0), "rank 5 or less");
    if (p.depth < 1 || p.depth > 0x7fffffffu) return bad_parameter("depth", number(p.depth), "1 or more");
    return axis_inside("axis", axis_of(p, c.dims(0)), c.dims(0).rank() + 1);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const int axis = axis_of(p, c.dims(0));
    shape s;
    for (int d = 0; d <= c.dims(0).rank(); ++d) {
      if (d == axis) s.push_back(static_cast<std::int32_t>(p.depth));
      if (d < c.dims(0).rank()) s.push_back(c.dims(0)[d]);
    }
    out.set(s);
    return {};
  }
};

struct cumulative_sum {
  static constexpr std::string_view name = "CumulativeSum";
  struct params {
    std::uint32_t axis = 0;
    bool exclusive = false;
    bool reverse = false;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"out"}};
  using types = ordered_types;
  static constexpr issue check(const context& c, const params& p) {
    return axis_inside("axis", p.axis, c.dims(0).rank());
  }
  static constexpr issue infer(const context& c, const params&, shapes& out) {
    out.set(c.dims(0));
    return {};
  }
};

struct top_k {
  static constexpr std::string_view name = "TopK";
  struct params {
    std::uint32_t k = 1;
    bool largest = true;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"values"}, port{"indices"}};
  using types = ordered_types;
  static constexpr bool data_movement = true;  // of output 0

  static constexpr issue check(const context& c, const params& p) {
    const shape& x = c.dims(0);
    if (x.rank() < 1) return bad_rank(0, "in", x, "rank 1 or more");
    if (p.k < 1 || p.k > static_cast<std::uint32_t>(x[x.rank() - 1]))
      return bad_parameter("k", number(p.k), text("1 to ") << x[x.rank() - 1]);
    if (c.output_count > 0 && !same_encoding(c.in(0), c.out(0)))
      return {errc::bad_encoding, operand("output", 0, "values"), "an encoding of its own", "the encoding of input 0"};
    if (c.output_count > 1 && c.out(1).type != dtype::int_32 && c.out(1).type != dtype::uint_32)
      return {errc::wrong_dtype, operand("output", 1, "indices"), to_string(c.out(1).type), "int32 or uint32"};
    return {};
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    shape s = c.dims(0);
    s[s.rank() - 1] = static_cast<std::int32_t>(p.k);
    out.count = 2;
    out[0] = s;
    out[1] = s;
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
