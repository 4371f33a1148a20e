// SPDX-License-Identifier: Apache-2.0
#pragma once
// Transpose: axis d of the output is axis perm[d] of the input. Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/movement.hpp"

namespace qnnx::inline QNNX_ABI::op {

struct transpose : moves_data {
  static constexpr std::string_view name = "Transpose";
  struct params {
    axes perm;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr issue check(const context& c, const params& p) {
    const int rank = c.dims(0).rank();
    if (p.perm.size() != rank) return bad_parameter("perm", number(p.perm.size()) << " axes", number(rank) << " axes");
    for (int d = 0; d < rank; ++d)
      if (!p.perm.contains(d)) return bad_parameter("perm", text("no axis ") << d, "every axis once");
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    shape s;
    for (int d = 0; d < c.dims(0).rank(); ++d) s.push_back(c.dims(0)[p.perm[d]]);
    out.set(s);
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
