// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd of two 8-bit tensors of one shape, in about 20 instructions an element.
//   tflite  each operand: h = round(2 (x << 20) m / 2^32), divided by a power of two, ties away from zero (not where
//           the power is 1); then the sum the same way (arm/finish.hpp has the reason that the operand's sign serves)
//   rne     the sum of products fits 32 bits; adding half - 1 + the lowest kept bit before the shift rounds ties to
//   even
// Layer 5a.

#include "qnnx/kernel/arm/dsp.hpp"
#include "qnnx/kernel/elementwise/reference.hpp"

#if QNNX_HAS_DSP_KERNELS
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

/// divide_by_power(doubling_high_mul(x << Left, m), right).
template <int Left = 20>
struct scaled_operand {
  std::int32_t factor, half, sign, right;
  explicit scaled_operand(const std::int32_t* k) : factor(k[0]), half(0), sign(0), right(-k[1]) {
    if (right > 0) half = 1 << (right - 1), sign = -1;
  }
  QNNX_INLINE std::int32_t operator()(std::int32_t x) const {
    return (smmlar(x * (1 << (Left + 1)), factor, half) + ((x >> 31) & sign)) >> right;
  }
};

}  // namespace dsp

template <>
struct impl<op::elementwise_add, isa::armv7em_dsp> : answers_as<op::elementwise_add> {
  template <class Sig>
  static constexpr bool supports =
      std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)> ||
      std::is_same_v<Sig, types::u8(types::u8, types::u8)> || std::is_same_v<Sig, types::s8(types::s8, types::s8)>;

  static constexpr bool takes(const node_facts& f, const params&) { return f.c.dims(0) == f.c.dims(1); }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (!(c.s.inputs[0].dims == c.s.inputs[1].dims)) return reference::run(c);
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const auto a = c.template in<0>();
    const auto b = c.template in<1>();
    const auto y = c.out();
    const auto* pa = a.data;
    const auto* pb = b.data;
    auto* to = y.data;
    const auto n = static_cast<std::int32_t>(y.size());
    const std::int32_t oa = a.offset(), ob = b.offset(), zero = y.zero();
    const std::int32_t* k = c.constants() + 2;
    const std::int32_t lo = c.constants()[0], hi = c.constants()[1];
    const auto store = [&](std::int32_t i, std::int32_t q) {
      q = q < lo ? lo : q;
      to[i] = static_cast<typename Call::out_type::storage>(q > hi ? hi : q);
    };
    if (c.rounding().mode() == rounding_mode::tflite && k[1] <= 0 && k[1] > -31 && k[3] <= 0 && k[3] > -31 &&
        k[5] < 0 && k[5] >= -20) {
      const dsp::scaled_operand<> fa(k), fb(k + 2);
      const std::int32_t factor = k[4], shift = -k[5], add = (1 << (shift - 1)) + zero * (1 << shift);
      for (std::int32_t i = 0; i < n; ++i) {
        const std::int32_t sum = fa(pa[i] + oa) + fb(pb[i] + ob);
        store(i, dsp::saturate8<is_signed>((dsp::smmlar(sum * 2, factor, add) + (sum >> 31)) >> shift));
      }
    } else if (c.rounding().mode() == rounding_mode::rne && k[6] >= 1 && k[6] <= 24) {
      const std::int32_t shift = k[6], half = (1 << (shift - 1)) - 1;
      for (std::int32_t i = 0; i < n; ++i) {
        const std::int32_t sum = (pa[i] + oa) * k[0] + (pb[i] + ob) * k[2];
        store(i, dsp::saturate8<is_signed>(((sum + half + ((sum >> shift) & 1)) >> shift) + zero));
      }
    } else {
      for (std::int32_t i = 0; i < n; ++i)
        store(i, add_quantized(pa[i] + oa, pb[i] + ob, k, zero, lo, hi, 8, c.rounding()));
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
