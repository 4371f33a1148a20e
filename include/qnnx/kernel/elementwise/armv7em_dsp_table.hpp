// SPDX-License-Identifier: Apache-2.0
#pragma once
// One-operand functions of 8 bits by their table of 256 bytes: the activations, ElementWiseUnary and its forms, Lookup. Four
// elements a word, in some 18 instructions (the bytes of the reference's words stand in memory in their order).
// Layer 5a.

#include "qnnx/kernel/activation/reference.hpp"
#include "qnnx/kernel/arm/dsp.hpp"
#include "qnnx/kernel/elementwise/lookup.hpp"
#include "qnnx/kernel/elementwise/unary.hpp"

#if QNNX_HAS_DSP_KERNELS
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

/// y[i] = table[x[i] + 128], or table[x[i]] where x counts from 0.
struct byte_tables {
  template <bool Signed>
  static QNNX_INLINE void run(const std::uint8_t* table, const std::uint8_t* x, std::uint8_t* y, std::int32_t n) {
    constexpr word turn = Signed ? 0x80808080u : 0;
    for (; n >= 4; n -= 4, x += 4, y += 4) {
      const word v = load_word(x) ^ turn;
      const word r = word{table[v & 0xffu]} | word{table[(v >> 8) & 0xffu]} << 8 | word{table[(v >> 16) & 0xffu]} << 16 | word{table[v >> 24]} << 24;
      std::memcpy(y, &r, 4);
    }
    for (; n > 0; --n) *y++ = table[*x++ ^ (turn & 0xffu)];
  }
};

template <class Sig>
inline constexpr bool is_byte_to_byte = std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)>;

/// A function whose table is in the constants.
template <class Op, class Tables>
struct table_kernel : answers_as<Op> {
  template <class Sig>
  static constexpr bool supports = is_byte_to_byte<Sig>;

  template <class Call>
  static void run(const Call& c) {
    Tables::template run<is_signed_fixed(Call::out_type::code)>(
        reinterpret_cast<const std::uint8_t*>(c.constants()), reinterpret_cast<const std::uint8_t*>(c.template in<0>().data),
        reinterpret_cast<std::uint8_t*>(c.out().data), static_cast<std::int32_t>(c.out().size()));
  }
};
/// One whose table is an operand.
template <class Tables>
struct lookup_kernel : answers_as<op::lookup> {
  template <class Call>
  static void run(const Call& c) {
    Tables::template run<is_signed_fixed(Call::template in_type<0>::code)>(
        reinterpret_cast<const std::uint8_t*>(c.template in<1>().data), reinterpret_cast<const std::uint8_t*>(c.template in<0>().data),
        reinterpret_cast<std::uint8_t*>(c.out().data), static_cast<std::int32_t>(c.out().size()));
  }
};

}  // namespace dsp

template <class Op>
  requires neuron_op<Op> || unary_op<Op>
struct impl<Op, isa::armv7em_dsp> : dsp::table_kernel<Op, dsp::byte_tables> {};
template <>
struct impl<op::lookup, isa::armv7em_dsp> : dsp::lookup_kernel<dsp::byte_tables> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
