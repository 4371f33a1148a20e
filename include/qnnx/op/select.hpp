// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseSelect: out = in0 ? in1 : in2, all three broadcast. Quantized operands are brought to the output's
// encoding. Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/contract.hpp"

namespace qnnx::inline QNNX_ABI::op {

struct elementwise_select {
  static constexpr std::string_view name = "ElementWiseSelect";
  using params = no_params;
  static constexpr std::array inputs{port{"in0"}, port{"in1"}, port{"in2"}};
  static constexpr std::array outputs{port{"out"}};
  // clang-format off
  using types = signatures<
      types::f32(types::b8, types::f32, types::f32), types::f16(types::b8, types::f16, types::f16),
      types::u8(types::b8, types::u8, types::u8), types::s8(types::b8, types::s8, types::s8),
      types::u16(types::b8, types::u16, types::u16), types::s16(types::b8, types::s16, types::s16),
      types::i32(types::b8, types::i32, types::i32), types::n32(types::b8, types::n32, types::n32),
      types::i64(types::b8, types::i64, types::i64), types::i8(types::b8, types::i8, types::i8),
      types::n8(types::b8, types::n8, types::n8), types::b8(types::b8, types::b8, types::b8)>;
  // clang-format on
  static constexpr issue infer(const context& c, const params&, shapes& out) {
    const shape two = broadcast(c.dims(0), c.dims(1));
    if (two.count < 0) return bad_shape(1, "in1", c.dims(1), c.dims(0));
    const shape s = broadcast(two, c.dims(2));
    if (s.count < 0) return bad_shape(2, "in2", c.dims(2), two);
    out.set(s);
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
