// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reductions over a set of axes: ReduceSum, Mean, Max, Min, Prod, SumSquare; Argmax and Argmin on one axis (ties: the
// first index). Without keep_dims the axes disappear; where none is left the output has rank 1, [1] (ReduceSumSquare:
// rank 0). Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/movement.hpp"

namespace qnnx::inline QNNX_ABI::op {

enum class reduction : std::uint8_t { sum, mean, max, min, prod, sum_square };

struct reduce_params {
  qnnx::axes axes;
  bool keep_dims = false;
  friend constexpr bool operator==(const reduce_params&, const reduce_params&) = default;
};

// clang-format off
using reduced_types = signatures<
    types::f32(types::f32), types::f16(types::f16), types::u8(types::u8), types::s8(types::s8), types::u16(types::u16),
    types::s16(types::s16), types::i32(types::i32), types::i64(types::i64)>;
/// Products of stored values: 16-bit squares do not fit the accumulator's bound.
using multiplied_types = signatures<types::f32(types::f32), types::f16(types::f16), types::i32(types::i32), types::i64(types::i64)>;
using squared_types = signatures<types::f32(types::f32), types::f16(types::f16), types::u8(types::u8), types::s8(types::s8),
    types::i32(types::i32), types::i64(types::i64)>;
template <class Out>
using found_types = signatures<Out(types::f32), Out(types::f16), Out(types::u8), Out(types::s8), Out(types::u16),
    Out(types::s16), Out(types::i32), Out(types::n32), Out(types::i64)>;
// clang-format on

constexpr shape reduced_shape(const shape& in, const qnnx::axes& over, bool keep, bool rank_zero) {
  shape s;
  for (int d = 0; d < in.rank(); ++d) {
    if (!over.contains(d))
      s.push_back(in[d]);
    else if (keep)
      s.push_back(1);
  }
  if (s.rank() == 0 && in.rank() > 0 && !rank_zero) s.push_back(1);
  return s;
}

template <reduction Kind, class Types>
struct reduce_form {
  static constexpr reduction kind = Kind;
  using params = reduce_params;
  using types = Types;
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"out"}};
  /// The largest and smallest element keep the encoding unless the output declares another.
  static constexpr bool data_movement = Kind == reduction::max || Kind == reduction::min;

  static constexpr issue check(const context& c, const params& p) {
    for (int i = 0; i < p.axes.size(); ++i)
      if (issue e = axis_inside("axes", p.axes[i], c.dims(0).rank())) return e;
    if (p.axes.size() == 0 && c.dims(0).rank() > 0) return bad_parameter("axes", "no axis", "one axis or more");
    return {};
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    out.set(reduced_shape(c.dims(0), p.axes, p.keep_dims, Kind == reduction::sum_square));
    return {};
  }
  static constexpr qnnx::cost cost(const context& c, const params&) { return {0, c.dims(0).size()}; }
};
struct reduce_sum : reduce_form<reduction::sum, reduced_types> {
  static constexpr std::string_view name = "ReduceSum";
};
struct reduce_mean : reduce_form<reduction::mean, reduced_types> {
  static constexpr std::string_view name = "ReduceMean";
};
struct reduce_max : reduce_form<reduction::max, reduced_types> {
  static constexpr std::string_view name = "ReduceMax";
};
struct reduce_min : reduce_form<reduction::min, reduced_types> {
  static constexpr std::string_view name = "ReduceMin";
};
struct reduce_prod : reduce_form<reduction::prod, multiplied_types> {
  static constexpr std::string_view name = "ReduceProd";
};
struct reduce_sum_square : reduce_form<reduction::sum_square, squared_types> {
  static constexpr std::string_view name = "ReduceSumSquare";
};

template <bool Largest>
struct arg_form {
  static constexpr bool largest = Largest;
  struct params {
    std::uint32_t axis = 0;
    bool keep_dims = false;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  using types = all_types<found_types<types::i32>, found_types<types::n32>>::type;
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"out"}};

  static constexpr issue check(const context& c, const params& p) {
    return axis_inside("axis", p.axis, c.dims(0).rank());
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    out.set(reduced_shape(c.dims(0), {static_cast<std::int32_t>(p.axis)}, p.keep_dims, false));
    return {};
  }
  static constexpr qnnx::cost cost(const context& c, const params&) { return {0, c.dims(0).size()}; }
};
struct argmax : arg_form<true> {
  static constexpr std::string_view name = "Argmax";
};
struct argmin : arg_form<false> {
  static constexpr std::string_view name = "Argmin";
};

}  // namespace qnnx::inline QNNX_ABI::op
