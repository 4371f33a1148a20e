// SPDX-License-Identifier: Apache-2.0
#pragma once
// Pad: CONSTANT puts pad_constant_value (a real number; quantized tensors store it in the output's encoding) around
// the input; MIRROR_REFLECT mirrors without the border, MIRROR_SYMMETRIC with it; EDGE repeats the border.
// Only CONSTANT may change the encoding. Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/movement.hpp"

namespace qnnx::inline QNNX_ABI::op {

enum class pad_scheme : std::uint32_t { constant = 0, mirror_symmetric = 1, mirror_reflect = 2, edge = 3 };

struct pad : moves_data {
  static constexpr std::string_view name = "Pad";
  struct params {
    pad_scheme scheme = pad_scheme::constant;
    std::array<std::uint32_t, 2 * max_rank> pad_amount{};  // before and after each axis
    float pad_constant_value = 0;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::int32_t before(const params& p, int d) {
    return static_cast<std::int32_t>(p.pad_amount[static_cast<std::size_t>(2 * d)]);
  }
  static constexpr std::int32_t after(const params& p, int d) {
    return static_cast<std::int32_t>(p.pad_amount[static_cast<std::size_t>(2 * d + 1)]);
  }

  static constexpr issue check(const context& c, const params& p) {
    const shape& x = c.dims(0);
    if (static_cast<std::uint32_t>(p.scheme) > 3)
      return bad_parameter("scheme", number(static_cast<std::uint32_t>(p.scheme)), "0 to 3");
    for (int d = 0; d < max_rank; ++d) {
      const std::int32_t most = before(p, d) > after(p, d) ? before(p, d) : after(p, d);
      if (before(p, d) < 0 || after(p, d) < 0 || (d >= x.rank() && most > 0))
        return bad_parameter("pad_amount", text("axis ") << d, text("amounts for ") << x.rank() << " axes");
      if (d >= x.rank()) continue;
      const std::int32_t room = p.scheme == pad_scheme::mirror_reflect ? x[d] - 1 : x[d];
      if ((p.scheme == pad_scheme::mirror_reflect || p.scheme == pad_scheme::mirror_symmetric) && most > room)
        return bad_parameter("pad_amount", text{} << most << " on axis " << d, text("at most ") << room);
    }
    if (p.scheme == pad_scheme::constant && bits_of(c.in(0).type) <= 16 && !c.in(0).enc.per_axis()) return {};
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    shape s = c.dims(0);
    for (int d = 0; d < s.rank(); ++d) s[d] += before(p, d) + after(p, d);
    out.set(s);
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
