// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lookup: out = table[in - lowest value of in's type], for 8-bit data of one scale: any function of one 8-bit value.
// Not QNN's; passes::fold_byte_functions makes it. Layer 4.

#include "qnnx/op/contract.hpp"

namespace qnnx::inline QNNX_ABI::op {

struct lookup {
  static constexpr std::string_view name = "Lookup";
  using params = no_params;
  static constexpr std::array inputs{port{"in"}, port{"table"}};
  static constexpr std::array outputs{port{"out"}};
  using types = signatures<types::u8(types::u8, types::u8), types::s8(types::s8, types::s8), types::u8(types::s8, types::u8),
                           types::s8(types::u8, types::s8)>;

  static constexpr issue check(const context& c, const params&) {
    if (c.dims(1).size() != 256) return bad_shape(1, "table", c.dims(1), {256});
    return {};
  }
  static constexpr issue infer(const context& c, const params&, shapes& out) {
    out.set(c.dims(0));
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
