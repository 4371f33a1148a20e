// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reshape: the same data with other sizes. The sizes are a parameter of ours (QNN reads them from the declared
// output), so that the rule needs no output. Source: QNN MasterOpDef, Reshape.

#include "qnnx/op/contract.hpp"

namespace qnnx::inline QNNX_ABI::op {

// clang-format off
/// Every type of one operand that is only moved.
using movement_types = signatures<
    types::f32(types::f32), types::f16(types::f16), types::u8(types::u8), types::s8(types::s8), types::u16(types::u16),
    types::s16(types::s16), types::s32(types::s32), types::i32(types::i32), types::n8(types::n8), types::i8(types::i8),
    types::n32(types::n32), types::i64(types::i64), types::b8(types::b8)>;
// clang-format on

struct reshape {
  static constexpr std::string_view name = "Reshape";
  struct params {
    axes shape;  // the new sizes; one may be -1
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"out"}};
  using types = movement_types;
  static constexpr bool data_movement = true;

  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    qnnx::shape s;
    std::int64_t known = 1;
    int free = -1;
    for (int i = 0; i < p.shape.size(); ++i) {
      s.push_back(p.shape[i]);
      if (p.shape[i] < 0) free = i;
      else known *= p.shape[i];
    }
    const std::int64_t total = c.dims(0).size();
    if (free >= 0 && known > 0) s[free] = static_cast<std::int32_t>(total / known);
    if (s.size() != total) return bad_parameter("shape", to_text(s), number(total) << " elements");
    out.set(s);
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
