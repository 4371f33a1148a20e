// SPDX-License-Identifier: Apache-2.0
#pragma once
// MatMul: out[..,m,n] = bias[n] + sum_k a[..,m,k] * b[..,k,n], leading dimensions broadcast; transpose_in0 and
// transpose_in1 swap the last two dimensions of an operand. Both sides may be computed values. (The formula QNN prints
// has the bias inside the sum; it is added once.) Source: QNN MasterOpDef, MatMul. Layer 4.

#include "qnnx/op/conv2d.hpp"

namespace qnnx::inline QNNX_ABI::op {

// clang-format off
/// 16-bit data has int64 accumulators.
using matmul_types = signatures<
    types::f32(types::f32, types::f32, types::f32), types::f16(types::f16, types::f16, types::f16),
    types::u8(types::u8, types::u8, types::s32), types::u8(types::u8, types::s8, types::s32),
    types::s8(types::s8, types::s8, types::s32), types::u16(types::u16, types::s8, types::s32),
    types::u16(types::u16, types::u8, types::s32), types::s16(types::s16, types::s8, types::s32),
    types::u16(types::u16, types::u16, types::s32), types::u16(types::u16, types::s16, types::s32),
    types::s16(types::s16, types::s16, types::s32)>;
// clang-format on

struct matmul {
  static constexpr std::string_view name = "MatMul";
  struct params {
    bool transpose_in0 = false;
    bool transpose_in1 = false;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in0"}, port{"in1"}, port{"bias", port_kind::optional}};
  static constexpr std::array outputs{port{"out"}};
  using types = matmul_types;

  /// All but the last two dimensions.
  static constexpr shape batches(const shape& s) {
    shape b;
    for (int i = 0; i + 2 < s.rank(); ++i) b.push_back(s[i]);
    return b;
  }
  static constexpr int row_axis(const shape& s, bool transposed) { return s.rank() - (transposed ? 1 : 2); }
  static constexpr int column_axis(const shape& s, bool transposed) { return s.rank() - (transposed ? 2 : 1); }

  static constexpr issue check(const context& c, const params& p) {
    const shape& a = c.dims(0);
    const shape& b = c.dims(1);
    if (a.rank() < 2) return bad_rank(0, "in0", a, "rank 2 or more");
    if (b.rank() < 2) return bad_rank(1, "in1", b, "rank 2 or more");
    const std::int32_t depth = a[column_axis(a, p.transpose_in0)];
    if (b[row_axis(b, p.transpose_in1)] != depth)
      return {errc::wrong_shape, operand("input", 1, "in1"), to_text(b),
              text("a dimension ") << row_axis(b, p.transpose_in1) << " of " << depth};
    if (broadcast(batches(a), batches(b)).count < 0)
      return {errc::wrong_shape, operand("input", 1, "in1"), to_text(b),
              text("leading dimensions that broadcast with ") << to_text(a).view()};
    const int columns = column_axis(b, p.transpose_in1);
    if (c.has(2) && c.dims(2).size() != b[columns]) return bad_shape(2, "bias", c.dims(2), {b[columns]});
    return check_weight_encoding(c, 1, columns);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const shape& a = c.dims(0);
    const shape& b = c.dims(1);
    shape y = broadcast(batches(a), batches(b));
    y.push_back(a[row_axis(a, p.transpose_in0)]);
    y.push_back(b[column_axis(b, p.transpose_in1)]);
    out.set(y);
    return {};
  }
  static constexpr qnnx::cost cost(const context& c, const params& p) {
    const shape& a = c.dims(0);
    return {c.out(0).dims.size() * a[column_axis(a, p.transpose_in0)], c.out(0).dims.size()};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
