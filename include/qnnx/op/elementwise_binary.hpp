// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseBinary and its one-op forms (ElementWiseAdd, ...): numpy broadcast of two operands.
// Source: QNN MasterOpDef. `operation` numbers are QNN's.

#include "qnnx/op/contract.hpp"

namespace qnnx::inline QNNX_ABI::op {

enum class binary : std::uint32_t {
  add = 0, logical_and = 1, divide = 2, equal = 3, floor_div = 4, fmod = 5, greater = 6, greater_equal = 7, less = 8,
  less_equal = 9, maximum = 10, minimum = 11, mod = 12, multiply = 13, not_equal = 14, logical_or = 15, power = 16,
  squared_difference = 17, subtract = 18, logical_xor = 19,
};
constexpr bool is_comparison(binary b) {
  return b == binary::equal || b == binary::greater || b == binary::greater_equal || b == binary::less ||
         b == binary::less_equal || b == binary::not_equal;
}
constexpr bool is_logical(binary b) {
  return b == binary::logical_and || b == binary::logical_or || b == binary::logical_xor;
}

// clang-format off
using arithmetic_types = signatures<
    types::f32(types::f32, types::f32), types::f16(types::f16, types::f16), types::u8(types::u8, types::u8),
    types::s8(types::s8, types::s8), types::u16(types::u16, types::u16), types::s16(types::s16, types::s16),
    types::i32(types::i32, types::i32)>;
using comparison_types = signatures<
    types::b8(types::f32, types::f32), types::b8(types::f16, types::f16), types::b8(types::u8, types::u8),
    types::b8(types::s8, types::s8), types::b8(types::u16, types::u16), types::b8(types::s16, types::s16),
    types::b8(types::i32, types::i32)>;
using logical_types = signatures<types::b8(types::b8, types::b8)>;
template <class A, class B, class C> struct joined_types;
template <class... A, class... B, class... C>
struct joined_types<signatures<A...>, signatures<B...>, signatures<C...>> { using type = signatures<A..., B..., C...>; };
// clang-format on

struct elementwise_binary {
  static constexpr std::string_view name = "ElementWiseBinary";
  struct params {
    binary operation = binary::add;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in0"}, port{"in1"}};
  static constexpr std::array outputs{port{"out"}};
  using types = joined_types<arithmetic_types, comparison_types, logical_types>::type;

  static constexpr issue check(const context& c, const params& p) {
    const bool to_bool = is_comparison(p.operation) || is_logical(p.operation);
    if (c.output_count > 0 && to_bool != (c.out(0).type == dtype::bool_8))
      return {errc::wrong_dtype, "output 0 (out)", to_string(c.out(0).type), to_bool ? "bool8" : "the inputs' type"};
    return {};
  }
  static constexpr issue infer(const context& c, const params&, shapes& out) {
    const shape s = broadcast(c.dims(0), c.dims(1));
    if (s.count < 0) return bad_shape(1, "in1", c.dims(1), c.dims(0));
    out.set(s);
    return {};
  }
};

/// The one-op forms share rules and kernel with ElementWiseBinary; only the type table differs.
template <binary Operation, class Types>
struct binary_form {
  static constexpr binary operation = Operation;
  using params = no_params;
  static constexpr std::array inputs = elementwise_binary::inputs;
  static constexpr std::array outputs = elementwise_binary::outputs;
  using types = Types;
  static constexpr issue infer(const context& c, const params&, shapes& out) {
    return elementwise_binary::infer(c, {}, out);
  }
};
#define QNNX_BINARY(TYPE, NAME, OPERATION, TYPES) \
  struct TYPE : binary_form<binary::OPERATION, TYPES> { static constexpr std::string_view name = NAME; };
QNNX_BINARY(elementwise_add, "ElementWiseAdd", add, arithmetic_types)
QNNX_BINARY(elementwise_subtract, "ElementWiseSubtract", subtract, arithmetic_types)
QNNX_BINARY(elementwise_multiply, "ElementWiseMultiply", multiply, arithmetic_types)
QNNX_BINARY(elementwise_divide, "ElementWiseDivide", divide, arithmetic_types)
QNNX_BINARY(elementwise_maximum, "ElementWiseMaximum", maximum, arithmetic_types)
QNNX_BINARY(elementwise_minimum, "ElementWiseMinimum", minimum, arithmetic_types)
QNNX_BINARY(elementwise_power, "ElementWisePower", power, arithmetic_types)
QNNX_BINARY(elementwise_floor_div, "ElementWiseFloorDiv", floor_div, arithmetic_types)
QNNX_BINARY(elementwise_fmod, "ElementWiseFmod", fmod, arithmetic_types)
QNNX_BINARY(elementwise_mod, "ElementWiseMod", mod, arithmetic_types)
QNNX_BINARY(elementwise_squared_difference, "ElementWiseSquaredDifference", squared_difference, arithmetic_types)
QNNX_BINARY(elementwise_equal, "ElementWiseEqual", equal, comparison_types)
QNNX_BINARY(elementwise_not_equal, "ElementWiseNotEqual", not_equal, comparison_types)
QNNX_BINARY(elementwise_greater, "ElementWiseGreater", greater, comparison_types)
QNNX_BINARY(elementwise_greater_equal, "ElementWiseGreaterEqual", greater_equal, comparison_types)
QNNX_BINARY(elementwise_less, "ElementWiseLess", less, comparison_types)
QNNX_BINARY(elementwise_less_equal, "ElementWiseLessEqual", less_equal, comparison_types)
QNNX_BINARY(elementwise_and, "ElementWiseAnd", logical_and, logical_types)
QNNX_BINARY(elementwise_or, "ElementWiseOr", logical_or, logical_types)
QNNX_BINARY(elementwise_xor, "ElementWiseXor", logical_xor, logical_types)
#undef QNNX_BINARY

}  // namespace qnnx::inline QNNX_ABI::op
