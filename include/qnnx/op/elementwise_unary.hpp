// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseUnary and its one-op forms, and Prelu. Shape in = shape out. Source: QNN MasterOpDef; `operation` numbers
// are QNN's. Layer 4.

#include "qnnx/op/activations.hpp"

namespace qnnx::inline QNNX_ABI::op {

enum class unary : std::uint32_t {
  abs = 0, asin = 1, atan = 2, ceil = 3, cos = 4, exp = 5, floor = 6, log = 7, neg = 8, logical_not = 9, reciprocal = 10,
  round = 11, rsqrt = 12, sign = 13, sin = 14, sqrt = 15,
  erf = 256,  // ours: only as the op Erf
};

struct elementwise_unary : same_shape {
  static constexpr std::string_view name = "ElementWiseUnary";
  struct params {
    unary operation = unary::abs;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  using types = unary_types;
  static constexpr issue check(const context&, const params& p) {
    if (p.operation == unary::logical_not) return bad_parameter("operation", "NOT", "ElementWiseNot for bool data");
    if (p.operation == unary::erf) return bad_parameter("operation", "256", "the op Erf");
    return {};
  }
};

template <unary Operation>
struct unary_form : same_shape {
  static constexpr unary unary_operation = Operation;
  using params = no_params;
  using types = unary_types;
};
#define QNNX_UNARY(TYPE, NAME, OPERATION) \
  struct TYPE : unary_form<unary::OPERATION> { static constexpr std::string_view name = NAME; };
QNNX_UNARY(elementwise_abs, "ElementWiseAbs", abs)
QNNX_UNARY(elementwise_asin, "ElementWiseAsin", asin)
QNNX_UNARY(elementwise_atan, "ElementWiseAtan", atan)
QNNX_UNARY(elementwise_ceil, "ElementWiseCeil", ceil)
QNNX_UNARY(elementwise_cos, "ElementWiseCos", cos)
QNNX_UNARY(elementwise_exp, "ElementWiseExp", exp)
QNNX_UNARY(elementwise_floor, "ElementWiseFloor", floor)
QNNX_UNARY(elementwise_log, "ElementWiseLog", log)
QNNX_UNARY(elementwise_neg, "ElementWiseNeg", neg)
QNNX_UNARY(elementwise_round, "ElementWiseRound", round)
QNNX_UNARY(elementwise_rsqrt, "ElementWiseRsqrt", rsqrt)
QNNX_UNARY(elementwise_sign, "ElementWiseSign", sign)
QNNX_UNARY(elementwise_sin, "ElementWiseSin", sin)
QNNX_UNARY(elementwise_square_root, "ElementWiseSquareRoot", sqrt)
QNNX_UNARY(erf, "Erf", erf)  // not QNN's: ONNX has it
#undef QNNX_UNARY

struct elementwise_not : same_shape {
  static constexpr std::string_view name = "ElementWiseNot";
  using params = no_params;
  using types = signatures<types::b8(types::b8)>;
};

/// x < 0 ? slope * x : x; the slope broadcasts to x only.
struct prelu {
  static constexpr std::string_view name = "Prelu";
  using params = no_params;
  static constexpr std::array inputs{port{"in"}, port{"slope"}};
  static constexpr std::array outputs{port{"out"}};
  // clang-format off
  using types = signatures<
      types::f32(types::f32, types::f32), types::f16(types::f16, types::f16), types::u8(types::u8, types::u8),
      types::u8(types::u8, types::s8), types::s8(types::s8, types::s8), types::u16(types::u16, types::u16),
      types::u16(types::u16, types::u8), types::u16(types::u16, types::s8), types::s16(types::s16, types::s16),
      types::s16(types::s16, types::s8)>;
  // clang-format on
  static constexpr issue infer(const context& c, const params&, shapes& out) {
    const shape s = broadcast(c.dims(0), c.dims(1));
    if (s.count < 0 || !(s == c.dims(0))) return bad_shape(1, "slope", c.dims(1), c.dims(0));
    out.set(s);
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
