// SPDX-License-Identifier: Apache-2.0
#pragma once
// Changes of type.
//   Quantize    q = clamp(round(x / scale) - offset)     (rne: of the double quotient; tflite: of the float quotient,
//   Dequantize  x = (q + offset) * scale                  half away from zero)
//   Convert     obeys encodings: requantizes, quantizes or dequantizes as its types ask
//   Cast        stored values, encodings ignored: float to integer truncates and saturates, integer to integer wraps,
//               anything to bool is "not zero"
// Source: QNN MasterOpDef (the page prints the offset with the wrong sign; Qnn_ScaleOffset_t has it right). Layer 4.

#include "qnnx/op/movement.hpp"

namespace qnnx::inline QNNX_ABI::op {

// clang-format off
template <class In>
using quantized_from = signatures<types::u8(In), types::s8(In), types::u16(In), types::s16(In), types::s32(In), types::u4(In), types::s4(In)>;
template <class Out>
using real_from = signatures<Out(types::u8), Out(types::s8), Out(types::u16), Out(types::s16), Out(types::s32), Out(types::u4), Out(types::s4)>;
template <class In>
using converted_from = signatures<types::f32(In), types::f16(In), types::u8(In), types::s8(In), types::u16(In), types::s16(In),
    types::s32(In), types::i32(In)>;
template <class In>
using cast_from = signatures<types::f32(In), types::f16(In), types::u8(In), types::s8(In), types::u16(In), types::n8(In), types::i8(In),
    types::i32(In), types::n32(In), types::i64(In), types::b8(In)>;
// clang-format on

/// A change of type keeps the sizes.
struct changes_type {
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"out"}};
  template <class Params>
  static constexpr issue infer(const context& c, const Params&, shapes& out) {
    out.set(c.dims(0));
    return {};
  }
};
constexpr issue scales_are_simple(const tensor_desc& t, const char* direction) {
  if (t.enc.kind == encoding_kind::block || t.enc.kind == encoding_kind::blockwise_expansion)
    return {errc::unsupported, operand(direction, 0, t.name), "a block encoding", "one scale per tensor or per axis"};
  return {};
}

struct quantize : changes_type {
  static constexpr std::string_view name = "Quantize";
  using params = no_params;
  using types = all_types<quantized_from<types::f32>, quantized_from<types::f16>>::type;
  static constexpr issue check(const context& c, const params&) {
    if (c.output_count == 0) return {};
    if (bits_of(c.out(0).type) < 8 && c.out(0).enc.per_axis())
      return {errc::unsupported, operand("output", 0, "out"), "packed 4-bit values with scales per axis",
              "one scale, or 8 bits or more"};
    return scales_are_simple(c.out(0), "output");
  }
};
struct dequantize : changes_type {
  static constexpr std::string_view name = "Dequantize";
  using params = no_params;
  using types = all_types<real_from<types::f32>, real_from<types::f16>>::type;
  static constexpr issue check(const context& c, const params&) { return scales_are_simple(c.in(0), "input"); }
};
struct convert : changes_type {
  static constexpr std::string_view name = "Convert";
  struct params {
    bool dynamic_input_data = false;  // QNN's hints that the data is not constant; they change nothing here
    bool dynamic_output_data = false;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  using types = all_types<converted_from<types::f32>, converted_from<types::f16>, converted_from<types::u8>,
                          converted_from<types::s8>, converted_from<types::u16>, converted_from<types::s16>,
                          converted_from<types::s32>, converted_from<types::i32>>::type;
  static constexpr issue check(const context& c, const params&) {
    if (issue e = scales_are_simple(c.in(0), "input")) return e;
    if (c.output_count == 0) return {};
    const bool fixed_both = is_fixed(c.in(0).type) && is_fixed(c.out(0).type);
    if (fixed_both && (c.in(0).enc.per_axis() || c.out(0).enc.per_axis()))
      return {errc::unsupported, "encodings", "scales per axis", "one scale for each side, or Dequantize and Quantize"};
    return scales_are_simple(c.out(0), "output");
  }
};
struct cast : changes_type {
  static constexpr std::string_view name = "Cast";
  using params = no_params;
  using types = all_types<cast_from<types::f32>, cast_from<types::f16>, cast_from<types::u8>, cast_from<types::s8>,
                          cast_from<types::u16>, cast_from<types::n8>, cast_from<types::i8>, cast_from<types::i32>,
                          cast_from<types::n32>, cast_from<types::i64>, cast_from<types::b8>>::type;
};

}  // namespace qnnx::inline QNNX_ABI::op
