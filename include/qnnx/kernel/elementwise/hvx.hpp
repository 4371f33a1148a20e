// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd of two 8-bit tensors of one shape with HVX under tflite, 128 elements at a time: as
// elementwise/armv7em_dsp.hpp. Other policies and shapes run the reference. Layer 5a.

#include "qnnx/kernel/elementwise/reference.hpp"
#include "qnnx/kernel/hexagon/hvx.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

namespace hvx {

/// divide_by_power(doubling_high_mul((q + offset) << 20, factor), right) of 32 words.
struct scaled_operand {
  vec offset, factor, half, sign;
  std::int32_t right;
  scaled_operand(const std::int32_t* k, std::int32_t zero_offset)
      : offset(splat(zero_offset)),
        factor(splat(k[0])),
        half(splat(k[1] < 0 ? 1 << (-k[1] - 1) : 0)),
        sign(splat(k[1] < 0 ? -1 : 0)),
        right(-k[1]) {}
  QNNX_INLINE vec operator()(vec q) const {
    const vec x = add(q, offset);
    const vec h = multiply_rounded(shift_left(x, 20), factor);
    return shift_right(add(add(h, half), bit_and(shift_right(x, 31), sign)), right);
  }
};

}  // namespace hvx

template <>
struct impl<op::elementwise_add, isa::hvx> : answers_as<op::elementwise_add> {
  template <class Sig>
  static constexpr bool supports =
      std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)> ||
      std::is_same_v<Sig, types::u8(types::u8, types::u8)> || std::is_same_v<Sig, types::s8(types::s8, types::s8)>;

  static constexpr bool takes_constants(const std::int32_t* k) {
    return k[1] <= 0 && k[1] > -31 && k[3] <= 0 && k[3] > -31 && k[5] < 0 && k[5] >= -20;
  }

  template <class Call>
  static void run(const Call& c) {
    const std::int32_t* k = c.constants() + 2;
    if (c.rounding().mode() != rounding_mode::tflite || !takes_constants(k) ||
        !(c.s.inputs[0].dims == c.s.inputs[1].dims))
      return reference::run(c);
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    constexpr std::int32_t above = is_signed ? 128 : 0;
    const auto* a = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    const auto* b = reinterpret_cast<const std::byte*>(c.template in<1>().data);
    auto* y = reinterpret_cast<std::byte*>(c.out().data);
    const hvx::scaled_operand first(k, c.s.inputs[0].q.offset), second(k + 2, c.s.inputs[1].q.offset);
    const std::int32_t right = -k[5];
    const hvx::vec factor = hvx::splat(k[4]);
    const hvx::vec plus = hvx::splat((1 << (right - 1)) + (c.s.outputs[0].q.zero() + above) * (1 << right));
    const hvx::vec low = hvx::splat_byte(c.constants()[0] + above), high = hvx::splat_byte(c.constants()[1] + above);
    const hvx::vec flip = hvx::splat_byte(above);
    for (auto n = static_cast<std::int32_t>(c.s.outputs[0].dims.size()); n > 0;
         n -= hvx::vector_bytes, a += hvx::vector_bytes, b += hvx::vector_bytes, y += hvx::vector_bytes) {
      const bool whole = n >= hvx::vector_bytes;
      const hvx::four x = hvx::widen<is_signed>(whole ? hvx::load(a) : hvx::load_part(a, n));
      hvx::four s = hvx::widen<is_signed>(whole ? hvx::load(b) : hvx::load_part(b, n));
      for (int j = 0; j < 4; ++j) {
        const hvx::vec sum = hvx::add(first(x.v[j]), second(s.v[j]));
        const hvx::vec h = hvx::add(hvx::multiply_rounded(sum, factor), hvx::shift_right(sum, 31));
        s.v[j] = hvx::shift_right(hvx::add(h, plus), right);
      }
      const hvx::vec q = hvx::narrow_interleaved(s.v[0], s.v[1], s.v[2], s.v[3]);
      hvx::put(y, hvx::bit_xor(hvx::least_bytes(hvx::greatest_bytes(q, low), high), flip), n);
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
