// SPDX-License-Identifier: Apache-2.0
#pragma once
// What all ops share that only move data: their type table, and the rule that the encoding travels with the values.
// Layer 4. Source: QNN MasterOpDef, tensor operations.

#include "qnnx/op/contract.hpp"

namespace qnnx::inline QNNX_ABI::op {

// clang-format off
/// Every type of one operand that is only moved.
using movement_types = signatures<
    types::f32(types::f32), types::f16(types::f16), types::u8(types::u8), types::s8(types::s8), types::u16(types::u16),
    types::s16(types::s16), types::s32(types::s32), types::i32(types::i32), types::n8(types::n8), types::i8(types::i8),
    types::n32(types::n32), types::i64(types::i64), types::b8(types::b8)>;

/// The same with a tensor of indices behind the data (and updates behind the indices).
template <class Index>
using indexed_types_of = signatures<
    types::f32(types::f32, Index), types::f16(types::f16, Index), types::u8(types::u8, Index),
    types::s8(types::s8, Index), types::u16(types::u16, Index), types::s16(types::s16, Index),
    types::s32(types::s32, Index), types::i32(types::i32, Index), types::n8(types::n8, Index),
    types::i8(types::i8, Index), types::n32(types::n32, Index), types::i64(types::i64, Index),
    types::b8(types::b8, Index)>;
template <class Index>
using scattered_types_of = signatures<
    types::f32(types::f32, Index, types::f32), types::f16(types::f16, Index, types::f16),
    types::u8(types::u8, Index, types::u8), types::s8(types::s8, Index, types::s8),
    types::u16(types::u16, Index, types::u16), types::s16(types::s16, Index, types::s16),
    types::i32(types::i32, Index, types::i32), types::n8(types::n8, Index, types::n8),
    types::i8(types::i8, Index, types::i8), types::n32(types::n32, Index, types::n32),
    types::i64(types::i64, Index, types::i64), types::b8(types::b8, Index, types::b8)>;

template <class... Tables> struct all_types;
template <class... A> struct all_types<signatures<A...>> { using type = signatures<A...>; };
template <class... A, class... B, class... Rest>
struct all_types<signatures<A...>, signatures<B...>, Rest...> : all_types<signatures<A..., B...>, Rest...> {};
// clang-format on
using indexed_types =
    all_types<indexed_types_of<types::i32>, indexed_types_of<types::n32>, indexed_types_of<types::i64>>::type;
using scattered_types =
    all_types<scattered_types_of<types::i32>, scattered_types_of<types::n32>, scattered_types_of<types::i64>>::type;

/// True where two tensors of one fixed-point type give the same real value to the same stored value.
constexpr bool same_encoding(const tensor_desc& a, const tensor_desc& b) {
  if (!is_fixed(a.type) || !a.enc.defined() || !b.enc.defined()) return true;
  if (a.enc.per_axis() || b.enc.per_axis()) return a.enc.per_axis() == b.enc.per_axis();
  if (a.enc.kind == encoding_kind::block || b.enc.kind == encoding_kind::block) return a.enc.kind == b.enc.kind;
  return a.enc.scale == b.enc.scale && a.enc.offset == b.enc.offset;
}
/// A fault where an output does not have the encoding of input 0: the op moves stored values and cannot rescale them.
constexpr issue keeps_encoding(const context& c) {
  for (int i = 0; i < c.output_count; ++i)
    if (!same_encoding(c.in(0), c.out(i)))
      return {errc::bad_encoding, operand("output", i, c.out(i).name), "an encoding of its own",
              "the encoding of input 0; insert a Convert to change it"};
  return {};
}
/// A fault where `axis` is not an axis of a shape of this rank.
constexpr issue axis_inside(const char* parameter, std::int64_t axis, int rank) {
  if (axis >= 0 && axis < rank) return {};
  return bad_parameter(parameter, number(axis), text("an axis: 0 to ") << rank - 1);
}

/// Base of ops that move the data of one input to one output.
struct moves_data {
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"out"}};
  using types = movement_types;
  static constexpr bool data_movement = true;
};

}  // namespace qnnx::inline QNNX_ABI::op
