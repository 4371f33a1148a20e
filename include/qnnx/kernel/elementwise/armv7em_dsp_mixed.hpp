// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd and -Subtract of 16 bits, of one shape or with one operand repeated.
//   rne     a 64-bit sum of two products; half - 1 + the lowest kept bit is added before the shift, so that ties go to
//           even; half_up adds half
//   tflite  data without offset: as of 8 bits (elementwise/armv7em_dsp.hpp), shifted left by 15
// Layer 5a.

#include "qnnx/kernel/elementwise/armv7em_dsp.hpp"

#if QNNX_HAS_DSP_KERNELS
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

template <class Op>
struct sum_of_halves : sum_kernel<Op, sum_of_halves<Op>> {
  template <class Sig>
  static constexpr bool supports = is_pair_of_halves<Sig>;

  /// |a|, |b| < 2^16, products below 2^46: results behind 18 bits or more fit 32 bits.
  template <class Rounding>
  static constexpr bool words_fit(dtype t, const std::int32_t* k, std::int32_t oa, std::int32_t ob, std::int32_t oy, Rounding r) {
    if (r.mode() != rounding_mode::tflite) return k[6] >= 18 && k[6] <= 31;
    return is_signed_fixed(t) && oa == 0 && ob == 0 && oy == 0 && k[1] <= 0 && k[1] > -31 && k[3] <= 0 && k[3] > -31 &&
           k[5] < 0 && k[5] > -30;
  }
  template <class Rounding, class F>
  static QNNX_INLINE void with_sum(const std::int32_t* k, std::int32_t zero, Rounding r, F&& f) {
    constexpr std::int32_t sign = sum_of_halves::sign;
    if (r.mode() == rounding_mode::tflite) {
      const scaled_operand<15> fa(k), fb(k + 2);
      const std::int32_t factor = k[4], shift = -k[5], add = 1 << (shift - 1);
      f([=](std::int32_t x, std::int32_t z) {
        const std::int32_t sum = fa(x) + sign * fb(z);
        return (smmlar(sum * 2, factor, add) + (sum >> 31)) >> shift;
      });
      return;
    }
    const std::int32_t ka = k[0], kb = sign * k[2], shift = k[6];
    const word to_even = r.mode() == rounding_mode::rne ? 1 : 0, half = (word{1} << (shift - 1)) - to_even;
    f([=](std::int32_t x, std::int32_t z) {
      std::int64_t sum = static_cast<std::int64_t>(x) * ka + static_cast<std::int64_t>(z) * kb;
      sum += half + ((static_cast<word>(sum & 0xffffffff) >> shift) & to_even);
      const auto low = static_cast<word>(sum & 0xffffffff), high = static_cast<word>(sum >> 32);
      return static_cast<std::int32_t>(low >> shift | high << (32 - shift)) + zero;
    });
  }
};

}  // namespace dsp

template <>
struct impl<op::elementwise_add, isa::armv7em_dsp_mixed> : dsp::sum_of_halves<op::elementwise_add> {};
template <>
struct impl<op::elementwise_subtract, isa::armv7em_dsp_mixed> : dsp::sum_of_halves<op::elementwise_subtract> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
