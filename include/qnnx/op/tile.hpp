// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tile: the input repeated multiples[d] times along axis d. Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/movement.hpp"

namespace qnnx::inline QNNX_ABI::op {

struct tile : moves_data {
  static constexpr std::string_view name = "Tile";
  struct params {
    axes multiples;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr issue check(const context& c, const params& p) {
    if (p.multiples.size() != c.dims(0).rank())
      return bad_parameter("multiples", number(p.multiples.size()) << " numbers",
                           number(c.dims(0).rank()) << " numbers");
    for (int d = 0; d < p.multiples.size(); ++d)
      if (p.multiples[d] < 1) return bad_parameter("multiples", number(p.multiples[d]), "1 or more");
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    shape s = c.dims(0);
    for (int d = 0; d < s.rank(); ++d) s[d] *= p.multiples[d];
    out.set(s);
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
