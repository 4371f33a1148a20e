// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd of two 16-bit tensors of one shape.
//   rne     a 64-bit sum of two products; half - 1 + the lowest kept bit is added before the shift, so that ties go to even
//   tflite  data without offset: as of 8 bits (elementwise/armv7em_dsp.hpp), shifted left by 15
// Layer 5a.

#include "qnnx/kernel/elementwise/armv7em_dsp.hpp"

#if QNNX_HAS_ARMV7EM_DSP
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::elementwise_add, isa::armv7em_dsp_mixed> : answers_as<op::elementwise_add> {
  template <class Sig>
  static constexpr bool supports =
      std::is_same_v<Sig, types::u16(types::u16, types::u16)> || std::is_same_v<Sig, types::s16(types::s16, types::s16)>;

  static constexpr bool takes(const node_facts& f, const params&) { return f.c.dims(0) == f.c.dims(1); }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (!(c.s.inputs[0].dims == c.s.inputs[1].dims)) return reference::run(c);
    using storage = typename Call::out_type::storage;
    const auto a = c.template in<0>();
    const auto b = c.template in<1>();
    const auto y = c.out();
    const storage *pa = a.data, *pb = b.data;
    storage* to = y.data;
    const std::int32_t oa = a.offset(), ob = b.offset(), zero = y.zero();
    const std::int32_t* k = c.constants() + 2;
    const std::int32_t lo = c.constants()[0], hi = c.constants()[1];
    const auto each = [&](auto&& f) {
      for (auto n = static_cast<std::int32_t>(y.size()); n > 0; --n) {
        std::int32_t q = f(std::int32_t{*pa++} + oa, std::int32_t{*pb++} + ob);
        q = q < lo ? lo : q;
        *to++ = static_cast<storage>(q > hi ? hi : q);
      }
    };
    // |a|, |b| < 2^16, products below 2^46: results behind 18 bits or more fit 32 bits
    if (c.rounding().mode() == rounding_mode::rne && k[6] >= 18 && k[6] <= 31) {
      const std::int32_t shift = k[6], ka = k[0], kb = k[2];
      const dsp::word half = (dsp::word{1} << (shift - 1)) - 1;
      each([&](std::int32_t va, std::int32_t vb) {
        std::int64_t sum = static_cast<std::int64_t>(va) * ka + static_cast<std::int64_t>(vb) * kb;
        sum += half + ((static_cast<dsp::word>(sum & 0xffffffff) >> shift) & 1u);
        const auto low = static_cast<dsp::word>(sum & 0xffffffff), high = static_cast<dsp::word>(sum >> 32);
        return static_cast<std::int32_t>(low >> shift | high << (32 - shift)) + zero;
      });
    } else if (c.rounding().mode() == rounding_mode::tflite && is_signed_fixed(Call::out_type::code) && oa == 0 &&
               ob == 0 && zero == 0 && k[1] <= 0 && k[1] > -31 && k[3] <= 0 && k[3] > -31 && k[5] < 0 && k[5] > -30) {
      const dsp::scaled_operand<15> fa(k), fb(k + 2);
      const std::int32_t factor = k[4], shift = -k[5], add = 1 << (shift - 1);
      each([&](std::int32_t va, std::int32_t vb) {
        const std::int32_t sum = fa(va) + fb(vb);
        return (dsp::smmlar(sum * 2, factor, add) + (sum >> 31)) >> shift;
      });
    } else {
      each([&](std::int32_t va, std::int32_t vb) {
        return add_quantized(va, vb, k, zero, lo, hi, 16, c.rounding());
      });
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
